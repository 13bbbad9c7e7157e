"""How what an operator wrote is shown back, and what was probably meant."""

from __future__ import annotations

from collections.abc import Iterable

SHOWN_CHARACTERS = 60


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
