"""Preflight: read every server at once, plan, and find every reason not to begin."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from functools import partial
from pathlib import Path

from carbon.artifacts.local import targets
from carbon.checks.case import Case
from carbon.checks.clustering import CONF_AT_ROOT
from carbon.checks.registry import refusals, watcher_refusals
from carbon.cluster import Cluster, Node
from carbon.errors import ProvisionError, UsageError, refuse
from carbon.home import driver
from carbon.home.driver import WantedDriver
from carbon.home.facts import Reach, ServerFacts
from carbon.join.membership import membership, sight_pattern
from carbon.plan.model import ALL_STEPS, Plan, Step
from carbon.plan.plan import edit_hosts_once, plan, with_rotation
from carbon.plan.split import heal_split
from carbon.value import Value, replace
from remote.host.fleet import Fleet
from remote.observe.facts import gather_facts
from remote.observe.reach import reach_database
from remote.rollout.request import LoadBalancer, Request
from remote.run.interrupt import safe_point
from remote.run.progress import Progress
from remote.run.threads import all_or_errors, begun, or_error, parallel

Planner = Callable[[Node, ServerFacts], Plan]
Forecast = Callable[[Node, ServerFacts], ServerFacts]


class Preflight(Value, kw_only=True):
    """What was read of all servers: the plans, and every reason not to begin."""

    plans: tuple[Plan, ...]
    """Of the nodes that could be planned, in the request of their turns."""
    errors: tuple[ProvisionError, ...]
    absent: tuple[Node, ...] = ()
    """They have no AS_HOME, and hosts.yaml names the pack to install there first."""

    def demand(self) -> list[Plan]:
        """Return the plans. Raises all reasons not to begin, of all servers, together."""
        refuse(self.errors)
        return list(self.plans)


class _Looked(Value, kw_only=True):
    """What was read of one server, and what was planned on it."""

    facts: ServerFacts
    to_database: Reach | None = None
    plan: Plan | ProvisionError | None = None
    """None: nothing can be planned, or nothing is to be."""


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
    _refuse_elb(request.nodes)
    planner = planner or _compare_with_inventory(request)
    asked = _asked(fleet.cluster, request)
    planned = {node.name for node in request.nodes}

    def look_at(node: Node) -> _Looked:
        progress.now(node.name, "looking")
        looked = _look_at(fleet, request, node)
        progress.now(node.name, "")
        # Planned at once: the other servers are still being read.
        return _planned(looked, node, planner, forecast) if node.name in planned else looked

    out = begun(partial(balancer.out_of_rotation, request.nodes)) if balancer else None
    results = parallel(asked, look_at)
    looked = {node.name: each for node, each in zip(asked, results, strict=True)}
    absent = tuple(node for node in request.nodes if _is_absent(request, node, looked[node.name]))
    errors = [
        error
        for node in asked
        if node not in absent
        and (node.name in planned or isinstance(looked[node.name], ProvisionError))
        for error in _errors(fleet.cluster, node, looked[node.name])
    ]
    plans, unhealed = _adjusted(fleet.cluster, request, looked, out=_out(out, progress))
    errors += unhealed
    if not absent:
        errors += _watcher_errors(fleet.cluster, looked, plans)
    safe_point()
    return Preflight(plans=tuple(edit_hosts_once(plans)), errors=tuple(errors), absent=absent)


def _asked(cluster: Cluster, request: Request) -> tuple[Node, ...]:
    watchers = cluster.watchers if Step.START in request.options.steps else ()
    return tuple({node.name: node for node in (*request.nodes, *watchers)}.values())


def _is_absent(request: Request, node: Node, looked: _Looked | ProvisionError) -> bool:
    """Tell whether a node wants its pack first: only a whole deploy installs it."""
    if node.pack is None or request.options.steps != ALL_STEPS or request.verb == "clone":
        return False
    facts = looked.facts if isinstance(looked, _Looked) else None
    return facts is not None and not (facts.home_real or facts.home_blocked or facts.home_closed)


def _plans(looked: Iterable[_Looked | ProvisionError]) -> Iterator[Plan]:
    for each in looked:
        if isinstance(each, _Looked) and isinstance(each.plan, Plan):
            yield each.plan


def _adjusted(
    cluster: Cluster,
    request: Request,
    looked: Mapping[str, _Looked | ProvisionError],
    *,
    out: frozenset[str],
) -> tuple[list[Plan], list[ProvisionError]]:
    """Return the plans with what only the whole cluster shows, and what keeps some from it.

    A member that is out of rotation is put back; a worker is restarted that runs in a cluster
    without the manager, by its own log.
    """
    manager = looked.get(cluster.manager.name)

    def adjust(plan: Plan) -> Plan:
        if plan.node.role == "worker" and isinstance(manager, _Looked):
            member = membership(plan.node, plan.facts, manager=manager.facts, cluster=cluster)
            if member is not None and member.state == "split":
                plan = heal_split(plan, request.options, cluster)
        return with_rotation(plan, out)

    return all_or_errors([or_error(partial(adjust, plan)) for plan in _plans(looked.values())])


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


def _look_at(fleet: Fleet, request: Request, node: Node) -> _Looked:
    starts = Step.START in request.options.steps
    sees = node.role == "worker" and starts
    member = sight_pattern(fleet.cluster.manager) if sees else ""
    facts = gather_facts(fleet.host(node), member=member)
    return _Looked(facts=facts, to_database=reach_database(fleet, node) if starts else None)


def _planned(looked: _Looked, node: Node, planner: Planner, forecast: Forecast | None) -> _Looked:
    facts = forecast(node, looked.facts) if forecast is not None else looked.facts
    if facts.home_real is None:
        return replace(looked, facts=facts)
    return replace(looked, facts=facts, plan=or_error(lambda: planner(node, facts)))


def _errors(
    cluster: Cluster, node: Node, looked: _Looked | ProvisionError
) -> Iterator[ProvisionError]:
    """Yield every reason why a node's turn must not begin."""
    if isinstance(looked, ProvisionError):
        yield looked
        return
    refused = refusals(
        Case(
            node=node,
            cluster=cluster,
            facts=looked.facts,
            plan=looked.plan,
            to_database=looked.to_database,
        )
    )
    unknown_layout = any(each.code == CONF_AT_ROOT.code for each in refused)
    if isinstance(looked.plan, ProvisionError) and not unknown_layout:
        yield looked.plan
    yield from refused


def _watcher_errors(
    cluster: Cluster,
    looked: Mapping[str, _Looked | ProvisionError],
    plans: Sequence[Plan],
) -> Iterator[ProvisionError]:
    """Yield why no worker could be seen joining, if any is to be."""
    joining = [each for each in plans if each.start or each.verify]
    if all(each.node.name == cluster.manager.name for each in joining):
        return
    for watcher in cluster.watchers:
        if _comes_up_first(watcher, plans):
            continue
        watched = looked.get(watcher.name)
        if isinstance(watched, _Looked):
            case = Case(node=watcher, cluster=cluster, facts=watched.facts, watches=True)
            yield from watcher_refusals(case)


def _comes_up_first(watcher: Node, plans: Sequence[Plan]) -> bool:
    """Tell whether the first turn starts it: if that fails, no other node has its turn."""
    return plans[0].node.name == watcher.name and plans[0].start


def _refuse_elb(nodes: Sequence[Node]) -> None:
    for node in nodes:
        if node.role == "elb":
            raise UsageError(
                f"{node.name} is only looked at, never configured or started",
                action="name workers or the manager",
            )


def _compare_with_inventory(request: Request) -> Planner:
    wanted = read_drivers(request)
    if Step.CONFIG in request.options.steps:
        for node in request.nodes:
            targets(node)  # what is wrong with them is said before any server is asked

    def planner(node: Node, facts: ServerFacts) -> Plan:
        jar = wanted.get(node.driver.jar) if node.driver else None
        return plan(node, facts, options=request.options, wanted=jar)

    return planner


def read_drivers(request: Request) -> dict[Path, WantedDriver]:
    """Read each driver JAR of the inventory once, on the operator's side."""
    if Step.DRIVER not in request.options.steps:
        return {}
    drivers = {node.driver.jar: node.driver for node in request.nodes if node.driver}
    return {
        jar: driver.read_jar(jar, driver_class=wanted.driver_class)
        for jar, wanted in drivers.items()
    }
