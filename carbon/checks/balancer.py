"""The load balancer: does nginx run, and does it lead to every worker?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

from carbon.balancer import nginx
from carbon.balancer.nginx import Rotation
from carbon.checks.case import Case
from carbon.checks.finding import Finding, Findings, Kind
from carbon.checks.ports import Port
from carbon.cluster import Cluster, LoadBalancer
from carbon.errors import InventoryError
from carbon.value import Value, field

State = Literal["running", "down", "missing", "unreachable"]
"""`missing`: the server is there, and AS_HOME (or nginx's configuration) is not."""

NOT_CONFIGURED = Kind(
    code="nginx-missing",
    seen="{conf_dir} does not exist",
    remedy="install nginx there, or correct `conf_dir:` in hosts.yaml",
    weight=100,
)
DOWN = Kind(
    code="nginx-down",
    seen="nginx is not running",
    remedy="start it on that server",
    weight=95,
)
DIFFERS = Kind(
    code="nginx-differs",
    seen="it differs from hosts.yaml: {names}",
    remedy="fab lb.config",
    weight=60,
)
PORT_CLOSED = Kind(
    code="nginx-port-closed",
    seen="its {name} port {port} is closed",
    remedy="fab lb.config",
    weight=60,
)
OUT = Kind(
    code="out-of-rotation",
    seen="{worker} is out of rotation",
    remedy="`fab -H {worker} restart` puts it back once it has joined",
    weight=50,
)


SAYS_OUT = Kind(
    code="out-of-rotation",
    seen="it is out of rotation: `load_balancer: state` prints `out`",
    remedy="`fab -H {node} deploy` puts it back if it has joined",
    weight=50,
)
NOT_PUT_BACK = Kind(
    code="not-put-back",
    seen="it has joined, and the run that took it out of rotation did not put it back",
    remedy="`fab -H {node} deploy` puts it back",
    weight=50,
)
HOOK_PENDING = Kind(
    code="after-join-pending",
    seen="it has joined, and the hook after_join did not end well after that",
    remedy="`fab -H {node} deploy` runs it again, and puts the server back into rotation",
    weight=50,
)


def unfinished(case: Case) -> Findings:
    """What follows a join was done."""
    match case.facts.unfinished:
        case "after_join":
            yield case.finding(HOOK_PENDING)
        case "rotation":
            yield case.finding(NOT_PUT_BACK)


class BalancerFacts(Value, kw_only=True):
    """What one look at a load balancer found."""

    pid: int | None
    since: float | None
    configured: bool
    """Its conf_dir is there."""
    files: Mapping[str, bytes] = field(default_factory=dict)
    """The *.conf of its conf_dir by name."""
    listening: frozenset[int] = frozenset()


class HostStatus(Value, kw_only=True):
    """What status says of any host."""

    name: str
    state: State
    problems: tuple[Finding, ...] = ()
    notes: tuple[str, ...] = ()
    """What an operator may want to know although nothing is wrong with it."""
    pid: int | None = None
    since: float | None = None
    """Seconds since the epoch, by its own clock."""
    ports: tuple[Port, ...] = ()
    drift: tuple[str, ...] | None = None
    """What a deploy, or lb.config, would change; None: not known, or not kept by hosts.yaml."""

    @property
    def well(self) -> bool:
        """Tell whether nothing is wrong."""
        return not self.problems


class BalancerStatus(HostStatus, kw_only=True):
    """The nginx before the workers."""

    kind: Literal["load_balancer"] = "load_balancer"
    rotation: Mapping[str, Rotation] = field(default_factory=dict)
    """By worker; `out` if any of its files says so."""


def balancer_status(
    balancer: LoadBalancer, facts: BalancerFacts, *, cluster: Cluster
) -> BalancerStatus:
    """Judge the load balancer."""
    if not facts.configured:
        finding = NOT_CONFIGURED.finding({"conf_dir": balancer.conf_dir})
        return BalancerStatus(name=balancer.name, state="missing", problems=(finding,))
    rotation = _rotation(facts)
    drift = _drift(facts, rotation, cluster)
    ports = _ports(balancer, facts)
    return BalancerStatus(
        name=balancer.name,
        state="running" if facts.pid is not None else "down",
        problems=tuple(_problems(facts, drift, ports, rotation)),
        notes=tuple(
            f"{name} was removed from it" for name, at in rotation.items() if at == "removed"
        ),
        pid=facts.pid,
        since=facts.since,
        ports=ports,
        rotation=rotation,
        drift=drift,
    )


def _problems(
    facts: BalancerFacts,
    drift: tuple[str, ...] | None,
    ports: Sequence[Port],
    rotation: Mapping[str, Rotation],
) -> Findings:
    if facts.pid is None:
        yield DOWN.finding({})
    if drift:
        yield DIFFERS.finding({"names": ", ".join(drift)})
    elif facts.pid is not None:
        for port in ports:
            if port.state == "closed":
                yield PORT_CLOSED.finding({"name": port.name, "port": port.number})
    for worker, state in rotation.items():
        if state == "out":
            yield OUT.finding({"worker": worker})


def _rotation(facts: BalancerFacts) -> dict[str, Rotation]:
    """Merge what the files say: a worker is in rotation unless a file says otherwise."""
    merged: dict[str, Rotation] = {}
    for data in facts.files.values():
        for name, state in nginx.parse_rotation(data).items():
            if merged.get(name, "in") == "in":
                merged[name] = state
    return merged


def _drift(
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


def _ports(balancer: LoadBalancer, facts: BalancerFacts) -> tuple[Port, ...]:
    numbers = {"HTTP": balancer.http_port}
    if balancer.ssl_certificate is not None:
        numbers["HTTPS"] = balancer.https_port
    return tuple(
        Port(name=name, number=n, state="open" if n in facts.listening else "closed")
        for name, n in numbers.items()
    )
