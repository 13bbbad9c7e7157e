"""How `fab status` looks: one table, then what is wrong, each with its remedy."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from contextlib import closing
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING

from rich.text import Text

from carbon import exits
from carbon.checks.balancer import SAYS_OUT, BalancerStatus
from carbon.checks.status import NodeStatus, Status, as_data
from carbon.cluster import Node
from carbon.errors import ProvisionError
from carbon.join.membership import Membership
from carbon.value import replace
from remote.observe.status import status
from remote.run.threads import begun
from tasks.console import stderr
from tasks.screen import Screen

if TYPE_CHECKING:
    from tasks.session import Session

COLUMNS = (
    "host",
    "role",
    "state",
    "pid",
    "since",
    "ports",
    "member",
    "drift",
    "driver",
    "product",
    "kernel",
)
SPARE = ("kernel", "product", "driver", "pid", "since", "ports")
_STATE_STYLES = {"running": "green", "down": "red", "missing": "red", "unreachable": "red"}
_MEMBER_STYLES = {
    "joined": "green",
    "starting": "yellow",
    "left": "red",
    "split": "red",
    "unseen": "yellow",
    "unknown": "yellow",
}


def show_status(session: Session, *, as_json: bool) -> int:
    """Look at the hosts, print what was found, and return 2 unless all is well."""
    screen = Screen(stderr()) if as_json else session.screen
    with closing(screen):  # also the one of stderr, which no session ends
        out = begun(partial(_out_by_commands, session, screen))
        statuses = status(session.fleet, session.hosts, progress=screen)
        statuses = [_with_rotation(host, out.result()) for host in statuses]
    if as_json:
        text = json.dumps(as_data(session.cluster, statuses), indent=2)
        session.screen.console.out(text, highlight=False)
    else:
        _print(session, statuses)
    return exits.DONE if all(host.well for host in statuses) else exits.ATTENTION


def _out_by_commands(session: Session, screen: Screen) -> frozenset[str]:
    """Return which workers a load balancer that is not nginx calls out; nginx has its own row."""
    commands = session.cluster.balancer_commands
    if commands is None or commands.state is None:
        return frozenset()
    from remote.balancer.commands import CommandBalancer

    balancer = CommandBalancer(session.fleet, commands, progress=screen)
    try:
        return balancer.out_of_rotation([host for host in session.hosts if isinstance(host, Node)])
    except ProvisionError as error:
        screen.say("note", f"who is out of rotation is not known: {error.seen}")
        return frozenset()


def _with_rotation(host: Status, out: frozenset[str]) -> Status:
    if isinstance(host, BalancerStatus) or host.name not in out:
        return host
    finding = SAYS_OUT.finding({"node": host.name})
    return replace(host, problems=(*host.problems, finding))


def _print(session: Session, statuses: Sequence[Status]) -> None:
    screen = session.screen
    screen.table(COLUMNS, [_row(host) for host in statuses], spare=SPARE, wraps="member")
    for host in statuses:
        for problem in host.problems:
            screen.line()
            screen.line(Text.assemble((host.name, "bold red"), f": {problem.seen}"))
            if problem.remedy:
                screen.line(f"  → {problem.remedy}")
    for host in statuses:
        for note in host.notes:
            screen.line()
            screen.line(Text.assemble((host.name, "bold"), f": note: {note}"))


def _row(host: Status) -> tuple[str | Text, ...]:
    state = Text(host.state, _STATE_STYLES[host.state])
    pid = str(host.pid or "-")
    head = (host.name, _role(host), state, pid, _when(host.since), _ports(host))
    drift = _drift(host.drift)
    if isinstance(host, BalancerStatus):
        return (*head, _rotation(host), drift, "-", "-", "-")
    return (
        *head,
        _member(host),
        drift,
        _driver(host),
        _version(host.product),
        _version(host.kernel),
    )


def _role(host: Status) -> str | Text:
    if isinstance(host, BalancerStatus):
        return "load balancer"
    wanted = "worker" if host.kind == "worker" else "manager"
    if host.role not in (None, wanted):
        return Text(f"{host.role}, not {wanted}", "red")
    return host.kind


def _when(at: float | None) -> str:
    """Return a time as the operator's own clock shows it, the day only where it is another."""
    if at is None:
        return "-"
    then = datetime.fromtimestamp(at)
    today = then.date() == datetime.now().date()
    return f"{then:%H:%M:%S}" if today else f"{then:%Y-%m-%d %H:%M}"


def _ports(host: Status) -> Text:
    """Return the ports, with a word behind those that are not open; of a host that is down only
    those that something else has taken."""
    texts = [
        Text(str(port.number))
        if port.state == "open"
        else Text(f"{port.number} {port.state}", "red")
        for port in host.ports
        if host.state == "running" or port.state == "taken"
    ]
    return Text(" ").join(texts) if texts else Text("-")


def _member(host: NodeStatus) -> str | Text:
    membership: Membership | None = host.membership
    if membership is None or host.state == "missing":
        return "-"
    when = f" {_when(membership.at)}" if membership.at else ""
    recorded = " (recorded)" if membership.state == "joined" and membership.at is None else ""
    return Text(f"{membership.state}{when}{recorded}", _MEMBER_STYLES[membership.state])


def _rotation(host: BalancerStatus) -> str | Text:
    counted = Counter(host.rotation.values())
    parts = [f"{counted[state]} {state}" for state in ("in", "out", "removed") if counted[state]]
    return Text(", ".join(parts) or "-", "yellow" if counted["out"] else "")


def _drift(names: tuple[str, ...] | None) -> str | Text:
    if not names:
        return "-" if names is None else "none"
    return Text(f"{len(names)} file{'s' if len(names) > 1 else ''}", "red")


def _driver(host: NodeStatus) -> str | Text:
    if host.driver is None:
        return "-"
    return host.driver.jar if host.driver.right else Text("differs", "red")


def _version(text: str | None) -> str:
    """Return the number at the end of what version.txt says, as in `... Framework v4.4.1`."""
    return text.rpartition(" v")[2] if text else "-"
