"""Text for people: what came from outside commands no terminal, and what is long is cut short."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from pathlib import Path

SHOWN_CHARACTERS = 60
_KEPT = (ord("\t"), ord("\n"))
_CONTROLS = (*range(32), *range(127, 160))
_DIRECTIONS = (0x061C, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A))
"""They let a terminal show characters in another order than the one in which they stand."""
_SHOWN = {code: f"\\x{code:02x}" for code in _CONTROLS if code not in _KEPT} | {
    code: f"\\u{code:04x}" for code in _DIRECTIONS
}


def visible(text: str) -> str:
    r"""Return a text whose control characters show as \x1b and the like; tabs and line ends stay.

    For the places at which text reaches a terminal, once each: tasks/console.py and
    tasks/wording.py. Nothing before them has to think of it.
    """
    return text.translate(_SHOWN)


def words_of(text: str) -> list[str]:
    """Return the words of an option that takes several, separated by commas."""
    return [word.strip() for word in text.split(",") if word.strip()]


def shown(text: str) -> str:
    """Return `text` in quotes, on one line and short, whatever it holds."""
    if len(text) > SHOWN_CHARACTERS:
        return f"{text[:SHOWN_CHARACTERS]!r}… ({len(text)} characters)"
    return repr(text)


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return `did you mean 'x'? `, or nothing if no known word is near."""
    from difflib import get_close_matches

    by_folded = {name.casefold(): name for name in known}
    near = get_close_matches(word[:SHOWN_CHARACTERS].casefold(), by_folded, n=1, cutoff=0.6)
    return f"did you mean '{by_folded[near[0]]}'? " if near else ""


def local_path(text: str) -> Path:
    """Return a path of the operator's machine with ~ expanded.

    `~nobody/x`, of an account that there is not, stays as it is: nothing is found there. (Path's
    own `expanduser` raises a RuntimeError.)
    """
    return Path(os.path.expanduser(text))  # noqa: PTH111


def some_of(names: Sequence[str], *, at_most: int) -> str:
    """Return the first names with commas, and how many more there are: `a, b and 3 more`."""
    more = len(names) - at_most
    return ", ".join(names[:at_most]) + (f" and {more} more" if more > 0 else "")
