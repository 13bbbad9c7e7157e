"""Commands of the operator: how they end, and that nothing of them is left."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from threading import Timer

import pytest

from carbon.cluster import LocalCommand
from remote.local import command
from remote.local.command import LAST_LINES, MOST_LINES, Finished, run_local
from remote.local.failure import describe_end
from remote.run.interrupt import deferred
from tests.waiting import wait_for


def run(text: str, folder: Path, *, seconds: float = 20, **options: object) -> Finished:
    options.setdefault("environment", {})
    asked = LocalCommand(text=text, within_seconds=seconds)
    return run_local(asked, folder=folder, **options)  # type: ignore[arg-type]


def test_it_runs_in_the_folder_of_hosts_yaml_with_its_variables(tmp_path: Path) -> None:
    environment = {"PROVISION_HOST": "worker1"}
    ended = run('pwd; echo "$PROVISION_HOST" >&2', tmp_path, environment=environment)
    assert ended.succeeded
    assert ended.last == (str(tmp_path), "worker1")


def test_each_line_is_shown_as_it_comes(tmp_path: Path) -> None:
    """The command waits for a file that only who has seen its first line makes."""
    seen: list[str] = []

    def show(line: str) -> None:
        seen.append(line)
        (tmp_path / "seen").touch()

    ended = run("echo first; until [ -e seen ]; do sleep 0.05; done", tmp_path, show=show)
    assert (ended.succeeded, seen) == (True, ["first"])


def test_nobody_can_be_asked_for_anything(tmp_path: Path) -> None:
    """Its standard input is at its end, and no terminal is its own."""
    ended = run("cat; (: < /dev/tty) 2>/dev/null && echo asks; true", tmp_path)
    assert (ended.succeeded, ended.last) == (True, ())


@pytest.mark.parametrize("trap", ["", "trap '' TERM;"])
def test_at_its_limit_it_ends_with_its_children(
    tmp_path: Path, trap: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also if they heed no SIGTERM."""
    monkeypatch.setattr(command, "GRACE_SECONDS", 0.2)
    text = f"{trap} sleep 300 & echo $! > child; echo waits; wait; sleep 300"
    ended = run(text, tmp_path, seconds=0.5)
    assert (ended.end, ended.succeeded) == ("time limit", False)
    child = int((tmp_path / "child").read_text())
    wait_for("the child is gone", lambda: not is_alive(child), seconds=5)
    sentence = describe_end(LocalCommand(text=text, within_seconds=0.5), ended)
    assert "did not end within 0.5 s (its `within`)" in sentence
    assert sentence.endswith("| waits")


def is_alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


def test_ctrl_c_ends_it_and_a_hook_that_tells_of_failures_goes_on(tmp_path: Path) -> None:
    def press() -> None:
        os.kill(os.getpid(), signal.SIGINT)

    began = time.monotonic()
    before = signal.signal(signal.SIGINT, signal.SIG_DFL)  # a shell's background job ignores it
    try:
        with deferred(lambda: None):
            Timer(0.3, press).start()
            ended = run("echo begun; sleep 300", tmp_path)
            other = run("sleep 0.2; echo said", tmp_path, heeds_interrupt=False)
    finally:
        signal.signal(signal.SIGINT, before)
    assert ended.end == "interrupted"
    assert other.last == ("said",)
    assert time.monotonic() - began < 10


def test_a_second_ctrl_c_leaves_nothing_running(tmp_path: Path) -> None:
    pids: list[int] = []

    def show(line: str) -> None:
        pids.append(int(line))
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run("sleep 300 & echo $!; wait", tmp_path, show=show)
    wait_for("the child is gone", lambda: not is_alive(pids[0]), seconds=5)


def test_a_process_that_it_leaves_behind_keeps_nobody_waiting(tmp_path: Path) -> None:
    began = time.monotonic()
    ended = run("(while :; do echo more; sleep 0.01; done) & echo $! > child; echo done", tmp_path)
    os.kill(int((tmp_path / "child").read_text()), signal.SIGKILL)
    assert ended.succeeded
    assert time.monotonic() - began < 10


def test_what_it_prints_is_capped_and_its_last_lines_are_kept(tmp_path: Path) -> None:
    shown: list[str] = []
    ended = run("seq 100000; exit 3", tmp_path, show=shown.append)
    assert shown[:MOST_LINES] == [str(1 + at) for at in range(MOST_LINES)]
    assert shown[MOST_LINES:] == ["(what it prints from here on is not shown)"]
    assert ended.last == tuple(str(100_001 - LAST_LINES + at) for at in range(LAST_LINES))
    assert (ended.end, ended.status) == ("exited", 3)


def test_a_line_without_end_is_no_burden(tmp_path: Path) -> None:
    shown: list[str] = []
    ended = run("head -c 3000000 /dev/zero | tr '\\0' x", tmp_path, show=shown.append)
    assert ended.succeeded
    assert sum(map(len, shown)) < 1_000_000
    assert max(map(len, ended.last)) < 200_000


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("exit 3", "ended with exit status 3, and printed nothing"),
        ("echo no; exit 3", "ended with exit status 3; it printed last:\n    | no"),
        ("kill -9 $$", "was ended by SIGKILL, and printed nothing"),
        ("no-such-program", "ended with exit status 127; it printed last:\n    | "),
    ],
)
def test_its_end_is_said_in_words(tmp_path: Path, text: str, sentence: str) -> None:
    asked = LocalCommand(text=text)
    assert describe_end(asked, run(text, tmp_path)).startswith(sentence)


def test_a_folder_that_is_gone_is_no_traceback(tmp_path: Path) -> None:
    ended = run("true", tmp_path / "gone")
    assert ended.end == "not started"
    assert "could not be started" in describe_end(LocalCommand(text="true"), ended)


def clean(text: str) -> Callable[[str], str]:
    return lambda line: line.replace(text, "***")


def test_what_is_shown_and_kept_was_cleaned_before(tmp_path: Path) -> None:
    shown: list[str] = []
    ended = run("echo a-secret; exit 1", tmp_path, show=shown.append, clean=clean("secret"))
    assert shown == list(ended.last) == ["a-***"]
