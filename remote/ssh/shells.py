"""Shells that stay: one runs script after script.

A session for each would cost its server some 5 ms of CPU, and both sides a dozen packets.
"""

from __future__ import annotations

import contextlib
import secrets
import shlex
import threading
import time
from collections.abc import Callable, Iterator

import paramiko

from remote.script import Script
from remote.seam import Outcome
from remote.ssh.channels import execute, exit_status, left, opened_session, sent

_LOOP = (
    'unset TMOUT; read -r mark; while read -r word line && [ "$word" = "$mark" ]; do'
    r' eval "$line"; status=$?; printf "\n%s %s\n" "$mark" $status;'
    r' printf "\n%s %s\n" "$mark" $status >&2; done'
)
"""Ends at a line that does not begin with the mark: what an earlier script left unread is never
taken for a command."""
COMMAND = f"exec sh -c {shlex.quote(_LOOP)} provision:shell"
_STATUS_BYTES = 8
"""What follows the mark at the end of an output is no longer."""


class Shell:
    """A shell on a channel of its own, which runs one script after another.

    Both outputs of a script end in a mark that nobody on the server can know beforehand.
    """

    def __init__(self, channel: paramiko.Channel) -> None:
        self._channel = channel
        self._mark = secrets.token_hex(16).encode()
        self._greeting = self._mark + b"\n"

    @property
    def alive(self) -> bool:
        """Tell whether it can still be given a script, as far as is known here."""
        return not self._channel.exit_status_ready()  # which tells of a closed one, too

    def run(self, script: Script, payload: bytes, *, timeout_seconds: float) -> Outcome:
        """Run a script to its end; the limit counts from when its payload is sent.

        Raises what the channel raises; no other script may follow then.
        """
        text = script.render()
        line = script.line(len(text), len(payload)).encode()
        data = b"".join((self._greeting, self._mark, b" ", line, b"\n", text, payload))
        self._greeting = b""
        sent(self._channel, data, timeout_seconds)  # not all of it where the login ends at once
        deadline = time.monotonic() + timeout_seconds
        out, status = self._output(self._channel.recv, deadline)
        err, _ = self._output(self._channel.recv_stderr, deadline)
        if status is None:
            status = self._own_status(deadline)
        return Outcome(status, out, err)

    def close(self) -> None:
        """End it; a script that it runs goes on to its end. Safe to call twice."""
        with contextlib.suppress(OSError, EOFError, paramiko.SSHException):
            self._channel.close()

    def _own_status(self, deadline: float) -> int:
        """Return how the shell itself ended, as where a login is given no shell."""
        status = exit_status(self._channel, deadline)
        if status == 0:
            raise EOFError("the login ended by itself before the script did")
        return status

    def _output(self, receive: Callable[[int], bytes], deadline: float) -> tuple[bytes, int | None]:
        """Return what a script wrote, and the status that stands behind the mark, if one came."""
        end = b"\n" + self._mark + b" "
        came = bytearray()
        while True:
            self._channel.settimeout(left(deadline))
            part = receive(1 << 20)
            if not part:
                return bytes(came), None
            came += part
            at = came.rfind(end, max(0, len(came) - len(end) - _STATUS_BYTES))
            if at >= 0 and came.endswith(b"\n"):
                return bytes(came[:at]), int(came[at + len(end) :])


class Shells:
    """The shells of one connection: as many as scripts run on it at the same time."""

    def __init__(self, transport: Callable[[], paramiko.Transport]) -> None:
        self._transport = transport
        self._free: list[Shell] = []
        self._guard = threading.Lock()

    def run(self, script: Script, payload: bytes, *, timeout_seconds: float) -> Outcome:
        """Run a script in a shell that is free, or in a new one."""
        with self._one(time.monotonic() + timeout_seconds) as shell:
            outcome = shell.run(script, payload, timeout_seconds=timeout_seconds)
            if outcome.status == 0 or script.run_as is None:
                self._give_back(shell)  # unless sudo refused, which leaves the text unread
            else:
                shell.close()
            return outcome

    @contextlib.contextmanager
    def _one(self, deadline: float) -> Iterator[Shell]:
        transport = self._transport()
        with self._guard:
            shell = self._free.pop() if self._free else None
        if shell is None or not shell.alive:
            channel = opened_session(transport, deadline)
            shell = Shell(channel)
            execute(channel, COMMAND, deadline)
        try:
            yield shell
        except BaseException:
            shell.close()
            raise

    def _give_back(self, shell: Shell) -> None:
        with self._guard:
            self._free.append(shell)
