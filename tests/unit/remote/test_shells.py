"""One shell runs script after script: what one leaves behind never reaches the next."""

from __future__ import annotations

import os
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from remote.script import Script
from remote.seam import Outcome
from remote.ssh.shells import Shells

SECONDS = 20.0


class LocalChannel:
    """What is used of `paramiko.Channel`, with a shell of this machine behind it."""

    out_max_packet_size = 32768

    def exec_command(self, command: str) -> None:
        pipe = subprocess.PIPE
        self._process = subprocess.Popen(
            ["sh", "-c", command], stdin=pipe, stdout=pipe, stderr=pipe, bufsize=0
        )

    def sendall(self, data: bytes) -> None:
        assert self._process.stdin
        self._process.stdin.write(data)

    def recv(self, size: int) -> bytes:
        assert self._process.stdout
        return os.read(self._process.stdout.fileno(), size)

    def recv_stderr(self, size: int) -> bytes:
        assert self._process.stderr
        return os.read(self._process.stderr.fileno(), size)

    def settimeout(self, _seconds: float | None) -> None:
        pass

    def exit_status_ready(self) -> bool:
        return self._process.poll() is not None

    @property
    def status_event(self) -> threading.Event:
        event = threading.Event()
        event.set()
        return event

    @property
    def exit_status(self) -> int:
        return self._process.wait(SECONDS)

    def close(self) -> None:
        assert self._process.stdin
        self._process.stdin.close()
        self._process.wait(SECONDS)
        for output in (self._process.stdout, self._process.stderr):
            assert output
            output.close()


class Host:
    """A connection to this machine, which counts its sessions."""

    def __init__(self, kind: type[LocalChannel] = LocalChannel) -> None:
        self._kind = kind
        self.channels: list[LocalChannel] = []
        transport: Any = self
        self._shells = Shells(lambda: transport)

    def open_session(self, timeout: float) -> LocalChannel:
        assert timeout > 0
        self.channels.append(self._kind())
        return self.channels[-1]

    def run(self, body: str, payload: bytes = b"", **fields: Any) -> Outcome:
        script = Body(name="hosts_read", **fields, values={"body": body})
        return self._shells.run(script, payload, timeout_seconds=SECONDS)


class Body(Script):
    """A script whose text is given."""

    def render(self) -> bytes:
        return str(self.values["body"]).encode()


class Unwelcome(LocalChannel):
    """A login that has no shell there."""

    def exec_command(self, _command: str) -> None:
        super().exec_command("echo 'This account is not available.'; exit 1")


@pytest.fixture
def host() -> Iterator[Host]:
    made = Host()
    yield made
    for channel in made.channels:
        channel.close()


def test_scripts_share_a_session_and_not_their_output(host: Host) -> None:
    assert host.run("printf one; printf oops >&2") == Outcome(0, b"one", b"oops")
    assert host.run("echo two") == Outcome(0, b"two\n", b"")
    assert len(host.channels) == 1


def test_scripts_share_no_variable_no_directory_and_no_mask(host: Host) -> None:
    host.run("cd /; umask 077; LEFT=behind; export LEFT; set -u")
    seen = host.run('echo "${LEFT-nothing} $(pwd) $(umask)"').out.decode().split()
    here = os.umask(0o022)
    os.umask(here)
    assert seen == ["nothing", str(Path.cwd()), f"{here:04o}"]


def test_any_bytes_come_back_as_they_are(host: Host) -> None:
    data = bytes(range(256)) * 100 + b"\n\n0123456789abcdef 0"
    assert host.run("cat", data).out == data


def test_a_script_without_a_payload_reads_nothing(host: Host) -> None:
    assert host.run("cat; echo done").out == b"done\n"
    assert host.run("echo next").out == b"next\n"


@pytest.mark.parametrize("size", [10, 300_000])
def test_a_payload_that_nobody_reads_is_no_command_and_disturbs_nobody(
    host: Host, tmp_path: Path, size: int
) -> None:
    payload = f"touch {tmp_path}/struck\n".encode() * (size // 10)
    assert host.run("echo unread", payload).out == b"unread\n"
    assert host.run("echo next").out == b"next\n"
    assert len(host.channels) == 1
    assert list(tmp_path.iterdir()) == []


def test_a_script_that_fails_tells_its_status_and_what_it_said(host: Host) -> None:
    assert host.run("echo why >&2; exit 7") == Outcome(7, b"", b"why\n")
    assert host.run("kill -KILL $$").status == 137
    assert host.run("echo next").out == b"next\n"


def test_the_text_of_a_script_that_could_not_begin_is_no_command(
    host: Host, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """sudo that refuses reads nothing: the whole text is left on the stream."""
    sudo = tmp_path / "sudo"
    sudo.write_text("#!/bin/sh\necho 'sudo: a password is required' >&2\nexit 1\n")
    sudo.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    struck = tmp_path / "struck"
    refused = host.run(f"touch {struck}\n" * 50, run_as="wso2")
    assert refused == Outcome(1, b"", b"sudo: a password is required\n")
    assert host.run("echo next").out == b"next\n"
    assert len(host.channels) == 2, "the first shell was given up"
    assert not struck.exists()


def test_the_limit_is_the_servers_own(host: Host) -> None:
    assert host.run("sleep 60", limit_seconds=0.1).status == 124


def test_a_shell_that_ended_meanwhile_is_replaced(host: Host) -> None:
    host.run("echo one")
    process = host.channels[0]._process
    process.kill()
    process.wait(SECONDS)
    assert host.run("echo two").out == b"two\n"


def test_a_shell_that_ends_under_a_script_is_an_error(host: Host) -> None:
    """The script may have done anything: its outcome is not known."""
    with pytest.raises(EOFError):
        host.run("kill -KILL $PPID; sleep 0.1")


def test_a_login_that_gets_no_shell_is_told_in_the_servers_own_words() -> None:
    host = Host(Unwelcome)
    assert host.run("echo hello") == Outcome(1, b"This account is not available.\n", b"")
    host.channels[0].close()


def test_a_wait_for_a_line_has_no_end_of_the_logins_own(
    host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where sh is bash, an exported TMOUT would end the shell between two scripts."""
    monkeypatch.setenv("TMOUT", "1")
    assert host.run('echo "${TMOUT-none}"').out == b"none\n"
