"""What a run tells of servers that had no turn of their own, and two runs that meet."""

from __future__ import annotations

import pytest

from carbon.errors import LockedError, ProvisionError, ScriptError
from carbon.plan.model import Options, Plan
from remote.host.script import Script
from remote.host.server import Held, Outcome
from remote.rollout.request import Request, Result, context_of
from remote.rollout.rollout import _all_locked, _result
from tests.unit.carbon.looks import make_facts
from tests.unit.carbon.nodes import make_cluster, make_node
from tests.unit.remote.local_server import LocalFleet, LocalServer
from tests.unit.remote.silent import Silent

FIRST = Plan(node=make_node("worker1"), facts=make_facts())
SECOND = Plan(node=make_node("worker2"), facts=make_facts(), hosts_by="worker1")
FAILED = Result(plan=FIRST, error=ScriptError("no room"))


def test_a_node_with_nothing_to_do_is_told_as_that() -> None:
    told = _result(FIRST, {})
    assert told.reached
    assert told.changed == ()


def test_an_edit_of_hosts_that_another_node_made_is_told() -> None:
    told = _result(SECOND, {"worker1": Result(plan=FIRST, changed=("hosts",))})
    assert told.changed == ("hosts (by worker1)",)


@pytest.mark.parametrize("done", [{}, {"worker1": FAILED}])
def test_an_edit_of_hosts_that_another_node_did_not_make_is_no_success(
    done: dict[str, Result],
) -> None:
    assert not _result(SECOND, done).reached


# ---- Two runs that begin in the same moment, each with a server that the other wants


class Lockable(LocalServer):
    """A server whose lock another run holds for the first times that it is asked for."""

    def __init__(self, name: str, *, holder: str = "", times: int = 0) -> None:
        super().__init__(name)
        self.holder = holder
        self.times = times
        self.held = 0

    def hold(self, script: Script, *, timeout_seconds: float) -> Held:  # noqa: ARG002
        self.times -= 1
        if self.times >= 0:
            said = (
                f"taken she@desk since noon for `deploy` run={self.holder} client=1.2 pid=3 ticks=4"
            )
        else:
            said = f"held {script.values['run']}"
            self.held += 1
        return Held(outcome=Outcome(0, said.encode(), b""), release=self._release)

    def _release(self) -> None:
        self.held -= self.held > 0


def met(*, holder: str, times: int, first: str = "") -> tuple[Lockable, Lockable]:
    """Lock two servers as run 0123abcd; return them as they are meanwhile."""
    servers = (
        Lockable("worker1", holder=first, times=9 if first else 0),
        Lockable("worker2", holder=holder, times=times),
    )
    nodes = tuple(make_node(server.name) for server in servers)
    cluster = make_cluster(*nodes)
    fleet = LocalFleet(cluster, {server.name: server for server in servers})
    plans = [Plan(node=node, facts=make_facts()) for node in nodes]
    request = Request(nodes=nodes, options=Options(), verb="deploy")
    context = context_of(fleet, request, nodes, progress=Silent(), balancer=None)  # type: ignore[arg-type]
    with _all_locked(context, plans):
        assert [server.held for server in servers] == [1, 1]
    return servers


def test_a_run_goes_on_once_the_other_one_that_it_met_half_way_gave_up() -> None:
    servers = met(holder="9999ffff", times=3)
    assert [server.held for server in servers] == [0, 0]


@pytest.mark.parametrize(
    ("holder", "first"),
    [("0000aaaa", ""), ("9999ffff", "9999ffff"), ("9999ffff", "0000aaaa")],
    ids=["it is this one that gives way", "this one holds nothing", "two others"],
)
def test_a_run_that_has_to_give_way_is_refused_at_once(holder: str, first: str) -> None:
    with pytest.raises(ProvisionError, match="another run works on it"):
        met(holder=holder, times=1, first=first)


def test_a_run_that_is_well_under_way_is_not_waited_for_long() -> None:
    with pytest.raises(LockedError, match="another run works on it"):
        met(holder="9999ffff", times=1000)
