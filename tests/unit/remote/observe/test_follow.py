"""A log that is followed once for several nodes: each has what is newer than its own beginning."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from queue import SimpleQueue

import pytest

from carbon.cluster import Node
from carbon.errors import ScriptError
from carbon.home import layout
from remote.host.host import Host
from remote.host.script import BEGIN, OPENING
from remote.observe.follow import LogFollower, follow_script, member_pattern
from tests.unit.carbon.nodes import make_cluster, make_manager, make_node
from tests.unit.remote.homes import Home
from tests.unit.remote.local_server import LocalFleet, LocalServer, closed_after

FIRST, SECOND = "10.0.0.4", "10.0.0.5"
SECONDS = 5.0


def line(address: str, what: str = "Member joined") -> str:
    return f"... {what} [12345678]: /{address}:4000\n"


@dataclass
class Log:
    """The manager's log on this machine, and what follows it."""

    path: Path
    server: LocalServer
    host: Host[Node]
    follower: LogFollower
    came: SimpleQueue[str | None] = field(default_factory=SimpleQueue)

    def write(self, text: str) -> None:
        with self.path.open("a") as log:
            log.write(text)

    def begin(self) -> str:
        self.came = SimpleQueue()
        return self.follower.attach(self.came.put)

    def next(self) -> str | None:
        return self.came.get(timeout=SECONDS)

    @property
    def place(self) -> str:
        stat = self.path.stat()
        return f"{stat.st_ino} {stat.st_size}"


@pytest.fixture
def log(tmp_path: Path) -> Iterator[Log]:
    path = tmp_path / layout.LOG
    path.parent.mkdir(parents=True)
    path.write_text(line(FIRST, "Member left"))
    manager = make_manager(home=tmp_path)
    nodes = [make_node(name="w1", local_member_host=FIRST)]
    nodes += [make_node(name="w2", local_member_host=SECOND)]
    server = LocalServer("manager")
    fleet = LocalFleet(make_cluster(*nodes, manager=manager), {"manager": server})
    follower = LogFollower(fleet, manager, member_pattern(fleet.cluster, nodes))  # type: ignore[arg-type]
    yield Log(path=path, server=server, host=fleet.host(manager), follower=follower)
    follower.close()


def test_only_what_comes_after_the_beginning_is_taken(log: Log) -> None:
    assert log.begin() == log.place
    log.write("somebody else's line\n" + line(FIRST))
    assert log.next() == line(FIRST).rstrip("\n")
    assert log.came.empty()


def test_the_second_node_begins_where_the_log_ends_by_then_on_the_same_session(log: Log) -> None:
    log.begin()
    log.write(line(FIRST))
    log.next()
    log.follower.detach()
    log.write(line(SECOND, "Member left"))  # of the one that it replaces
    assert log.begin() == log.place
    log.write(line(SECOND))
    assert log.next() == line(SECOND).rstrip("\n")
    assert log.server.ran == ["follow"]


def test_a_line_that_stood_there_already_is_not_taken_however_late_it_comes(log: Log) -> None:
    log.begin()
    log.follower.detach()
    for _ in range(50):  # written and not yet read when the second one begins
        log.write(line(SECOND, "Member joined old"))
        log.begin()
        log.write(line(SECOND))
        assert log.next() == line(SECOND).rstrip("\n")
        log.follower.detach()


def test_a_log_that_is_cut_in_place_is_followed_from_its_new_beginning(log: Log) -> None:
    """logrotate's copytruncate: the same file is empty again."""
    log.write("a long line of somebody else\n" * 100)
    log.begin()
    log.path.write_text("")
    log.write(line(FIRST))
    assert log.next() == line(FIRST).rstrip("\n")
    log.follower.detach()
    log.write(line(FIRST, "Member left"))
    assert log.begin() == log.place
    log.write(line(SECOND))
    assert log.next() == line(SECOND).rstrip("\n")


def test_a_place_beyond_the_end_of_a_log_that_was_cut_in_place_is_its_beginning(log: Log) -> None:
    """What an interrupted run noted is further than the file is long by now."""
    log.write("a long line of somebody else\n" * 100)
    place = log.place
    log.path.write_text(line(FIRST))
    script = follow_script(log.host, "joined", since=place)
    with closed_after(log.server.stream(script)) as stream:
        lines = [stream.line(within_seconds=SECONDS) for _ in range(2)]
    assert (lines[1] or "").partition(":")[2] == line(FIRST).rstrip("\n")


def test_nobody_takes_lines_between_two_nodes(log: Log) -> None:
    log.begin()
    first = log.came
    log.follower.detach()
    log.write(line(FIRST))
    log.begin()
    log.write(line(SECOND))
    log.next()
    assert first.empty()


@pytest.mark.parametrize("how", ["rotated", "truncated"])
def test_a_log_that_became_another_file_meanwhile_is_followed_anew(log: Log, how: str) -> None:
    log.begin()
    log.write(line(FIRST))
    log.next()
    log.follower.detach()
    if how == "rotated":
        log.path.rename(log.path.with_suffix(".old"))
    log.path.write_text("")
    assert log.begin() == log.place
    log.write(line(SECOND))
    assert log.next() == line(SECOND).rstrip("\n")
    assert log.server.ran == ["follow", "follow"]


def test_a_log_that_is_rotated_while_it_is_waited_for_is_followed_into_the_new_file(
    log: Log,
) -> None:
    log.begin()
    log.write(line(FIRST, "Member left"))
    log.next()
    log.path.rename(log.path.with_suffix(".old"))
    log.path.write_text(line(FIRST))
    assert log.next() == line(FIRST).rstrip("\n")


def test_a_log_that_is_a_link_is_followed_from_where_its_target_ends(
    log: Log, tmp_path: Path
) -> None:
    target = tmp_path / "elsewhere.log"
    log.path.rename(target)
    log.path.symlink_to(target)
    assert log.begin() == log.place
    log.write(line(FIRST))
    assert log.next() == line(FIRST).rstrip("\n")
    assert log.came.empty(), "an old line counts as new"


@pytest.mark.parametrize("is_link", [False, True], ids=["file", "link"])
def test_what_was_written_since_a_place_is_read_through_all_rotations(
    log: Log, tmp_path: Path, *, is_link: bool
) -> None:
    """A run that goes on with another's start reads from the place that this one noted."""
    real = log.path
    if is_link:
        real = tmp_path / "var/wso2carbon.log"
        real.parent.mkdir()
        log.path.rename(real)
        log.path.symlink_to(real)
    place = log.place
    log.write("one joined\n")
    for number, text in enumerate(("two joined\n", "three joined\n")):
        for old in (1, 0):
            rotated = real.with_name(f"{real.name}.{old}")
            if rotated.exists():
                rotated.rename(real.with_name(f"{real.name}.{old + 1}"))
        real.rename(real.with_name(f"{real.name}.0"))
        os.utime(real.with_name(f"{real.name}.0"), (number, number))
        log.write(text)
    script = follow_script(log.host, "joined", since=place)
    with closed_after(log.server.stream(script)) as stream:
        lines = [stream.line(within_seconds=SECONDS) for _ in range(4)]
    texts = [(line or "").partition(":")[2] for line in lines[1:]]
    assert texts == ["one joined", "two joined", "three joined"]


def test_a_rotated_file_that_ends_within_a_line_takes_no_line_of_the_next_along(log: Log) -> None:
    """A full disk cuts the last line short."""
    place = log.place
    log.write("one joi")
    log.path.rename(log.path.with_name(f"{log.path.name}.1"))
    log.write("two joined\n")
    script = follow_script(log.host, "joi", since=place)
    with closed_after(log.server.stream(script)) as stream:
        lines = [stream.line(within_seconds=SECONDS) for _ in range(3)]
    assert [(line or "").partition(":")[2] for line in lines[1:]] == ["one joi", "two joined"]


def test_a_log_that_cannot_be_read_is_told(log: Log) -> None:
    log.path.unlink()
    with pytest.raises(ScriptError, match="cannot be followed"):
        log.begin()


def test_the_end_of_the_session_is_told_and_the_next_node_has_a_new_one(log: Log) -> None:
    log.begin()
    stream = log.follower._feed.stream
    assert stream is not None
    stream.close()
    assert log.next() is None
    assert log.begin() == log.place


def test_the_end_of_reading_is_told_although_questions_would_still_be_answered(log: Log) -> None:
    log.begin()
    log.write(line(FIRST))
    log.next()
    for status in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            words = status.read_bytes().split(b"\0")
            if words[0] == b"tail" and str(log.path).encode() in words:
                os.kill(int(status.parent.name), signal.SIGKILL)
    assert log.next() is None
    assert log.begin() == log.place


def test_it_ends_with_its_client_also_where_that_does_not_take_its_answer(log: Log) -> None:
    script = follow_script(log.host, "joined")
    text = script.render()
    process = subprocess.Popen(
        ["sh", "-c", script.command(len(text))],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        bufsize=0,
        start_new_session=True,
    )
    assert process.stdin and process.stdout
    process.stdin.write(OPENING + text)
    assert process.stdout.readline() == BEGIN
    assert process.stdout.readline().startswith(b"from ")
    process.stdout.close()
    process.stdin.write(b"end\n")
    process.stdin.close()
    assert process.wait(SECONDS) != 0


def test_the_log_of_a_jvm_that_was_told_to_log_elsewhere_is_followed_there(
    home: Home, tmp_path: Path
) -> None:
    """An old file at the usual place says nothing."""
    elsewhere = tmp_path / "logs"
    elsewhere.mkdir()
    log = elsewhere / "wso2carbon.log"
    log.write_text(line(FIRST, "Member left"))
    home.log.write_text(line(FIRST, "Member left"))
    home.start_as(str(home.path), f"-Dcarbon.logs.path={elsewhere}")
    manager = home.node("manager")
    fleet = LocalFleet(make_cluster(manager=manager), {"manager": LocalServer("manager")})
    came: SimpleQueue[str | None] = SimpleQueue()
    with LogFollower(fleet, manager, "Member") as follower:  # type: ignore[arg-type]
        follower.attach(came.put)
        with log.open("a") as file:
            file.write(line(FIRST))
        assert came.get(timeout=SECONDS) == line(FIRST).rstrip("\n")
