"""The tree of a hosts.yaml: every value knows its file, line, and dotted path of keys.

Scalars stay the text that was written. What reads a value decides its type, so that no
password turns into a number and no `no` into false.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from carbon.errors import InventoryError
from carbon.secret import Secret
from carbon.text import shown
from carbon.value import Value, replace


class Source(NamedTuple):
    """The inventory file: as errors name it, and the folder that relative paths start from."""

    file: str
    base: Path
    commands: bool = True
    """A `!command` may be run."""

    def error(self, seen: str, *, action: str, line: int | None = None) -> InventoryError:
        """Return the error that says `seen` of the file."""
        return InventoryError(seen, action=action, file=self.file, line=line)


class YamlNode(Value):
    """One value of hosts.yaml and its place."""

    source: Source
    path: str
    line: int

    def error(self, seen: str, *, action: str) -> InventoryError:
        """Return the error that says `seen` of this value, with its place."""
        whole = f"{self.path or 'the file'} {seen}"
        return self.source.error(whole, action=action, line=self.line)


class ScalarNode(YamlNode):
    """A text, or a secret if a tag says where the text comes from.

    The secret is one object for all who read it, so that its command runs once.
    """

    text: str
    secret: Secret | None
    is_null: bool

    def resolve(self) -> str:
        """Return the text, fetched now if a tag says so.

        Raises InventoryError if the tag's source cannot be read.
        """
        return self.secret.reveal() if self.secret else self.text


class ListNode(YamlNode):
    """A sequence of values."""

    items: list[YamlNode]


class MapNode(YamlNode):
    """Values by key, in the file's order."""

    entries: dict[str, YamlNode]

    def get(self, key: str) -> YamlNode | None:
        """Return the value of `key`; None if it is absent or null."""
        node = self.entries.get(key)
        return None if is_null(node) else node

    def only(self, keys: Iterable[str]) -> MapNode:
        """Return the part with these keys."""
        wanted = set(keys)
        return replace(
            self, entries={key: node for key, node in self.entries.items() if key in wanted}
        )

    def having(self, key: str, value: YamlNode) -> MapNode:
        """Return this mapping with this value of `key`."""
        return replace(self, entries=self.entries | {key: value})

    def with_default(self, key: str, default: YamlNode | None) -> MapNode:
        """Return this mapping with `default` for `key`, if it has no value of its own."""
        return self if default is None or self.get(key) else self.having(key, default)

    def part(self, key: str) -> MapNode:
        """Return an empty mapping for `key`, which is not written."""
        return MapNode(self.source, f"{self.path}.{key}", self.line, {})


def expanded(node: YamlNode, path: str) -> Path:
    """Return a local path with ~ expanded, from the inventory's folder on if it is relative."""
    try:
        return node.source.base / Path(path).expanduser()
    except RuntimeError:
        raise node.error(
            f"{shown(path)} begins with a home folder that is not known",
            action="write the path out",
        ) from None


def is_null(node: YamlNode | None) -> bool:
    """Tell whether a value is missing: absent, empty, `~` or `null`."""
    return node is None or (isinstance(node, ScalarNode) and node.is_null)
