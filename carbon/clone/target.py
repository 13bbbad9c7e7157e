"""Where a clone lands: what the place has to be, and what the copy will be there; pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath
from typing import Literal, TypeVar, cast

from carbon.checks.case import Case
from carbon.checks.home import SPARE_KB, home, journal
from carbon.clone.contents import kept_of, unfit
from carbon.cluster import Cluster, Node
from carbon.config.datasources import read_datasources
from carbon.errors import UnfitError
from carbon.home import layout
from carbon.home.facts import LogFacts, ServerFacts
from carbon.home.ports import free_numbers, label, taken_numbers
from carbon.plan.model import Plan
from carbon.value import Value, replace

T = TypeVar("T")
SiteState = Literal["absent", "empty", "filled", "mount"]
Parent = Literal["writable", "closed", "missing"]


class Site(Value, kw_only=True):
    """The place where a home stands, or is to stand."""

    state: SiteState
    parent: Parent
    identity: str = ""
    """The same for two names of one directory only; empty if there is none."""
    leftover_kb: int = 0
    """What a broken run left in the partial directory; it goes away first."""


def parse_site(answer: bytes) -> Site:
    """Read what the script home_look prints."""
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
        files=_travelling(source.files),
        # Links stay links, and a mount of the source comes as files.
        artifacts=replace(
            source.artifacts, files=_travelling(source.artifacts.files), mounts=frozenset()
        ),
        deployment="empty",
        deployment_target=None,
        log=LogFacts(),
        journal=None,
        staged=False,
        record={},
        generations=(),
        cloned={},
        first_start=None,
        process=None,
        listening={},
    )


def _travelling(files: Mapping[PurePosixPath, T]) -> dict[PurePosixPath, T]:
    return {path: file for path, file in files.items() if layout.travels(str(path))}


def resumes(facts: ServerFacts, source: Node, *, replacing: bool) -> bool:
    """Tell whether a node is that clone already, so that only the rest is to be done.

    A clone that runs and was not seen joining is seen through even if it should be replaced:
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
        *unfit_place(node, facts, site),
        *_occupant(node, facts, site, source, source_site, replacing=replacing),
        *unfit_space(node, facts, site, need_bytes),
        *_ports(node, facts, cluster),
    )
    return unfit(node, problems)


def unfit_place(node: Node, facts: ServerFacts, site: Site) -> Iterator[tuple[str, str]]:
    """Yield why no AS_HOME can be renamed into place there, each with its remedy."""
    parent, account = node.home.parent, node.run_as or facts.user
    make = f"as root there: install -d -o {account} {parent}"
    if site.parent == "missing":
        yield f"the directory {parent} does not exist", make
    elif site.parent == "closed":
        yield (
            f"{account} may not write in {parent}, where AS_HOME is to be renamed into place",
            f"let it, or choose another `home`; {make}",
        )
    if facts.home_blocked:
        yield f"{node.home} is not a directory", "correct `home` in hosts.yaml"
    elif site.state == "mount":
        yield (
            f"{node.home} is a mount point, and no rename can put an AS_HOME there",
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
            f"use --replace to keep it aside as {kept_of(node.home)} and put the clone in its"
            " place, or choose another `home`",
        )
    elif facts.process is not None:
        yield (
            f"a server runs from {node.home} (pid {facts.process.pid}), and is never replaced"
            " while it does",
            f"stop it first: fab -H {node.name} stop",
        )


def unfit_space(
    node: Node, facts: ServerFacts, site: Site, need_bytes: int
) -> Iterator[tuple[str, str]]:
    """Yield that there is too little room for it, with the remedy."""
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
    return bool(_local_databases(plan.next_data(layout.DATASOURCES)))


def unfit_databases(plan: Plan, *, source: Node) -> list[UnfitError]:
    """Return which local databases a clone would share with its source: H2 lets in one server."""
    node = plan.node
    shared = [
        f"the datasource {name} is {path} on {source.name} and on {node.name}"
        for name, path in _local_databases(plan.next_data(layout.DATASOURCES)).items()
        if path.startswith("/")
        and not PurePosixPath(path).is_relative_to(node.home)
        and (node.server == source.server or PurePosixPath(path).is_relative_to(source.home))
    ]
    action = f"make its path relative on {source.name}, or give it a url in hosts.yaml"
    return unfit(node, ((seen, action) for seen in shared))


_H2 = re.compile(r"jdbc:h2:(?!mem:|tcp:|ssl:|zip:)(?:file:)?(?P<path>[^;]+)")


def _local_databases(datasources: bytes | None) -> dict[str, str]:
    """Return the path of each H2 database that is a file, by the name of its datasource."""
    databases = {}
    for datasource in read_datasources(datasources) if datasources else ():
        if match := _H2.match(datasource.url or ""):
            databases[datasource.name] = match["path"].replace("${carbon.home}/", "")
    return databases
