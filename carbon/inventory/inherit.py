"""Inheritance: a node's own settings laid over the shared ones, with defaults from other keys."""

from __future__ import annotations

from pathlib import Path

from carbon.inventory.nodes import ListNode, MapNode, ScalarNode, YamlNode
from carbon.inventory.rules import refuse_rollout_hooks
from carbon.value import replace

ADDED_UP = ("files", "artifacts")
"""The lists that a node's own level is added to."""


def inherit(own: MapNode, shared: MapNode) -> MapNode:
    """Return a node's own keys over the shared ones."""
    refuse_rollout_hooks(own)
    return _with_driver_class(_with_ssh_host(laid_over(own, shared)))


def laid_over(own: MapNode, shared: MapNode) -> MapNode:
    """Return a mapping laid over shared settings.

    Mappings merge key by key at every depth, the lists `files` and `artifacts` are appended to
    the shared ones, anything else replaces it. A null takes the shared value away. An artifact
    of its own takes the place of a shared one that goes to the same file.
    """
    merged = dict(shared.entries)
    for key, value in own.entries.items():
        below = merged.get(key)
        if isinstance(value, MapNode) and isinstance(below, MapNode):
            merged[key] = laid_over(value, below)
        elif key in ADDED_UP and isinstance(value, ListNode) and isinstance(below, ListNode):
            targets = {_target(item) for item in value.items} - {None}
            kept = [item for item in below.items if _target(item) not in targets]
            merged[key] = replace(value, items=kept + value.items)
        else:
            merged[key] = value
    return replace(own, entries=merged)


def _target(item: YamlNode) -> str | None:
    """Return where an artifact goes, as far as hosts.yaml alone tells; None for anything else."""
    if not isinstance(item, MapNode):
        return None
    source, target = item.get("from"), item.get("to")
    if not isinstance(target, ScalarNode):
        return None
    if target.text.endswith("/") and isinstance(source, ScalarNode):
        return target.text + Path(source.text).name
    return target.text


def _with_ssh_host(node: MapNode) -> MapNode:
    """Reach the server at its localMemberHost, if nothing else is said."""
    ssh = node.get("ssh") or node.part("ssh")
    if not isinstance(ssh, MapNode):
        return node
    return node.having("ssh", ssh.with_default("host", node.get("localMemberHost")))


def _with_driver_class(node: MapNode) -> MapNode:
    """Let datasources that name no driverClassName use the driver that is put in place."""
    driver, datasources = node.get("driver"), node.get("datasources")
    if isinstance(driver, MapNode) and isinstance(datasources, MapNode):
        for name, datasource in datasources.entries.items():
            if isinstance(datasource, MapNode):
                own = datasource.with_default("driverClassName", driver.get("class"))
                datasources = datasources.having(name, own)
        return node.having("datasources", datasources)
    return node
