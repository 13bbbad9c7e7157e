"""Inventories for tests: a small one, to which a test adds only the lines that it is about."""

from __future__ import annotations

import re
from pathlib import Path
from textwrap import dedent, indent

import pytest

from carbon.cluster import Cluster, Node
from carbon.errors import InventoryError
from carbon.inventory import load

HERE = "# here"
"""Marks the line that an error must name."""

CLUSTER = {"domain": "wso2.as.domain", "home": "/opt/wso2/as"}


def inventory(
    *, cluster: str = "", manager: str = "", worker1: str = "", worker2: str = "", more: str = ""
) -> str:
    """Return a hosts.yaml of a manager and two workers, with these lines in its sections.

    `more` is what follows: further workers if it is indented, or further sections.
    """
    return "".join(
        (
            f"cluster:\n{_lines(CLUSTER, cluster, depth=1)}",
            f"manager:\n{_lines({'localMemberHost': '10.0.0.3'}, manager, depth=1)}",
            "workers:\n",
            f"  worker1:\n{_lines({'localMemberHost': '10.0.0.4'}, worker1, depth=2)}",
            f"  worker2:\n{_lines({'localMemberHost': '10.0.0.5'}, worker2, depth=2)}",
            more if more.startswith("  worker") else dedent(more),
        )
    )


def _lines(usual: dict[str, str], own: str, *, depth: int) -> str:
    own = dedent(own).strip("\n")
    lines = [f"{key}: {value}" for key, value in usual.items() if not _says(own, key)]
    return indent("\n".join([*lines, *own.splitlines()]), "  " * depth) + "\n"


def _says(text: str, key: str) -> bool:
    return re.search(rf"^{re.escape(key)}:", text, re.MULTILINE) is not None


def save(folder: Path, text: str | bytes) -> Path:
    """Write a hosts.yaml."""
    file = folder / "hosts.yaml"
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    return file


def loaded(folder: Path, text: str) -> Cluster:
    """Return the cluster that a text describes."""
    return load(save(folder, text))


def refused(folder: Path, text: str | bytes) -> InventoryError:
    """Return the error that loading a text ends with, once it names the marked line."""
    file = save(folder, text)
    with pytest.raises(InventoryError) as caught:
        load(file)
    error = caught.value
    assert error.file == str(file)
    assert error.line == line_of(HERE, text)
    assert error.action, "an error without a remedy"
    assert "\n" not in error.seen
    return error


def line_of(marker: str, text: str | bytes) -> int | None:
    """Return the line that holds the marker, if there is one."""
    lines = (text if isinstance(text, bytes) else text.encode()).split(b"\n")
    return next((n for n, line in enumerate(lines, 1) if marker.encode() in line), None)


def worker(cluster: Cluster, name: str = "worker1") -> Node:
    """Return a node that must be there."""
    found = cluster.node(name)
    assert found is not None
    return found
