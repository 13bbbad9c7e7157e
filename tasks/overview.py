"""How `fab status` looks: one table, then what is wrong, each with its remedy."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from rich.text import Text

from carbon import exits
from carbon.checks.balancer import BalancerStatus
from carbon.checks.ports import Port
from carbon.checks.status import NodeStatus, Status, as_data
from carbon.join.membership import Membership
from remote.observe.status import status

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
    found = status(session.fleet, session.hosts, progress=session.screen)
    session.screen.close()
    if as_json:
        text = json.dumps(as_data(session.cluster, found), indent=2)
        session.screen.console.out(text, highlight=False)
    else:
        _print(session, found)
    return 0 if all(one.well for one in found) else exits.ATTENTION


def _print(session: Session, found: Sequence[Status]) -> None:
    screen = session.screen
    screen.table(COLUMNS, [_row(one) for one in found], spare=SPARE, wraps="member")
    for one in found:
        for problem in one.problems:
            screen.line()
            screen.line(Text.assemble((one.name, "bold red"), f": {problem.seen}"))
            if problem.remedy:
                screen.line(f"  → {problem.remedy}")
    for one in found:
        for note in one.notes:
            screen.line()
            screen.line(Text.assemble((one.name, "bold"), f": note: {note}"))


def _row(one: Status) -> tuple[str | Text, ...]:
    state = Text(one.state, _STATE_STYLES[one.state])
    pid = str(one.pid or "-")
    head = (one.name, _role(one), state, pid, _when(one.since), _ports(one))
    drift = _drift(one.drift)
    if isinstance(one, BalancerStatus):
        return (*head, _rotation(one), drift, "-", "-", "-")
    return (*head, _member(one), drift, _driver(one), _version(one.product), _version(one.kernel))


def _role(one: Status) -> str | Text:
    if isinstance(one, BalancerStatus):
        return "load balancer"
    wanted = "worker" if one.kind == "worker" else "manager"
    if one.role not in (None, wanted):
        return Text(f"{one.role}, not {wanted}", "red")
    return one.kind


def _when(at: float | None) -> str:
    """Return a time as the operator's own clock shows it, the day only where it is another."""
    if at is None:
        return "-"
    then = datetime.fromtimestamp(at)
    today = then.date() == datetime.now().date()
    return f"{then:%H:%M:%S}" if today else f"{then:%Y-%m-%d %H:%M}"


def _ports(one: Status) -> Text:
    """Return the ports, with a word behind those that are not open; of a host that is down only
    those that something else has taken."""
    relevant = [port for port in one.ports if one.state == "running" or port.state == "taken"]
    return Text(" ").join(map(_port, relevant)) if relevant else Text("-")


def _port(port: Port) -> Text:
    if port.state == "open":
        return Text(str(port.number))
    return Text(f"{port.number} {port.state}", "red")


def _member(one: NodeStatus) -> str | Text:
    found: Membership | None = one.membership
    if found is None or one.state == "missing":
        return "-"
    when = f" {_when(found.at)}" if found.at else ""
    recorded = " (recorded)" if found.state == "joined" and found.at is None else ""
    return Text(f"{found.state}{when}{recorded}", _MEMBER_STYLES[found.state])


def _rotation(one: BalancerStatus) -> str | Text:
    counted = Counter(one.rotation.values())
    parts = [f"{counted[state]} {state}" for state in ("in", "out", "removed") if counted[state]]
    return Text(", ".join(parts) or "-", "yellow" if counted["out"] else "")


def _drift(names: tuple[str, ...] | None) -> str | Text:
    if not names:
        return "-" if names is None else "none"
    return Text(f"{len(names)} file{'s' if len(names) > 1 else ''}", "red")


def _driver(one: NodeStatus) -> str | Text:
    if one.driver is None:
        return "-"
    return one.driver.jar if one.driver.right else Text("differs", "red")


def _version(text: str | None) -> str:
    """Return the number at the end of what version.txt says, as in `... Framework v4.4.1`."""
    return text.rpartition(" v")[2] if text else "-"
