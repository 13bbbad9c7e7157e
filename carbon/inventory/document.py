"""From the YAML text to the tree of nodes.

Stricter than YAML: one mapping, no duplicate keys, no merge keys, bounded size and depth. It
goes by the parser's events, so that the limits hold while the text is read: `yaml.compose`
with the C loader dies of half a million brackets, follows an alias into itself, and does not
tell a tag from a type that it guessed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Literal

import yaml
from yaml.reader import Reader

from carbon.errors import InventoryError
from carbon.inventory.nodes import (
    ListNode,
    MapNode,
    ScalarNode,
    Source,
    YamlNode,
    expanded,
    is_null,
)
from carbon.secret import Secret
from carbon.text import shown

MAX_BYTES = 1_000_000
MAX_DEPTH = 30
MAX_VALUES = 100_000
"""With every alias counted as often as it is used."""

LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
NULLS = {"", "~", "null", "Null", "NULL"}
TAGS: dict[str, Literal["env", "file", "command"]] = {
    "!env": "env",
    "!file": "file",
    "!command": "command",
}
TAG_USE = "use !env NAME, !file PATH or !command 'pass show ...', or no tag"


def parse(data: bytes, source: Source) -> MapNode:
    """Return the tree of a YAML document.

    Raises InventoryError, with file and line, for anything that is not one plain mapping.
    """
    text = _decode(data, source)
    try:
        return _Composer(text, source).document()
    except yaml.MarkedYAMLError as error:
        raise _syntax_error(error, source) from None


def _decode(data: bytes, source: Source) -> str:
    if len(data) > MAX_BYTES:
        action = "name the inventory itself: a cluster fits in a few kilobytes"
        raise source.error(f"larger than {MAX_BYTES} bytes", action=action)
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        seen = f"not UTF-8 text: byte 0x{data[error.start]:02x}"
        raise source.error(seen, action="save the file as UTF-8", line=line) from None
    if control := Reader.NON_PRINTABLE.search(text):
        line = text.count("\n", 0, control.start()) + 1
        seen = f"the character U+{ord(control.group()):04X} is not allowed in YAML"
        raise source.error(seen, action="remove it", line=line)
    return text


def _syntax_error(error: yaml.MarkedYAMLError, source: Source) -> InventoryError:
    begun = f", {error.context}" if error.context else ""
    if error.context_mark:
        begun += f" that begins in line {error.context_mark.line + 1}"
    return source.error(
        f"not valid YAML: {error.problem}{begun}",
        action="look at this line and the one before: indentation, colons, quotes",
        line=error.problem_mark.line + 1 if error.problem_mark else None,
    )


class _Composer:
    """Builds the tree from the parser's events."""

    def __init__(self, text: str, source: Source) -> None:
        self.source = source
        self.events: Iterator[yaml.Event] = yaml.parse(text, Loader=LOADER)
        self.anchors: dict[str, tuple[YamlNode, int]] = {}
        self.values = 0

    def document(self) -> MapNode:
        next(self.events)
        begin = next(self.events)
        empty = isinstance(begin, yaml.StreamEndEvent)
        root = None if empty else self._node(next(self.events), path="", line=1, depth=0)
        if root is None or is_null(root):
            raise self._error("the file is empty", 1, "describe the cluster as README shows")
        next(self.events)
        if isinstance(further := next(self.events), yaml.DocumentStartEvent):
            raise self._error(
                "a second YAML document begins", _line(further), "keep one cluster per file"
            )
        if not isinstance(root, MapNode):
            action = "begin with `cluster:`, `manager:` and `workers:`"
            raise self._error("not a mapping of sections", root.line, action)
        return root

    def _node(self, event: yaml.Event, *, path: str, line: int, depth: int) -> YamlNode:
        if depth > MAX_DEPTH:
            raise self._error("nested too deeply", line, f"use at most {MAX_DEPTH} levels")
        before = self.values
        self._count(1, line)
        if isinstance(event, yaml.AliasEvent):
            return self._alias(event)
        node: YamlNode
        if isinstance(event, yaml.ScalarEvent):
            node = self._scalar(event, path, line)
        else:
            self._refuse_tag(event, path)
            sequence = isinstance(event, yaml.SequenceStartEvent)
            node = (self._list if sequence else self._map)(path, line, depth)
        if anchor := getattr(event, "anchor", None):
            self.anchors[anchor] = (node, self.values - before)
        return node

    def _alias(self, event: yaml.AliasEvent) -> YamlNode:
        if event.anchor not in self.anchors:
            raise self._error(
                f"the alias *{event.anchor} has no anchor before it",
                _line(event),
                f"write &{event.anchor} at the value that it stands for, above this line",
            )
        node, values = self.anchors[event.anchor]
        self._count(values, _line(event))
        return node

    def _scalar(self, event: yaml.ScalarEvent, path: str, line: int) -> ScalarNode:
        if event.tag not in TAGS:
            self._refuse_tag(event, path)
            null = not event.style and event.value in NULLS
            return ScalarNode(self.source, path, line, event.value, None, null)
        file, base, commands = self.source
        secret = Secret(TAGS[event.tag], event.value, file, line, base, commands)
        node = ScalarNode(self.source, path, line, event.value, secret, False)
        _check_reference(node, TAGS[event.tag])
        return node

    def _list(self, path: str, line: int, depth: int) -> ListNode:
        items: list[YamlNode] = []
        while not isinstance(event := next(self.events), yaml.SequenceEndEvent):
            item = f"{path}[{len(items)}]"
            items.append(self._node(event, path=item, line=_line(event), depth=depth + 1))
        return ListNode(self.source, path, line, items)

    def _map(self, path: str, line: int, depth: int) -> MapNode:
        entries: dict[str, YamlNode] = {}
        lines: dict[str, int] = {}
        while not isinstance(event := next(self.events), yaml.MappingEndEvent):
            key, at = self._key(event, path), _line(event)
            value_path = _join(path, key)
            if key in entries:
                action = f"keep this one or the one in line {lines[key]}"
                raise self._error(f"{value_path} is here a second time", at, action)
            lines[key] = at
            entries[key] = self._node(next(self.events), path=value_path, line=at, depth=depth + 1)
        return MapNode(self.source, path, line, entries)

    def _key(self, event: yaml.Event, path: str) -> str:
        if not isinstance(event, yaml.ScalarEvent) or event.tag:
            raise self._error(
                f"{path or 'the file'} has a key that is not plain text",
                _line(event),
                "write `key: value`; put a value that begins with { [ & * ! in quotes",
            )
        if event.value == "<<" and not event.style:
            raise self._error(
                f"{_join(path, '<<')} is a merge key, which is not supported",
                _line(event),
                "put what nodes share under `cluster:`, they all inherit it",
            )
        return str(event.value)

    def _refuse_tag(self, event: yaml.Event, path: str) -> None:
        if tag := getattr(event, "tag", None):
            raise self._error(f"{path} has the tag {shown(tag)}", _line(event), TAG_USE)

    def _count(self, values: int, line: int) -> None:
        self.values += values
        if self.values > MAX_VALUES:
            seen = f"more than {MAX_VALUES} values, aliases included"
            raise self._error(seen, line, "use fewer aliases")

    def _error(self, seen: str, line: int, action: str) -> InventoryError:
        return self.source.error(seen, action=action, line=line)


def _check_reference(node: ScalarNode, tag: str) -> None:
    """Refuse a tag that can name nothing, before anybody asks for what it names."""
    if not node.text.strip():
        raise node.error(f"has !{tag} without an argument", action=TAG_USE)
    if not node.text.isprintable():
        seen = f"has !{tag} with a line break or control character"
        raise node.error(seen, action="write it on one line")
    if tag == "env" and not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", node.text):
        raise node.error(
            f"{shown(node.text)} is not the name of an environment variable",
            action="write the bare name, as in `!env DB_PASSWORD`",
        )
    if tag == "file":
        expanded(node, node.text)


def _join(path: str, key: str) -> str:
    name = key if key.isprintable() and len(key) <= 60 else shown(key)
    return f"{path}.{name}" if path else name


def _line(event: yaml.Event) -> int:
    return event.start_mark.line + 1 if event.start_mark else 1
