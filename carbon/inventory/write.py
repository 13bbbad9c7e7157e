"""From values to the text of a hosts.yaml, for `init` and `adopt`.

Every text that could mean something else in YAML is quoted, whatever it holds.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

SCHEMA_URL = "hosts.schema.json"
SCHEMA_LINE = "# yaml-language-server: $schema={url}"

PLAIN = re.compile(
    r"[A-Za-z0-9_./][A-Za-z0-9_./@+*-]*|[A-Za-z][A-Za-z0-9+.]*:[A-Za-z0-9_./@+?=;&:-]+"
)
"""Texts that YAML takes as they are, an URL among them."""
NULL = re.compile(r"(?i)null")


class Reference(NamedTuple):
    """A value that is kept elsewhere: `!env DB_PASSWORD`."""

    tag: str
    argument: str


class Commented(NamedTuple):
    """A value with lines of comment above its key."""

    value: Tree
    comment: tuple[str, ...]


Scalar = str | int | bool | Reference | None
Tree = Scalar | Commented | Sequence["Tree"] | Mapping[str, "Tree"]


def document(tree: Mapping[str, Tree], *, head: Sequence[str]) -> str:
    """Return the text of a hosts.yaml below a head of comments."""
    first = [SCHEMA_LINE.format(url=SCHEMA_URL), *map(_comment, head)]
    sections = ("\n".join(_entry(key, value, indent="")) for key, value in tree.items())
    return "\n\n".join(["\n".join(first), *sections]) + "\n"


def _entry(key: str, value: Tree, *, indent: str) -> Iterator[str]:
    if isinstance(value, Commented):
        yield from (f"{indent}{_comment(line)}" for line in value.comment)
        value = value.value
    name = f"{indent}{_scalar(key)}:"
    if isinstance(value, Mapping) and value:
        yield name
        for inner, below in value.items():
            yield from _entry(inner, below, indent=f"{indent}  ")
    elif isinstance(value, Sequence) and value and not isinstance(value, str | Reference):
        yield name
        for item in value:
            entries = item.items() if isinstance(item, Mapping) else ()
            lines = [line for inner in entries for line in _entry(*inner, indent="")]
            first, *others = lines or [_scalar(item)]
            yield f"{indent}  - {first}"
            yield from (f"{indent}    {line}" for line in others)
    else:
        yield f"{name} {_scalar(value)}"


def _scalar(value: Tree) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case int():
            return str(value)
        case Reference():
            return f"!{value.tag} {_scalar(value.argument)}"
        case str() if PLAIN.fullmatch(value) and not NULL.fullmatch(value):
            return value
        case str():
            return f'"{"".join(map(_escaped, value))}"'
        case Mapping():
            return "{}"
        case []:
            return "[]"
    raise TypeError(f"{type(value).__name__} is not a single value")


def _escaped(character: str) -> str:
    """Return a character as it stands in double quotes, as an escape if it is not printable."""
    if character in '"\\':
        return f"\\{character}"
    return character if character.isprintable() else f"\\U{ord(character):08X}"


def _comment(line: str) -> str:
    """Return a comment of one line, whatever a server had a part in it."""
    return f"# {''.join(c if c.isprintable() else '?' for c in line)}".rstrip()
