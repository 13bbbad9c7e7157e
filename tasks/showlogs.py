"""How `fab logs` looks."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

from invoke import Exit

from carbon.errors import Interrupted, UsageError
from remote.observe.logs import LogEnd, LogOrder, read
from tasks.console import stderr
from tasks.prefix import Prefixed

if TYPE_CHECKING:
    from tasks.session import Session


def show_logs(session: Session, *, lines: int, follow: bool, grep: str) -> int:
    """Print the lines of the nodes' logs; return 1 if one could not be read to the end.

    Raises UsageError.
    """
    if lines < 0:
        raise UsageError("--lines is negative", action="give a number, such as 50")
    printed = Prefixed(session.screen.console, [node.name for node in session.nodes])
    order = LogOrder(lines=lines, follow=follow, grep=grep)
    errors = stderr()
    status = 0
    try:
        with closing(read(session.fleet, session.nodes, order)) as events:
            for event in events:
                if isinstance(event, LogEnd):
                    errors.print(f"error: {event.error}")
                    status = event.error.exit_status
                else:
                    printed.line(event.name, event.text)
    except KeyboardInterrupt:
        raise Exit(code=Interrupted.exit_status) from None
    return status
