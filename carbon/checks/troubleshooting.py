"""Write the tables of docs/troubleshooting.md from the findings and errors themselves.

`make docs-generated` runs it; a unit test sees that the page is up to date.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path

from carbon import errors
from carbon.checks.finding import Kind
from carbon.checks.registry import SUBJECTS, kinds_of
from carbon.errors import ProvisionError

PAGE = Path(__file__).resolve().parents[2] / "docs/troubleshooting.md"
BEGIN, END = "<!-- generated: begin -->", "<!-- generated: end -->"


class _Names(dict[str, str]):
    """What the names in braces of a sentence are called in the table."""

    def __missing__(self, name: str) -> str:
        return name.upper()


_NAMES = _Names(
    {
        "apply": "`fab -H NODE deploy` writes what hosts.yaml says, and restarts it",
        "met": "refuses connections, or does not answer",
        **dict.fromkeys(("when", "why", "or_manager", "user2", "user3", "also", "size"), ""),
    }
)


def tables() -> str:
    """Return the tables of all findings, by subject, and of all errors."""
    parts = [_table(subject.__doc__ or "", kinds_of(subject)) for subject in SUBJECTS]
    rows = (f"| `{kind.code}` | {_first_line(kind)} |" for kind in _error_kinds(ProvisionError))
    return "\n\n".join([*parts, "\n".join(["### Errors", "", *_head("code", "meaning"), *rows])])


def updated(page: str) -> str:
    """Return the page with its tables as they are now."""
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n\n{tables()}\n\n{END}{after}"


def _table(title: str, kinds: Iterable[Kind]) -> str:
    by_code: defaultdict[str, list[Kind]] = defaultdict(list)
    for kind in kinds:
        by_code[kind.code].append(kind)
    rows = []
    for code, same in by_code.items():
        seen = _cell(text for kind in same for text in (kind.seen, kind.logged) if text)
        rows.append(f"| `{code}` | {seen} | {_cell(kind.remedy for kind in same)} |")
    heading = title.partition("\n")[0].rstrip(".")
    return "\n".join([f"### {heading}", "", *_head("code", "what was seen", "what to do"), *rows])


def _head(*titles: str) -> Iterator[str]:
    yield f"| {' | '.join(titles)} |"
    yield "|---" * len(titles) + "|"


def _cell(sentences: Iterable[str]) -> str:
    texts = (" ".join(each.format_map(_NAMES).split()) for each in sentences)
    return "<br>".join(dict.fromkeys(re.sub(r"[|<]", r"\\\g<0>", text) for text in texts))


def _error_kinds(kind: type[ProvisionError]) -> Iterator[type[ProvisionError]]:
    if kind.__module__ == errors.__name__:
        yield kind
        for child in kind.__subclasses__():
            yield from _error_kinds(child)


def _first_line(kind: type[ProvisionError]) -> str:
    return (kind.__doc__ or "").partition("\n")[0]


if __name__ == "__main__":
    PAGE.write_text(updated(PAGE.read_text()))
