"""What of an AS_HOME a clone takes, whether it may, and what it then lacks: pure decisions."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import PurePosixPath

from carbon.clone.tarstream import Kind, archived_bytes, leads_out
from carbon.cluster import Node
from carbon.errors import ScriptError, UnfitError
from carbon.home import layout
from carbon.text import some_of
from carbon.value import Value

SHOWN = 5
"""Paths that an error names; the rest is counted."""
_PERMISSIONS = 0o777
"""The bits of a mode that travel: setuid and setgid do not."""
_HEAD = re.compile(r"(?P<type>.) (?P<readable>[r-]) (?P<mode>[0-7]+) (?P<size>[0-9]+)")
_FIND_TYPES: dict[str, Kind] = {"f": "file", "d": "directory", "l": "link"}


def partial_of(home: PurePosixPath) -> PurePosixPath:
    """Return where a clone grows until it is whole: beside AS_HOME, so that a rename lands it."""
    return home.with_name(f".{home.name}.provision-clone")


def kept_of(home: PurePosixPath) -> PurePosixPath:
    """Return where the AS_HOME goes that a clone replaces; there is one, the latest."""
    return home.with_name(f"{home.name}.provision-kept")


# ---- What is in a home


class Entry(Value, kw_only=True):
    """One file, directory or symbolic link of a home."""

    path: str
    """Relative to the home, which itself is `.`."""
    kind: Kind
    mode: int
    size: int = 0
    link: str = ""
    readable: bool = True


def parse_listing(answer: bytes, *, name: str) -> tuple[Entry, ...]:
    """Read what the script home_list prints; sockets, pipes and devices are passed over.

    Raises ScriptError for anything else, and for a list that no directory can have: a server that
    is not honest would have a link followed when files are unpacked.
    """
    *fields, end = answer.decode(errors="surrogateescape").split("\0")
    heads = [_HEAD.fullmatch(field) for field in fields[::3]]
    if end or len(fields) % 3 or not all(heads):
        raise ScriptError(
            "the list of its files did not arrive whole",
            host=name,
            step="look",
            action="run the same command again",
        )
    entries = tuple(
        Entry(
            path=path or ".",
            kind=_FIND_TYPES[head["type"]],
            mode=int(head["mode"], 8) & _PERMISSIONS,
            size=int(head["size"]) if head["type"] == "f" else 0,
            link=link,
            readable=head["readable"] == "r",
        )
        for head, path, link in zip(heads, fields[1::3], fields[2::3], strict=True)
        if head and head["type"] in _FIND_TYPES
    )
    stray = _stray(entries)
    if stray is not None:
        raise ScriptError(
            f"its list of files cannot be that of a directory: {_shown([stray])}",
            host=name,
            step="look",
            action="if its files change just now, run the same command again; otherwise find out"
            " what its `find` really is",
        )
    return entries


def _stray(entries: Sequence[Entry]) -> str | None:
    """Return the first path that no directory holds: named twice, or below what is not listed
    as a directory, such as a link."""
    kinds: dict[str, Kind] = {}
    for entry in entries:
        if entry.path in kinds:
            return entry.path
        kinds[entry.path] = entry.kind
    for path in kinds:
        parent, _, name = path.rpartition("/")
        if path != "." and (name in ("", ".", "..") or kinds.get(parent or ".") != "directory"):
            return path
    return None


class Selection(Value, kw_only=True):
    """What travels."""

    entries: tuple[Entry, ...]

    @property
    def kinds(self) -> dict[str, Kind]:
        """The type of each path."""
        return {entry.path: entry.kind for entry in self.entries}

    @property
    def names(self) -> bytes:
        """The paths as tar and xargs read them, each with a NUL at its end; links come last."""
        links_last = sorted(self.entries, key=lambda entry: entry.kind == "link")
        return names_of([entry.path for entry in links_last])

    @property
    def files(self) -> Selection:
        """The regular files of it."""
        return Selection(entries=tuple(entry for entry in self.entries if entry.kind == "file"))

    @property
    def content_bytes(self) -> int:
        """What is in its files."""
        return sum(entry.size for entry in self.entries)

    @property
    def stream_bytes(self) -> int:
        """What they are on their way, with the headers of tar."""
        return sum(
            archived_bytes(entry.path, link=entry.link, size=entry.size) for entry in self.entries
        )


PRUNED = tuple(path for path in (*layout.NOT_CLONED, *layout.CLONED_EMPTY) if "*" not in path)
"""Directories that need not even be listed: nothing below them travels."""


def _name(path: str) -> bytes:
    return b"./" + path.encode(errors="surrogateescape") if path != "." else b"."


def names_of(paths: Sequence[str]) -> bytes:
    """Return paths as tar and xargs read them, each with a NUL at its end."""
    return b"".join(_name(path) + b"\0" for path in paths)


def select(entries: Sequence[Entry], *, databases: Sequence[PurePosixPath] = ()) -> Selection:
    """Return what travels of a home; `databases` are its local H2 ones, which never do."""
    stems = tuple(f"{path}." for path in databases)
    return Selection(
        entries=tuple(
            entry
            for entry in entries
            if layout.travels(entry.path)
            and not (entry.kind != "directory" and layout.stays_empty(entry.path))
            and not (stems and entry.kind == "file" and entry.path.startswith(stems))
        )
    )


def unfit_selection(selection: Selection, *, source: Node, user: str) -> list[UnfitError]:
    """Return why a home cannot travel: what cannot be read, odd names, links that lead out."""
    unreadable = [entry.path for entry in selection.entries if not entry.readable]
    broken = [entry.path for entry in selection.entries if "\n" in entry.path]
    outward = [
        f"{entry.path} -> {entry.link}"
        for entry in selection.entries
        if entry.kind == "link" and leads_out(entry.path, entry.link)
    ]
    problems = (
        (
            f"{user} cannot read",
            unreadable,
            f"give them to the owner of {source.home}, or set `run_as: OWNER` for {source.name}"
            " in hosts.yaml",
        ),
        (
            "line ends are part of these names:",
            broken,
            "rename them, or remove them if they are there by mistake",
        ),
        (
            "these links may lead out of AS_HOME:",
            outward,
            "put what they point to in their place, or make them relative and such that they only"
            " descend after their first `..`",
        ),
    )
    return unfit(
        source, ((f"{seen} {_shown(paths)}", how) for seen, paths, how in problems if paths)
    )


def unfit(node: Node, problems: Iterable[tuple[str, str]]) -> list[UnfitError]:
    """Return what was seen of a node, each with its remedy, as errors of the preflight."""
    return [
        UnfitError(seen, host=node.name, step="preflight", action=action)
        for seen, action in problems
    ]


def _shown(names: Sequence[str]) -> str:
    return some_of([ascii(name)[1:-1] for name in names], at_most=SHOWN)


# ---- Whether the copy is what the source is


class Differences(Value, kw_only=True):
    """What has to be done until two homes are alike."""

    stale: Selection
    """To be sent: it is missing, or other than on the source."""
    surplus: tuple[str, ...]
    """To be removed first: the source does not have it, or not as this type, or it is a link."""
    paths: tuple[str, ...]
    """All that differs."""

    @property
    def summary(self) -> str:
        """A few of them, for an error."""
        return _shown(sorted(self.paths))


Checksums = Mapping[str, str]


def compare(
    source: Selection,
    target: Selection,
    *,
    source_checksums: Checksums,
    target_checksums: Checksums,
) -> Differences:
    """Return where a copy differs from its source: type, mode, link, size or content.

    If anything differs, all links of the copy are removed and sent again, so that there is none
    to follow while files are unpacked.
    """
    there = {entry.path: entry for entry in target.entries}
    kinds = source.kinds

    def differs(entry: Entry) -> bool:
        copied = there.get(entry.path)
        return (
            copied is None
            or _likeness(entry) != _likeness(copied)
            or source_checksums.get(entry.path) != target_checksums.get(entry.path)
        )

    stale = [entry for entry in source.entries if differs(entry)]
    surplus = [path for path, entry in there.items() if kinds.get(path) != entry.kind]
    differing = dict.fromkeys((*(entry.path for entry in stale), *surplus))
    if differing:
        stale = [entry for entry in source.entries if entry.kind == "link" or differs(entry)]
        surplus += [
            path for path, entry in there.items() if kinds.get(path) == entry.kind == "link"
        ]
    return Differences(
        stale=Selection(entries=tuple(stale)), surplus=tuple(surplus), paths=tuple(differing)
    )


def _likeness(entry: Entry) -> tuple[Kind, int, str, int]:
    """Return what a copy has in common with its source; the mode of a link says nothing."""
    return entry.kind, entry.size, entry.link, entry.mode if entry.kind != "link" else 0


def parse_checksums(answer: bytes) -> dict[str, str]:
    """Read what cksum prints: checksum and size of each file, by its path."""
    lines = answer.decode(errors="surrogateescape").split("\n")
    words = (line.split(" ", 2) for line in lines)
    return {
        columns[2].removeprefix("./"): f"{columns[0]} {columns[1]}"
        for columns in words
        if len(columns) == 3
    }
