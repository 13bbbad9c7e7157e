"""What of an AS_HOME a clone takes, whether it may, and what it then lacks: pure decisions."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import PurePosixPath
from typing import Literal, cast

from carbon import config
from carbon.checks.case import Case
from carbon.checks.home import SPARE_KB, home, journal
from carbon.clone.tarstream import Kind, archived_bytes, leads_out
from carbon.cluster import Cluster, Node
from carbon.errors import ScriptError, UnfitError
from carbon.home import layout
from carbon.home.facts import ServerFacts
from carbon.home.ports import free_numbers, label, taken_numbers
from carbon.plan.plan import Plan
from carbon.value import Value, replace

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
    """Read what the script clone_list prints; sockets, pipes and devices are passed over.

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
    read = map(_entry, filter(None, heads), fields[1::3], fields[2::3])
    entries = tuple(entry for entry in read if entry is not None)
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


def _entry(match: re.Match[str], path: str, link: str) -> Entry | None:
    kind = _FIND_TYPES.get(match["type"])
    if kind is None:
        return None
    return Entry(
        path=path or ".",
        kind=kind,
        mode=int(match["mode"], 8) & _PERMISSIONS,
        size=int(match["size"]) if kind == "file" else 0,
        link=link,
        readable=match["readable"] == "r",
    )


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


PRUNED = tuple(path.pattern for path in layout.NOT_CLONED if "*" not in path.pattern)
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
    reasons = []
    if unreadable:
        reasons.append(
            UnfitError(
                f"{user} cannot read {_shown(unreadable)}",
                host=source.name,
                step="preflight",
                action=f"give them to the owner of {source.home}, or say `run_as: OWNER` for"
                f" {source.name} in hosts.yaml",
            )
        )
    if broken:
        reasons.append(
            UnfitError(
                f"line ends are part of these names: {_shown(broken)}",
                host=source.name,
                step="preflight",
                action="rename them, or remove them where they are there by mistake",
            )
        )
    if outward:
        reasons.append(
            UnfitError(
                f"these links may lead out of AS_HOME: {_shown(outward)}",
                host=source.name,
                step="preflight",
                action="put what they point to in their place, or make them relative and such"
                " that they only descend after their first `..`",
            )
        )
    return reasons


def _shown(names: Sequence[str]) -> str:
    told = ", ".join(ascii(name)[1:-1] for name in names[:SHOWN])
    return told if len(names) <= SHOWN else f"{told} and {len(names) - SHOWN} more"


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
    def told(self) -> str:
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

    Where anything differs, all links of the copy are removed and sent again, so that there is none
    to follow while files are unpacked.
    """
    there = {entry.path: entry for entry in target.entries}
    kinds = source.kinds

    def differs(entry: Entry) -> bool:
        return _differ(entry, there.get(entry.path)) or (
            source_checksums.get(entry.path) != target_checksums.get(entry.path)
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


def _differ(entry: Entry, copied: Entry | None) -> bool:
    if copied is None or (entry.kind, entry.size, entry.link) != (
        copied.kind,
        copied.size,
        copied.link,
    ):
        return True
    return entry.kind != "link" and entry.mode != copied.mode


def parse_checksums(answer: bytes) -> dict[str, str]:
    """Read what cksum prints: checksum and size of each file, by its path."""
    lines = answer.decode(errors="surrogateescape").split("\n")
    words = (line.split(" ", 2) for line in lines)
    return {
        columns[2].removeprefix("./"): f"{columns[0]} {columns[1]}"
        for columns in words
        if len(columns) == 3
    }


# ---- Where it goes


SiteState = Literal["absent", "empty", "filled", "mount"]
Parent = Literal["writable", "closed", "missing"]


class Site(Value, kw_only=True):
    """The place where a home stands, or is to stand."""

    state: SiteState
    parent: Parent
    identity: str = ""
    """The same for two names of one directory only; empty where there is none."""
    leftover_kb: int = 0
    """What a broken run left in the partial directory; it goes away first."""


def parse_site(answer: bytes) -> Site:
    """Read what the script clone_look prints."""
    lines = answer.decode(errors="replace").splitlines()
    words = {word: rest for word, _, rest in (line.partition(" ") for line in lines)}
    return Site(
        state=cast("SiteState", words.get("state", "absent")),
        parent=cast("Parent", words.get("parent", "missing")),
        identity=words.get("identity", ""),
        leftover_kb=int(words.get("leftover_kb") or 0),
    )


def as_cloned(node: Node, facts: ServerFacts, source: ServerFacts) -> ServerFacts:
    """Return what a look at the node will find once the source's home has landed there.

    Everything that a deploy would refuse then can so be refused before anything is copied.
    Space and ports are judged by `unfit_target`, which knows how much is needed and what is free.
    """
    return replace(
        facts,
        home_real=node.home,
        home_blocked=False,
        home_writable=True,
        disk_free_kb=SPARE_KB,
        present=source.present,
        version=source.version,
        kernel=source.kernel,
        symlinks=source.symlinks,
        unreadable=source.unreadable,
        jars=source.jars,
        dropins=source.dropins,
        files=source.files,
        deployment="empty",
        deployment_target=None,
        log="missing",
        log_writable=True,
        journal=None,
        staged=False,
        record={},
        generations=(),
        cloned={},
        first_start=None,
        process=None,
        listening={},
    )


def resumes(facts: ServerFacts, source: Node, *, replacing: bool) -> bool:
    """Tell whether a node is that clone already, so that only the rest is to be done.

    A clone that runs and was not seen joining is seen through even where it should be replaced:
    it is what an interrupted run of the same command left.
    """
    if facts.home_real is None or facts.cloned.get("source") != source.name:
        return False
    unfinished = facts.process is not None and facts.first_start is not None
    return not replacing or unfinished


def unfit_source(source: Node, facts: ServerFacts, *, cluster: Cluster) -> list[UnfitError]:
    """Return why a home cannot be copied."""
    case = Case(node=source, cluster=cluster, facts=facts)
    return [each.as_error(source.name) for check in (home, journal) for each in check(case)]


def unfit_target(
    node: Node,
    facts: ServerFacts,
    site: Site,
    *,
    source: Node,
    source_site: Site,
    need_bytes: int,
    replacing: bool,
    cluster: Cluster,
) -> list[UnfitError]:
    """Return every reason why a clone must not be put there."""
    problems = (
        *_place(node, facts, site),
        *_occupant(node, facts, site, source, source_site, replacing=replacing),
        *_space(node, facts, site, need_bytes),
        *_ports(node, facts, cluster),
    )
    return [
        UnfitError(seen, host=node.name, step="preflight", action=action)
        for seen, action in problems
    ]


def _place(node: Node, facts: ServerFacts, site: Site) -> Iterator[tuple[str, str]]:
    parent, account = node.home.parent, node.run_as or facts.user
    make = f"as root there: install -d -o {account} {parent}"
    if site.parent == "missing":
        yield f"there is no directory {parent}", make
    elif site.parent == "closed":
        yield (
            f"{account} may not write in {parent}, where the clone is to be renamed into place",
            f"let it, or choose another `home`; {make}",
        )
    if facts.home_blocked:
        yield f"{node.home} is not a directory", "correct `home` in hosts.yaml"
    elif site.state == "mount":
        yield (
            f"{node.home} is a mount point, and no rename can put a clone there",
            "choose a `home` below it in hosts.yaml",
        )


def _occupant(
    node: Node, facts: ServerFacts, site: Site, source: Node, source_site: Site, *, replacing: bool
) -> Iterator[tuple[str, str]]:
    if site.identity and site.identity == source_site.identity:
        yield (
            f"{node.home} there is the very directory of {source.name}",
            f"give {node.name} another `home`, and `server: {source.server}` if it lives there",
        )
    elif site.state == "filled" and not replacing:
        yield (
            f"there is an AS_HOME at {node.home} already",
            f"say --replace to keep it aside as {kept_of(node.home)} and put the clone in its"
            " place, or choose another `home`",
        )
    elif facts.process is not None:
        yield (
            f"a server runs from {node.home} (pid {facts.process.pid}), and is never replaced"
            " while it does",
            f"stop it first: fab -H {node.name} stop",
        )


def _space(
    node: Node, facts: ServerFacts, site: Site, need_bytes: int
) -> Iterator[tuple[str, str]]:
    need_kb = need_bytes // 1024 + SPARE_KB
    free_kb = facts.disk_free_kb + site.leftover_kb
    if site.parent != "missing" and free_kb < need_kb:
        yield (
            f"{free_kb // 1024} MB are free at {node.home.parent},"
            f" {-(-need_kb // 1024)} MB are needed",
            "make room there, or choose a `home` on another file system",
        )


def _ports(node: Node, facts: ServerFacts, cluster: Cluster) -> Iterator[tuple[str, str]]:
    taken = taken_numbers(node, facts.listening)
    if taken:
        seen = ", ".join(label(name, port) for name, port in taken.items())
        lines = "".join(f"\n      {line}" for line in free_numbers(node, cluster, facts.listening))
        yield (
            f"taken by a server that is not in hosts.yaml as such: {seen}",
            f"end what listens there, or write what is free into {node.name}'s entry:{lines}",
        )


def notes(node: Node) -> tuple[str, ...]:
    """Return what an operator should know of a clone although nothing is done about it."""
    synchronizer = node.deployment_synchronizer
    if synchronizer and synchronizer.enabled:
        return ()
    what = f"{layout.DEPLOYMENT_SERVER} does not travel"
    return (f"{what}, and no DeploymentSynchronizer fills it: deploy its artifacts there",)


# ---- Local databases


def relative_databases(datasources: bytes) -> tuple[PurePosixPath, ...]:
    """Return the H2 databases that lie in AS_HOME, relative to it, without their endings."""
    return tuple(
        PurePosixPath(path)
        for path in _local_databases(datasources).values()
        if not path.startswith(("/", "~"))
    )


def needs_setup(plan: Plan) -> bool:
    """Tell whether a node, as planned, has a local H2 database: a clone has it without tables."""
    return bool(_local_databases(_datasources(plan)))


def unfit_databases(plan: Plan, *, source: Node) -> list[UnfitError]:
    """Return which local databases a clone would share with its source: H2 lets in one server."""
    node = plan.node
    return [
        UnfitError(
            f"the datasource {name} is {path} on {source.name} and on {node.name}",
            host=node.name,
            step="preflight",
            action=f"make its path relative on {source.name}, or give it a url in hosts.yaml",
        )
        for name, path in _local_databases(_datasources(plan)).items()
        if path.startswith("/")
        and not PurePosixPath(path).is_relative_to(node.home)
        and (node.server == source.server or PurePosixPath(path).is_relative_to(source.home))
    ]


def _datasources(plan: Plan) -> bytes:
    """Return master-datasources.xml as it will be."""
    for change in plan.files:
        if change.path == layout.DATASOURCES:
            return change.new
    file = plan.facts.files.get(layout.DATASOURCES)
    return file.data if file else b""


_H2 = re.compile(r"jdbc:h2:(?!mem:|tcp:|ssl:|zip:)(?:file:)?(?P<path>[^;]+)")


def _local_databases(datasources: bytes) -> dict[str, str]:
    """Return the path of each H2 database that is a file, by the name of its datasource."""
    if not datasources:
        return {}
    databases = {
        datasource.name: _H2.match(datasource.url or "")
        for datasource in config.read_datasources(datasources)
    }
    return {
        name: match["path"].replace("${carbon.home}/", "")
        for name, match in databases.items()
        if match is not None
    }
