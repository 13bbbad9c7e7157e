"""The names of a hosts.yaml that may have mistakes elsewhere, for completion and for hints."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import yaml

from carbon.inventory.document import LOADER, MAX_BYTES, MAX_DEPTH
from carbon.inventory.raw import RESERVED_NAMES


def rough_names(path: Path) -> tuple[str, ...]:
    """Return what -H may take; nothing is checked, and no secret is read.

    A file that is absent or not YAML has no names: the verbs have the sentence for that.
    """
    try:
        with path.open("rb") as file:
            keys = list(_outer_keys(yaml.parse(file.read(MAX_BYTES), LOADER)))
    except (OSError, ValueError, yaml.YAMLError):
        return ()
    workers = [name for section, name in keys if section == "workers" and name]
    sections = [section for section, _ in keys]
    reserved = zip(RESERVED_NAMES, ("manager", "elb", "load_balancer"), strict=True)
    return tuple(dict.fromkeys([*workers, *(name for name, key in reserved if key in sections)]))


def _outer_keys(events: Iterator[yaml.Event]) -> Iterator[tuple[str, str]]:
    """Return each section, and each key right below one, up to where it nests too deeply."""
    section = ""
    key_is_next: list[bool | None] = []
    """For each open collection; None for a list, which has no keys."""
    for event in events:
        if isinstance(event, yaml.CollectionEndEvent):
            key_is_next.pop()
        elif isinstance(event, yaml.NodeEvent):
            depth = len(key_is_next)
            if depth > MAX_DEPTH:
                return
            if isinstance(event, yaml.ScalarEvent) and depth in (1, 2) and key_is_next[-1]:
                section, name = (event.value, "") if depth == 1 else (section, event.value)
                yield section, name
            if depth and key_is_next[-1] is not None:
                key_is_next[-1] = not key_is_next[-1]
            if isinstance(event, yaml.CollectionStartEvent):
                key_is_next.append(isinstance(event, yaml.MappingStartEvent) or None)
