"""The seam: everything that this tool can do to a server, in eight operations.

`remote.ssh` implements it over Fabric; tests implement it with a local shell. Nothing
else in the project touches a server.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from typing import Protocol

from carbon.errors import PrivilegeError, ProvisionError, ScriptError, UnfitError
from carbon.home.facts import Reach
from carbon.value import Value
from remote.host.exit_status import ExitStatus
from remote.host.script import Script

__all__ = ["Held", "Outcome", "Reach", "Reading", "Server", "Sink", "Stream"]


_PROGRAM = re.compile(
    r"provision:\w+: (?:line )?(?:\d+: )?(?:eval: )?(?P<shell>.+: .+)"
    r"|(?!sudo: )(?P<program>[\w./-]+: .+: .+)"
)
"""What the shell or a program says of a failure: `cp: cannot create x: Permission denied`."""


class Outcome(Value):
    """What a script left behind: exit status and both outputs, as bytes."""

    status: int
    out: bytes
    err: bytes

    @property
    def complaint(self) -> str:
        """The last line that the script wrote to stderr, for an error message.

        If that is the script's own sentence, what a program wrote right before it is the cause.
        """
        lines = [line.strip() for line in self.err.decode(errors="replace").strip().splitlines()]
        if not lines:
            return f"it ended with status {self.status}"
        sentence = lines[-1]
        cause = _PROGRAM.fullmatch(lines[-2]) if len(lines) > 1 else None
        if cause is None or _PROGRAM.fullmatch(sentence):
            return sentence
        return f"{sentence}: {cause['shell'] or cause['program']}"

    def check(self, *, host: str, step: str, remedy: str = "") -> None:
        """Raise in the script's own words unless it succeeded.

        `remedy` says what to do about a failure whose status says nothing more. Raises
        UnfitError, PrivilegeError or ScriptError; remote/scripts/README.md lists the statuses.
        """
        match self.status:
            case ExitStatus.DONE:
                return
            case ExitStatus.CHANGED:
                kind: type[ProvisionError] = UnfitError
                action = "run the same command again: it reads the server anew"
            case ExitStatus.NOT_NOW:
                kind, action = ScriptError, f"see `fab -H {host} status` for what it does now"
            case ExitStatus.SUDO_REFUSED:
                kind, action = PrivilegeError, f"install what `fab -H {host} sudoers` prints"
            case _:
                kind, action = ScriptError, "remove the cause; then run the same command again"
                action = remedy or action
        raise kind(self.complaint, host=host, step=step, action=action)


class Held(Value, kw_only=True):
    """What a script left behind that lasts until it is released, or its connection is lost."""

    outcome: Outcome
    release: Callable[[], None]
    """End the shell that the script ran in, unless something else is held in it, and wait until it
    has done what the script left for then."""


Sink = Callable[[str | None], None]


class Stream(Protocol):
    """A script that goes on running on the server, read line by line."""

    def line(self, *, within_seconds: float) -> str | None:
        """Return the next line without its end, None at the end of the output.

        Raises TimeoutError when none has come within `within_seconds`.
        """
        ...

    def tell(self, *lines: str) -> None:
        """Send lines to a script that reads its standard input.

        One that has ended takes nothing, and its output ends.
        """
        ...

    @property
    def ended(self) -> bool:
        """Tell whether the script is known to have ended, in whatever way."""
        ...

    def status(self, *, within_seconds: float) -> int | None:
        """Return the exit status of a script that has ended by itself.

        None if it has not ended within `within_seconds`, or ended with its connection.
        """
        ...

    def close(self) -> None:
        """End the script: its stdin is closed, which every streaming script watches."""
        ...


class Reading(Protocol):
    """A script whose output is bytes, taken as they come."""

    def __iter__(self) -> Iterator[bytes]:
        """Yield the output, piece by piece, to its end."""
        ...

    def outcome(self) -> Outcome:
        """Return how the script ended, once all its output was taken; `out` is empty."""
        ...

    def close(self) -> None:
        """End the script where it has not ended; safe to call twice."""
        ...


class Server(Protocol):
    """One server of the inventory, entered over SSH."""

    @property
    def name(self) -> str:
        """Its name in hosts.yaml."""
        ...

    def run(
        self, script: Script, *, payload: bytes | Iterable[bytes] = b"", timeout_seconds: float
    ) -> Outcome:
        """Run a script to its end; a payload is its standard input.

        The limit counts anew from each piece of a payload that comes in pieces. A script may
        end before it has read its payload: its outcome tells why.
        Raises ConnectError when the connection breaks, TimeLimitError at the limit, and
        PrivilegeError when sudo refuses. Any exit status is the caller's to judge.
        """
        ...

    def hold(self, script: Script, *, timeout_seconds: float) -> Held:
        """Run a script to its end, and its `at_end` when that is released or the connection lost.

        Where the connection is lost while another script is at work there, after that. Raises as
        `run` does.
        """
        ...

    def stream(
        self, script: Script, *, sink: Sink | None = None, errors: Sink | None = None
    ) -> Stream:
        """Start a script whose output is read while it runs.

        With a `sink`, lines go there as they come (from another thread), None at the end, so
        that several streams can be waited for at once. `errors` gets the lines of stderr.
        """
        ...

    def read(self, script: Script, *, payload: bytes = b"", stall_seconds: float) -> Reading:
        """Start a script whose output is taken as it comes, while its payload is written.

        Raises TimeLimitError when nothing has come for `stall_seconds`, and as `run` does.
        """
        ...

    def reach(self, host: str, port: int, *, timeout_seconds: float) -> Reach:
        """Try a TCP connection from the server to `host:port`."""
        ...

    def ask(self, host: str, port: int, question: bytes, *, timeout_seconds: float) -> bytes:
        """Send bytes from the server to `host:port` and return the first line of the answer.

        Empty where none comes in time.
        """
        ...

    def demand_sessions(self, count: int, *, timeout_seconds: float) -> None:
        """Open so many further sessions at once; the next steps use them.

        Raises ConnectError if its sshd does not open them, and TimeLimitError.
        """
        ...

    def close(self) -> None:
        """Close the connection; safe to call twice."""
        ...
