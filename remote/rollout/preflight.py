"""Preflight: read every server at once, plan, and find every reason not to begin."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from functools import partial
from pathlib import Path
from typing import TypeAlias

from carbon.artifacts.local import targets
from carbon.checks.case import Case
from carbon.checks.clustering import CONF_AT_ROOT
from carbon.checks.registry import refusals, watcher_refusals
from carbon.cluster import Cluster, Node
from carbon.errors import ProvisionError, refuse
from carbon.home import driver
from carbon.home.driver import WantedDriver
from carbon.home.facts import ServerFacts
from carbon.join.membership import membership, sight_pattern
from carbon.plan.model import ALL_STEPS, Plan, Step
from carbon.plan.plan import edit_hosts_once, plan, with_rotation
from carbon.plan.split import heal_split
from carbon.value import Value, replace
from remote.host.fleet import Fleet
from remote.observe.facts import gather_facts
from remote.observe.reach import reach_database
from remote.rollout.request import LoadBalancer, Request, refuse_elb
from remote.run.interrupt import safe_point
from remote.run.progress import Progress
from remote.run.threads import all_or_errors, begun, or_error, parallel

Planner = Callable[[Node, ServerFacts], Plan]
Forecast = Callable[[Node, ServerFacts], ServerFacts]
Looked: TypeAlias = Mapping[str, Case | ProvisionError]
"""What was read of each server, and planned on it, by the names of the nodes."""


class Preflight(Value, kw_only=True):
    """What was read of all servers: the plans, and every reason not to begin."""

    plans: tuple[Plan, ...]
    """Of the nodes that could be planned, in the order of their turns."""
    errors: tuple[ProvisionError, ...]
    absent: tuple[Node, ...] = ()
    """They have no AS_HOME, and hosts.yaml names the pack to install there first."""

    def demand(self) -> list[Plan]:
        """Return the plans. Raises all reasons not to begin, of all servers, together."""
        refuse(self.errors)
        return list(self.plans)


def preflight(
    fleet: Fleet,
    request: Request,
    *,
    progress: Progress,
    planner: Planner | None = None,
    forecast: Forecast | None = None,
    balancer: LoadBalancer | None = None,
) -> Preflight:
    """Read every server, the manager and the ELB at once, and plan; nothing is changed.

    `planner` stands in for the comparison with hosts.yaml if a verb plans otherwise;
    `forecast` turns what a node is into what it will be, if its AS_HOME is yet to come. The
    `balancer` is asked meanwhile who is out of rotation.
    """
    refuse_elb(request.nodes)
    planner = planner or _compare_with_inventory(request)
    asked = _asked(fleet.cluster, request)
    planned = {node.name for node in request.nodes}

    def look_at(node: Node) -> Case:
        progress.now(node.name, "looking")
        case = _look_at(fleet, request, node)
        progress.now(node.name, "")
        # Planned at once: the other servers are still being read.
        return _planned(case, planner, forecast) if node.name in planned else case

    out = begun(partial(balancer.out_of_rotation, request.nodes)) if balancer else None
    names = [node.name for node in asked]
    looked = dict(zip(names, parallel(asked, look_at), strict=True))
    absent = tuple(node for node in request.nodes if _is_absent(request, looked[node.name]))
    errors: list[ProvisionError] = []
    for name, case in looked.items():
        if isinstance(case, ProvisionError):
            errors.append(case)
        elif name in planned and case.node not in absent:
            errors += _errors(case)
    plans, unhealed = _adjusted(fleet.cluster, request, looked, out=_out(out, progress))
    errors += unhealed
    if not absent:
        errors += _watcher_errors(fleet.cluster, looked, plans)
    safe_point()
    return Preflight(plans=tuple(edit_hosts_once(plans)), errors=tuple(errors), absent=absent)


def _asked(cluster: Cluster, request: Request) -> tuple[Node, ...]:
    watchers = cluster.watchers if Step.START in request.options.steps else ()
    return tuple({node.name: node for node in (*request.nodes, *watchers)}.values())


def _is_absent(request: Request, case: Case | ProvisionError) -> bool:
    """Tell whether a node wants its pack first: only a whole deploy installs it."""
    if isinstance(case, ProvisionError) or case.node.pack is None:
        return False
    if request.options.steps != ALL_STEPS or request.verb == "clone":
        return False
    facts = case.facts
    return not (facts.home_real or facts.home_blocked or facts.home_closed)


def _adjusted(
    cluster: Cluster, request: Request, looked: Looked, *, out: frozenset[str]
) -> tuple[list[Plan], list[ProvisionError]]:
    """Return the plans with what only the whole cluster shows, and what keeps some from it.

    A member that is out of rotation is put back; a worker is restarted that runs in a cluster
    without the manager, by its own log.
    """
    manager = looked.get(cluster.manager.name)

    def adjust(plan: Plan) -> Plan:
        if plan.node.role == "worker" and isinstance(manager, Case):
            member = membership(plan.node, plan.facts, manager=manager.facts, cluster=cluster)
            if member is not None and member.state == "split":
                plan = heal_split(plan, request.options, cluster)
        return with_rotation(plan, out)

    plans = [case.plan for case in looked.values() if isinstance(case, Case)]
    return all_or_errors(
        [or_error(partial(adjust, plan)) for plan in plans if isinstance(plan, Plan)]
    )


def _out(out: Future[frozenset[str]] | None, progress: Progress) -> frozenset[str]:
    """Return who is out of rotation.

    That a load balancer does not answer hinders only a rollout that needs it: such a rollout
    fails when it takes hold of it, before any server is touched.
    """
    if out is None:
        return frozenset()
    try:
        return out.result()
    except ProvisionError as error:
        seen = f"who is out of rotation is not known: {error.headline}"
        progress.say(error.host or "load balancer", seen)
        return frozenset()


def _look_at(fleet: Fleet, request: Request, node: Node) -> Case:
    starts = Step.START in request.options.steps
    sees = node.role == "worker" and starts
    member = sight_pattern(fleet.cluster.manager) if sees else ""
    facts = gather_facts(fleet.host(node), member=member)
    to_database = reach_database(fleet, node) if starts else None
    return Case(node=node, cluster=fleet.cluster, facts=facts, to_database=to_database)


def _planned(case: Case, planner: Planner, forecast: Forecast | None) -> Case:
    node = case.node
    facts = forecast(node, case.facts) if forecast is not None else case.facts
    plan = or_error(lambda: planner(node, facts)) if facts.home_real is not None else None
    return replace(case, facts=facts, plan=plan)


def _errors(case: Case) -> Iterator[ProvisionError]:
    """Yield every reason why a node's turn must not begin."""
    refused = refusals(case)
    unknown_layout = any(each.code == CONF_AT_ROOT.code for each in refused)
    if isinstance(case.plan, ProvisionError) and not unknown_layout:
        yield case.plan
    yield from refused


def _watcher_errors(
    cluster: Cluster, looked: Looked, plans: Sequence[Plan]
) -> Iterator[ProvisionError]:
    """Yield why no worker could be seen joining, if any is to be.

    If the first turn starts the watcher and fails, no other node has its turn.
    """
    joining = [plan for plan in plans if plan.start or plan.verify]
    if all(plan.node.name == cluster.manager.name for plan in joining):
        return
    for watcher in cluster.watchers:
        case = looked.get(watcher.name)
        comes_up_first = plans[0].start and plans[0].node.name == watcher.name
        if isinstance(case, Case) and not comes_up_first:
            watches = Case(node=watcher, cluster=cluster, facts=case.facts, watches=True)
            yield from watcher_refusals(watches)


def _compare_with_inventory(request: Request) -> Planner:
    wanted = _read_drivers(request)
    if Step.CONFIG in request.options.steps:
        for node in request.nodes:
            targets(node)  # what is wrong with them is said before any server is asked

    def planner(node: Node, facts: ServerFacts) -> Plan:
        jar = wanted.get(node.driver.jar) if node.driver else None
        return plan(node, facts, options=request.options, wanted=jar)

    return planner


def _read_drivers(request: Request) -> dict[Path, WantedDriver]:
    """Read each driver JAR of the inventory once, on the operator's side."""
    if Step.DRIVER not in request.options.steps:
        return {}
    drivers = {node.driver.jar: node.driver for node in request.nodes if node.driver}
    return {
        jar: driver.read_jar(jar, driver_class=wanted.driver_class)
        for jar, wanted in drivers.items()
    }
