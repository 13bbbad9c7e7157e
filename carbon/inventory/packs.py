"""The product's pack in hosts.yaml."""

from __future__ import annotations

import re

from carbon.cluster import Pack
from carbon.inventory.nodes import MapNode, Node
from carbon.inventory.reading import Key, Record, Scalar, local_path
from carbon.inventory.values import Unfit


def sha256(text: str) -> str:
    """Check a checksum as sha256sum prints it."""
    if not re.fullmatch(r"[0-9a-fA-F]{64}", text):
        raise Unfit("is not a sha256", "write the 64 hexadecimal digits that sha256sum prints")
    return text.lower()


PACK = Record(
    Pack,
    {
        "file": Key(local_path, "file", required=True),
        "sha256": Key(Scalar(sha256), "sha256"),
    },
)


def pack(node: Node) -> Pack:
    """Read a pack: the path of its file, or a mapping with its checksum."""
    return PACK(node) if isinstance(node, MapNode) else Pack(file=local_path(node))
