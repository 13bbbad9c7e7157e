"""Templates: a text with names of its node, such as ${localMemberHost}.

A name of letters, digits and _ is ours, and unknown ones are refused. Whatever else stands in
`${...}` is the server's own and stays, such as ${carbon.home} or ${sys:x}; `$${` stands for `${`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from carbon.cluster import Artifact, Node
from carbon.errors import InventoryError
from carbon.secret import MASK, Secret

_NAME = re.compile(r"\$\$\{|\$\{([A-Za-z_][A-Za-z0-9_]*)\}")

Values = Mapping[str, str | Secret | None]


def names(node: Node) -> dict[str, str | None]:
    """Return what every template of a node may name; None: hosts.yaml gives it no value."""
    return {
        "name": node.name,
        "role": node.role,
        "server": node.server,
        "home": str(node.home),
        "java_home": str(node.java_home) if node.java_home else None,
        "domain": node.domain,
        "subDomain": node.sub_domain,
        "localMemberHost": node.local_member_host,
        "localMemberPort": str(node.local_member_port),
        "Offset": str(node.offset),
        "HostName": node.host_name,
        "MgtHostName": node.mgt_host_name,
        "httpPort": str(node.http_port),
        "httpsPort": str(node.https_port),
    }


def render(text: bytes, node: Node, entry: Artifact, *, file: Path, fetch: bool = True) -> bytes:
    """Return a template's text with the values of a node.

    Without `fetch` a secret's mask stands in its place. Raises InventoryError, with the line of
    the template, for a name that nothing has, and for a secret that cannot be had.
    """
    values: Values = {**names(node), **entry.values}

    def value_of(match: re.Match[str]) -> str:
        name = match[1]
        if name is None:
            return "${"
        value = values.get(name)
        if value is None:
            raise _unknown(name, match, values, node, file=file)
        if isinstance(value, Secret):
            return value.reveal() if fetch else MASK
        return value

    decoded = text.decode("utf-8", "surrogateescape")
    return _NAME.sub(value_of, decoded).encode("utf-8", "surrogateescape")


def _unknown(
    name: str, match: re.Match[str], values: Values, node: Node, *, file: Path
) -> InventoryError:
    known = ", ".join(key for key, value in values.items() if value is not None)
    seen = f"hosts.yaml gives {node.name} no {name}" if name in values else f"unknown name {name}"
    return InventoryError(
        f"{seen}, which this template names as ${{{name}}}",
        action=f"known: {known}; more with `values:`; write $${{{name}}} for what the server reads",
        file=str(file),
        line=match.string.count("\n", 0, match.start()) + 1,
    )


def outdated_secrets(template: bytes, node: Node, entry: Artifact, old: bytes) -> list[str] | None:
    """Return the ends of lines of an old file that hold what the template has a secret for.

    None if one of these places is not known: then nothing of the old file may be shown.
    """
    values: Values = {**names(node), **entry.values}
    lines = old.decode("utf-8", "replace").splitlines()
    outdated: list[str] = []
    for line in template.decode("utf-8", "replace").splitlines():
        literals = _before_secret(line, values)
        if literals is None:
            continue
        ends = [end for each in lines if (end := _end_after(literals, each)) is not None]
        if not ends:
            return None
        outdated += [end for end in ends if end]
    return outdated


def _before_secret(line: str, values: Values) -> list[str] | None:
    """Return the literal texts between the names before the first secret; None without one."""
    literals: list[str] = []
    end = 0
    for match in _NAME.finditer(line):
        literals.append(line[end : match.start()])
        if match[1] is not None and isinstance(values.get(match[1]), Secret):
            return literals
        end = match.end()
    return None


def _end_after(literals: list[str], line: str) -> str | None:
    """Return what follows these texts in a line, in this order; None if they are not in it."""
    if not line.startswith(literals[0]):
        return None
    end = len(literals[0])
    for literal in literals[1:]:
        at = line.find(literal, end)
        if at < 0:
            return None
        end = at + len(literal)
    return line[end:].strip()
