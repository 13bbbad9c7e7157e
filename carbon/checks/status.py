"""How each host of a cluster fares, judged from one look at each; pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import PurePosixPath
from typing import Any, Literal

from carbon.balancer import nginx
from carbon.balancer.nginx import Rotation
from carbon.checks.fitness import unfit_home
from carbon.cluster import Cluster, LoadBalancer, Node, Role
from carbon.errors import InventoryError, ProvisionError
from carbon.home.facts import RunningServer, ServerFacts
from carbon.join.membership import Membership
from carbon.plan.plan import Plan
from carbon.value import Value, as_builtins, field

State = Literal["running", "down", "missing", "unreachable"]
"""`missing`: the server is there, and AS_HOME (or nginx's configuration) is not."""
PortState = Literal["open", "closed", "taken"]
"""`taken`: another process listens there."""


class Port(Value, kw_only=True):
    """One port of a node."""

    name: str
    number: int
    state: PortState


class DriverStatus(Value, kw_only=True):
    """Whether the JDBC driver of hosts.yaml is there, and no other version of it."""

    jar: str
    right: bool


class Problem(Value, kw_only=True):
    """Something about a host that is not as it should be."""

    seen: str
    """Without its full stop."""
    remedy: str = ""


class NodeStatus(Value, kw_only=True):
    """One Carbon server."""

    name: str
    kind: Role
    """What it should be."""
    state: State
    problems: tuple[Problem, ...] = ()
    notes: tuple[str, ...] = ()
    """What an operator may want to know although nothing is wrong with it."""
    role: Literal["manager", "worker"] | None = None
    """What its JVM truly runs as; None: down, or an old Linux that cuts command lines."""
    pid: int | None = None
    since: float | None = None
    """Seconds since the epoch, by its own clock."""
    product: str | None = None
    kernel: str | None = None
    ports: tuple[Port, ...] = ()
    membership: Membership | None = None
    """None for the manager, which is what the others join."""
    drift: tuple[str, ...] | None = None
    """What a deploy would change; None: not known, or not kept by hosts.yaml."""
    restart_pending: bool = False
    driver: DriverStatus | None = None
    journal: str | None = None
    """The generation of an interrupted deploy."""
    lock: str | None = None
    """Who works on the server, in the lock's own words."""

    @property
    def well(self) -> bool:
        """Tell whether nothing is wrong."""
        return not self.problems


class BalancerFacts(Value, kw_only=True):
    """What one look at a load balancer found."""

    pid: int | None
    since: float | None
    configured: bool
    """Its conf_dir is there."""
    files: Mapping[str, bytes] = field(default_factory=dict)
    """The *.conf of its conf_dir by name."""
    listening: frozenset[int] = frozenset()


class BalancerStatus(Value, kw_only=True):
    """The nginx before the workers."""

    name: str
    state: State
    kind: Literal["load_balancer"] = "load_balancer"
    problems: tuple[Problem, ...] = ()
    notes: tuple[str, ...] = ()
    pid: int | None = None
    since: float | None = None
    ports: tuple[Port, ...] = ()
    rotation: Mapping[str, Rotation] = field(default_factory=dict)
    """By worker; `out` where any of its files says so."""
    drift: tuple[str, ...] | None = None

    @property
    def well(self) -> bool:
        """Tell whether nothing is wrong."""
        return not self.problems


Status = NodeStatus | BalancerStatus


def unreachable(host: Node | LoadBalancer, error: ProvisionError) -> Status:
    """Return the status of a host that could not be looked at, with the reason."""
    problem = Problem(seen=error.seen, remedy=error.action)
    if isinstance(host, LoadBalancer):
        return BalancerStatus(name=host.name, state="unreachable", problems=(problem,))
    return NodeStatus(name=host.name, kind=host.role, state="unreachable", problems=(problem,))


# ---- Carbon servers


def node_status(
    node: Node,
    facts: ServerFacts,
    *,
    drafted: Plan | ProvisionError | None,
    membership: Membership | None,
) -> NodeStatus:
    """Judge one Carbon server.

    `drafted` is what a deploy would do, or why that cannot be told; None where hosts.yaml does
    not keep this server's files (an ELB, a manager that was never deployed by this tool).
    """
    if facts.home_real is None:
        reasons = unfit_home(node, facts)
        problems = tuple(Problem(seen=one.seen, remedy=one.action) for one in reasons)
        return NodeStatus(name=node.name, kind=node.role, state="missing", problems=problems)
    running = facts.process
    ports = _ports(node, facts)
    drift = _drift(drafted) if isinstance(drafted, Plan) else None
    problems = (
        *_journal_problems(node, facts),
        *(_running_problems(node, running, ports) if running else _down_problems(node)),
        *(_member_problems(node, membership) if running and membership else ()),
        *_drift_problems(node, drafted, drift),
        *(_restart_problems(node, running) if running and running.newer else ()),
    )
    return NodeStatus(
        name=node.name,
        kind=node.role,
        state="running" if running else "down",
        problems=problems,
        notes=_notes(facts, drafted),
        role=_role(running),
        pid=running.pid if running else None,
        since=running.started_at if running else None,
        product=facts.version,
        kernel=facts.kernel,
        ports=ports,
        membership=membership,
        drift=drift,
        restart_pending=bool(running and running.newer),
        driver=_driver(node, drafted),
        journal=facts.journal,
        lock=None if facts.lock_dead else _holder(facts.lock),
    )


def _ports(node: Node, facts: ServerFacts) -> tuple[Port, ...]:
    """Return whether the node's ports are open.

    Whose they are shows only to the account that runs the server; where none is known to be its
    own, a port that is listened on counts as its own.
    """
    numbers = {
        "localMemberPort": node.local_member_port,
        "HTTP": node.http_port,
        "HTTPS": node.https_port,
    }
    blind = facts.process is not None and "own" not in facts.listening.values()

    def state(number: int) -> PortState:
        match facts.listening.get(number):
            case None:
                return "closed"
            case "own":
                return "open"
            case "other":
                return "open" if blind else "taken"

    return tuple(Port(name=name, number=n, state=state(n)) for name, n in numbers.items())


def _role(running: RunningServer | None) -> Literal["manager", "worker"] | None:
    if running is None or running.command.worker_node is None:
        return None
    return "worker" if running.command.worker_node else "manager"


def _drift(drafted: Plan) -> tuple[str, ...]:
    """Name what a deploy would change: files relative to AS_HOME, JARs, /etc/hosts."""
    jars = [drafted.upload] if drafted.upload else []
    changed = [change.path for change in drafted.files]
    names = [str(path) for path in (*changed, *jars, *drafted.removed)]
    return (*names, *(["/etc/hosts"] if drafted.edits_hosts else []))


def _driver(node: Node, drafted: Plan | ProvisionError | None) -> DriverStatus | None:
    if node.driver is None or not isinstance(drafted, Plan):
        return None
    return DriverStatus(jar=node.driver.jar.name, right=drafted.driver is None)


def _holder(lock: str | None) -> str | None:
    return lock.partition(" run=")[0] if lock else None


def _journal_problems(node: Node, facts: ServerFacts) -> tuple[Problem, ...]:
    if facts.journal is None:
        return ()
    return (
        Problem(
            seen=f"an interrupted run left its journal open ({facts.journal}):"
            " its files may be a mixture, and it is not started",
            remedy=f"run the same command again, or `fab -H {node.name} deploy`",
        ),
    )


def _down_problems(node: Node) -> tuple[Problem, ...]:
    return (Problem(seen="it is not running", remedy=f"start it: fab -H {node.name} start"),)


def _running_problems(
    node: Node, running: RunningServer, ports: Sequence[Port]
) -> tuple[Problem, ...]:
    problems = []
    wanted = "worker" if node.role == "worker" else "manager"
    role = _role(running)
    if role not in (None, wanted):
        seen = f"it runs as a {role}, not as a {wanted}: its JVM says so"
        problems.append(Problem(seen=seen, remedy=f"fab -H {node.name} restart"))
    for port in ports:
        if port.state != "open":
            whose = "is taken by another process" if port.state == "taken" else "is closed"
            seen = f"its {port.name} port {port.number} {whose}".replace("Port port", "Port")
            problems.append(Problem(seen=seen, remedy=f"fab -H {node.name} doctor"))
    return tuple(problems)


def _member_problems(node: Node, found: Membership) -> tuple[Problem, ...]:
    if node.role != "worker" or found.state == "joined":
        return ()
    seen = {
        "left": "it runs, and the manager saw it leave",
        "unseen": "it runs, and the manager has not seen it joining",
        "unknown": "it runs, and whether it joined is not known: the manager cannot be asked",
    }[found.state]
    return (Problem(seen=seen, remedy=f"fab -H {node.name} doctor"),)


def _drift_problems(
    node: Node, drafted: Plan | ProvisionError | None, drift: tuple[str, ...] | None
) -> tuple[Problem, ...]:
    if isinstance(drafted, ProvisionError):
        seen = f"whether it is as hosts.yaml says cannot be told: {drafted.seen}"
        return (Problem(seen=seen, remedy=drafted.action),)
    if not drift:
        return ()
    names = ", ".join(PurePosixPath(name).name if name[0] != "/" else name for name in drift)
    see = f"see `fab -H {node.name} plan`, then `fab -H {node.name} deploy`"
    return (Problem(seen=f"it differs from hosts.yaml: {names}", remedy=see),)


def _restart_problems(node: Node, running: RunningServer) -> tuple[Problem, ...]:
    first, more = running.newer[0], len(running.newer) - 1
    names = f"{first} and {more} more" if more else first
    seen = f"restart pending: {names} changed after its start"
    return (Problem(seen=seen, remedy=f"fab -H {node.name} restart"),)


def _notes(facts: ServerFacts, drafted: Plan | ProvisionError | None) -> tuple[str, ...]:
    notes = []
    if facts.lock_dead:
        notes.append(f"the lock of a dead run ({_holder(facts.lock)}); the next one clears it away")
    elif facts.lock:
        notes.append(f"locked by {_holder(facts.lock)}")
    if facts.staged and facts.journal is None:
        notes.append("an interrupted run left staged files; the next one clears them away")
    if drafted is None:
        notes.append("its files are its own: it was never deployed by this tool")
    return tuple(notes)


# ---- The load balancer


def balancer_status(
    balancer: LoadBalancer, facts: BalancerFacts, *, cluster: Cluster
) -> BalancerStatus:
    """Judge the load balancer: does nginx run, and does it lead to every worker?"""
    if not facts.configured:
        problem = Problem(
            seen=f"there is no {balancer.conf_dir}",
            remedy="install nginx there, or correct `conf_dir` in hosts.yaml",
        )
        return BalancerStatus(name=balancer.name, state="missing", problems=(problem,))
    rotation = _rotation(facts)
    drift = _balancer_drift(facts, rotation, cluster)
    ports = _balancer_ports(balancer, facts)
    running = facts.pid is not None
    problems = (
        *(() if running else (_NGINX_DOWN,)),
        *(_unconfigured(drift) if drift else _listening_problems(ports) if running else ()),
        *_rotation_problems(rotation),
    )
    removed = [name for name, state in rotation.items() if state == "removed"]
    return BalancerStatus(
        name=balancer.name,
        state="running" if running else "down",
        problems=problems,
        notes=tuple(f"{name} was removed from it" for name in removed),
        pid=facts.pid,
        since=facts.since,
        ports=ports,
        rotation=rotation,
        drift=drift,
    )


_NGINX_DOWN = Problem(seen="nginx is not running", remedy="start it on that server")


def _rotation(facts: BalancerFacts) -> dict[str, Rotation]:
    """Merge what the files say: a worker is in rotation where no file says otherwise."""
    merged: dict[str, Rotation] = {}
    for data in facts.files.values():
        for name, state in nginx.parse_rotation(data).items():
            if merged.get(name, "in") == "in":
                merged[name] = state
    return merged


def _balancer_drift(
    facts: BalancerFacts, rotation: Mapping[str, Rotation], cluster: Cluster
) -> tuple[str, ...] | None:
    """Return the files that `fab lb.config` would write, with the rotation as it is."""
    try:
        wanted = nginx.render(
            cluster,
            out_of_rotation=[name for name, state in rotation.items() if state == "out"],
            removed=[name for name, state in rotation.items() if state == "removed"],
        )
    except InventoryError:
        return None
    return tuple(name for name, data in wanted.items() if facts.files.get(name) != data)


def _balancer_ports(balancer: LoadBalancer, facts: BalancerFacts) -> tuple[Port, ...]:
    numbers = {"HTTP": balancer.http_port}
    if balancer.ssl_certificate is not None:
        numbers["HTTPS"] = balancer.https_port
    return tuple(
        Port(name=name, number=n, state="open" if n in facts.listening else "closed")
        for name, n in numbers.items()
    )


def _listening_problems(ports: Sequence[Port]) -> tuple[Problem, ...]:
    return tuple(
        Problem(seen=f"its {port.name} port {port.number} is closed", remedy="fab lb.config")
        for port in ports
        if port.state == "closed"
    )


def _unconfigured(drift: tuple[str, ...]) -> tuple[Problem, ...]:
    return (
        Problem(seen=f"it differs from hosts.yaml: {', '.join(drift)}", remedy="fab lb.config"),
    )


def _rotation_problems(rotation: Mapping[str, Rotation]) -> tuple[Problem, ...]:
    return tuple(
        Problem(
            seen=f"{name} is out of rotation",
            remedy=f"`fab -H {name} restart` puts it back once it has joined",
        )
        for name, state in rotation.items()
        if state == "out"
    )


# ---- For programs


def as_data(cluster: Cluster, statuses: Sequence[Status]) -> dict[str, Any]:
    """Return what `fab status --json` prints; its keys stay as they are, others may be added.

    `well` is true where nothing is wrong anywhere. Each of `hosts` has name, kind (manager,
    worker, elb, load_balancer), state (running, down, missing, unreachable), well, problems
    (seen, remedy), notes, pid, since, ports (name, number, state: open, closed, taken) and drift
    (names of files; null where it is not known).

    A Carbon server also has role (worker or manager, as it truly runs), product, kernel,
    membership (state: joined, left, unseen, unknown; at; wording; null for the manager),
    restart_pending, driver (jar, right), journal and lock; the load balancer has rotation (in,
    out or removed, by worker). Times are UTC, in ISO 8601; what is not known is null.
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
