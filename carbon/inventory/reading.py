"""Readers: what turns a part of hosts.yaml into a value, or says in place why it cannot.

A reader is a function from a node to a value. `Record`, `Named` and `Listed` make readers of
mappings and lists from readers of their parts; `Scalar` makes one from a check in
`carbon.inventory.values`. A null counts as an absent key.

Written out rather than left to a validation library: a value here may come from the shared
settings in another line, may be fetched by a tag, and may be a secret that must stay unread.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Generic, NamedTuple, TypeVar

from carbon.inventory.nodes import ListNode, MapNode, Node, ScalarNode, expanded, is_null
from carbon.inventory.suggest import did_you_mean, shown
from carbon.inventory.values import Unfit, printable
from carbon.secret import Secret

T = TypeVar("T")
Read = Callable[[Node], T]
Parse = Callable[[str], T]

SECRET_USE = "write !env NAME, !file PATH or !command 'pass show ...' in its place"


class Key(NamedTuple):
    """One key of a mapping: how its value is read, and where it goes."""

    read: Read[Any]
    to: str
    required: bool = False


class Record(Generic[T]):
    """Reads a mapping with known keys into what `build` makes of them.

    `notes` say, for keys that belong elsewhere, where.
    """

    def __init__(
        self,
        build: Callable[..., T],
        keys: Mapping[str, Key],
        *,
        notes: Mapping[str, str] | None = None,
    ) -> None:
        self._build = build
        self.keys = keys
        self._notes = notes or {}

    def __call__(self, node: Node, /, **given: Any) -> T:
        """Return what `build` makes of the mapping and of what else is given."""
        mapping = as_map(node)
        self._refuse_unknown(mapping)
        self._refuse_missing(mapping)
        fields = {key.to: key.read(value) for key, value in self._present(mapping)}
        return self._build(**fields, **given)

    def check(self, node: Node) -> None:
        """Read what is there with all its checks, and build nothing.

        For settings that become complete only when a node's own are laid over them.
        """
        mapping = as_map(node)
        self._refuse_unknown(mapping)
        for key, value in self._present(mapping):
            read = key.read
            (read.check if isinstance(read, Record | NamedRecords) else read)(value)

    def _refuse_unknown(self, mapping: MapNode) -> None:
        for name, value in mapping.entries.items():
            if name not in self.keys:
                known = f"{did_you_mean(name, self.keys)}known here: {', '.join(self.keys)}"
                raise value.error(
                    "is not a key that hosts.yaml has here", action=self._notes.get(name, known)
                )

    def _refuse_missing(self, mapping: MapNode) -> None:
        for name, key in self.keys.items():
            if key.required and mapping.get(name) is None:
                raise mapping.error(f"has no {name}", action=f"add `{name}:` to it")

    def _present(self, mapping: MapNode) -> Iterator[tuple[Key, Node]]:
        for name, key in self.keys.items():
            if (value := mapping.get(name)) is not None:
                yield key, value


class NamedRecords(Generic[T]):
    """Reads a mapping of free names to records; each record is given its name."""

    def __init__(self, name: Parse[str], record: Record[T]) -> None:
        self._name = name
        self.record = record

    def __call__(self, node: Node) -> tuple[T, ...]:
        """Return the records in the file's order."""
        read = Named(self._name, lambda name, value: self.record(value, name=name))
        return tuple(read(node).values())

    def check(self, node: Node) -> None:
        """Read what is there with all its checks, and build nothing."""
        Named(self._name, lambda _, value: self.record.check(value))(node)


def as_map(node: Node) -> MapNode:
    """Return the node, which must be a mapping; a null counts as an empty one."""
    if isinstance(node, MapNode):
        return node
    if is_null(node):
        return MapNode(node.source, node.path, node.line, {})
    raise node.error(f"is {_kind(node)}, not a mapping", action="write `key: value` pairs below it")


class Named(Generic[T]):
    """Reads a mapping whose keys are free names that pass `name`."""

    def __init__(self, name: Parse[str], read: Callable[[str, Node], T]) -> None:
        self._name = name
        self._read = read

    def __call__(self, node: Node) -> dict[str, T]:
        """Return what `read` makes of each name and its value."""
        values: dict[str, T] = {}
        for key, value in as_map(node).entries.items():
            name = checked_name(self._name, key, at=value)
            if not is_null(value):
                values[name] = self._read(name, value)
        return values


def checked_name(parse: Parse[str], name: str, *, at: Node) -> str:
    """Return a free name that passes `parse`, or say at the node of that name why not."""
    return _checked(parse, name, at=at, what=f"has the name {shown(name)}, which")


class Listed(Generic[T]):
    """Reads a list; a single scalar counts as a list of one."""

    def __init__(self, read: Read[T]) -> None:
        self.read = read

    def __call__(self, node: Node) -> tuple[T, ...]:
        """Return what `read` makes of each item."""
        if isinstance(node, MapNode):
            raise node.error("is a mapping, not a list", action="write `- ` before each item")
        items = node.items if isinstance(node, ListNode) else [node]
        return tuple(self.read(item) for item in items)


class Scalar(Generic[T]):
    """Reads one value that passes `parse`.

    A tag is resolved at once. The value stands in the error unless it came from a tag or
    `echo` is off.
    """

    def __init__(self, parse: Parse[T], *, echo: bool = True) -> None:
        self.parse = parse
        self._echo = echo

    def __call__(self, node: Node) -> T:
        """Return what `parse` makes of the value."""
        value = _as_scalar(node)
        text = value.resolve()
        if value.tag is not None:
            what = f"(what !{value.tag} {shown(value.text)} gives)"
        else:
            what = shown(text) if self._echo else ""
        return _checked(self.parse, text, at=value, what=what)


def secret(node: Node) -> Secret:
    """Read a value that must not stand in the file: the tag is kept, unread."""
    secret = _as_scalar(node).secret()
    if secret is None:
        raise node.error("stands here in plain text", action=SECRET_USE)
    return secret


def text_or_secret(parse: Parse[str]) -> Read[str | Secret]:
    """Return a reader of a value that may be secret: a tag is kept, unread."""

    def read(node: Node) -> str | Secret:
        return _as_scalar(node).secret() or Scalar(parse, echo=False)(node)

    return read


def local_path(node: Node) -> Path:
    """Read a path of the operator's machine, relative to the folder of hosts.yaml."""
    return expanded(node, Scalar(printable)(node))


def _checked(parse: Parse[T], text: str, *, at: Node, what: str) -> T:
    try:
        return parse(text)
    except Unfit as unfit:
        seen = " ".join(part for part in (what, unfit.problem) if part)
        raise at.error(seen, action=unfit.action) from None


def _as_scalar(node: Node) -> ScalarNode:
    if not isinstance(node, ScalarNode):
        raise node.error(f"is {_kind(node)}, not a single value", action="write one value")
    if node.is_null:
        raise node.error("has no value", action="write one, or remove it")
    return node


def _kind(node: Node) -> str:
    match node:
        case MapNode():
            return "a mapping"
        case ListNode():
            return "a list"
        case _:
            return "a single value"
