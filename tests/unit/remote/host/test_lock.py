"""The lock of a server: one run holds it, and it goes with its run."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from threading import Lock

import pytest

from carbon.errors import LockedError, ScriptError
from remote.host.lock import locked
from tests.unit.remote.conftest import ORPHAN
from tests.unit.remote.local_server import LocalServer
from tests.waiting import wait_for

SECONDS = 10.0
Hold = Callable[..., AbstractContextManager[None]]


@pytest.fixture
def hold(server: LocalServer) -> Hold:
    """Hold the lock for a block, as a run of that name."""

    def hold(
        run: str = "run1", *, break_lock: bool = False, wait_seconds: float = SECONDS
    ) -> AbstractContextManager[None]:
        return locked(
            server,
            run=run,
            verb="deploy",
            run_as=None,
            break_lock=break_lock,
            timeout_seconds=wait_seconds,
        )

    return hold


def ticks(pid: int) -> str:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19]


def test_a_lock_is_there_for_the_block_and_says_who_holds_it(hold: Hold, lock_path: Path) -> None:
    with hold():
        assert "since 2" in str(lock_path.readlink())
        assert "for `deploy` run=run1 client=" in str(lock_path.readlink())
    assert not lock_path.is_symlink()


def test_a_lock_goes_with_a_block_that_fails(hold: Hold, lock_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), hold():
        raise ZeroDivisionError
    assert not lock_path.is_symlink()


def test_another_run_is_refused_in_the_words_of_the_holder(hold: Hold, lock_path: Path) -> None:
    with hold("run1"):
        text = str(lock_path.readlink())
        with pytest.raises(LockedError) as failure, hold("run2"):
            pass
        assert text.partition(" run=")[0] in failure.value.seen
        assert "pid=" not in failure.value.seen and "client=" not in failure.value.seen
        assert str(lock_path.readlink()) == text, "the holder keeps it"


def test_two_nodes_of_one_server_share_the_lock_of_a_run(hold: Hold, lock_path: Path) -> None:
    with hold("run1"):
        with hold("run1"):
            pass
        assert lock_path.is_symlink(), "the first one still holds it"
    assert not lock_path.is_symlink()


@pytest.mark.parametrize(
    "text",
    [
        "op@desk since then for `deploy` run=dead pid=999999999 ticks=1",
        f"op@desk since then for `deploy` run=dead pid={os.getpid()} ticks=1",
        "nonsense",
        "run=run pid= ticks=",
        'op\'s $(desk) since "then"',
    ],
    ids=["no such process", "another process by now", "nonsense", "no pid", "quotes"],
)
def test_a_lock_whose_holder_is_gone_is_cleared(hold: Hold, lock_path: Path, text: str) -> None:
    """Its pid may be a stranger's by now: the moment of its start tells them apart."""
    lock_path.symlink_to(text)
    with hold("run2"):
        assert "run=run2" in str(lock_path.readlink())
    assert not lock_path.is_symlink()


def test_a_lock_whose_holder_lives_gives_way_only_to_break_lock(
    hold: Hold, lock_path: Path
) -> None:
    pid = os.getpid()
    lock_path.symlink_to(f"op@desk since then for `deploy` run=other pid={pid} ticks={ticks(pid)}")
    with pytest.raises(LockedError, match="op@desk since then for `deploy`"), hold("run2"):
        pass
    with hold("run2", break_lock=True):
        assert "run=run2" in str(lock_path.readlink())


@pytest.mark.parametrize("directory", [False, True])
def test_what_is_no_lock_is_named_and_left_alone(
    hold: Hold, lock_path: Path, directory: bool
) -> None:
    if directory:
        lock_path.mkdir()
    else:
        lock_path.write_text("data")
    with pytest.raises(ScriptError, match="neither taken nor cleared") as failure, hold():
        pass
    assert f"remove {lock_path.parent.with_suffix('')}.*" in failure.value.action
    assert lock_path.is_dir() == directory


def test_a_lock_names_what_ends_with_the_connection(hold: Hold, lock_path: Path) -> None:
    """Over SSH it is sshd, here this process."""
    with hold("run1"):
        assert f" client={os.getpid()}.{ticks(os.getpid())} pid=" in str(lock_path.readlink())


def test_a_lock_of_a_lost_run_is_waited_for_while_its_shell_is_at_work(
    hold: Hold, lock_path: Path
) -> None:
    with subprocess.Popen(["cat"], stdin=subprocess.PIPE) as shell:
        lock_path.symlink_to(lost_lock(shell.pid))
        see_it_taken_after_the_end_of(shell, hold)


def see_it_taken_after_the_end_of(process: subprocess.Popen[bytes], hold: Hold) -> None:
    """See that another run waits for the lock, end the process, and see it taken then."""

    def take() -> bool:
        with hold("run2"):
            return process.poll() is not None

    with ThreadPoolExecutor(1) as pool:
        taking = pool.submit(take)
        assert process.stdin
        with pytest.raises(TimeoutError):
            taking.result(0.3)
        process.stdin.close()
        process.wait(SECONDS)
        assert taking.result(SECONDS), "it was taken before that had ended"


def test_a_lost_run_whose_shell_does_not_end_is_named_and_keeps_its_lock(
    hold: Hold, lock_path: Path
) -> None:
    with subprocess.Popen(["cat"], stdin=subprocess.PIPE) as shell:
        text = lost_lock(shell.pid)
        lock_path.symlink_to(text)
        said = rf"its script shell is still at work \(pid {shell.pid}\)"
        with pytest.raises(LockedError, match=said), hold("run2", wait_seconds=1.0):
            pass
        assert str(lock_path.readlink()) == text


def lost_lock(pid: int) -> str:
    """Return the text of a lock whose client is gone."""
    return (
        f"op@desk since then for `deploy` run=lost client=999999999.1 pid={pid} ticks={ticks(pid)}"
    )


def test_a_run_that_locks_again_at_once_holds_it_again(
    server: LocalServer, hold: Hold, lock_path: Path
) -> None:
    """On the same connection, where another shell is there already."""
    for _ in range(10):
        with hold("run1"), hold("run1"):
            pass
        assert not lock_path.is_symlink(), "released is gone"
    assert set(server.ran) == {"lock"}


def test_a_lock_within_a_lock_of_the_same_run_does_not_end_it(hold: Hold, lock_path: Path) -> None:
    with hold("run1"):
        with hold("run1"):
            pass
        assert lock_path.is_symlink()
    assert not lock_path.is_symlink()


def test_the_lock_is_in_a_directory_that_only_the_account_can_write(
    hold: Hold, lock_path: Path
) -> None:
    lock_path.parent.rmdir()
    with hold():
        assert lock_path.parent.stat().st_mode & 0o777 == 0o700
        assert lock_path.is_symlink()


@pytest.mark.parametrize("kind", ["link", "owner"])
def test_a_directory_that_a_stranger_put_there_is_named_and_nothing_is_done(
    hold: Hold, lock_path: Path, tmp_path: Path, kind: str
) -> None:
    if kind == "link":
        lock_path.parent.rename(tmp_path / "strangers")
        lock_path.parent.symlink_to(tmp_path / "strangers")
    elif os.geteuid() == 0:
        os.chown(lock_path.parent, 65534, 65534)
    else:
        pytest.skip("only root can give a directory away")
    with pytest.raises(ScriptError, match="not a directory of this account"), hold():
        pass


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can start a process of somebody else")
def test_a_process_of_somebody_else_that_looks_like_a_script_holds_nothing_up(hold: Hold) -> None:
    argv = [
        "setpriv",
        "--reuid=65534",
        "--clear-groups",
        "sh",
        "-c",
        "read -r _",
        f"provision:{ORPHAN}",
    ]
    with subprocess.Popen(argv, stdin=subprocess.PIPE) as process:
        wait_for("it runs", lambda: Path(f"/proc/{process.pid}").stat().st_uid == 65534)
        with hold("run2", wait_seconds=1.0):
            pass


@pytest.mark.parametrize("word", ["held", "shared"])
def test_no_text_of_a_link_is_taken_for_the_answer(hold: Hold, lock_path: Path, word: str) -> None:
    """Whoever put it there, with a line end in it."""
    pid = os.getpid()
    lock_path.symlink_to(f"op\n{word} run=x pid={pid} ticks={ticks(pid)}")
    with pytest.raises((LockedError, ScriptError)), hold("run2"):
        pass
    assert lock_path.is_symlink()


@pytest.mark.parametrize("name", ["SIGTERM", "SIGHUP"])
def test_a_lock_goes_with_the_shell_that_holds_it(hold: Hold, lock_path: Path, name: str) -> None:
    with hold("run1"):
        shell = int(str(lock_path.readlink()).partition(" pid=")[2].split()[0])
        os.kill(shell, signal.Signals[name])
        wait_for("the lock is gone", lambda: not lock_path.is_symlink())


def test_a_lock_that_another_run_holds_by_now_is_not_taken_away(
    hold: Hold, lock_path: Path
) -> None:
    """Somebody broke it: what ends then is not the holder."""
    with hold("run1"):
        lock_path.unlink()
        lock_path.symlink_to("op@desk since then for `deploy` run=run2 client=1.1 pid=1 ticks=1")
    assert lock_path.is_symlink()


@contextmanager
def orphan() -> Iterator[subprocess.Popen[bytes]]:
    """Have a script at work whose run is gone; it ends with its input."""
    argv = ["sh", "-c", "read -r _", f"provision:{ORPHAN}"]
    with subprocess.Popen(argv, stdin=subprocess.PIPE) as process:
        yield process


def test_what_a_lost_run_is_still_at_is_waited_for(hold: Hold) -> None:
    with orphan() as process:
        see_it_taken_after_the_end_of(process, hold)


def test_what_does_not_end_in_time_is_named_and_the_lock_given_back(
    hold: Hold, lock_path: Path
) -> None:
    with (
        orphan(),
        pytest.raises(LockedError, match=rf"its script {ORPHAN} is still at work \(pid \d+\)"),
        hold("run2", wait_seconds=1.0),
    ):
        pass
    assert not lock_path.is_symlink()


def test_who_breaks_a_lock_does_not_wait_for_what_a_lost_run_is_at(hold: Hold) -> None:
    """A machine that vanished without a word leaves scripts that would wait for it for ever."""
    with orphan() as process:
        began = time.monotonic()
        with hold("run2", break_lock=True, wait_seconds=30.0):
            assert time.monotonic() - began < 10
        assert process.wait(5) < 0


def test_of_many_runs_that_find_a_dead_lock_one_wins_at_a_time(hold: Hold, lock_path: Path) -> None:
    """Two that clear it must not both hold it afterwards."""
    inside = Lock()
    held: list[int] = []

    def attempt(number: int) -> None:
        try:
            with hold(f"run{number}"):
                assert inside.acquire(blocking=False), "two runs hold the lock at once"
                held.append(number)
                time.sleep(0.05)
                inside.release()
        except LockedError:
            pass

    for _ in range(3):
        lock_path.symlink_to("op@desk since then for `deploy` run=dead pid=999999999 ticks=1")
        with ThreadPoolExecutor(6) as pool:
            list(pool.map(attempt, range(6)))
        assert not lock_path.is_symlink()
    assert len(held) >= 3
