"""Consoles that obey no data: no markup, no control characters, no cut lines in a pipe."""

from __future__ import annotations

import sys
from typing import Any

from rich.console import Console, ConsoleOptions, ConsoleRenderable, RenderHook, RenderResult
from rich.segment import Segment

from carbon import exits
from carbon.text import visible
from remote.run.interrupt import request_end
from tasks import output

PIPE_COLUMNS = 10_000
"""In a pipe nothing is wrapped or cut."""


def stdout() -> Console:
    """Return a console for what a verb prints; a Screen guards it."""
    width = None if sys.stdout.isatty() else PIPE_COLUMNS
    return _Stdout(highlight=False, markup=False, emoji=False, width=width)


def stderr() -> Console:
    """Return a console for what went wrong while lines of servers are printed."""
    return guarded(Console(stderr=True, highlight=False, markup=False, emoji=False, soft_wrap=True))


def guarded(console: Console) -> Console:
    """Let a console show the control characters of all that is printed, and return it."""
    console.push_render_hook(_Guard())
    return console


class _Stdout(Console):
    """The standard output, whose reader may have seen enough (`| head`)."""

    def on_broken_pipe(self) -> None:
        """End a rollout at its next safe point, and anything else at once."""
        is_rollout = request_end()
        self._end()
        if not is_rollout:
            raise SystemExit(exits.OUTPUT_CLOSED)

    def print(self, *objects: Any, **options: Any) -> None:
        """Print; an output that cannot be written ends a rollout at its next safe point."""
        try:
            super().print(*objects, **options)
        except OSError as error:
            if (unwritten := output.problem(error)) is None:
                raise
            if not request_end():
                raise unwritten from error
            sys.stderr.write(f"error: {unwritten}\n")
            self._end()

    def _end(self) -> None:
        self.quiet = True
        output.discard()


class Shown:
    """What it renders, with visible control characters; its own styles are left alone."""

    def __init__(self, content: ConsoleRenderable) -> None:
        self._content = content

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        for segment in console.render(self._content, options):
            text = segment.text if segment.control else visible(segment.text)
            yield Segment(text, segment.style, segment.control)


class _Guard(RenderHook):
    def process_renderables(self, renderables: list[ConsoleRenderable]) -> list[ConsoleRenderable]:
        return [Shown(content) for content in renderables]
