"""A name is resolved and an address answers within the limit, or one sentence says so."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator

import pytest
from paramiko.ssh_exception import NoValidConnectionsError

from carbon.errors import ConnectError
from remote.ssh import dial as dialing
from remote.ssh.dial import dial


@pytest.fixture
def listening() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_the_first_address_that_answers_counts(host: str, listening: int) -> None:
    """localhost may be ::1 first, where nothing listens."""
    dial(host, listening, timeout_seconds=5).close()


def test_a_resolver_that_does_not_answer_has_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    answer = threading.Event()

    def lookup(_host: str, _port: int, flags: int = 0) -> list[tuple[int, tuple[str, int]]]:
        if flags == socket.AI_NUMERICHOST:
            raise socket.gaierror
        answer.wait(10)
        return []

    monkeypatch.setattr(dialing, "_lookup", lookup)
    began = time.monotonic()
    with pytest.raises(ConnectError, match=r"worker1 was not resolved within 0\.2 s"):
        dial("worker1", 22, timeout_seconds=0.2)
    assert time.monotonic() - began < 5
    answer.set()


def test_a_name_that_cannot_be_is_like_one_that_is_not() -> None:
    with pytest.raises(socket.gaierror):
        dial("x" * 100 + ".invalid", 22, timeout_seconds=5)


def test_a_port_without_a_server_is_told_with_its_address() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        with pytest.raises(NoValidConnectionsError, match=f"port {port} on 127.0.0.1"):
            dial("127.0.0.1", port, timeout_seconds=5)
