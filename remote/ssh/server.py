"""One server over a Fabric connection."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
import time
from collections.abc import Iterable
from typing import Any

import paramiko
from fabric import Connection

from carbon.errors import ConnectError, PrivilegeError
from remote.host.script import OPENING, Script
from remote.host.server import Held, Outcome, Reach, Reading, Sink, Stream
from remote.ssh.channels import (
    AfterOpening,
    ChannelReading,
    ChannelStream,
    execute,
    exit_status,
    read,
    sent,
)
from remote.ssh.errors import LOST, refuse_sudo_failure, translated
from remote.ssh.limits import LEAST_UPLOAD, Inbox, Pace, left
from remote.ssh.sessions import Sessions
from remote.ssh.shells import Shells
from remote.ssh.sudo import give_sudo_its_password

_AT_ONCE = struct.pack("ii", 1, 0)
"""SO_LINGER on, for no time: the other side gets a reset."""
_LONGEST_LINE = 65536


class FabricServer:
    """One server over a Fabric connection: the production side of `remote.seam.Server`."""

    def __init__(
        self,
        name: str,
        connection: Connection,
        *,
        sudo_password: str | None = None,
        begin_seconds: float,
        least_upload: float = LEAST_UPLOAD,
    ) -> None:
        self.name = name
        self._connection = connection
        self._sudo_password = sudo_password
        self._tunnels = threading.Lock()
        """Paramiko keeps why a channel was refused for whichever thread asks first."""
        self._begin_seconds = begin_seconds
        """How long a script that then goes on running may take to begin."""
        self._least_upload = least_upload
        """Bytes in a second, over each `begin_seconds`."""
        self._sessions = Sessions(self._transport)
        self._shells = Shells(self._sessions, sudo_password=sudo_password, pace=self._pace)

    def run(
        self, script: Script, *, payload: bytes | Iterable[bytes] = b"", timeout_seconds: float
    ) -> Outcome:
        with translated(self.name, script.name, limit_seconds=timeout_seconds):
            asks = script.calls_sudo and self._sudo_password is not None
            if isinstance(payload, bytes) and not asks:
                outcome = self._shells.run(script, payload, timeout_seconds=timeout_seconds)
            else:
                outcome = self._run_alone(script, payload, timeout_seconds)
        refuse_sudo_failure(self.name, script, outcome)
        return outcome

    def hold(self, script: Script, *, timeout_seconds: float) -> Held:
        with translated(self.name, script.name, limit_seconds=timeout_seconds):
            held = self._shells.hold(script, timeout_seconds=timeout_seconds)
        try:
            refuse_sudo_failure(self.name, script, held.outcome)
        except PrivilegeError:
            held.release()
            raise
        return held

    def _run_alone(
        self, script: Script, payload: bytes | Iterable[bytes], timeout_seconds: float
    ) -> Outcome:
        """Run a script on a channel of its own."""
        channel = self._begin(script, time.monotonic() + timeout_seconds)
        try:
            deadline = time.monotonic() + timeout_seconds
            pace = self._pace()
            for chunk in (payload,) if isinstance(payload, bytes) else payload:
                if not sent(channel, chunk, timeout_seconds, pace):
                    break
                deadline = time.monotonic() + timeout_seconds
            channel.shutdown_write()
            receive = AfterOpening(Inbox(channel, channel.recv).until(deadline))
            out = read(receive)
            err = read(Inbox(channel, channel.recv_stderr).until(deadline))
            status = exit_status(channel, deadline)
            receive.demand_begun(status)
            return Outcome(status, out, err)
        finally:
            channel.close()

    def stream(
        self, script: Script, *, sink: Sink | None = None, errors: Sink | None = None
    ) -> Stream:
        with translated(self.name, script.name, limit_seconds=self._begin_seconds):
            channel = self._begin(script, time.monotonic() + self._begin_seconds)
            return ChannelStream(channel, sink=sink, errors=errors)

    def read(self, script: Script, *, payload: bytes = b"", stall_seconds: float) -> Reading:
        with translated(self.name, script.name, limit_seconds=stall_seconds):
            channel = self._begin(script, time.monotonic() + stall_seconds)
        channel.settimeout(stall_seconds)
        return ChannelReading(self.name, script, channel, payload=payload)

    def reach(self, host: str, port: int, *, timeout_seconds: float) -> Reach:
        try:
            self._tunnel(host, port, timeout_seconds).close()
        except paramiko.ChannelException as error:
            return "forbidden" if error.code == 1 else "refused"
        except paramiko.SSHException:
            return "silent"
        return "open"

    def ask(self, host: str, port: int, question: bytes, *, timeout_seconds: float) -> bytes:
        answer = b""
        deadline = time.monotonic() + timeout_seconds
        with (
            contextlib.suppress(*LOST),
            contextlib.closing(self._tunnel(host, port, timeout_seconds)) as channel,
        ):
            channel.settimeout(left(deadline))
            channel.sendall(question)
            while b"\n" not in answer and len(answer) < _LONGEST_LINE:
                channel.settimeout(left(deadline))
                part = channel.recv(4096)
                if not part:
                    break
                answer += part
        return answer.partition(b"\n")[0].rstrip(b"\r")

    def demand_sessions(self, count: int, *, timeout_seconds: float) -> None:
        self._sessions.demand(self.name, count, timeout_seconds=timeout_seconds)

    def close(self) -> None:
        self._connection.close()

    def cut(self) -> None:
        """Lose the connection as a network does: no farewell, no flush (tests/faults)."""
        transport: paramiko.Transport | None = self._connection.transport
        if transport is None:
            return
        sock: Any = transport.sock
        with contextlib.suppress(AttributeError, OSError):  # a gateway's channel has no options
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _AT_ONCE)
            sock.shutdown(socket.SHUT_RD)  # who reads from it wakes up
        sock.close()
        transport.join(timeout=5.0)

    def _pace(self) -> Pace:
        return Pace(bytes_per_second=self._least_upload, window_seconds=self._begin_seconds)

    def _transport(self) -> paramiko.Transport:
        transport: paramiko.Transport | None = self._connection.transport
        if transport is None or not transport.is_active():
            raise ConnectError(
                "the connection is gone",
                host=self.name,
                action="run the same command again: it continues from what it finds",
            )
        return transport

    def _tunnel(self, host: str, port: int, timeout_seconds: float) -> paramiko.Channel:
        with self._tunnels:
            return self._transport().open_channel(
                "direct-tcpip", (host, port), ("127.0.0.1", 0), timeout=timeout_seconds
            )

    def _begin(self, script: Script, deadline: float) -> paramiko.Channel:
        text = script.render()  # of this many bytes, behind the opening
        uses_sudo = script.calls_sudo or script.run_as is not None
        password = self._sudo_password if uses_sudo else None
        command = script.command(len(text), asks=password is not None)
        channel = self._sessions.open(deadline)
        try:
            execute(channel, command, deadline)
            if password is not None:
                give_sudo_its_password(
                    channel, step=script.name, password=password, deadline=deadline
                )
            sent(channel, OPENING + text, left(deadline))  # not all of it if sudo refuses at once
            channel.settimeout(None)
        except BaseException:
            channel.close()
            raise
        return channel
