"""What the operator sees: plain lines in a pipe, a live view on a terminal, a table at the end."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from rich.live import Live

PIPE_COLUMNS = 10_000
"""In a pipe nothing is wrapped or cut."""
LIVE_AFTER_SECONDS = 1.0
"""What is over sooner needs no progress display."""


class Screen:
    """The console of one run, and a `remote.progress.Progress`.

    NO_COLOR and pipes are rich's to honour. Events come from several threads.
    """

    def __init__(self, console: Console) -> None:
        self.console = console
        self._guard = threading.Lock()
        self._now: dict[str, tuple[str, float]] = {}
        self._live: Live | None = None
        self._began = time.monotonic()

    @classmethod
    def make(cls) -> Screen:
        """Return the screen of this process's stdout."""
        return cls(Console(highlight=False, width=None if sys.stdout.isatty() else PIPE_COLUMNS))

    def say(self, name: str, text: str) -> None:
        """Print a line that stays."""
        line = Text.assemble((name, "bold"), "  ", text)
        with self._guard:
            self.console.print(line, soft_wrap=True)

    def now(self, name: str, text: str) -> None:
        """Show what is going on; on a terminal only, and only when it takes a while."""
        if not self.console.is_terminal:
            return
        with self._guard:
            _, since = self._now.get(name, ("", time.monotonic()))
            self._now[name] = (text, since)
            if self._live is None and time.monotonic() - self._began > LIVE_AFTER_SECONDS:
                self._start_live()

    def done(self, name: str) -> None:
        """Take a host out of the live view."""
        with self._guard:
            self._now.pop(name, None)

    def ending(self) -> None:
        """Say that the first Ctrl-C was heard."""
        self.line("Ctrl-C: ending at the next safe point; once more ends at once")

    def line(self, text: str | Text = "") -> None:
        """Print a line."""
        self.console.print(text, soft_wrap=True)

    def table(self, columns: Sequence[str], rows: Sequence[Sequence[str | Text]]) -> None:
        """Print rows under columns, aligned, without frames that clutter a pipe."""
        table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
        for column in columns:
            table.add_column(column, no_wrap=True)
        for row in rows:
            table.add_row(*(Text(cell) if isinstance(cell, str) else cell for cell in row))
        self.close()
        self.console.print(table)

    def close(self) -> None:
        """End the live view; what was printed stays."""
        with self._guard:
            live, self._live = self._live, None
            self._now.clear()
        if live is not None:
            live.stop()

    def _start_live(self) -> None:
        from rich.live import Live

        self._live = Live(
            get_renderable=self._view, console=self.console, transient=True, refresh_per_second=4
        )
        self._live.start()

    def _view(self) -> Table:
        view = Table.grid(padding=(0, 2))
        at = time.monotonic()
        for name, (text, since) in list(self._now.items()):
            view.add_row(
                Text(name, "bold"), f"{at - since:4.0f} s", Text(text, overflow="ellipsis")
            )
        return view
