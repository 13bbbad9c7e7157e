"""The sessions of one connection: sshd allows only so many at once."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable

import paramiko

from carbon.errors import ConnectError, refuse
from remote.run.threads import all_or_errors, parallel
from remote.ssh.errors import translated
from remote.ssh.limits import left


class Sessions:
    """Opens a connection's sessions. What was demanded before is there already."""

    def __init__(self, transport: Callable[[], paramiko.Transport]) -> None:
        self._transport = transport
        self._spare: list[paramiko.Channel] = []

    def demand(self, host: str, count: int, *, timeout_seconds: float) -> None:
        """Open so many sessions at once, for those who open one next.

        Raises ConnectError, of code "sessions" if sshd allows no more.
        """
        deadline = time.monotonic() + timeout_seconds

        def open_session(_number: int) -> None:
            with translated(host, "sessions", limit_seconds=timeout_seconds):
                self._spare.append(self._opened(deadline))

        errors = all_or_errors(parallel(range(count), open_session))[1]
        if errors:
            self.close_spare()
        refuse(errors[:1])

    def open(self, deadline: float) -> paramiko.Channel:
        """Return a session for one command. Raises TimeoutError at the deadline, ConnectError."""
        with contextlib.suppress(IndexError):
            channel = self._spare.pop()
            if not channel.closed:
                return channel
        return self._opened(deadline)

    def close_spare(self) -> None:
        """Close those that nobody took."""
        with contextlib.suppress(IndexError):
            while True:
                self._spare.pop().close()

    def _opened(self, deadline: float) -> paramiko.Channel:
        """Open a session. Paramiko gives the reason of a refusal to whichever thread asks first."""
        transport = self._transport()
        try:
            return transport.open_session(timeout=left(deadline))
        except paramiko.SSHException as error:
            if str(error).startswith("Timeout"):
                raise TimeoutError from error
            refused = isinstance(error, paramiko.ChannelException) or transport.is_active()
            if not refused:
                raise
            raise ConnectError(
                "its sshd opens no further session on this connection",
                code="sessions",
                action="set MaxSessions to 10, its default, in sshd_config there, or remove the"
                " line",
            ) from error
