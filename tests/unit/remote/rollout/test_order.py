"""The order of a rollout, stated with mock servers: what happens where, and after what."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from threading import Event
from typing import Any

import pytest

from carbon.cluster import HostsEntry, Node
from carbon.errors import ConnectError, ProvisionError, StartError
from carbon.home import layout
from carbon.home.hostsfile import HostsPlan
from carbon.plan.model import FileChange, Options, Plan
from carbon.plan.plan import plan_stop, with_rotation
from remote.host.fleet import Fleet
from remote.host.mock import Log, MockOpener, MockServer
from remote.host.script import Script
from remote.host.server import Outcome
from remote.rollout.request import Request, Result, Rollout
from remote.rollout.rollout import roll_out
from remote.rollout.start import Joined, Start
from remote.rollout.start_script import start_script
from tests.unit.carbon.looks import RECORD, log4j, make_facts
from tests.unit.carbon.nodes import make_cluster, make_manager, make_node
from tests.unit.remote.silent import Silent

LINE = "TID: [-1234] [] [2026-11-22 12:00:00,000]  INFO {%s} -  %s"
WKA = "org.wso2.carbon.core.clustering.hazelcast.wka.WKABasedMembershipScheme"
AGENT = "org.wso2.carbon.core.clustering.hazelcast.HazelcastClusteringAgent"
STARTUP = "org.wso2.carbon.core.internal.StartupFinalizerServiceComponent"
UUID = "12345678-1234-1234-1234-123456789abc"
ENTRIES = (HostsEntry(address="10.0.0.3", names=("mgt.as.example.com",)),)
WORKERS = (
    make_node("worker1", hosts_entries=ENTRIES),
    make_node("worker2", hosts_entries=ENTRIES, local_member_host="10.0.0.5"),
)

NO_ERRORS: Mapping[str, ProvisionError] = {}


class Heard(Silent):
    """Remembers what was said to be going on."""

    def __init__(self) -> None:
        self.moments: list[tuple[str, str]] = []

    def now(self, name: str, text: str) -> None:
        self.moments.append((name, text))


class Site:
    """Two workers, their manager and a load balancer, none of them real."""

    def __init__(
        self,
        *,
        joins: Sequence[str] = ("worker1", "worker2"),
        after_stop: bytes = b"",
        silent: bool = False,
        sessions_errors: Mapping[str, ProvisionError] = NO_ERRORS,
        **own: Any,
    ) -> None:
        """`own` is what the cluster has beside its nodes."""
        self.log: Log = []
        self.heard = Heard()
        self.after_stop = after_stop
        self.joins = joins
        self.silent = silent
        self.stopping = Event()
        self.audit_seconds = 0.0
        """How long the first audit line takes, if no stop comes before its end."""
        self.sessions_errors = sessions_errors
        cluster = make_cluster(*WORKERS, manager=make_manager(), load_balancer=None, **own)
        workers = [self._worker(node) for node in WORKERS]
        manager = MockServer(
            name="manager",
            log=self.log,
            lines={"follow": self._manager_log},
            sessions_error=sessions_errors.get("manager"),
        )
        self.fleet = Fleet(cluster, MockOpener([manager, *workers]))

    def roll_out(self, plans: Sequence[Plan], *, verb: str = "deploy") -> list[Result]:
        return list(self.rollout(plans, verb=verb).results)

    def rollout(self, plans: Sequence[Plan], *, verb: str = "deploy") -> Rollout:
        request = Request(nodes=WORKERS, options=Options(), verb=verb)
        balancer = Balancer(self.log)
        return roll_out(self.fleet, request, plans, progress=self.heard, balancer=balancer)

    def events(self, *servers: str) -> list[str]:
        """Return what was done to these servers, in one order; an audit line is one word.

        The line that a turn begins is left out: nothing waits for it.
        """
        done = [f"{name} {'record' if ' inventory=' in what else what}" for name, what in self.log]
        waited_for = [event for event in done if not event.endswith((" audit", " audited"))]
        return [event for event in waited_for if event.split(" ")[0] in servers]

    def _worker(self, node: Node) -> MockServer:
        def starts(lines: tuple[str, ...]) -> Iterable[str]:
            if "7 70" not in lines:
                return ["ready"] if lines == ("go",) else []
            if self.silent:
                end: list[Any] = [None]
                return end
            if node.name not in self.joins:
                return ["console no space left", "ended"]
            own = [
                LINE % (AGENT, "Cluster initialization completed"),
                LINE % (STARTUP, "WSO2 Carbon started in 1 sec"),
            ]
            return ["seen 300 77", "cmdline java", *(f"log:{line}" for line in own)]

        def stops(_script: Script) -> Outcome:
            self.stopping.set()
            return Outcome(0, b"stopped 200\n", b"")

        return MockServer(
            name=node.name,
            log=self.log,
            answers={
                "stop": stops,
                "down": Outcome(0, self.after_stop, b""),
                "audit": lambda _: self._audited(node.name),
            },
            lines={"start": starts},
            sessions_error=self.sessions_errors.get(node.name),
        )

    def _audited(self, name: str) -> Outcome:
        self.stopping.wait(self.audit_seconds)
        self.log.append((name, "audited"))
        return Outcome(0, b"", b"")

    def _manager_log(self, lines: tuple[str, ...]) -> Iterator[str]:
        yield "at 7 70" if lines else "from 7 70"
        for node in WORKERS:
            address = f"[{UUID}]: /{node.local_member_host}:4000"
            yield "70:" + LINE % (WKA, f"Member left {address}")
            yield "70:" + LINE % (WKA, f"Member joined {address}")


class Balancer:
    """A load balancer that only writes down."""

    def __init__(self, log: Log) -> None:
        self._log = log

    @contextmanager
    def hold(self, nodes: Sequence[Node], *, verb: str, break_lock: bool) -> Iterator[None]:
        del nodes, verb, break_lock
        yield

    def out_of_rotation(self, nodes: Sequence[Node]) -> frozenset[str]:
        del nodes
        return frozenset()

    def take_out(self, node: Node) -> None:
        self._log.append(("lb", f"out {node.name}"))

    def put_back(self, node: Node) -> None:
        self._log.append(("lb", f"in {node.name}"))

    def remove(self, node: Node) -> None:
        self._log.append(("lb", f"removed {node.name}"))


def deploy(node: Node) -> Plan:
    """Plan a restart with a new file and a new line in /etc/hosts."""
    hosts = HostsPlan(new=b"new\n", changed=True, added=("new",), removed=())
    change = FileChange(path=layout.AXIS2, old=b"old", new=b"new")
    return Plan(
        node=node,
        facts=make_facts(name=node.name),
        files=(change,),
        hosts=hosts,
        start=True,
        reason="asked for",
    )


def test_a_turn_is_drain_stop_swap_and_hosts_start_join_undrain_record() -> None:
    """And the start is told to go only once the files are swapped and /etc/hosts is written."""
    site = Site()
    (result, _) = site.roll_out([deploy(WORKERS[0]), Plan(node=WORKERS[1], facts=make_facts())])
    assert result.error is None
    assert result.joined is not None
    events = site.events("worker1", "lb")
    assert events[:2] == ["worker1 lock", "worker1 stage"], "before any turn"
    turn = events[2:-1]
    assert turn[:2] == ["lb out worker1", "worker1 stop"]
    at_once = ["worker1 hosts", "worker1 start", "worker1 start <- go"]
    assert sorted(turn[2:5]) == at_once, "the start is brought and swaps; hosts are edited"
    assert turn[5:] == ["worker1 start <- 7 70", "lb in worker1", "worker1 record"]
    assert events[-1] == "worker1 release"


def test_each_turn_writes_the_line_that_a_killed_run_leaves() -> None:
    site = Site(joins=())
    site.roll_out([plan_stop(WORKERS[0], make_facts(name="worker1"))])
    assert ("worker1", "audit") in site.log


def test_a_stop_comes_after_that_line_so_that_the_shell_of_the_lock_is_free_for_it() -> None:
    """If the client is lost, the lock lasts as long as the stop."""
    site = Site()
    site.audit_seconds = 0.1
    site.roll_out([deploy(WORKERS[0])])
    assert site.log.index(("worker1", "audited")) < site.log.index(("worker1", "stop"))


def test_every_server_is_locked_and_staged_before_the_first_turn() -> None:
    site = Site()
    site.roll_out([deploy(node) for node in WORKERS])
    events = site.events("worker1", "worker2", "lb")
    first_turn = events.index("lb out worker1")
    assert set(events[:first_turn]) == {
        f"{node.name} {script}" for node in WORKERS for script in ("lock", "stage")
    }


def test_a_worker_is_said_to_wait_for_its_turn_once_it_is_staged() -> None:
    """Not while its files are still on their way."""
    site = Site()
    site.roll_out([deploy(node) for node in WORKERS])
    of_worker2 = [text for name, text in site.heard.moments if name == "worker2"]
    at = of_worker2.index("waiting for its turn")
    assert "staging" in of_worker2[:at]
    assert "staging" not in of_worker2[at:]
    assert of_worker2[at + 1 :], "its turn came"


def test_the_second_worker_waits_for_the_join_of_the_first() -> None:
    site = Site()
    first, second = site.roll_out([deploy(node) for node in WORKERS])
    assert first.joined and second.joined
    events = site.events("lb")
    assert events == ["lb out worker1", "lb in worker1", "lb out worker2", "lb in worker2"]


def test_after_the_first_failure_nothing_more_is_changed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("remote.observe.doctor.explain", lambda *_, **__: "")
    site = Site(joins=())
    first, second = site.roll_out([deploy(node) for node in WORKERS])
    assert isinstance(first.error, StartError)
    assert not second.reached
    assert "lb in worker1" not in site.events("lb"), "it stays out of rotation"
    assert "worker1 record" not in site.events("worker1")[-1:], "its audit line was written before"
    changes = [event for event in site.events("worker2") if "stop" in event or "start" in event]
    assert changes == []
    assert "worker2 unstage" in site.events("worker2")


def test_a_watch_that_ends_without_a_word_is_explained_by_what_the_server_looks_like(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A full disk ends the script, too: the operator hears of the disk as well."""
    monkeypatch.setattr("remote.observe.doctor.explain", lambda *_, **__: "; a disk is full")
    site = Site(silent=True)
    first, second = site.roll_out([deploy(node) for node in WORKERS])
    assert isinstance(first.error, ConnectError)
    assert first.error.action.endswith("; a disk is full")
    assert not second.reached


def test_a_stop_is_the_same_rollout_and_puts_nobody_back() -> None:
    site = Site()
    results = site.roll_out([plan_stop(node, make_facts(name=node.name)) for node in WORKERS])
    assert [result.stopped and result.stopped.was_running for result in results] == [True, True]
    assert site.events("lb") == ["lb out worker1", "lb out worker2"]
    assert site.events("worker1") == [
        "worker1 lock",
        "worker1 stop",
        "worker1 down",
        "worker1 record",
        "worker1 release",
    ]


def test_a_member_that_an_earlier_run_left_out_of_rotation_is_put_back() -> None:
    """And nothing else happens to it: it was `nothing`, and exit status 0."""
    site = Site()
    facts = make_facts(name="worker1", record=RECORD)
    plan = with_rotation(Plan(node=WORKERS[0], facts=facts), {"worker1"})
    (result,) = site.roll_out([plan])
    assert (result.error, result.changed) == (None, ("back in rotation",))
    assert site.events("worker1", "lb") == [
        "worker1 lock",
        "lb in worker1",
        "worker1 record",
        "worker1 release",
    ]


def test_a_node_that_is_not_known_to_have_joined_stays_out_of_rotation() -> None:
    unproved = Plan(node=WORKERS[0], facts=make_facts(record={}))
    assert with_rotation(unproved, {"worker1"}).empty


def test_a_server_that_somebody_starts_again_after_a_stop_was_not_stopped() -> None:
    site = Site(after_stop=b"runs 4711\n")
    first, second = site.roll_out([plan_stop(node, make_facts(name=node.name)) for node in WORKERS])
    assert first.error is not None
    assert first.error.code == "stop-undone"
    assert "pid 4711" in first.error.seen
    assert not second.reached


@pytest.mark.parametrize("name", ["worker1", "worker2", "manager"])
def test_too_few_sessions_of_any_server_end_a_run_before_one_is_stopped(name: str) -> None:
    """A turn needs several at once, after its stop: its own, and to follow the manager's log."""
    refused = ConnectError("its sshd opens no further session", host=name, code="sessions")
    site = Site(sessions_errors={name: refused})
    with pytest.raises(ConnectError) as caught:
        site.roll_out([deploy(node) for node in WORKERS])
    assert (caught.value.code, caught.value.host) == ("sessions", name)
    assert not {"stop", "drain", "start"} & {what for _, what in site.log}


def test_a_second_start_is_watched_like_the_first(monkeypatch: pytest.MonkeyPatch) -> None:
    """A server whose log cannot say that it started has its console followed there, too."""

    def fails(*_: object) -> Joined:
        raise StartError("it did not say that it started")

    by_console: list[bool] = []

    def watched(*args: Any, **own: Any) -> Script:
        by_console.append(own["by_console"])
        return start_script(*args, **own)

    monkeypatch.setattr(Start, "verify", fails)
    monkeypatch.setattr("remote.rollout.start.start_script", watched)
    quiet = log4j("log4j.appender.CARBON_LOGFILE.threshold=WARN")
    facts = make_facts(name="worker1", record={}, files={layout.LOG4J: quiet})
    (result,) = Site().roll_out([Plan(node=WORKERS[0], facts=facts, verify=True)])
    assert (result.error, by_console) == (None, [True])
