"""Patch a node's configuration files: bytes in, bytes out, and never half of an edit."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from functools import lru_cache, partial
from pathlib import PurePosixPath

from carbon.cluster import Node
from carbon.config import axis2, carbon_xml, catalina, datasources, extra
from carbon.config.edits import Edits
from carbon.errors import ConfigFileError
from carbon.home import layout
from carbon.value import Value
from carbon.xmledit import XmlDocument

Edit = Callable[[Edits], None]

NEIGHBOURS = tuple(
    str(path)
    for path in (
        layout.DEPLOYMENT_TOML,
        layout.TOML_TEMPLATES,
        layout.HAZELCAST_XML,
        layout.CONF_AT_ROOT,
    )
)
"""What to look for on a server before patching it: they overwrite, overrule or replace files."""


def managed_files(node: Node) -> tuple[PurePosixPath, ...]:
    """Return the files that hosts.yaml changes on a node, relative to AS_HOME."""
    paths = [layout.AXIS2, layout.CARBON_XML]
    if node.proxy_ports is not None:
        paths.append(layout.CATALINA)
    if node.datasources:
        paths.append(layout.DATASOURCES)
    return tuple(dict.fromkeys([*paths, *(layout.CONF / each.file for each in node.files)]))


class Patched(Value, kw_only=True):
    """A file with the settings of hosts.yaml in it."""

    data: bytes
    """The same object as before if they were there already."""
    secured: tuple[str, ...]
    """What hosts.yaml sets and Secure Vault keeps: it is left untouched."""


def patch(node: Node, path: PurePosixPath, data: bytes) -> Patched:
    """Put the settings of hosts.yaml into a file.

    `path` is one of `managed_files`. Raises ConfigFileError for a file that cannot be patched
    safely, and InventoryError for a secret that cannot be had.
    """
    document = _parsed(data, str(path))
    edits = _edits(node, path)
    patched, secured = _edited(document, edits)
    if patched.data == data:
        return Patched(data=data, secured=secured)
    if not _comes_to_rest(patched, edits):
        raise ConfigFileError(
            "the edits that hosts.yaml asks for would change it anew with every run",
            file=str(path),
            action="look for entries of files: that touch the same place; a fragment that "
            "others build on needs a name, an id or a path to be known by",
        )
    return Patched(data=patched.data, secured=secured)


def outdated_secrets(node: Node, path: PurePosixPath, data: bytes) -> tuple[str, ...]:
    """Return what stands in a file where hosts.yaml has a secret: no diff may show it.

    Each edit is held against the file as it is: what only an earlier edit brings is not in it.
    Raises ConfigFileError for a file that is not XML.
    """
    document = _parsed(data, str(path))
    outdated: dict[str, None] = {}
    for edit in _edits(node, path):
        edits = Edits(document)
        with suppress(ConfigFileError):
            edit(edits)
        outdated.update(dict.fromkeys(filter(None, edits.outdated)))
    return tuple(outdated)


@lru_cache(maxsize=16)
def _parsed(data: bytes, file: str) -> XmlDocument:
    """Return what servers may share: of a stock file, the same bytes lie on all of them.

    Nothing changes a document; its edits are made on a copy.
    """
    return XmlDocument.parse(data, file=file)


def _edits(node: Node, path: PurePosixPath) -> list[Edit]:
    """Return a file's edits: what the guide changes in it first, then the entries of `files`."""
    guide = {
        layout.AXIS2: axis2.edit,
        layout.CARBON_XML: carbon_xml.edit,
        layout.CATALINA: catalina.edit,
        layout.DATASOURCES: datasources.edit,
    }
    edits: list[Edit] = [partial(guide[path], node)] if path in guide else []
    edits += [partial(extra.edit, each) for each in node.files if layout.CONF / each.file == path]
    return edits


def _edited(document: XmlDocument, edits: list[Edit]) -> tuple[XmlDocument, tuple[str, ...]]:
    """Return the file after all edits, and the names of what is secured in it."""
    secured: dict[str, None] = {}
    for edit in edits:
        step = Edits(document)
        edit(step)
        secured.update(dict.fromkeys(step.secured))
        document = step.patch.apply()
    return document, tuple(secured)


def _comes_to_rest(document: XmlDocument, edits: list[Edit]) -> bool:
    try:
        return _edited(document, edits)[0].data == document.data
    except ConfigFileError:
        return False
