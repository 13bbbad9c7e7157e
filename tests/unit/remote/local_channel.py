"""What is used of Paramiko's transports and channels, with shells of this machine behind them."""

from __future__ import annotations

import contextlib
import os
import subprocess
import threading
from typing import Any

SECONDS = 20.0


class LocalChannel:
    """What is used of `paramiko.Channel`, with a shell of this machine behind it."""

    out_max_packet_size = 32768
    fails_to_answer = False

    def exec_command(self, command: str) -> None:
        pipe = subprocess.PIPE
        self.process = subprocess.Popen(
            ["sh", "-c", command], stdin=pipe, stdout=pipe, stderr=pipe, bufsize=0
        )

    def sendall(self, data: bytes) -> None:
        assert self.process.stdin
        self.process.stdin.write(data)

    def send(self, data: bytes) -> int:
        self.sendall(data)
        return len(data)

    def recv(self, size: int) -> bytes:
        if self.fails_to_answer:
            raise TimeoutError
        assert self.process.stdout
        return os.read(self.process.stdout.fileno(), size)

    def recv_stderr(self, size: int) -> bytes:
        assert self.process.stderr
        return os.read(self.process.stderr.fileno(), size)

    def settimeout(self, _seconds: float | None) -> None:
        pass

    def exit_status_ready(self) -> bool:
        return self.process.poll() is not None

    @property
    def status_event(self) -> threading.Event:
        event = threading.Event()
        event.set()
        return event

    @property
    def exit_status(self) -> int:
        return self.process.wait(SECONDS)

    def shutdown_write(self) -> None:
        assert self.process.stdin
        with contextlib.suppress(BrokenPipeError):
            self.process.stdin.close()

    def close(self) -> None:
        self.shutdown_write()
        self.process.wait(SECONDS)
        for output in (self.process.stdout, self.process.stderr):
            assert output
            output.close()


class LocalTransport:
    """A connection to this machine, which counts its sessions."""

    def __init__(self, kind: type[LocalChannel] = LocalChannel) -> None:
        self._kind = kind
        self.channels: list[LocalChannel] = []

    def as_transport(self) -> Any:
        """Return itself, in the place of what it stands in for."""
        return self

    def open_session(self, timeout: float) -> LocalChannel:
        assert timeout > 0
        self.channels.append(self._kind())
        return self.channels[-1]
