"""How `fab run` looks."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

from invoke import Exit
from rich.console import Console

from carbon.errors import Interrupted, UsageError
from remote.observe.command import CommandOrder, Ended, Printed, run
from tasks.console import stderr
from tasks.prefix import Prefixed

if TYPE_CHECKING:
    from tasks.session import Session


def run_command(session: Session, command: str, *, as_owner: bool, patience_seconds: int) -> int:
    """Run a command on the session's hosts and print what it prints; return the worst status.

    Raises UsageError.
    """
    if patience_seconds < 0:
        raise UsageError("--timeout is negative", action="give seconds, such as 120")
    order = CommandOrder(
        command=command,
        as_owner=as_owner,
        limit_seconds=patience_seconds or session.cluster.limits.command_seconds,
    )
    names = [host.name for host in session.hosts]
    several = len(names) > 1
    errors = stderr()
    out = Prefixed(session.screen.console, names, shown=several)
    err = Prefixed(errors, names, shown=several)
    worst = 0
    try:
        with closing(run(session.fleet, session.hosts, order)) as happened:
            for event in happened:
                if isinstance(event, Printed):
                    (err if event.to_stderr else out).raw(event.name, event.text)
                else:
                    worst = max(worst, event.status)
                    _tell_end(errors, event, among_several=several)
    except KeyboardInterrupt:
        raise Exit(code=Interrupted.exit_status) from None
    return worst


def _tell_end(errors: Console, ended: Ended, *, among_several: bool) -> None:
    if ended.error:
        errors.print(f"error: {ended.error}")
    elif ended.status and among_several:
        errors.print(f"error: {ended.name}: exit status {ended.status}")
