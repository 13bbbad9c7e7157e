"""Whole logs of the real product, read from end to end: milestones, members and verdicts."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest

from carbon.cluster import Node
from carbon.join.columns import take_apart
from carbon.join.lines import (
    ClusterInitialized,
    Joined,
    Left,
    LocalMember,
    StartBegan,
    Started,
    StartFailed,
    parse,
)
from carbon.join.tracker import JoinTracker
from tests.unit.carbon.nodes import make_node

LOGS = Path(__file__).resolve().parents[4].parent / "shared/stock/logs"
pytestmark = pytest.mark.skipif(not LOGS.exists(), reason="the real logs are not here")

HOSTS = {
    ("4.2.0", "manager"): "172.29.0.6",
    ("4.2.0", "worker1"): "172.29.0.5",
    ("4.2.0", "worker2"): "172.29.0.3",
    ("4.4.8", "manager"): "192.168.0.3",
    ("4.4.8", "worker1"): "192.168.0.5",
    ("4.4.8", "worker2"): "192.168.0.7",
}


def read(kernel: str, name: str) -> list[str]:
    return (LOGS / f"kernel-{kernel}/{name}.log").read_text().splitlines()


def node(kernel: str, name: str) -> Node:
    return make_node(name, local_member_host=HOSTS[kernel, name])


def starts(lines: list[str]) -> list[list[str]]:
    """Cut a log into its starts; what stands before the first one belongs to none."""
    cut: list[list[str]] = []
    for line in lines:
        if isinstance(parse(line), StartBegan):
            cut.append([])
        if cut:
            cut[-1].append(line)
    return cut


def milestones(lines: list[str]) -> list[tuple[str, float]]:
    """Return what happened and how many seconds after the start began."""
    came: list[tuple[str, float]] = []
    began = None
    for line in lines:
        event = parse(line)
        if isinstance(event, StartBegan):
            began = event.at
        if event is not None and event.at is not None and began is not None:
            came.append((type(event).__name__, (event.at - began).total_seconds()))
    return came


def followed(kernel: str, name: str, own: list[str], manager: list[str]) -> JoinTracker:
    tracker = JoinTracker(node(kernel, name))
    for line in own:
        tracker.own(line)
    for line in manager:
        tracker.manager(line)
    return tracker


def all_logs() -> list[Path]:
    return sorted(LOGS.glob("*/*.log"))


@pytest.mark.parametrize("path", all_logs(), ids=lambda path: f"{path.parent.name}/{path.name}")
def test_each_entry_has_its_columns(path: Path) -> None:
    for line in path.read_text().splitlines():
        if line.startswith("TID:"):
            entry = take_apart(line)
            assert entry.at and entry.level and "." in entry.logger, line
            assert f"{{{entry.logger}}}" not in entry.message


@pytest.mark.parametrize("kernel", ["4.2.0", "4.4.8"])
@pytest.mark.parametrize("name", ["worker1", "worker2"])
def test_a_healthy_start_is_seen_whole_and_nothing_is_wrong_with_it(kernel: str, name: str) -> None:
    own = starts(read(kernel, f"deploy-{name}"))[-1]
    tracker = followed(kernel, name, own, read(kernel, "deploy-manager"))
    assert (tracker.phase, tracker.failure, tracker.wording) == ("done", None, "Member joined")
    assert tracker.first_error is tracker.unread_line is None
    assert 13 <= (tracker.started_seconds or 0) <= 25
    order = [what for what, _ in milestones(own)]
    wanted = ["StartBegan", "ClusterDomain", "LocalMember", "ClusterInitialized", "Started"]
    assert [what for what in order if what in wanted] == wanted


@pytest.mark.parametrize("kernel", ["4.2.0", "4.4.8"])
@pytest.mark.parametrize("name", ["worker1", "worker2"])
def test_the_managers_member_has_the_uuid_of_the_workers_own_log(kernel: str, name: str) -> None:
    own = [event for line in read(kernel, f"deploy-{name}") if (event := parse(line))]
    local = [event for event in own if isinstance(event, LocalMember)][-1]
    seen = [event for line in read(kernel, "deploy-manager") if (event := parse(line))]
    joined = [e for e in seen if isinstance(e, Joined) and e.host == HOSTS[kernel, name]][-1]
    assert joined.member_uuid == local.member_uuid is not None
    began = [event.at for event in own if isinstance(event, StartBegan)][-1]
    started = [event.at for event in own if isinstance(event, Started)][-1]
    assert began and started and joined.at
    assert 11 <= (joined.at - began).total_seconds() <= 28
    assert 2.2 <= (started - joined.at).total_seconds() <= 3.4


@pytest.mark.parametrize("start", [0, 1])
def test_a_start_of_4_4_8_without_its_root_context_fails_at_that_line(start: int) -> None:
    """It logged nothing more for five minutes."""
    own = starts(read("4.4.8", "deploy-worker1"))[start]
    tracker = followed("4.4.8", "worker1", own, [])
    assert tracker.failure == "it hangs: Context [/] startup failed"
    assert "CsrfGuardServletContextListener" in (tracker.first_error or "")
    times = dict(milestones(own))
    assert times["StartFailed"] < 8 and max(times.values()) == times["StartFailed"]


@pytest.mark.parametrize(
    ("kernel", "log", "start", "error"),
    [
        ("4.2.0", "manager-restart-split-manager", 1, "Locked by another process"),
        ("4.2.0", "silent-member-worker1", 0, "org.mariadb.jdbc.Driver"),
    ],
)
def test_a_start_without_its_realm_fails_within_a_second_of_its_cause(
    kernel: str, log: str, start: int, error: str
) -> None:
    own = starts(read(kernel, log))[start]
    tracker = followed(kernel, log.rpartition("-")[2], own, [])
    assert tracker.failure == "it hangs: Cannot initialize the realm"
    assert error in (tracker.first_error or "")
    assert tracker.last_cause is None or "Caused by" in tracker.last_cause
    blocked = [event for line in own if isinstance(event := parse(line), StartFailed)]
    assert [event.seen for event in blocked] == [
        "it hangs: Cannot initialize the realm",
        "it hangs: Cannot start User Manager Core bundle",
    ]


def test_a_start_that_a_silent_member_holds_up_is_no_failure_of_its_own() -> None:
    """Hazelcast took 273 s; it went on, and has not said yet that it started."""
    own = starts(read("4.2.0", "silent-member-worker1"))[-1]
    tracker = followed("4.2.0", "worker1", own, read("4.2.0", "silent-member-manager"))
    assert tracker.started_seconds is None
    assert not any(isinstance(parse(line), ClusterInitialized) for line in own)
    assert tracker.failure is None


def test_members_that_come_and_go_are_all_seen() -> None:
    events = [parse(line) for line in read("4.2.0", "silent-member-worker2")]
    moves = [e for e in events if isinstance(e, Joined | Left) and e.host == "172.29.0.5"]
    assert len(moves) > 20
    kinds = [type(move) for move in moves]
    assert all(one is not other for one, other in pairwise(kinds))
    by_uuid: dict[str | None, list[type]] = {}
    for move in moves:
        by_uuid.setdefault(move.member_uuid, []).append(type(move))
    assert all(kinds in ([Joined, Left], [Joined], [Left]) for kinds in by_uuid.values())
