"""From values to the text of a hosts.yaml, for `init` and `adopt`.

Every text that could mean something else in YAML is quoted, whatever it holds.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

SCHEMA_LINE = "# yaml-language-server: $schema={url}"
SCHEMA_URL = "hosts.schema.json"

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
    elif isinstance(value, Mapping):
        yield f"{name} {{}}"
    elif isinstance(value, Sequence) and not isinstance(value, str | Reference):
        yield from _list(name, value, indent=indent)
    else:
        yield f"{name} {_scalar(value)}"


def _list(name: str, items: Sequence[Tree], *, indent: str) -> Iterator[str]:
    if not items:
        yield f"{name} []"
        return
    yield name
    for item in items:
        if isinstance(item, Mapping):
            lines = [line for key, value in item.items() for line in _entry(key, value, indent="")]
            yield f"{indent}  - {lines[0]}"
            yield from (f"{indent}    {line}" for line in lines[1:])
        else:
            yield f"{indent}  - {_scalar(item)}"


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
            return _quoted(value)
    raise TypeError(f"{type(value).__name__} is not a single value")


def _quoted(text: str) -> str:
    """Return the text in double quotes; what is not printable is written as an escape."""
    return f'"{"".join(map(_escaped, text))}"'


def _escaped(character: str) -> str:
    if character in '"\\':
        return f"\\{character}"
    return character if character.isprintable() else f"\\U{ord(character):08X}"


def _comment(line: str) -> str:
    """Return a comment of one line, whatever a server had a part in it."""
    return f"# {''.join(c if c.isprintable() else '?' for c in line)}".rstrip()
