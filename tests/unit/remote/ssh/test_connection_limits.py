"""No wait for a server is without a limit, whatever it does not answer."""

from __future__ import annotations

import ast
import re
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import paramiko
import pytest
from fabric import Connection

from carbon.cluster import Limits
from carbon.errors import TimeLimitError
from remote.host.script import Script
from remote.ssh.errors import translated
from remote.ssh.server import FabricServer

ROOT = Path(__file__).resolve().parents[4]
LOOK = Script(name="hosts_read")


class Mute(paramiko.ServerInterface):
    """An SSH server that lets everyone in and stops answering at one request."""

    def __init__(self, hangs_at: str) -> None:
        self._hangs_at = hangs_at
        self.free = threading.Event()

    def _answer(self, request: str) -> None:
        if request == self._hangs_at:
            self.free.wait(10)

    def check_auth_none(self, _username: str) -> int:
        return paramiko.AUTH_SUCCESSFUL

    def check_channel_request(self, _kind: str, _number: int) -> int:
        self._answer("session")
        return paramiko.OPEN_SUCCEEDED

    def check_channel_exec_request(self, _channel: paramiko.Channel, _command: bytes) -> bool:
        self._answer("command")
        return True


@pytest.fixture(scope="module")
def host_key() -> paramiko.PKey:
    return paramiko.ECDSAKey.generate()


@pytest.fixture(params=["session", "command", "nothing"])
def mute(request: pytest.FixtureRequest, host_key: paramiko.PKey) -> Iterator[FabricServer]:
    """A server that answers up to a request, and is silent from then on."""
    ours, its = socket.socketpair()
    behind = paramiko.Transport(its)
    behind.add_server_key(host_key)
    silent = Mute(request.param)
    behind.start_server(event=threading.Event(), server=silent)
    connection = Connection("mute")
    connection.transport = paramiko.Transport(ours)
    connection.transport.start_client(timeout=5)
    connection.transport.auth_none("deploy")
    yield FabricServer("mute", connection, begin_seconds=0.3)
    silent.free.set()
    connection.transport.close()
    behind.close()


def test_a_script_that_is_run_ends_at_its_limit(mute: FabricServer) -> None:
    """Silent to the session, to the command, or when its output is awaited."""
    began = time.monotonic()
    with pytest.raises(TimeLimitError, match=r"no answer within 0\.3 s"):
        mute.run(LOOK, timeout_seconds=0.3)
    assert time.monotonic() - began < 5


def test_a_script_that_is_followed_begins_within_its_limit_or_not_at_all(
    mute: FabricServer, request: pytest.FixtureRequest
) -> None:
    began = time.monotonic()
    if request.node.callspec.params["mute"] == "nothing":
        with pytest.raises(TimeoutError):
            mute.stream(LOOK).line(within_seconds=0.3)
    else:
        with pytest.raises(TimeLimitError, match=r"no answer within 0\.3 s"):
            mute.stream(LOOK)
    assert time.monotonic() - began < 5


def test_every_remedy_that_raises_a_limit_names_which() -> None:
    """An operator who is told of `limits:` alone has to guess among seven."""
    names = "|".join(Limits.__annotations__).replace("_seconds", "")
    files = [path for room in ("carbon", "remote", "tasks") for path in (ROOT / room).rglob("*.py")]
    texts = [
        node.value
        for path in files
        for node in ast.walk(ast.parse(path.read_bytes()))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    ]
    sentences = [
        match[0] for text in texts for match in re.finditer(r"\braise [^.;]*limit[^.;]*", text)
    ]
    assert sentences
    for remedy in sentences:
        assert re.search(rf"`limits: ({names}|$)", remedy), remedy


def test_a_time_limit_says_which_limit_it_was() -> None:
    for limit in ("connect", "command"):
        with pytest.raises(TimeLimitError) as late, translated("a", "x", limit=limit):
            raise TimeoutError
        assert f"raise `limits: {limit}` in hosts.yaml" in late.value.action
