"""Logs of several servers: in order, followed across rotation, one ending without the others."""

from __future__ import annotations

import itertools
import os
import threading
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path, PurePosixPath
from types import SimpleNamespace

import pytest

from carbon.cluster import Limits, Node
from carbon.errors import ConnectError, ProvisionError, UsageError
from carbon.home import layout
from carbon.value import replace
from remote.host.script import LOGIN_SCRIPT
from remote.observe.lines import Line
from remote.observe.logs import LogOrder, _script, read
from tests import waiting
from tests.unit.carbon.nodes import make_cluster, make_node
from tests.unit.remote.local_server import LocalFleet, LocalServer, closed_after

SECONDS = 10.0


class Logs:
    """Two workers with homes of their own on this machine, and their logs."""

    def __init__(self, folder: Path) -> None:
        self.nodes = tuple(self._worker(name, folder) for name in ("worker1", "worker2"))
        self.servers = {node.name: LocalServer(node.name) for node in self.nodes}
        cluster = make_cluster(*self.nodes)
        self.fleet = LocalFleet(replace(cluster, limits=Limits(command_seconds=5)), self.servers)

    def _worker(self, name: str, folder: Path) -> Node:
        (folder / name / layout.LOGS).mkdir(parents=True)
        return make_node(name, home=PurePosixPath(folder / name))

    def file(self, name: str) -> Path:
        node = next(node for node in self.nodes if node.name == name)
        return Path(node.home / layout.LOG)

    def write(self, name: str, *lines: str) -> None:
        with self.file(name).open("a") as log:
            log.writelines(f"{line}\n" for line in lines)

    def read(
        self, *, lines: int = 50, **order: object
    ) -> Generator[Line | ProvisionError, None, None]:
        asked = LogOrder(lines=lines, **order)  # type: ignore[arg-type]
        return read(self.fleet, self.nodes, asked)  # type: ignore[arg-type]


@pytest.fixture
def logs(tmp_path: Path) -> Logs:
    return Logs(tmp_path)


def entry(second: int, text: str) -> str:
    return f"TID: [-1234] [] [2026-11-22 12:00:{second:02},000]  INFO {{org.x.Y}} -  {text} "


def texts(found: Iterator[Line | ProvisionError]) -> list[str]:
    return [
        f"{one.name} {one.text.rpartition('-  ')[2].strip()}"
        if isinstance(one, Line)
        else f"{one.host} ends: {one.seen}"
        for one in found
    ]


def test_lines_of_all_servers_come_in_the_order_of_their_times(logs: Logs) -> None:
    logs.write("worker1", entry(1, "a"), entry(3, "c"))
    logs.write("worker2", entry(2, "b"), entry(4, "d"))
    assert texts(logs.read()) == ["worker1 a", "worker2 b", "worker1 c", "worker2 d"]


def test_lines_without_a_time_stay_with_the_entry_before_them(logs: Logs) -> None:
    """A stack trace is not torn apart by other servers' lines."""
    logs.write("worker1", entry(1, "broken"), "java.lang.Exception", "\tat a.B.c", entry(5, "e"))
    logs.write("worker2", entry(1, "other"), entry(2, "b"))
    assert texts(logs.read()) == [
        "worker1 broken",
        "worker1 java.lang.Exception",
        "worker1 at a.B.c",
        "worker2 other",
        "worker2 b",
        "worker1 e",
    ]


def test_only_the_last_lines_are_read(logs: Logs) -> None:
    for name in ("worker1", "worker2"):
        logs.write(name, *(entry(at, str(at)) for at in range(20)))
    assert texts(logs.read(lines=1)) == ["worker1 19", "worker2 19"]
    assert texts(logs.read(lines=0)) == []


def test_grep_counts_the_lines_that_match(logs: Logs) -> None:
    logs.write("worker1", entry(1, "ERROR a"), entry(2, "ERROR b"), entry(3, "fine"))
    logs.write("worker2", entry(1, "fine"))
    assert texts(logs.read(lines=1, grep="ERR|FATAL")) == ["worker1 ERROR b"]


@pytest.mark.parametrize("grep", ["-v", "$(touch x)", "a'b", '"', "\\."])
def test_an_expression_reaches_grep_as_it_is(logs: Logs, grep: str) -> None:
    logs.write("worker1", entry(1, "x -v $(touch x) a'b \" . x"))
    logs.write("worker2", entry(1, "nothing"))
    expected = 0 if grep.startswith("$") else 1  # an end of line, then more: matches nothing
    found = [one for one in logs.read(grep=grep) if one.name == "worker1"]
    assert len(found) == expected


def test_a_bad_expression_is_a_sentence_and_a_usage_error(logs: Logs) -> None:
    logs.write("worker1", entry(1, "a"))
    with pytest.raises(UsageError, match=r"--grep 'a\(b' is not an extended regular expression"):
        list(logs.read(grep="a(b"))


def test_a_log_that_is_not_there_ends_only_its_own_lines(logs: Logs) -> None:
    logs.write("worker2", entry(1, "b"))
    found = texts(logs.read())
    assert found[-1] == "worker2 b"
    assert found[0].startswith("worker1 ends: /")
    assert found[0].endswith("wso2carbon.log does not exist")


def test_a_server_that_cannot_be_entered_ends_only_its_own_lines(logs: Logs) -> None:
    logs.write("worker2", entry(1, "b"))
    error = ConnectError("the connection failed", host="worker1")
    logs.fleet.servers = {**logs.servers, "worker1": error}
    assert texts(logs.read()) == ["worker1 ends: the connection failed", "worker2 b"]


def test_a_byte_that_is_no_text_does_not_end_it(logs: Logs) -> None:
    logs.file("worker1").write_bytes(b"\xff\0binary\n")
    logs.write("worker2", entry(1, "b"))
    assert [one.name for one in logs.read()] == ["worker1", "worker2"]


def test_a_last_line_without_an_end_is_a_line_like_any_other(logs: Logs) -> None:
    with logs.file("worker1").open("a") as log:
        log.write(entry(1, "half a"))
    logs.write("worker2", entry(2, "b"))
    assert texts(logs.read()) == ["worker1 half a", "worker2 b"]


def test_logs_of_jvms_in_other_zones_are_put_in_order_by_true_time(logs: Logs) -> None:
    """-Duser.timezone of one of them: its last line and its file's time say so."""
    now = datetime.now(UTC).replace(microsecond=0)
    for name, hours in (("worker1", -5), ("worker2", 0)):
        zone = timezone(timedelta(hours=hours))
        for second in (1, 2):
            at = now - timedelta(seconds=10 - 2 * second - (name == "worker2"))
            time_there = at.astimezone(zone)
            logs.write(name, f"[{time_there:%Y-%m-%d %H:%M:%S},000] INFO {{org.x.Y}} -  {second}")
    assert texts(logs.read()) == ["worker1 1", "worker2 1", "worker1 2", "worker2 2"]


# ---- Followed


def test_following_goes_on_behind_a_last_line_without_an_end(logs: Logs) -> None:
    with logs.file("worker1").open("a") as log:
        log.write(entry(1, "half"))
    logs.write("worker2", entry(1, "b"))
    with following(logs) as wait_for:
        wait_for("worker2 b")
        logs.write("worker1", " a line", entry(2, "next"))
        wait_for("worker1 next")


@contextmanager
def following(logs: Logs, **order: object) -> Iterator[Callable[[str], str]]:
    """Follow; yields what waits for a line and returns all lines up to it."""
    with closing(logs.read(follow=True, **order)) as lines:

        def wait_for(text: str) -> str:
            seen = []
            deadline = time.monotonic() + SECONDS
            for one in lines:
                seen.extend(texts(iter([one])))
                if text in seen[-1]:
                    return "\n".join(seen)
                assert time.monotonic() < deadline
            raise AssertionError(f"ended without {text!r}: {seen}")

        yield wait_for


def test_following_shows_what_was_there_and_what_comes(logs: Logs) -> None:
    logs.write("worker1", entry(1, "old"))
    logs.write("worker2", entry(2, "old, too"))
    with following(logs) as wait_for:
        assert wait_for("old, too") == "worker1 old\nworker2 old, too"
        logs.write("worker1", entry(3, "new"))
        assert wait_for("new") == "worker1 new"


def test_a_last_line_without_its_end_is_shown_as_it_is(logs: Logs) -> None:
    """A full disk cut it off, or it is being written: the mark behind it is a line of its own."""
    logs.write("worker1", entry(1, "a"))
    with logs.file("worker1").open("a") as log:
        log.write(entry(2, "b").rstrip())
    logs.write("worker2", entry(3, "c"))
    assert texts(logs.read()) == ["worker1 a", "worker1 b", "worker2 c"]


def test_a_line_that_is_being_written_is_followed_from_its_beginning(logs: Logs) -> None:
    logs.write("worker1", entry(1, "a"))
    with logs.file("worker1").open("a") as log:
        log.write(entry(2, "b").rstrip())
    logs.write("worker2", entry(1, "c"))
    with following(logs) as wait_for:
        assert wait_for("worker2 c") == "worker1 a\nworker2 c"
        with logs.file("worker1").open("a") as log:
            log.write("ut only now\n")
        assert wait_for("only now") == "worker1 but only now"


def test_following_survives_rotation_without_losing_a_line(logs: Logs) -> None:
    logs.write("worker1", entry(1, "begin"))
    logs.write("worker2", entry(1, "begin"))
    with following(logs) as wait_for:
        wait_for("worker2 begin")
        logs.write("worker1", entry(2, "last of the old"))
        logs.file("worker1").rename(logs.file("worker1").with_suffix(".log.2026-11-21"))
        logs.write("worker1", entry(3, "first of the new"))
        seen = wait_for("first of the new")
        assert "last of the old" in seen
        logs.write("worker1", entry(4, "second of the new"))
        wait_for("second of the new")


def test_following_goes_on_in_a_log_that_was_cut_in_place(logs: Logs) -> None:
    """logrotate's copytruncate."""
    logs.write("worker1", *(entry(1, f"old {number}") for number in range(100)))
    logs.write("worker2", entry(1, "begin"))
    with following(logs) as wait_for:
        wait_for("worker2 begin")
        logs.file("worker1").write_text("")
        logs.write("worker1", entry(2, "first of the new"))
        wait_for("first of the new")
        logs.write("worker1", entry(3, "second of the new"))
        wait_for("second of the new")


def test_two_rotations_while_nobody_reads_lose_no_file(logs: Logs) -> None:
    """What follows the log waits with a full pipe, and the file between the two is gone by name."""
    node, log = logs.nodes[0], logs.file("worker1")
    lines: list[str | None] = []
    held = threading.Event()

    def take(line: str | None) -> None:
        held.wait(SECONDS)
        lines.append(line)

    logs.write("worker1", entry(1, "begin"))
    host = logs.fleet.host(node)
    script = _script(host, LogOrder(lines=1, follow=True), "mark")
    stream = logs.servers["worker1"].stream(script, sink=take, errors=None)
    with closed_after(stream):
        waiting.wait_for("tail follows", lambda: _followers(log))
        log.with_name("wso2carbon-trace-messages.log").write_text("not of this log\n")
        for number in range(3):
            logs.write("worker1", *(f"{number} {'x' * 1000}" for _ in range(300)))
            if number < 2:
                log.rename(log.with_name(f"wso2carbon.log.2026-11-2{number}"))
        held.set()
        waiting.wait_for("the last line", lambda: lines.count(f"2 {'x' * 1000}") == 300)
    counts = [lines.count(f"{number} {'x' * 1000}") for number in range(3)]
    assert counts == [300, 300, 300]
    assert "not of this log" not in lines


def test_following_waits_for_a_log_that_is_not_there_yet(logs: Logs) -> None:
    logs.write("worker2", entry(1, "b"))
    with following(logs) as wait_for:
        wait_for("worker2 b")
        logs.write("worker1", entry(2, "born"))
        wait_for("worker1 born")


def test_following_filters_what_comes(logs: Logs) -> None:
    logs.write("worker1", entry(1, "ERROR one"))
    logs.write("worker2", entry(1, "fine"))
    with following(logs, grep="ERROR") as wait_for:
        wait_for("ERROR one")
        logs.write("worker2", entry(2, "fine"), entry(3, "ERROR two"))
        assert wait_for("ERROR two") == "worker2 ERROR two"


def test_a_little_disorder_of_what_comes_is_put_right(logs: Logs) -> None:
    logs.write("worker1", entry(1, "begin"))
    logs.write("worker2", entry(1, "begin"))
    with following(logs) as wait_for:
        wait_for("worker2 begin")
        logs.write("worker1", entry(9, "later"))
        logs.write("worker2", entry(8, "earlier"))
        assert wait_for("later") == "worker2 earlier\nworker1 later"


def test_a_stream_that_breaks_ends_only_its_own_lines(
    logs: Logs, monkeypatch: pytest.MonkeyPatch
) -> None:
    streams = {}
    for name, server in logs.servers.items():

        def keep(script, *, sink, errors, name=name, stream=server.stream):  # type: ignore[no-untyped-def]
            streams[name] = stream(script, sink=sink, errors=errors)
            return streams[name]

        monkeypatch.setattr(server, "stream", keep)
    logs.write("worker1", entry(1, "a"))
    logs.write("worker2", entry(1, "b"))
    with following(logs) as wait_for:
        wait_for("worker2 b")
        streams["worker1"].break_off()
        wait_for("worker1 ends: the connection that read its log ended")
        logs.write("worker2", entry(2, "goes on"))
        wait_for("worker2 goes on")


@pytest.mark.parametrize("follow", [False, True])
def test_a_server_that_says_nothing_at_all_ends_at_the_limit(
    logs: Logs, monkeypatch: pytest.MonkeyPatch, *, follow: bool
) -> None:
    """A login script that swallows what is sent (`exec cat`) held `fab logs` up for an hour."""
    logs.fleet.cluster = replace(logs.fleet.cluster, limits=Limits(command_seconds=0.3))
    silent = SimpleNamespace(close=lambda: None)
    monkeypatch.setattr(logs.servers["worker1"], "stream", lambda *_, **__: silent)
    logs.write("worker2", entry(1, "b"))
    with closing(logs.read(follow=follow)) as came:
        both = list(itertools.islice(came, 2))
    (error,) = (one for one in both if isinstance(one, ProvisionError))
    assert (error.host, error.code) == ("worker1", "time-limit")
    assert "no answer within 0.3 s" in error.seen
    assert [one.name for one in both if isinstance(one, Line)] == ["worker2"]


@pytest.mark.parametrize(
    "said",
    [
        f"{LOGIN_SCRIPT}: `ssh HOST true` must print nothing, ask nothing and end",
        LOGIN_SCRIPT,
    ],
    ids=["reads", "prints what it reads"],
)
def test_a_login_script_in_the_place_of_ours_has_its_own_remedy(
    logs: Logs, monkeypatch: pytest.MonkeyPatch, said: str
) -> None:
    """It was sent to `run_as:`, which cannot help."""

    def stream(_script, *, sink, **_):  # type: ignore[no-untyped-def]
        sink(said)
        sink(None)
        return SimpleNamespace(close=lambda: None)

    monkeypatch.setattr(logs.servers["worker1"], "stream", stream)
    errors = [came for came in logs.read() if isinstance(came, ProvisionError)]
    (error,) = (error for error in errors if error.host == "worker1")
    assert error.seen == LOGIN_SCRIPT
    assert "must print nothing" in error.action and "run_as" not in error.action
    assert error.action.startswith("`ssh HOST true`")


def test_closing_ends_the_scripts(logs: Logs) -> None:
    """Neither tail nor grep outlives its reader."""
    logs.write("worker1", entry(1, "a"))
    logs.write("worker2", entry(1, "b"))
    with following(logs, grep="[ab]") as wait_for:
        wait_for("b")
        assert _followers(logs.file("worker1"))
    waiting.wait_for("tail has ended", lambda: not _followers(logs.file("worker1")))


def _followers(file: Path) -> list[str]:
    """Return the processes of others that have a file open."""
    return [
        process.name
        for process in Path("/proc").iterdir()
        if process.name.isdigit() and int(process.name) != os.getpid()
        if file in _open_files(process)
    ]


def _open_files(process: Path) -> list[Path]:
    try:
        return [link.readlink() for link in (process / "fd").iterdir()]
    except OSError:
        return []
