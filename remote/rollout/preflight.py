"""Look at every server at once, and plan on what is there; nothing is changed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from carbon.checks.fitness import unfit, unfit_elb, unfit_home, unfit_manager
from carbon.cluster import Cluster, Node
from carbon.errors import ProvisionError, UnfitError, UsageError, refuse
from carbon.home import driver
from carbon.home.driver import WantedDriver
from carbon.home.facts import ServerFacts
from carbon.plan.plan import Plan, Step, edit_hosts_once, plan
from carbon.value import Value, replace
from remote.host.fleet import Fleet
from remote.observe.facts import gather_facts
from remote.rollout.request import Order
from remote.run.interrupt import safe_point
from remote.run.progress import Progress
from remote.run.threads import all_or_errors, or_error, parallel

Planner = Callable[[Node, ServerFacts], Plan]
Forecast = Callable[[Node, ServerFacts], ServerFacts]


class _Looked(Value, kw_only=True):
    """What was read of one server, and what was planned on it."""

    node: Node
    facts: ServerFacts
    unreached: Sequence[UnfitError] = ()
    missing: Sequence[UnfitError] = ()
    plan: Plan | ProvisionError | None = None


def look(
    fleet: Fleet,
    order: Order,
    *,
    progress: Progress,
    planner: Planner | None = None,
    forecast: Forecast | None = None,
) -> list[Plan]:
    """Read every server, the manager and the ELB at once, and plan; nothing is changed.

    `planner` stands in for the comparison with hosts.yaml where a verb plans otherwise;
    `forecast` turns what a node is into what it will be, where its AS_HOME is yet to come.
    Raises Failures with the reasons of all servers that are not fit.
    """
    _refuse_elb(order.nodes)
    planner = planner or _compare_with_inventory(order)
    watchers = fleet.cluster.watchers if Step.START in order.wishes.steps else ()
    asked = tuple({node.name: node for node in (*order.nodes, *watchers)}.values())
    planned = {node.name for node in order.nodes}

    def look_at(node: Node) -> _Looked:
        progress.now(node.name, "looking")
        found = _look_at(fleet, order, node)
        progress.now(node.name, "")
        # Planned at once: the other servers are still being read.
        return _planned(found, planner, forecast) if node.name in planned else found

    looked, errors = all_or_errors(parallel(asked, look_at))
    refuse(errors)
    refuse([reason for one in looked for reason in one.missing])
    plans, errors = all_or_errors([one.plan for one in looked if one.plan])
    refuse(errors)
    starts = [made for made in plans if made.start]
    facts = {one.node.name: one.facts for one in looked}
    unreached = {one.node.name: one.unreached for one in looked}
    reasons: list[ProvisionError] = [reason for made in plans for reason in unfit(made)]
    reasons += [reason for made in starts for reason in unreached[made.node.name]]
    reasons += _unfit_watchers(fleet.cluster, facts, plans)
    refuse(reasons)
    safe_point()
    return list(edit_hosts_once(plans))


def _look_at(fleet: Fleet, order: Order, node: Node) -> _Looked:
    seconds = fleet.cluster.limits.command_seconds
    facts = gather_facts(fleet.server(node), node, timeout_seconds=seconds)
    return _Looked(node=node, facts=facts, unreached=_unreached_database(fleet, node, order))


def _planned(found: _Looked, planner: Planner, forecast: Forecast | None) -> _Looked:
    node, facts = found.node, found.facts
    if forecast is not None:
        facts = forecast(node, facts)
    missing = unfit_home(node, facts)
    made = None if missing else or_error(lambda: planner(node, facts))
    return replace(found, facts=facts, missing=missing, plan=made)


def _refuse_elb(nodes: Sequence[Node]) -> None:
    for node in nodes:
        if node.role == "elb":
            raise UsageError(
                f"{node.name} is only looked at, never configured or started",
                action="name workers or the manager",
            )


def _compare_with_inventory(order: Order) -> Planner:
    wanted = read_drivers(order)

    def planner(node: Node, facts: ServerFacts) -> Plan:
        jar = wanted.get(node.driver.jar) if node.driver else None
        return plan(node, facts, wishes=order.wishes, wanted=jar)

    return planner


def read_drivers(order: Order) -> dict[Path, WantedDriver]:
    """Read each driver JAR of the inventory once, on the operator's side."""
    if Step.DRIVER not in order.wishes.steps:
        return {}
    drivers = {node.driver.jar: node.driver for node in order.nodes if node.driver}
    return {
        jar: driver.read_jar(jar, driver_class=one.driver_class) for jar, one in drivers.items()
    }


def _unreached_database(fleet: Fleet, node: Node, order: Order) -> list[UnfitError]:
    database = fleet.cluster.database
    if database is None or not node.datasources or Step.START not in order.wishes.steps:
        return []
    reach = fleet.server(node).reach(
        database.address, database.port, timeout_seconds=fleet.cluster.limits.connect_seconds
    )
    if reach in ("open", "forbidden"):
        return []
    seen = "refuses connections" if reach == "refused" else "does not answer"
    return [
        UnfitError(
            f"the database {database.address}:{database.port} {seen} when tried from it",
            host=node.name,
            step="look",
            action="start the database, correct `database` in hosts.yaml, or open the firewall",
        )
    ]


def _unfit_watchers(
    cluster: Cluster, facts: dict[str, ServerFacts], plans: Sequence[Plan]
) -> list[UnfitError]:
    manager, elb = cluster.manager, cluster.group_manager
    joining = [made for made in plans if made.start or made.verify]
    if all(made.node.name == manager.name for made in joining):
        return []
    found = unfit_manager(manager, facts[manager.name])
    return [*found, *(unfit_elb(elb, facts[elb.name]) if elb else ())]
