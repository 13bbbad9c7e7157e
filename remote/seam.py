"""The seam: everything that this tool can do to a server, in five operations.

`remote.connection` implements it over Fabric; tests implement it with a local shell. Nothing
else in the project touches a server.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Literal, Protocol

from remote.script import Script

Reach = Literal["open", "refused", "silent", "forbidden"]
"""What a TCP connection tried from a server met; `forbidden`: sshd does not let us try."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a script left behind: exit status and both outputs, as bytes."""

    status: int
    out: bytes
    err: bytes

    @property
    def complaint(self) -> str:
        """The last line that the script wrote to stderr, for an error message."""
        lines = self.err.decode(errors="replace").strip().splitlines()
        return lines[-1].strip() if lines else f"it ended with status {self.status}"


Sink = Callable[[str | None], None]


class Stream(Protocol):
    """A script that goes on running on the server, read line by line."""

    def line(self, *, timeout_seconds: float) -> str | None:
        """Return the next line without its end, None at the end of the output.

        Raises TimeoutError when none has come within `timeout_seconds`.
        """
        ...

    def close(self) -> None:
        """End the script: its stdin is closed, which every streaming script watches."""
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

        Raises ConnectError when the connection breaks, TimeLimitError at the limit, and
        PrivilegeError when sudo refuses. Any exit status is the caller's to judge.
        """
        ...

    def stream(self, script: Script, *, sink: Sink | None = None) -> Stream:
        """Start a script whose output is read while it runs.

        With a `sink`, lines go there as they come (from another thread), None at the end, so
        that several streams can be waited for at once.
        """
        ...

    def reach(self, host: str, port: int, *, timeout_seconds: float) -> Reach:
        """Try a TCP connection from the server to `host:port`."""
        ...

    def close(self) -> None:
        """Close the connection; safe to call twice."""
        ...
