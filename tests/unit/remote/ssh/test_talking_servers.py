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
def talking(
    host_key: paramiko.PKey, talk: Talk, *, window_bytes: int = 1 << 21, **how: float
) -> Iterator[FabricServer]:
    ours, its = socket.socketpair()
    behind = paramiko.Transport(its, default_window_size=window_bytes)
    behind.add_server_key(host_key)
    talker = Talker(talk)
    behind.start_server(event=threading.Event(), server=talker)
    connection = Connection("talker")
    connection.transport = paramiko.Transport(ours)
    connection.transport.start_client(timeout=5)
    connection.transport.auth_none("deploy")
    try:
        yield FabricServer("talker", connection, **{"begin_seconds": 5.0} | how)
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


def slow_reader(channel: paramiko.Channel) -> None:
    while channel.recv(4096):
        time.sleep(0.05)


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


@pytest.mark.parametrize("pieces", [False, True], ids=["shell", "own channel"])
def test_an_upload_of_too_few_bytes_a_second_ends_with_what_was_done(
    host_key: paramiko.PKey, pieces: bool
) -> None:
    """Some 80 kB/s keep each packet's own limit, and 16 MB would take minutes."""
    payload = itertools.repeat(bytes(MEGABYTE), 16) if pieces else bytes(16 * MEGABYTE)
    how = {"begin_seconds": SECONDS, "least_upload": 1e6}
    with talking(host_key, slow_reader, window_bytes=1 << 15, **how) as server:
        began = time.monotonic()
        with pytest.raises(TimeLimitError, match=r"took 0\.\d MB .* less than 1000 kB/s") as caught:
            server.run(LOOK, payload=payload, timeout_seconds=60)
        assert time.monotonic() - began < 10
    assert (caught.value.host, caught.value.step) == ("talker", "hosts_read")
    assert "`upload`" in caught.value.action


def upload(kb_per_second: float, *, megabytes: float, pause_seconds: float = 0.0) -> None:
    """Send so much in packets, with a pause once, to a server that has 60 s for 10 kB/s each."""
    pace = limits.Pace(bytes_per_second=limits.LEAST_UPLOAD, window_seconds=60)
    packet = 32_000
    for number in range(int(megabytes * 1e6 / packet)):
        pause = pause_seconds if number == 100 else 0.0
        pace.took(packet, within_seconds=packet / (1000 * kb_per_second) + pause)


def test_a_slow_honest_line_is_not_ended_however_long_it_takes() -> None:
    upload(100, megabytes=300)
    upload(12, megabytes=300)
    upload(100, megabytes=300, pause_seconds=45)


def test_a_line_below_the_floor_is_ended() -> None:
    with pytest.raises(TimeLimitError, match=r"in the last 6\d s less than 10 kB/s"):
        upload(9, megabytes=300)


def test_a_server_that_waits_for_another_one_is_not_blamed() -> None:
    """Between two pieces, what is to come may be slow; only the time of the sending counts."""
    pace = limits.Pace(bytes_per_second=limits.LEAST_UPLOAD, window_seconds=60)
    for _ in range(1000):
        pace.took(1, within_seconds=0.0)
