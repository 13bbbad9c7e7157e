"""One shell runs script after script: what one leaves behind never reaches the next."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import paramiko
import pytest

from carbon.errors import ConnectError
from remote.host.script import Script
from remote.host.server import Held, Outcome
from remote.ssh.server import FabricServer
from remote.ssh.sessions import Sessions
from remote.ssh.shells import Shells
from tests.unit.remote.local_channel import SECONDS, LocalChannel, LocalTransport
from tests.waiting import wait_for


class Host:
    """A connection to this machine."""

    def __init__(self, kind: type[LocalChannel] = LocalChannel) -> None:
        self._transport = LocalTransport(kind)
        self._shells = Shells(Sessions(self._transport.as_transport))

    @property
    def channels(self) -> list[LocalChannel]:
        return self._transport.channels

    def run(self, body: str, payload: bytes = b"", **fields: Any) -> Outcome:
        script = Body(name="hosts_read", **fields, values={"body": body})
        return self._shells.run(script, payload, timeout_seconds=SECONDS)

    def hold(self, body: str, *, at_end: str, **fields: Any) -> Held:
        script = Body(name="hosts_read", **fields, at_end=at_end, values={"body": body})
        return self._shells.hold(script, timeout_seconds=SECONDS)


class Body(Script):
    """A script whose text is given."""

    def render(self) -> bytes:
        return str(self.values["body"]).encode()


class Unwelcome(LocalChannel):
    """A login that has no shell there."""

    def exec_command(self, _command: str) -> None:
        super().exec_command("echo 'This account is not available.'; exit 1")


class Greeting(LocalChannel):
    """A login whose ~/.bashrc prints lines, to both outputs."""

    def exec_command(self, command: str) -> None:
        super().exec_command(f"echo Welcome; echo 'No line' 'break here' >&2; {command}")


class Asking(LocalChannel):
    """A login whose ~/.bashrc asks something."""

    def exec_command(self, command: str) -> None:
        super().exec_command(f"read -r answer; {command}")


class Echoing(LocalChannel):
    """A login script that puts a program in the place of the shell, which prints what it reads."""

    def exec_command(self, _command: str) -> None:
        super().exec_command("echo welcome; exec cat")


class OtherShell(LocalChannel):
    """A login whose ~/.bashrc ends in another shell, which takes its input for commands."""

    def exec_command(self, _command: str) -> None:
        super().exec_command("exec sh")


@pytest.fixture
def host() -> Iterator[Host]:
    made = Host()
    yield made
    for channel in made.channels:
        channel.close()


class Full(paramiko.Transport):
    """A connection on which sshd opens no further session (MaxSessions)."""

    def __init__(self) -> None: ...

    def __repr__(self) -> str:
        return "full"

    def open_session(self, *_: object, **__: object) -> paramiko.Channel:
        raise paramiko.ChannelException(2, "open failed")


def test_a_server_that_opens_no_further_session_is_told_with_its_setting() -> None:
    script = Body(name="hosts_read", values={"body": "true"})
    with pytest.raises(ConnectError, match="no further session") as caught:
        Shells(Sessions(Full)).run(script, b"", timeout_seconds=SECONDS)
    assert caught.value.code == "sessions"
    assert "MaxSessions" in caught.value.action


class Counting(paramiko.Transport):
    """A connection whose sshd opens so many sessions at the same time, and no more."""

    def __init__(self, most: int) -> None:
        self.most = most
        self.open = 0
        self._guard = threading.Lock()

    def __repr__(self) -> str:
        return "counting"

    def is_active(self) -> bool:
        return True

    def open_session(self, *_: object, **__: object) -> Any:
        with self._guard:
            if self.open >= self.most:
                raise paramiko.SSHException("Unable to open channel.")  # another thread has why
            self.open += 1
            self.last = CountedSession(self._close)
            return self.last

    def _close(self) -> None:
        with self._guard:
            self.open -= 1


@dataclass
class CountedSession:
    """What is known of one of them."""

    on_close: Callable[[], None]
    closed: bool = False

    def close(self) -> None:
        self.closed = True
        self.on_close()


def server_with(transport: paramiko.Transport) -> FabricServer:
    connection: Any = SimpleNamespace(transport=transport)
    return FabricServer("worker1", connection, begin_seconds=SECONDS)


@pytest.mark.parametrize("most", [0, 1, 2])
def test_too_few_sessions_are_known_before_they_are_needed(most: int) -> None:
    transport = Counting(most)
    server = server_with(transport)
    with pytest.raises(ConnectError, match="no further session") as caught:
        server.demand_sessions(3, timeout_seconds=SECONDS)
    assert (caught.value.host, caught.value.code) == ("worker1", "sessions")
    assert transport.open == 0


def test_a_session_that_was_demanded_is_there_for_who_needs_one_next() -> None:
    """The check before a stop costs a rollout nothing: what it opens is used."""
    transport = Counting(3)
    sessions = Sessions(lambda: transport)
    sessions.demand("worker1", 3, timeout_seconds=SECONDS)
    for _ in range(3):
        sessions.open(time.monotonic() + SECONDS)
    assert transport.open == 3


def test_a_demanded_session_that_its_server_closed_is_opened_anew() -> None:
    transport = Counting(3)
    sessions = Sessions(lambda: transport)
    sessions.demand("worker1", 1, timeout_seconds=SECONDS)
    transport.last.close()
    assert not sessions.open(time.monotonic() + SECONDS).closed


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
    process = host.channels[0].process
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


def test_what_a_login_script_prints_is_no_part_of_an_answer() -> None:
    host = Host(Greeting)
    assert host.run("echo one").out == b"one\n"
    assert host.run("echo two").out == b"two\n"
    host.channels[0].close()


@pytest.mark.parametrize("kind", [Asking, OtherShell, Echoing])
def test_a_login_script_that_takes_what_is_sent_is_named_and_runs_nothing_of_it(
    kind: type[LocalChannel], tmp_path: Path
) -> None:
    host = Host(kind)
    with pytest.raises(ConnectError, match="a login script of the account") as failure:
        host.run(f"touch {tmp_path}/ran")
    assert "`ssh HOST true` must print nothing" in failure.value.action
    assert not (tmp_path / "ran").exists()
    host.channels[0].close()


def test_a_wait_for_a_line_has_no_end_of_the_logins_own(
    host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where sh is bash, an exported TMOUT would end the shell between two scripts."""
    monkeypatch.setenv("TMOUT", "1")
    assert host.run('echo "${TMOUT-none}"').out == b"none\n"


# ---- What is held until a shell ends


@pytest.fixture
def in_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_what_is_held_lasts_until_it_is_released_and_others_run_in_its_shell(
    host: Host, in_folder: Path
) -> None:
    held = host.hold(": > kept; echo taken", at_end="rm -f kept")
    assert held.outcome == Outcome(0, b"taken\n", b"")
    assert host.run("ls").out == b"kept\n"
    assert len(host.channels) == 1
    held.release()
    assert list(in_folder.iterdir()) == []
    assert host.run("echo next").out == b"next\n", "in a shell of its own"


def test_scripts_run_in_the_shell_that_holds_something_if_it_is_free(
    host: Host, in_folder: Path
) -> None:
    """So a lock lasts as long as a script that its lost client had begun."""
    host.hold("echo $PPID > holder", at_end="rm -f holder")
    with ThreadPoolExecutor(2) as pool:  # two at once: a second shell is opened, and free last
        short = pool.submit(host.run, "until [ -e second ]; do sleep 0.01; done")
        wait_for("the first is at work", lambda: short.running())
        pool.submit(host.run, ": > second; until [ -e end ]; do sleep 0.01; done")
        short.result(SECONDS)
        (in_folder / "end").touch()
    assert len(host.channels) == 2
    holder = (in_folder / "holder").read_bytes()
    assert [host.run("echo $PPID").out for _ in range(2)] == [holder, holder]


@pytest.mark.parametrize("lost", ["its input ends", "SIGTERM", "SIGHUP"])
def test_what_is_held_goes_with_the_connection(host: Host, in_folder: Path, lost: str) -> None:
    host.hold(": > kept", at_end="rm -f kept")
    process = host.channels[0].process
    if lost.startswith("SIG"):
        process.send_signal(signal.Signals[lost])
    else:
        assert process.stdin
        process.stdin.close()
    process.wait(SECONDS)
    assert list(in_folder.iterdir()) == []


def test_what_is_held_outlasts_a_script_that_is_still_at_work(host: Host, in_folder: Path) -> None:
    """Its connection is lost meanwhile, and nobody takes what the shell says of it."""
    host.hold(": > kept", at_end="rm -f kept")
    process = host.channels[0].process
    with ThreadPoolExecutor(1) as pool:
        pool.submit(host.run, ": > begun; while [ ! -e go ]; do sleep 0.01; done; ls > seen")
        wait_for("it is at work", (in_folder / "begun").exists)
        assert process.stdin
        process.stdin.close()
        (in_folder / "go").touch()
    process.wait(SECONDS)
    assert "kept" in (in_folder / "seen").read_text().split()
    assert not (in_folder / "kept").exists()


def test_a_script_that_gets_no_answer_in_time_does_not_end_what_is_held(
    host: Host, in_folder: Path
) -> None:
    """The run still clears up then, and must be alone on the server."""
    held = host.hold(": > kept", at_end="rm -f kept")
    host.channels[0].fails_to_answer = True
    with pytest.raises(TimeoutError):
        host.run("echo lost")
    assert host.run("ls").out == b"kept\n"
    assert len(host.channels) == 2
    held.release()
    assert list(in_folder.iterdir()) == []


def test_what_was_released_is_gone_and_other_shells_stay(host: Host, in_folder: Path) -> None:
    with ThreadPoolExecutor(2) as pool:  # at once: two shells
        list(pool.map(host.run, ["sleep 0.1"] * 2))
    for _ in range(10):
        host.hold(": > kept", at_end="sleep 0.05; rm -f kept").release()
        assert not (in_folder / "kept").exists()


def test_what_is_held_twice_is_released_twice(host: Host, in_folder: Path) -> None:
    first, second = (host.hold(": > kept", at_end="rm -f kept") for _ in range(2))
    assert len(host.channels) == 1
    second.release()
    assert host.run("ls").out == b"kept\n"
    first.release()
    assert list(in_folder.iterdir()) == []


def test_a_script_that_fails_holds_nothing(host: Host, in_folder: Path) -> None:
    held = host.hold(": > kept; exit 3", at_end="rm -f kept")
    assert held.outcome.status == 3
    held.release()
    assert (in_folder / "kept").exists()


def test_the_end_of_a_shell_knows_it_by_its_number_and_who_ends_with_the_connection(
    host: Host, in_folder: Path
) -> None:
    held = host.hold('echo "$SHELL_PID $CLIENT_PID"', at_end="echo $$ > told")
    process = host.channels[0].process
    assert held.outcome.out.decode().split() == [str(process.pid), str(os.getpid())]
    held.release()
    assert (in_folder / "told").read_text() == f"{process.pid}\n"


def test_each_account_has_its_shells_and_sudo_is_asked_once(
    host: Host, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sudo = tmp_path / "sudo"
    sudo.write_text(f'#!/bin/sh\necho "$3" >> {tmp_path}/asked\nshift 4\nBY=wso2 exec "$@"\n')
    sudo.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    for _ in range(3):
        assert host.run('echo "${BY-login}"', run_as="wso2").out == b"wso2\n"
        assert host.run('echo "${BY-login}"').out == b"login\n"
    assert (tmp_path / "asked").read_text() == "wso2\n"
    client = host.hold('echo "$CLIENT_PID"', at_end=":", run_as="wso2").outcome.out
    assert int(client) == os.getpid(), "that of the connection, not sudo"
