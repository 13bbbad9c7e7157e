"""Artifacts in hosts.yaml: files that come to a server as they are, or as templates."""

from __future__ import annotations

import re
from pathlib import PurePosixPath

from carbon.cluster import Artifact
from carbon.inventory import values
from carbon.inventory.nodes import MapNode, Node, ScalarNode
from carbon.inventory.reading import (
    Key,
    Named,
    Record,
    Scalar,
    as_map,
    local_path,
    text_or_secret,
)
from carbon.inventory.values import Unfit


def artifact_target(text: str) -> PurePosixPath:
    """Check where an artifact goes, relative to AS_HOME."""
    path = PurePosixPath(text)
    parts = text.rstrip("/").split("/")
    if path.is_absolute() or not path.parts or {"", ".", ".."} & set(parts):
        raise Unfit(
            "is not a place below AS_HOME",
            "write its path from AS_HOME on, as in repository/components/dropins/x.jar",
        )
    if not text.isprintable() or "\\" in text:
        raise Unfit("holds a character that has no place in a path", "rename it")
    return path


def file_mode(text: str) -> int:
    """Check the mode of a file, in octal digits."""
    if not re.fullmatch("0?[0-7]{3}", text) or int(text, 8) & 0o002 or not int(text, 8) & 0o400:
        raise Unfit(
            "is not a mode that a file of Carbon may have",
            'write three octal digits, as in "640"; its owner reads it, and not all may write it',
        )
    return int(text, 8)


def template_name(text: str) -> str:
    """Check a name that a template may use; with a dot it would be one of Carbon's own."""
    if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", text):
        raise Unfit("is not a name for a template", "write letters, digits and _, as in dbPassword")
    return text


_TEXT = text_or_secret(values.one_line)
ARTIFACT = Record(
    Artifact,
    {
        "from": Key(local_path, "source"),
        "to": Key(Scalar(artifact_target), "to", required=True),
        "absent": Key(Scalar(values.flag), "absent"),
        "template": Key(Scalar(values.flag), "template"),
        "values": Key(Named(template_name, lambda _, node: _TEXT(node)), "values"),
        "restart": Key(Scalar(values.flag), "restart"),
        "secret": Key(Scalar(values.flag), "secret"),
        "mode": Key(Scalar(file_mode), "mode"),
    },
)
_OF_CONTENT = ("from", "template", "values", "secret", "mode")


def artifact(node: Node) -> Artifact:
    """Read one artifact: what comes and where it goes, or what goes away."""
    mapping = as_map(node)
    ARTIFACT.check(mapping)
    absent, mapping = _absent(mapping)
    _refuse_contradictions(mapping, absent=absent)
    target = mapping.get("to")
    return ARTIFACT(
        mapping,
        into=isinstance(target, ScalarNode) and target.resolve().endswith("/"),
        inventory=node.source.file,
        line=node.line,
    )


def _absent(mapping: MapNode) -> tuple[bool, MapNode]:
    """Return whether it goes away, and the rest of what is said."""
    flag = mapping.get("absent")
    rest = mapping.only(mapping.entries.keys() - {"absent"})
    return flag is not None and Scalar(values.flag)(flag), rest


def _refuse_contradictions(mapping: MapNode, *, absent: bool) -> None:
    given = [key for key in _OF_CONTENT if mapping.get(key)]
    if absent and given:
        raise mapping.error(
            f"has absent and {given[0]}: a file either goes away or comes",
            action=f"remove {given[0]}, or remove absent",
        )
    if not absent and "from" not in given:
        raise mapping.error(
            "has no from", action="write `from: FILE` for what comes, or `absent: true`"
        )
    if "values" in given and not _is_set(mapping, "template"):
        raise mapping.error(
            "has values, and is not a template", action="add `template: true`, or remove values"
        )


def _is_set(mapping: MapNode, key: str) -> bool:
    node = mapping.get(key)
    return node is not None and Scalar(values.flag)(node)
