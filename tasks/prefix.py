"""Lines with the name of their host before them, each host in a colour of its own."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.text import Text

COLOURS = ("cyan", "yellow", "green", "magenta", "blue", "bright_red")
_CONTROLS = {code: f"\\x{code:02x}" for code in (*range(32), *range(127, 160)) if code != 9}


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
        self.raw(name, visible(text))

    def raw(self, name: str, text: str) -> None:
        """Print one line at once, as it is."""
        try:
            self._console.file.write(f"{self._prefixes[name]}{text}\n")
            self._console.file.flush()
        except BrokenPipeError:
            self._console.on_broken_pipe()


def visible(text: str) -> str:
    """Return a text whose control characters show as \\x1b and the like, without its line's end."""
    return text.rstrip("\r").translate(_CONTROLS)
