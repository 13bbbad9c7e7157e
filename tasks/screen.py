"""What the operator sees: plain lines in a pipe, a live view on a terminal, a table at the end."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from rich.console import Console, RenderableType
from rich.table import Table
from rich.text import Text

from tasks.console import Shown, guarded
from tasks.meter import Meter
from tasks.wording import as_called, styled_as_called

if TYPE_CHECKING:
    from rich.live import Live

LIVE_AFTER_SECONDS = 1.0
"""What is over sooner needs no progress display."""
SAID_SECONDS = 10.0
"""How often a pipe hears what a long wait is at."""
BAR_COLUMNS = 24


class Screen:
    """The console of one run, and a `remote.run.progress.Progress`.

    NO_COLOR and pipes are rich's to honour. Events come from several threads.
    """

    def __init__(self, console: Console, *, clock: Callable[[], float] = time.monotonic) -> None:
        self.console = guarded(console)
        self._clock = clock
        self._guard = threading.Lock()
        self._now: dict[str, tuple[str, float]] = {}
        self._said_at: dict[str, float] = {}
        self._meters: dict[str, Meter] = {}
        self._live: Live | None = None
        self._due: threading.Timer | None = None
        self._began = clock()

    @property
    def _animates(self) -> bool:
        """Tell whether a live view can be drawn: not in a pipe, and not with TERM=dumb."""
        return self.console.is_terminal and not self.console.is_dumb_terminal

    def say(self, name: str, text: str) -> None:
        """Print a line that stays."""
        line = Text.assemble((name, "bold"), "  ", as_called(text))
        with self._guard:
            self._said_at[name] = self._clock()
            self.console.print(line, soft_wrap=True)

    def now(self, name: str, text: str) -> None:
        """Show what is going on, when it takes a while: live, or by a line now and then."""
        at = self._clock()
        with self._guard:
            if not text:
                self._now.pop(name, None)
                return
            _, since = self._now.get(name, ("", at))
            self._now[name] = (text, since)
            if not self._animates:
                is_due = at - self._said_at.setdefault(name, at) >= SAID_SECONDS
            elif self._due is None:
                wait_seconds = max(0.0, self._began + LIVE_AFTER_SECONDS - at)
                self._due = threading.Timer(wait_seconds, self._go_live)
                self._due.daemon = True
                self._due.start()
        if not self._animates and is_due:
            self.say(name, f"{text} ({at - since:.0f} s)")

    def copied(self, name: str, done_bytes: int, total_bytes: int) -> None:
        """Show how far a copy has come: a bar on a terminal, a line now and then in a pipe."""
        at = self._clock()
        meter = self._meters.setdefault(name, Meter(at=at))
        meter.take(done_bytes, total_bytes, at=at)
        if self._animates:
            self.now(name, "copying")
        elif meter.line_is_due(at=at):
            self.say(name, f"copying: {meter.text(at=at)}")
        if done_bytes >= total_bytes:
            self._meters.pop(name, None)

    def ending(self) -> None:
        """Say that the first Ctrl-C was heard."""
        self.line("stopping at the next safe point; press Ctrl-C again to stop now")

    def line(self, text: str | Text = "") -> None:
        """Print a line."""
        named = Text(as_called(text)) if isinstance(text, str) else styled_as_called(text)
        self.console.print(named, soft_wrap=True)

    def quote(self, *lines: str | Text) -> None:
        """Print lines of a file as they are there; `line` is for sentences of our own."""
        for line in lines:
            self.console.print(line, soft_wrap=True)

    def table(
        self,
        columns: Sequence[str],
        rows: Sequence[Sequence[str | Text]],
        *,
        spare: Sequence[str] = (),
        wraps: str = "",
    ) -> None:
        """Print rows under columns, aligned, without frames that clutter a pipe.

        Where the terminal is too narrow, `spare` columns are left out, the first of them first,
        and the column `wraps` takes several lines.
        """
        table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
        cells = [
            [Text(as_called(cell)) if isinstance(cell, str) else cell for cell in row]
            for row in rows
        ]
        shown = _fitting(columns, cells, width=self.console.width, spare=spare)
        for at in shown:
            is_whole = columns[at] != wraps
            table.add_column(
                Text(columns[at]), no_wrap=is_whole, overflow="ellipsis" if is_whole else "fold"
            )
        for row in cells:
            table.add_row(*(row[at] for at in shown))
        self.close()
        self.console.print(table)
        if hidden := [name for at, name in enumerate(columns) if at not in shown]:
            self.console.print(Text(f"narrow terminal, without: {', '.join(hidden)}", "dim"))

    def close(self) -> None:
        """End the live view; what was printed stays."""
        with self._guard:
            live, self._live = self._live, None
            due, self._due = self._due, None
            self._now.clear()
            self._meters.clear()
        if due is not None:
            due.cancel()
        if live is not None:
            live.stop()

    def _go_live(self) -> None:
        from rich.live import Live

        live = Live(
            get_renderable=self._view, console=self.console, transient=True, refresh_per_second=4
        )
        with self._guard:
            if self._due is threading.current_thread():  # it was not closed meanwhile
                self._live = live
                live.start()

    def _view(self) -> Shown:
        view = Table.grid(padding=(0, 2))
        at = self._clock()
        for name, (text, since) in list(self._now.items()):
            meter = self._meters.get(name)
            shown: RenderableType = Text(text, overflow="ellipsis")
            if meter is not None and meter.shows(at=at):
                shown = _bar(meter, at=at)
            view.add_row(Text(name, "bold"), f"{at - since:4.0f} s", shown)
        return Shown(view)


def _bar(meter: Meter, *, at: float) -> Table:
    from rich.progress_bar import ProgressBar

    bar = Table.grid(padding=(0, 2))
    drawn = ProgressBar(total=meter.total_bytes, completed=meter.done_bytes, width=BAR_COLUMNS)
    bar.add_row(drawn, Text(meter.text(at=at)))
    return bar


def _fitting(
    columns: Sequence[str], rows: Sequence[Sequence[Text]], *, width: int, spare: Sequence[str]
) -> list[int]:
    """Return which columns fit side by side when the spare ones give way in their order."""
    widths = [
        max([len(name), *(row[at].cell_len for row in rows)]) for at, name in enumerate(columns)
    ]
    shown = list(range(len(columns)))
    for name in spare:
        if sum(widths[at] + 2 for at in shown) - 2 <= width:
            break
        shown.remove(columns.index(name))
    return shown
