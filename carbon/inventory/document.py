"""From the YAML text to the tree of nodes.

Stricter than YAML: one mapping, no duplicate keys, no merge keys, bounded size and depth.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import yaml
from yaml.reader import Reader

from carbon.errors import InventoryError
from carbon.inventory.nodes import (
    ListNode,
    MapNode,
    ScalarNode,
    Source,
    Tag,
    YamlNode,
    expanded,
    is_null,
)
from carbon.inventory.suggest import shown

MAX_BYTES = 1_000_000
MAX_DEPTH = 30
MAX_VALUES = 100_000
"""With every alias counted as often as it is used."""

NULLS = {"", "~", "null", "Null", "NULL"}

TAGS: dict[str, Tag] = {"!env": "env", "!file": "file", "!command": "command"}
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
        raise InventoryError(
            f"larger than {MAX_BYTES} bytes",
            action="name the inventory itself: a cluster fits in a few kilobytes",
            file=source.file,
        )
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InventoryError(
            f"not UTF-8 text: byte 0x{data[error.start]:02x}",
            action="save the file as UTF-8",
            file=source.file,
            line=data.count(b"\n", 0, error.start) + 1,
        ) from None
    if control := Reader.NON_PRINTABLE.search(text):
        raise InventoryError(
            f"the character U+{ord(control.group()):04X} is not allowed in YAML",
            action="remove it",
            file=source.file,
            line=text.count("\n", 0, control.start()) + 1,
        )
    return text


def _syntax_error(error: yaml.MarkedYAMLError, source: Source) -> InventoryError:
    begun = f", {error.context}" if error.context else ""
    if error.context_mark:
        begun += f" that begins in line {error.context_mark.line + 1}"
    return InventoryError(
        f"not valid YAML: {error.problem}{begun}",
        action="look at this line and the one before: indentation, colons, quotes",
        file=source.file,
        line=error.problem_mark.line + 1 if error.problem_mark else None,
    )


class _Composer:
    """Builds the tree from the parser's events, so that limits hold while it is read."""

    def __init__(self, text: str, source: Source) -> None:
        loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
        self.source = source
        self.events: Iterator[yaml.Event] = yaml.parse(text, Loader=loader)
        self.anchors: dict[str, tuple[YamlNode, int]] = {}
        self.values = 0

    def document(self) -> MapNode:
        next(self.events)
        if isinstance(next(self.events), yaml.StreamEndEvent):
            raise self._error("the file is empty", 1, "describe the cluster as README shows")
        root = self._node(next(self.events), path="", line=1, depth=0)
        next(self.events)
        if isinstance(further := next(self.events), yaml.DocumentStartEvent):
            raise self._error(
                "a second YAML document begins", _line(further), "keep one cluster per file"
            )
        if is_null(root):
            raise self._error("the file is empty", 1, "describe the cluster as README shows")
        if not isinstance(root, MapNode):
            raise self._error(
                "not a mapping of sections",
                root.line,
                "begin with `cluster:`, `manager:` and `workers:`",
            )
        return root

    def _node(self, event: yaml.Event, *, path: str, line: int, depth: int) -> YamlNode:
        if depth > MAX_DEPTH:
            raise self._error("nested too deeply", line, f"use at most {MAX_DEPTH} levels")
        before = self.values
        self._count(1, line)
        match event:
            case yaml.AliasEvent():
                return self._alias(event)
            case yaml.ScalarEvent():
                node: YamlNode = self._scalar(event, path, line)
            case yaml.SequenceStartEvent():
                self._refuse_tag(event, path)
                node = self._list(path, line, depth)
            case _:
                self._refuse_tag(event, path)
                node = self._map(path, line, depth)
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
        tag = TAGS.get(event.tag) if event.tag else None
        if tag is None:
            self._refuse_tag(event, path)
        plain = tag is None and not event.style
        node = ScalarNode(
            self.source,
            path,
            line,
            text=event.value,
            tag=tag,
            is_null=plain and event.value in NULLS,
        )
        if tag is not None:
            _check_reference(node)
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
                raise self._error(
                    f"{value_path} is here a second time",
                    at,
                    f"keep this one or the one in line {lines[key]}",
                )
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
            raise self._error(
                f"more than {MAX_VALUES} values, aliases included", line, "use fewer aliases"
            )

    def _error(self, seen: str, line: int, action: str) -> InventoryError:
        return InventoryError(seen, action=action, file=self.source.file, line=line)


def _check_reference(node: ScalarNode) -> None:
    """Refuse a tag that can name nothing, before anybody asks for what it names."""
    if not node.text.strip():
        raise node.error(f"has !{node.tag} without an argument", action=TAG_USE)
    if not node.text.isprintable():
        raise node.error(
            f"has !{node.tag} with a line break or control character", action="write it on one line"
        )
    if node.tag == "env" and not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", node.text):
        raise node.error(
            f"{shown(node.text)} is not the name of an environment variable",
            action="write the bare name, as in `!env DB_PASSWORD`",
        )
    if node.tag == "file":
        expanded(node, node.text)


def _join(path: str, key: str) -> str:
    name = key if key.isprintable() and len(key) <= 60 else shown(key)
    return f"{path}.{name}" if path else name


def _line(event: yaml.Event) -> int:
    return event.start_mark.line + 1 if event.start_mark else 1
