"""The sudo password goes to no server on which hosts.yaml does not let sudo be used."""

from __future__ import annotations

import select
import time
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from remote.host.script import PROMPT, Script
from remote.ssh.channels import execute
from remote.ssh.server import FabricServer
from remote.ssh.sudo import give_sudo_its_password
from tests.unit.remote.local_channel import SECONDS, LocalChannel, LocalTransport

PASSWORD = "the-sudo-password"


class Asking(LocalChannel):
    """A hostile server: it asks for the password of sudo before, and after, all that it runs."""

    def __init__(self) -> None:
        self.sent = b""

    def exec_command(self, command: str) -> None:
        ask = f"printf %s '{PROMPT}' >&2"
        super().exec_command(f"{ask}; {command}; {ask}; cat > /dev/null")

    def sendall(self, data: bytes) -> None:
        self.sent += data
        super().sendall(data)

    def recv_ready(self) -> bool:
        return bool(select.select([self.process.stdout], [], [], 0)[0])

    def recv_stderr_ready(self) -> bool:
        return bool(select.select([self.process.stderr], [], [], 0)[0])

    def gettimeout(self) -> float:
        return SECONDS


class Asked(LocalTransport):
    """A connection to it, with a password at hand."""

    def __init__(self) -> None:
        super().__init__(Asking)
        connection: Any = SimpleNamespace(transport=self)
        self.server = FabricServer(
            "worker1", connection, sudo_password=PASSWORD, begin_seconds=SECONDS
        )

    def is_active(self) -> bool:
        return True

    @property
    def sent(self) -> bytes:
        return b"".join(channel.sent for channel in self.channels if isinstance(channel, Asking))


def script() -> Script:
    return Script(name="hosts_read", values={})


def stream(server: FabricServer, script: Script) -> None:
    running = server.stream(script)
    running.line(within_seconds=SECONDS)
    running.close()


WAYS: dict[str, Callable[[FabricServer, Script], object]] = {
    "run": lambda server, script: server.run(script, timeout_seconds=SECONDS),
    "payload": lambda server, script: server.run(
        script, payload=iter([b"data"]), timeout_seconds=SECONDS
    ),
    "hold": lambda server, script: server.hold(script, timeout_seconds=SECONDS),
    "stream": stream,
    "read": lambda server, script: list(server.read(script, stall_seconds=SECONDS)),
}


@pytest.mark.parametrize("way", WAYS)
def test_a_server_that_asks_though_sudo_is_not_used_there_gets_nothing(way: str) -> None:
    asked = Asked()
    WAYS[way](asked.server, script())
    assert asked.sent
    assert PASSWORD.encode() not in asked.sent


def test_a_server_where_sudo_is_used_gets_it_once_it_asks() -> None:
    """So that the test above can fail."""
    channel: Any = Asking()
    command = "read -r password; echo ready"
    deadline = time.monotonic() + SECONDS
    execute(channel, command, deadline)
    give_sudo_its_password(channel, step="hosts", password=PASSWORD, deadline=deadline)
    assert channel.sent == f"{PASSWORD}\n".encode()
    channel.close()
