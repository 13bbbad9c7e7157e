"""Lines with the name of their host before them, each host in a colour of its own."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.text import Text

from carbon.text import visible

COLOURS = ("cyan", "yellow", "green", "magenta", "blue", "bright_red")


class Prefixed:
    """Prints lines of several hosts; pipes and NO_COLOR get no colour."""

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
