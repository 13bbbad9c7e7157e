"""Files with secrets that every user of a server may read, and the modes that end it; pure."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import PurePosixPath

from carbon.artifacts.local import known_targets
from carbon.cluster import Node
from carbon.config.diff import holds_secret
from carbon.config.files import managed_files
from carbon.home import layout
from carbon.home.facts import FileRights, ServerFacts

_READ = 0o004
_UNREADABLE = "\N{REPLACEMENT CHARACTER}"
_TAKEN = 0o027
"""What is taken away: all rights of others, and the group's right to write."""


def readable_secrets(
    node: Node, facts: ServerFacts, new: Mapping[PurePosixPath, bytes]
) -> dict[PurePosixPath, FileRights]:
    """Return the files with passwords or private keys that every user of the server may read.

    Of the files that hosts.yaml edits their text decides, which is that of `new` if they change;
    of the others their name. None of them is in a folder that others may not enter.
    """
    if not facts.secrets.others_enter:
        return {}
    secrets = [secret.reveal() for secret in node.file_secrets]
    edited = managed_files(node)
    managed = {
        path: FileRights(mode=file.mode, owner=file.owner)
        for path in edited
        if (file := facts.files.get(path))
        and file.mode & _READ
        and holds_secret(new.get(path, file.data), secrets)
    }
    by_name = {
        path: rights
        for path, rights in facts.secrets.readable.items()
        if path not in edited and layout.TRUSTSTORE not in path.name
    }
    reached = {
        path: rights
        for path, rights in {**managed, **by_name}.items()
        if facts.secrets.closed.isdisjoint(path.parents)
    }
    return dict(sorted(reached.items()))


def tightened(
    node: Node, facts: ServerFacts, new: Mapping[PurePosixPath, bytes]
) -> dict[PurePosixPath, int]:
    """Return the modes to set if hosts.yaml asks for it (`tighten: true`), by path.

    No right is added. Left alone is what belongs to another account, which alone may change it,
    what `artifacts:` brings, with the mode that it says, and a name that is not UTF-8.
    """
    if not node.tighten:
        return {}
    brought = {target.path for target in known_targets(node)}
    return {
        path: rights.mode & ~_TAKEN
        for path, rights in readable_secrets(node, facts, new).items()
        if facts.user in (rights.owner, "root")
        and path not in brought
        and _UNREADABLE not in str(path)
    }
