"""What keys of one mapping may not say together, and the fields that no single key gives."""

from __future__ import annotations

from typing import Any

from carbon.inventory.kinds import FLAG
from carbon.inventory.nodes import MapNode, ScalarNode

ROLLOUT_HOOKS = ("before_rollout", "after_rollout")
"""Of the rollout as a whole, and of no node."""
_OF_CONTENT = ("from", "template", "values", "secret", "mode")


def ssh(ssh: MapNode) -> dict[str, Any]:
    """What is wrong with a file is said at its line."""
    lines = {key: node.line for key in ("identity_file", "known_hosts") if (node := ssh.get(key))}
    return {
        "inventory": ssh.source.file,
        "identity_line": lines.get("identity_file"),
        "known_hosts_line": lines.get("known_hosts"),
    }


def file_edit(edit: MapNode) -> dict[str, Any]:
    """An edit of a file has exactly one of three forms."""
    given = [key for key in ("attribute", "fragment", "value") if edit.get(key)]
    if given not in (["value"], ["attribute", "value"], ["fragment"]):
        raise edit.error(
            f"has {' and '.join(given) or 'nothing to set'}",
            action="give it `value:`, or `attribute:` and `value:`, or `fragment:`",
        )
    return _place(edit)


def artifact(artifact: MapNode) -> dict[str, Any]:
    """An artifact comes, with all that is said of its content, or goes away."""
    absent = _is_set(artifact, "absent")
    given = [key for key in _OF_CONTENT if artifact.get(key)]
    if absent and given:
        raise artifact.error(
            f"has absent and {given[0]}: a file either goes away or comes",
            action=f"remove {given[0]}, or remove absent",
        )
    if not absent and "from" not in given:
        raise artifact.error(
            "has no from", action="write `from: FILE` for what comes, or `absent: true`"
        )
    if "values" in given and not _is_set(artifact, "template"):
        raise artifact.error(
            "has values, and is not a template", action="add `template: true`, or remove values"
        )
    target = artifact.get("to")
    into = isinstance(target, ScalarNode) and target.resolve().endswith("/")
    return {"into": into, **_place(artifact)}


def nginx(balancer: MapNode) -> dict[str, Any]:
    """A certificate has a key."""
    if bool(balancer.get("ssl_certificate")) != bool(balancer.get("ssl_certificate_key")):
        raise balancer.error(
            "has one of ssl_certificate and ssl_certificate_key without the other",
            action="give both, or none for a load balancer without HTTPS",
        )
    return {}


def refuse_rollout_hooks(own: MapNode) -> None:
    """Refuse, at a node, the hooks of the rollout as a whole."""
    hooks = own.get("hooks")
    for name in ROLLOUT_HOOKS:
        if isinstance(hooks, MapNode) and (hook := hooks.get(name)):
            raise hook.error(
                "is a hook of the rollout as a whole", action="put it under `cluster: hooks:`"
            )


def _place(node: MapNode) -> dict[str, Any]:
    return {"inventory": node.source.file, "line": node.line}


def _is_set(mapping: MapNode, key: str) -> bool:
    node = mapping.get(key)
    return node is not None and FLAG(node)
