"""A server that talks and talks neither fills the memory nor outlives its limit."""

from __future__ import annotations

import itertools
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress

import paramiko
import pytest
from fabric import Connection

from carbon.errors import ConnectError, ScriptError, TimeLimitError
from remote.host.script import BEGIN, Script
from remote.ssh import limits
from remote.ssh.channels import ChannelStream
from remote.ssh.server import FabricServer

LOOK = Script(name="hosts_read")
SECONDS = 0.5
MEGABYTE = 1 << 20
Talk = Callable[[paramiko.Channel], None]


class Talker(paramiko.ServerInterface):
    """Lets everyone in, and talks from its first command to the end of the connection."""

    def __init__(self, talk: Talk) -> None:
        self._talk = talk
        self.threads: list[threading.Thread] = []

    def check_auth_none(self, _username: str) -> int:
        return paramiko.AUTH_SUCCESSFUL

    def check_channel_request(self, _kind: str, _number: int) -> int:
        return paramiko.OPEN_SUCCEEDED

    def check_channel_exec_request(self, channel: paramiko.Channel, _command: bytes) -> bool:
        self.threads.append(threading.Thread(target=self._go_on, args=(channel,)))
        self.threads[-1].start()
        return True

    def _go_on(self, channel: paramiko.Channel) -> None:
        with suppress(OSError, EOFError, paramiko.SSHException):
            self._talk(channel)


@pytest.fixture(scope="module")
def host_key() -> paramiko.PKey:
    return paramiko.ECDSAKey.generate()


@contextmanager
def talking(host_key: paramiko.PKey, talk: Talk) -> Iterator[FabricServer]:
    ours, its = socket.socketpair()
    behind = paramiko.Transport(its)
    behind.add_server_key(host_key)
    talker = Talker(talk)
    behind.start_server(event=threading.Event(), server=talker)
    connection = Connection("talker")
    connection.transport = paramiko.Transport(ours)
    connection.transport.start_client(timeout=5)
    connection.transport.auth_none("deploy")
    try:
        yield FabricServer("talker", connection, begin_seconds=5)
    finally:
        connection.transport.close()
        behind.close()
        for thread in talker.threads:
            thread.join(timeout=5)


def endless(start: bytes) -> Talk:
    def talk(channel: paramiko.Channel) -> None:
        channel.sendall(start)
        while True:
            channel.sendall(b"x" * 32768)

    return talk


def dripping(start: bytes) -> Talk:
    def talk(channel: paramiko.Channel) -> None:
        channel.sendall(start)
        while True:
            channel.sendall(b"x")
            time.sleep(0.001)

    return talk


def dripping_complaint(channel: paramiko.Channel) -> None:
    while True:
        channel.sendall_stderr(b"x")
        time.sleep(0.001)


PAYLOADS = pytest.mark.parametrize("payload", [b"", [b"piece"]], ids=["shell", "own channel"])


@PAYLOADS
@pytest.mark.parametrize(
    "talk",
    [dripping(b""), dripping(BEGIN), dripping_complaint],
    ids=["greeting", "answer", "complaint"],
)
def test_a_byte_now_and_then_keeps_no_limit_alive(
    host_key: paramiko.PKey, talk: Talk, payload: bytes | list[bytes]
) -> None:
    with talking(host_key, talk) as server:
        began = time.monotonic()
        with pytest.raises(TimeLimitError):
            server.run(LOOK, payload=payload, timeout_seconds=SECONDS)
        assert time.monotonic() - began < 5


@PAYLOADS
def test_an_answer_has_a_length(
    host_key: paramiko.PKey, payload: bytes | list[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "ANSWER_BYTES", MEGABYTE)
    with talking(host_key, endless(BEGIN)) as server:
        with pytest.raises(ScriptError, match="longer than 1 MB") as caught:
            server.run(LOOK, payload=payload, timeout_seconds=60)
        assert (caught.value.host, caught.value.step) == ("talker", "hosts_read")


@PAYLOADS
def test_a_greeting_has_a_length(host_key: paramiko.PKey, payload: bytes | list[bytes]) -> None:
    with talking(host_key, endless(b"")) as server, pytest.raises(ConnectError, match="login"):
        server.run(LOOK, payload=payload, timeout_seconds=60)


def test_a_byte_now_and_then_is_a_stall(host_key: paramiko.PKey) -> None:
    with talking(host_key, dripping(BEGIN)) as server:
        began = time.monotonic()
        with (
            closing(server.read(LOOK, stall_seconds=SECONDS)) as reading,
            pytest.raises(TimeLimitError),
        ):
            for _ in reading:
                pass
        assert time.monotonic() - began < 5


def test_lines_that_nobody_reads_are_not_taken(host_key: paramiko.PKey) -> None:
    """The server has to wait; what it sent already is read in order later."""
    sent: list[int] = []

    def talk(channel: paramiko.Channel) -> None:
        channel.sendall(BEGIN)
        for number in itertools.count():
            channel.sendall(b"%d %s\n" % (number, b"x" * 30000))
            sent.append(number)

    with talking(host_key, talk) as server, closing(server.stream(LOOK)) as stream:
        assert isinstance(stream, ChannelStream)
        before = -1
        while before != len(sent):
            before = len(sent)
            time.sleep(0.3)
        assert before * 30000 < 16 * MEGABYTE
        numbers = [(stream.line(within_seconds=5) or "").split()[0] for _ in range(200)]
        assert numbers == [str(number) for number in range(200)]
