"""How `fab run` and `fab logs` look: lines as they come, each with the name of its host."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from typing import TYPE_CHECKING

from invoke import Exit
from rich.console import Console
from rich.text import Text

from carbon.errors import Interrupted, UsageError
from carbon.text import visible
from remote.observe.command import CommandOrder, run
from remote.observe.lines import Line
from remote.observe.logs import LogOrder, read
from tasks.console import stderr

if TYPE_CHECKING:
    from tasks.session import Session

COLOURS = ("cyan", "yellow", "green", "magenta", "blue", "bright_red")


def run_command(session: Session, command: str, *, as_owner: bool, patience_seconds: int) -> int:
    """Run a command on the session's hosts and print what it prints; return the worst status.

    Raises UsageError.
    """
    if patience_seconds < 0:
        raise UsageError("--timeout is negative", action="give a number of seconds")
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
        with closing(run(session.fleet, session.hosts, order)) as events:
            for event in events:
                if isinstance(event, Line):
                    (err if event.to_stderr else out).raw(event.name, event.text)
                    continue
                worst = max(worst, event.status)
                if event.error:
                    errors.print(f"error: {event.error}")
                elif event.status and several:
                    errors.print(f"error: {event.name}: exit status {event.status}")
    except KeyboardInterrupt:
        raise Exit(code=Interrupted.exit_status) from None
    return worst


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
                if isinstance(event, Line):
                    printed.line(event.name, event.text)
                else:
                    errors.print(f"error: {event}")
                    status = event.exit_status
    except KeyboardInterrupt:
        raise Exit(code=Interrupted.exit_status) from None
    return status


class Prefixed:
    """Prints lines of several hosts, each host in a colour; pipes and NO_COLOR get none."""

    def __init__(self, console: Console, names: Sequence[str], *, shown: bool = True) -> None:
        self._console = console
        width = max(map(len, names), default=0)
        self._prefixes = {
            name: self._coloured(f"{name:{width}} | ", COLOURS[at % len(COLOURS)]) if shown else ""
            for at, name in enumerate(names)
        }

    def _coloured(self, text: str, colour: str) -> str:
        with self._console.capture() as captured:
            self._console.print(Text(text, colour), end="", soft_wrap=True)
        return captured.get()

    def line(self, name: str, text: str) -> None:
        """Print one line at once; what would command the terminal is shown, not obeyed."""
        self._write(name, visible(text.removesuffix("\r")))

    def raw(self, name: str, text: str) -> None:
        """Print one line at once, as it is in a pipe; a terminal is commanded by nobody."""
        self._write(name, visible(text) if self._console.is_terminal else text)

    def _write(self, name: str, text: str) -> None:
        try:
            self._console.file.write(f"{self._prefixes[name]}{text}\n")
            self._console.file.flush()
        except BrokenPipeError:
            self._console.on_broken_pipe()
