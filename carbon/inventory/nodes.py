"""The tree of a hosts.yaml: every value knows its file, line, and dotted path of keys.

Scalars stay the text that was written. What reads a value decides its type, so that no
password turns into a number and no `no` into false.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Literal, NamedTuple

from carbon.errors import InventoryError
from carbon.inventory.suggest import shown
from carbon.secret import Secret

Tag = Literal["env", "file", "command"]


class Source(NamedTuple):
    """The inventory file: as errors name it, and the folder that relative paths start from."""

    file: str
    base: Path
    commands: bool = True
    """A `!command` may be run."""


class YamlNode:
    """One value of hosts.yaml and its place."""

    __slots__ = ("line", "path", "source")

    def __init__(self, source: Source, path: str, line: int) -> None:
        self.source = source
        self.path = path
        self.line = line

    def error(self, seen: str, *, action: str) -> InventoryError:
        """Return the error that says `seen` of this value, with its place."""
        return InventoryError(
            f"{self.path or 'the file'} {seen}",
            action=action,
            file=self.source.file,
            line=self.line,
        )


class ScalarNode(YamlNode):
    """A text, or a tag that says where the text comes from."""

    __slots__ = ("_secret", "is_null", "tag", "text")

    def __init__(
        self, source: Source, path: str, line: int, *, text: str, tag: Tag | None, is_null: bool
    ) -> None:
        super().__init__(source, path, line)
        self.text = text
        self.tag = tag
        self.is_null = is_null
        self._secret: Secret | None = None

    def secret(self) -> Secret | None:
        """Return the secret that a tag names, unread; None if the text stands here in plain.

        It is the same object for all who ask, so that its command runs once.
        """
        if self.tag is not None and self._secret is None:
            self._secret = Secret(
                self.tag,
                self.text,
                self.source.file,
                self.line,
                self.source.base,
                self.source.commands,
            )
        return self._secret

    def resolve(self) -> str:
        """Return the text, fetched now if a tag says so.

        Raises InventoryError if the tag's source cannot be read.
        """
        secret = self.secret()
        if secret is None:
            return self.text
        try:
            return secret.reveal()
        except InventoryError as error:
            if self._is_written_by_lab():
                error.action = "start the lab: fab lab.up"
            raise

    def _is_written_by_lab(self) -> bool:
        base = self.source.base
        return self.tag == "file" and (base / self.text).is_relative_to(base / "lab" / "run")


class ListNode(YamlNode):
    """A sequence of values."""

    __slots__ = ("items",)

    def __init__(self, source: Source, path: str, line: int, items: list[YamlNode]) -> None:
        super().__init__(source, path, line)
        self.items = items


class MapNode(YamlNode):
    """Values by key, in the file's order."""

    __slots__ = ("entries",)

    def __init__(self, source: Source, path: str, line: int, entries: dict[str, YamlNode]) -> None:
        super().__init__(source, path, line)
        self.entries = entries

    def get(self, key: str) -> YamlNode | None:
        """Return the value of `key`; None if it is absent or null."""
        node = self.entries.get(key)
        return None if is_null(node) else node

    def only(self, keys: Iterable[str]) -> MapNode:
        """Return the part with these keys."""
        wanted = set(keys)
        return self._with({key: node for key, node in self.entries.items() if key in wanted})

    def having(self, key: str, value: YamlNode) -> MapNode:
        """Return this mapping with this value of `key`."""
        return self._with(self.entries | {key: value})

    def with_default(self, key: str, default: YamlNode | None) -> MapNode:
        """Return this mapping with `default` for `key`, if it has no value of its own."""
        return self if default is None or self.get(key) else self.having(key, default)

    def part(self, key: str) -> MapNode:
        """Return an empty mapping for `key`, which is not written."""
        return MapNode(self.source, f"{self.path}.{key}", self.line, {})

    def _with(self, entries: dict[str, YamlNode]) -> MapNode:
        return MapNode(self.source, self.path, self.line, entries)


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
    """Tell whether there is no value: absent, empty, `~` or `null`."""
    return node is None or (isinstance(node, ScalarNode) and node.is_null)
