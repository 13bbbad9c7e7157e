"""Kinds of values: how a part of hosts.yaml is read, and what pages and editors say of it.

A kind turns a node of YAML into a value, or says in place why it cannot. `Record`, `Named` and
`Listed` make kinds of mappings and lists from the kinds of their parts; `scalar` makes one from
a check in `carbon.inventory.values`. A null counts as an absent key.

Written out rather than left to a validation library: a value here may come from the shared
settings in another line, may be fetched by a tag, and may be a secret that must stay unread.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import PurePath
from typing import Any, Generic, TypeVar

from carbon.inventory import values
from carbon.inventory.nodes import ListNode, MapNode, ScalarNode, YamlNode, expanded, is_null
from carbon.inventory.values import Unfit
from carbon.secret import Secret
from carbon.text import did_you_mean, shown
from carbon.value import Value, defaults

T = TypeVar("T")
Parse = Callable[[str], T]

Below = tuple[str, "Key", str]
"""A key below a value: its path from there, the key, and what it means."""

SECRET_USE = "write !env NAME, !file PATH or !command 'pass show ...' in its place"


class Kind(Generic[T]):
    """How one value is read; `word` and `schema` tell readers and editors what may be written."""

    word = "text"

    def __call__(self, node: YamlNode, /) -> T:
        """Return the value."""
        raise NotImplementedError

    def check(self, node: YamlNode) -> None:
        """Read what is there with all its checks, and build nothing.

        For settings that become complete only when a node's own are laid over them.
        """
        self(node)

    def schema(self) -> dict[str, Any]:
        """Return the JSON Schema of what may be written."""
        return {"type": ["string", "number", "boolean", "null"]}

    def below(self) -> Iterator[Below]:
        """Return every key in the value with its path from here: `.port`, `.*.url`, `[].file`."""
        yield from ()


class Key:
    """One key of a mapping, and all that is said of it: a line of `keys.py`.

    `field` is where the value goes in what the record builds: by default the key's own name in
    Python's spelling. None: only the rule of the record reads it.
    """

    required = False

    def __init__(
        self, name: str, kind: Kind[Any] | Parse[Any], meaning: str, field: str | None = ""
    ) -> None:
        self.name = name
        self.kind = _kind_of(kind)
        self.meaning = meaning
        self.field = re.sub("(?<=[a-z])(?=[A-Z])", "_", name).lower() if field == "" else field


def _kind_of(kind: Kind[T] | Parse[T]) -> Kind[T]:
    return kind if isinstance(kind, Kind) else scalar(kind)


class Required(Key):
    """A key that must be there."""

    required = True


class Single(Kind[T]):
    """One value, as `read` reads it."""

    def __init__(self, read: Callable[[YamlNode], T], *, word: str = "text", **schema: Any) -> None:
        self.read = read
        self.word = word
        self._schema = schema or Kind.schema(self)

    def __call__(self, node: YamlNode, /) -> T:
        """Return what `read` makes of it."""
        return self.read(node)

    def schema(self) -> dict[str, Any]:
        """Return its JSON Schema."""
        return self._schema


def scalar(parse: Parse[T], *, echo: bool = True, word: str = "text", **schema: Any) -> Single[T]:
    """Return the kind of values that pass `parse`.

    A tag is resolved at once. The value stands in the error unless it came from a tag or
    `echo` is off.
    """

    def read(node: YamlNode) -> T:
        value = _as_scalar(node)
        text = value.resolve()
        if value.secret:
            what = f"(what !{value.secret.origin} {shown(value.text)} gives)"
        else:
            what = shown(text) if echo else ""
        return _checked(parse, text, at=value, what=what)

    return Single(read, word=word, **schema)


def number(low: int, high: int) -> Single[int]:
    """Return the kind of whole numbers between two limits."""
    types = ["integer", "string", "null"]
    parse = values.whole_number(low, high)
    return scalar(parse, word=f"{low} to {high}", type=types, minimum=low, maximum=high)


def one_of(*words: str) -> Single[str]:
    """Return the kind of a few words."""
    word = " or ".join(f"`{word}`" for word in words)
    return scalar(values.one_of(*words), word=word, enum=[*words, None])


def text_or_secret(parse: Parse[str]) -> Single[str | Secret]:
    """Return the kind of values that may be secret: a tag is kept, unread."""
    plain = scalar(parse, echo=False)
    return Single(lambda node: _as_scalar(node).secret or plain(node))


def _secret(node: YamlNode) -> Secret:
    secret = _as_scalar(node).secret
    if secret is None:
        raise node.error("stands here in plain text", action=SECRET_USE)
    return secret


PORT = number(1, values.MAX_PORT)
OFFSET = scalar(values.offset, word="from 0", type=["integer", "string", "null"], minimum=0)
FLAG = scalar(values.flag, word="true or false", type=["boolean", "string", "null"])
SECONDS = scalar(values.seconds, word="seconds")
LINE = scalar(values.printable)
LOCAL_PATH = Single(lambda node: expanded(node, LINE(node)))
"""A path of the operator's machine, relative to the folder of hosts.yaml."""
SECRET = Single(_secret, word="secret", type=["string", "null"])
"""A value that must not stand in the file: the tag is kept, unread."""


class Listed(Kind[tuple[T, ...]]):
    """A list; a single value counts as a list of one."""

    word = "list"

    def __init__(self, item: Kind[T] | Parse[T]) -> None:
        self._item = _kind_of(item)

    def __call__(self, node: YamlNode, /) -> tuple[T, ...]:
        """Return the items."""
        if isinstance(node, MapNode):
            raise node.error("is a mapping, not a list", action="write `- ` before each item")
        items = node.items if isinstance(node, ListNode) else [node]
        return tuple(self._item(item) for item in items)

    def schema(self) -> dict[str, Any]:
        """Return the schema of an item, or of several."""
        item = self._item.schema()
        return {"anyOf": [item, {"type": "array", "items": item}]}

    def below(self) -> Iterator[Below]:
        """Return every key of an item."""
        return ((f"[]{path}", key, meaning) for path, key, meaning in self._item.below())


class Named(Kind[dict[str, T]]):
    """A mapping whose keys are free names that pass `name`."""

    word = "mapping"

    def __init__(self, name: Parse[str], item: Kind[T] | Parse[T]) -> None:
        self._name = name
        self._item = _kind_of(item)

    def __call__(self, node: YamlNode, /) -> dict[str, T]:
        """Return the values by name, in the file's order."""
        return {name: self._value(name, value) for name, value in self.items(node)}

    def items(self, node: YamlNode) -> Iterator[tuple[str, YamlNode]]:
        """Return the values unread, by name."""
        for key, value in as_map(node).entries.items():
            name = checked_name(self._name, key, at=value)
            if not is_null(value):
                yield name, value

    def _value(self, name: str, node: YamlNode) -> T:
        """Return the value of a name, which may matter."""
        del name
        return self._item(node)

    def schema(self) -> dict[str, Any]:
        """Return the schema of a mapping with any names."""
        return {"type": ["object", "null"], "additionalProperties": self._item.schema()}


class Record(Kind[T]):
    """A mapping with known keys, and what `build` makes of them.

    `rule` looks at the mapping as a whole: it refuses what keys together cannot mean, and
    returns further fields. `notes` say, for keys that belong elsewhere, where. With `short`, a
    single value may stand for the mapping that has this key alone.
    """

    def __init__(
        self,
        build: Callable[..., T],
        *keys: Key,
        rule: Callable[[MapNode], Mapping[str, Any]] = lambda _: {},
        notes: Mapping[str, str] | None = None,
        short: str = "",
    ) -> None:
        self._build = build
        self.keys = {key.name: key for key in keys}
        self._rule = rule
        self._notes = notes or {}
        self._short = short
        self.word = (
            f"text, or {' and '.join(f'`{key}`' for key in self.keys)}" if short else "mapping"
        )

    def __call__(self, node: YamlNode, /, **given: Any) -> T:
        """Return what `build` makes of the mapping, and of what is given for absent keys."""
        mapping = self.complete(node)
        given |= self._rule(mapping)
        given |= {key.field: key.kind(value) for key, value in self._present(mapping) if key.field}
        return self._build(**given)

    def check(self, node: YamlNode) -> None:
        """Check what is there."""
        for key, value in self._present(self._mapping(node)):
            key.kind.check(value)

    def _mapping(self, node: YamlNode) -> MapNode:
        if self._short and not isinstance(node, MapNode):
            return MapNode(node.source, node.path, node.line, {self._short: node})
        mapping = as_map(node)
        for name, value in mapping.entries.items():
            if name not in self.keys:
                known = f"{did_you_mean(name, self.keys)}known here: {', '.join(self.keys)}"
                raise value.error("is an unknown key", action=self._notes.get(name, known))
        return mapping

    def complete(self, node: YamlNode) -> MapNode:
        """Return the mapping, unread, if it has no unknown key and every required one."""
        mapping = self._mapping(node)
        for name, key in self.keys.items():
            if key.required and mapping.get(name) is None:
                raise mapping.error(f"has no {name}", action=f"add `{name}:` to it")
        return mapping

    def _present(self, mapping: MapNode) -> Iterator[tuple[Key, YamlNode]]:
        for name, key in self.keys.items():
            if (value := mapping.get(name)) is not None:
                yield key, value

    def meaning(self, key: Key) -> str:
        """Return what a key means, and the default of what is built."""
        build = self._build
        known = defaults(build) if isinstance(build, type) and issubclass(build, Value) else {}
        default = known.get(key.field or "")
        if "(default" in key.meaning or not isinstance(default, str | int | float | PurePath):
            return key.meaning
        text = str(default).lower().removesuffix(".0")
        return f"{key.meaning.removesuffix('.')} (default {text})."

    def schema(self) -> dict[str, Any]:
        """Return the schema of the keys; a required key may come from the shared settings."""
        properties = {
            name: {**key.kind.schema(), "description": self.meaning(key)}
            for name, key in self.keys.items()
        }
        record = {
            "type": ["object", "null"],
            "properties": properties,
            "additionalProperties": False,
        }
        return {"anyOf": [{"type": ["string", "null"]}, record]} if self._short else record

    def below(self) -> Iterator[Below]:
        """Return every key of the mapping, and every key in its values."""
        for name, key in () if self._short else self.keys.items():
            yield f".{name}", key, self.meaning(key)
            for path, inner, meaning in key.kind.below():
                yield f".{name}{path}", inner, meaning


class NamedRecords(Kind[tuple[T, ...]]):
    """A mapping of free names to records; each record is given its name."""

    word = "mapping"

    def __init__(self, name: Parse[str], record: Record[T]) -> None:
        self._record = record
        self._named = Named(name, record)

    def __call__(self, node: YamlNode, /) -> tuple[T, ...]:
        """Return the records in the file's order."""
        return tuple(self._record(value, name=name) for name, value in self._named.items(node))

    def check(self, node: YamlNode) -> None:
        """Check every record."""
        for _, value in self._named.items(node):
            self._record.check(value)

    def schema(self) -> dict[str, Any]:
        """Return the schema of a mapping with any names."""
        return self._named.schema()

    def below(self) -> Iterator[Below]:
        """Return every key of a record."""
        return ((f".*{path}", key, meaning) for path, key, meaning in self._record.below())


def as_map(node: YamlNode) -> MapNode:
    """Return the node, which must be a mapping; a null counts as an empty one."""
    if isinstance(node, MapNode):
        return node
    if is_null(node):
        return MapNode(node.source, node.path, node.line, {})
    raise node.error(f"is {_what(node)}, not a mapping", action="write `key: value` pairs below it")


def checked_name(parse: Parse[str], name: str, *, at: YamlNode) -> str:
    """Return a free name that passes `parse`, or say at the node of that name why not."""
    return _checked(parse, name, at=at, what=f"has the name {shown(name)}, which")


def _checked(parse: Parse[T], text: str, *, at: YamlNode, what: str) -> T:
    try:
        return parse(text)
    except Unfit as unfit:
        seen = " ".join(part for part in (what, unfit.problem) if part)
        raise at.error(seen, action=unfit.action) from None


def _as_scalar(node: YamlNode) -> ScalarNode:
    if not isinstance(node, ScalarNode):
        raise node.error(f"is {_what(node)}, not a single value", action="write one value")
    if node.is_null:
        raise node.error("has no value", action="write one, or remove it")
    return node


def _what(node: YamlNode) -> str:
    kinds = {MapNode: "a mapping", ListNode: "a list"}
    return kinds.get(type(node), "a single value")
