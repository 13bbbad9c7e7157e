"""What status says of each host: one row, and what is wrong with it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any, Literal

from carbon.checks.balancer import BalancerStatus, HostStatus
from carbon.checks.case import Case
from carbon.checks.files import differences
from carbon.checks.finding import Finding
from carbon.checks.ports import states
from carbon.checks.process import effective_role
from carbon.checks.registry import for_status
from carbon.checks.service import boot_note
from carbon.cluster import Cluster, LoadBalancer, Node, Role
from carbon.errors import ProvisionError
from carbon.join.membership import Membership
from carbon.value import Value, as_builtins


class DriverStatus(Value, kw_only=True):
    """Whether the JDBC driver of hosts.yaml is there, and no other version of it."""

    jar: str
    right: bool


class NodeStatus(HostStatus, kw_only=True):
    """One Carbon server."""

    kind: Role
    """What it should be."""
    role: Literal["manager", "worker"] | None = None
    """What its JVM truly runs as; None: down, or an old Linux that cuts command lines."""
    product: str | None = None
    kernel: str | None = None
    membership: Membership | None = None
    """None for the manager, which is what the others join."""
    restart_pending: bool = False
    driver: DriverStatus | None = None
    journal: str | None = None
    """The generation of an interrupted deploy."""
    lock: str | None = None
    """Who works on the server, in the lock's own words."""


Status = NodeStatus | BalancerStatus


def unreachable(host: Node | LoadBalancer, error: ProvisionError) -> Status:
    """Return the status of a host that could not be inspected, with the reason."""
    finding = Finding.of_error(error, weight=100)
    if isinstance(host, LoadBalancer):
        return BalancerStatus(name=host.name, state="unreachable", problems=(finding,))
    return NodeStatus(name=host.name, kind=host.role, state="unreachable", problems=(finding,))


def node_status(case: Case) -> NodeStatus:
    """Judge one Carbon server."""
    node, facts = case.node, case.facts
    problems = for_status(case)
    if facts.home_real is None:
        return NodeStatus(name=node.name, kind=node.role, state="missing", problems=problems)
    running = facts.process
    return NodeStatus(
        name=node.name,
        kind=node.role,
        state="running" if running else "down",
        problems=problems,
        notes=tuple(_notes(case)),
        role=effective_role(case),
        pid=running.pid if running else None,
        since=running.started_at if running else None,
        product=facts.version,
        kernel=facts.kernel,
        ports=states(case),
        membership=case.membership,
        drift=differences(case.planned) if case.planned else None,
        restart_pending=bool(running and running.newer),
        driver=_driver(case),
        journal=facts.journal,
        lock=None if facts.lock_dead else _holder(facts.lock),
    )


def _driver(case: Case) -> DriverStatus | None:
    driver, plan = case.node.driver, case.planned
    return DriverStatus(jar=driver.jar.name, right=plan.driver is None) if driver and plan else None


def _holder(lock: str | None) -> str | None:
    return lock.partition(" run=")[0] if lock else None


def _notes(case: Case) -> Iterator[str]:
    facts = case.facts
    if facts.lock_dead:
        yield f"the lock of a dead run ({_holder(facts.lock)}); the next run clears it away"
    elif facts.lock:
        yield f"locked by {_holder(facts.lock)}"
    if facts.staged and facts.journal is None:
        yield "an interrupted run left staged files; the next run clears them away"
    if note := boot_note(case):
        yield note
    if case.plan is None:
        yield "not managed: never deployed by this tool"


def as_data(cluster: Cluster, statuses: Sequence[Status]) -> dict[str, Any]:
    """Return what `fab status --json` prints; its keys stay as they are, others may be added.

    `well` is true if nothing is wrong anywhere. Each of `hosts` has name, kind (manager,
    worker, elb, load_balancer), state (running, down, missing, unreachable), well, problems
    (code, seen, remedy, ...), notes, pid, since, ports (name, number, state: open, closed, taken)
    and drift (names of files; null if it is not known).

    A Carbon server also has role (worker or manager, as it truly runs), product, kernel,
    membership (state: joined, starting, left, split, unseen, unknown; at; wording; null for the
    manager), restart_pending, driver (jar, right), journal and lock; the load balancer has
    rotation (in, out or removed, by worker). Times are UTC, in ISO 8601; null is not known.
    """
    return {
        "cluster": cluster.domain,
        "inventory": str(cluster.file),
        "well": all(status.well for status in statuses),
        "hosts": [_host_data(status) for status in statuses],
    }


def _host_data(status: Status) -> dict[str, Any]:
    first = {name: getattr(status, name) for name in ("name", "kind", "well", "state")}
    data: dict[str, Any] = first | as_builtins(status) | {"since": _iso(status.since)}
    if isinstance(status, NodeStatus) and status.membership:
        data["membership"]["at"] = _iso(status.membership.at)
    return data


def _iso(at: float | None) -> str | None:
    return None if at is None else datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
