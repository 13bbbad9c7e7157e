"""Draining: the script that waits until no request is in flight, in a real shell."""

from __future__ import annotations

import socket
import subprocess
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from carbon.home.sockets import proc_net_forms
from remote.host.script import Script
from tests.unit.remote.local_server import LocalServer


def drain(*, old: tuple[str, ...] = (), address: str = "", limit_seconds: int = 10) -> Script:
    return Script(
        name="balancer_drain",
        values={
            "old": old,
            "addresses": " ".join(proc_net_forms(address)),
            "limit_seconds": limit_seconds,
        },
    )


@contextmanager
def old_process() -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    """Run a process that ends when its input does, and name it as the scripts do."""
    with subprocess.Popen(["cat"], stdin=subprocess.PIPE) as process:
        stat = Path(f"/proc/{process.pid}/stat").read_text()
        yield process, f"{process.pid}.{stat.rpartition(') ')[2].split()[19]}"


@contextmanager
def connection() -> Iterator[str]:
    """Hold one connection open, and return the address that it leads to."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        host, port = listening.getsockname()
        with socket.create_connection((host, port)):
            yield f"{host}:{port}"


def test_it_waits_for_nginxs_old_processes(server: LocalServer) -> None:
    """They may hold requests of which no connection to the worker is open yet."""
    with old_process() as (process, name), closing(server.stream(drain(old=(name,)))) as stream:
        assert stream.line(within_seconds=5) == "open 0"
        assert process.poll() is None
        process.communicate()
        assert stream.line(within_seconds=5) == "drained"


def test_a_process_with_the_number_of_an_old_one_is_not_waited_for(server: LocalServer) -> None:
    with (
        old_process() as (process, _),
        closing(server.stream(drain(old=(f"{process.pid}.1",)))) as stream,
    ):
        assert stream.line(within_seconds=5) == "drained"


def test_where_no_process_is_known_the_connections_tell(server: LocalServer) -> None:
    with connection() as address:
        stream = server.stream(drain(address=address))
        assert stream.line(within_seconds=5) == "open 1"
    with closing(stream):
        assert stream.line(within_seconds=5) == "drained"


def test_at_the_limit_it_says_how_many_are_open(server: LocalServer) -> None:
    with (
        connection() as address,
        closing(server.stream(drain(address=address, limit_seconds=0))) as stream,
    ):
        assert stream.line(within_seconds=5) == "limit 1"
        assert stream.line(within_seconds=5) is None
