"""Seeing: status, doctor, logs. Nothing is changed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tasks.verb import verb

if TYPE_CHECKING:
    from tasks.session import Session


@verb(
    connects="hosts",
    every_host=True,
    help={"json": "For programs: everything that the table shows and more, with stable keys."},
)
def status(session: Session, *, json: bool = False) -> int:
    """Show at a glance whether all is well: one row for each host; exit status 2 if it is not.

    Every host of hosts.yaml (or those of -H) is looked at, all at once: running or not, the role
    truly in effect, ports, membership by the manager's log, what differs from hosts.yaml. A host
    that cannot be reached is a row, too. Times are those of your own clock.
    """
    from tasks.overview import show_status

    return show_status(session, as_json=json)


@verb()
def doctor(session: Session) -> int:
    """Say why a worker does not join, the likeliest cause first; exit status 2 if it found any.

    Looks at the worker and at the manager, at their files, logs, processes and ports, and tries
    the connections that they need from both sides. Each finding has its remedy.
    """
    from tasks.findings import show_findings

    return show_findings(session)


@verb(
    help={
        "lines": "How many of the last lines of each log (50).",
        "follow": "Go on with what is written, until Ctrl-C; exit status 130 then.",
        "grep": "Only lines that match this extended regular expression (`grep -E`).",
    }
)
def logs(session: Session, *, lines: int = 50, follow: bool = False, grep: str = "") -> int:
    """Show wso2carbon.log of several workers, interleaved by time, each line with its name.

    With --grep, --lines counts the lines that match. --follow survives rotation, and a host that
    goes away ends only its own lines (exit status 1 at the end).
    """
    from tasks.streams import show_logs

    return show_logs(session, lines=lines, follow=follow, grep=grep)
