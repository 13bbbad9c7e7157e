"""What each rolling verb finds out before it touches anything."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import pytest

from carbon.cluster import Cluster, Member, Node
from carbon.errors import ConnectError, Failures, ProvisionError, UnfitError
from carbon.home.facts import Generation, LogFacts, ServerFacts
from carbon.plan.model import Options, Plan, Step
from carbon.plan.plan import plan_rollback
from carbon.value import replace
from remote.host.host import Host
from remote.rollout import preflight
from remote.rollout.request import Request
from tests.unit.carbon.looks import (
    RECORD,
    left_line,
    make_facts,
    make_manager_facts,
    own_lines,
)
from tests.unit.carbon.nodes import make_cluster, make_node
from tests.unit.remote.local_server import LocalFleet, LocalServer
from tests.unit.remote.silent import Silent

WORKER2 = make_node("worker2", local_member_host="10.0.0.5")
CLUSTER = make_cluster(make_node(), WORKER2)
START = frozenset({Step.START})
VERBS: Mapping[str, tuple[Options, Callable[[Node, ServerFacts], Plan] | None]] = {
    "start": (Options(steps=START, restart="never"), None),
    "restart": (Options(steps=START, restart="always"), None),
    "rollback": (Options(steps=START), plan_rollback),
}
FACTS = make_facts(generations=(Generation(id="20261122T110000Z-ab", meta={}),))
Finds = dict[str, ServerFacts | ProvisionError]


@pytest.fixture
def finds(monkeypatch: pytest.MonkeyPatch) -> Iterator[Finds]:
    """What a look at each server finds; a test changes it."""
    found: Finds = {
        "manager": make_manager_facts(),
        "worker1": FACTS,
        "worker2": replace(FACTS, name="worker2", addresses=frozenset({"10.0.0.5"})),
    }

    def gather(host: Host[Node], **_options: object) -> ServerFacts:
        facts = found[host.name]
        if isinstance(facts, ProvisionError):
            raise facts
        return facts

    monkeypatch.setattr(preflight, "gather_facts", gather)
    yield found


def request(verb: str) -> Request:
    return Request(nodes=CLUSTER.workers, options=VERBS[verb][0], verb=verb)


def run(verb: str) -> list[Plan]:
    names = ("manager", "worker1", "worker2")
    fleet = LocalFleet(CLUSTER, {name: LocalServer(name) for name in names})
    planner = VERBS[verb][1]
    checked = preflight.preflight(fleet, request(verb), progress=Silent(), planner=planner)  # type: ignore[arg-type]
    return checked.demand()


@pytest.mark.parametrize("verb", VERBS)
def test_servers_that_are_fit_are_planned_in_their_order(finds: Finds, verb: str) -> None:
    finds["worker1"] = replace(FACTS, process=None, listening={})
    assert [each.node.name for each in run(verb)] == ["worker1", "worker2"]


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize(
    ("own", "code"),
    [
        ({"disk_free_kb": 0}, "disk-full"),
        ({"unreadable": frozenset({"repository/conf/carbon.xml"})}, "file-unreadable"),
        ({"log": LogFacts(writable=False)}, "log-unwritable"),
        ({"home_writable": False}, "home-read-only"),
        ({"java_home": None}, "java-home"),
        ({"listening": {4000: "own", 9763: "other"}}, "port-taken"),
    ],
)
def test_every_verb_that_starts_a_server_refuses_what_would_keep_it_from_starting(
    finds: Finds, verb: str, own: dict[str, Any], code: str
) -> None:
    """A worker that serves is not stopped for a start that cannot succeed."""
    finds["worker1"] = replace(FACTS, **own)
    if verb == "start":
        finds["worker1"] = replace(finds["worker1"], process=None)  # type: ignore[type-var]
    with pytest.raises(UnfitError) as refusal:
        run(verb)
    assert (refusal.value.code, refusal.value.host) == (code, "worker1")


def test_all_reasons_of_all_servers_are_told_together(finds: Finds) -> None:
    """One that cannot be reached hides nothing of the others."""
    finds["worker1"] = ConnectError("the connection failed", host="worker1")
    finds["worker2"] = replace(FACTS, disk_free_kb=0)
    finds["manager"] = make_manager_facts(process=None)
    with pytest.raises(Failures) as refusal:
        run("restart")
    told = [(error.host, error.code) for error in refusal.value.errors]
    assert set(told) == {
        ("worker1", "connection"),
        ("worker2", "disk-full"),
        ("worker2", "member-host"),
        ("manager", "not-running"),
    }


def test_a_home_that_is_missing_is_its_only_reason(finds: Finds) -> None:
    finds["worker1"] = replace(FACTS, home_real=None, java_home=None, disk_free_kb=0)
    with pytest.raises(UnfitError) as refusal:
        run("restart")
    assert refusal.value.code == "home-missing"


def test_plans_of_the_servers_that_can_be_planned_are_kept(finds: Finds) -> None:
    finds["worker1"] = ConnectError("the connection failed", host="worker1")
    fleet = LocalFleet(CLUSTER, {})
    fleet.servers = {name: LocalServer(name) for name in ("manager", "worker1", "worker2")}
    found = preflight.preflight(fleet, request("restart"), progress=Silent())  # type: ignore[arg-type]
    assert [each.node.name for each in found.plans] == ["worker2"]
    assert [error.code for error in found.errors] == ["connection"]


def test_a_load_balancer_that_does_not_answer_hinders_no_plan(finds: Finds) -> None:
    """And is said; a rollout that needs it fails when it takes hold of it."""

    class Unreachable:
        def out_of_rotation(self, nodes: Sequence[Node]) -> frozenset[str]:
            assert nodes
            raise ConnectError("connection refused", host="lb")

    class Heard(Silent):
        def say(self, name: str, text: str) -> None:
            said.append((name, text))

    said: list[tuple[str, str]] = []
    fleet = LocalFleet(CLUSTER, {name: LocalServer(name) for name in ("manager", *finds)})
    checked = preflight.preflight(
        fleet,  # type: ignore[arg-type]
        request("restart"),
        progress=Heard(),
        balancer=Unreachable(),  # type: ignore[arg-type]
    )
    assert [plan.node.name for plan in checked.demand()] == ["worker1", "worker2"]
    assert said == [("lb", "who is out of rotation is not known: connection refused")]


def test_a_worker_that_does_not_see_the_manager_is_restarted_by_a_deploy(finds: Finds) -> None:
    """Both run, its files are right, its join is recorded: a deploy had nothing to do.

    The line is in its own log alone; the manager was restarted, and says nothing of it.
    """
    split(finds)
    first, second = deployed(CLUSTER)
    assert first.start
    assert first.reason == "it runs in a cluster without manager, by its own log"
    assert not second.start


def test_a_worker_that_lists_other_workers_is_named_and_not_restarted_for_ever(
    finds: Finds,
) -> None:
    split(finds)
    others = (*CLUSTER.workers[0].members, Member(host="10.0.0.5", port=4000))
    workers = (replace(CLUSTER.workers[0], members=others), CLUSTER.workers[1])
    with pytest.raises(UnfitError, match="which it may join again") as caught:
        deployed(replace(CLUSTER, workers=workers))
    assert caught.value.code == "member-split"
    assert "fab -H worker1,worker2 stop" in caught.value.action
    manager = replace(CLUSTER.manager, members=others)
    with pytest.raises(UnfitError) as caught:
        deployed(replace(CLUSTER, workers=workers, manager=manager))
    assert "fab -H manager restart" in caught.value.action


def test_start_says_that_a_worker_does_not_see_the_manager_and_leaves_it(finds: Finds) -> None:
    split(finds)
    first, _ = run("start")
    assert not first.start
    assert "`fab -H worker1 restart` makes it join manager" in "; ".join(first.notes)


def split(finds: Finds) -> None:
    """Let worker1 have lost the manager, which runs."""
    lost = left_line("10.0.0.3", ago=50)
    finds["worker1"] = replace(FACTS, said={"own": (own_lines()[0], lost)}, record=RECORD)
    second = finds["worker2"]
    assert isinstance(second, ServerFacts)
    finds["worker2"] = replace(second, record=RECORD)


def deployed(cluster: Cluster) -> list[Plan]:
    """Plan a deploy of two workers whose files are right."""
    servers = {name: LocalServer(name) for name in ("manager", "worker1", "worker2")}
    fleet = LocalFleet(cluster, servers)
    deploy = Request(nodes=cluster.workers, options=Options(steps=START), verb="deploy")
    checked = preflight.preflight(fleet, deploy, progress=Silent())  # type: ignore[arg-type]
    return checked.demand()
