"""The names of a hosts.yaml that may have mistakes elsewhere, for completion and for hints."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import yaml

from carbon.inventory.raw import RESERVED_NAMES


def rough_names(path: Path) -> tuple[str, ...]:
    """Return what -H may take, groups included; nothing is checked, and no secret is read.

    A file that is absent or not YAML has no names: the verbs have the sentence for that.
    """
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        root = yaml.compose(path.read_bytes(), loader)
    except (OSError, ValueError, yaml.YAMLError):
        return ()
    return tuple(dict.fromkeys(_names(root)))


def _names(root: yaml.Node | None) -> Iterator[str]:
    sections = dict(_pairs(root))
    for section in ("workers", "groups"):
        yield from (name for name, _ in _pairs(sections.get(section)))
    for name, section in zip(RESERVED_NAMES, ("manager", "elb", "load_balancer"), strict=True):
        if section in sections:
            yield name


def _pairs(node: yaml.Node | None) -> Iterator[tuple[str, yaml.Node]]:
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            if isinstance(key, yaml.ScalarNode):
                yield str(key.value), value
