"""Where a pack lands: what the place has to be, and whether what came is the pack; pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from carbon.checks.case import Case
from carbon.checks.java import java
from carbon.clone.contents import Entry, kept_of, unfit
from carbon.clone.target import Site, unfit_place, unfit_space
from carbon.cluster import Cluster, Node
from carbon.errors import UnfitError
from carbon.home import layout
from carbon.home.facts import ServerFacts
from carbon.pack.archive import Contents
from carbon.pack.stream import stream_bytes
from carbon.plan.model import Plan

JDKS = {(4, 2): (6, 7, 8), (4, 3): (7, 8), (4, 4): (7, 8)}
"""Which JDKs a kernel's wso2server.sh takes without a warning; 8 on 4.2.0 is seen to run."""


def is_installed(facts: ServerFacts) -> bool:
    """Tell whether there is an AS_HOME already: it is never overwritten."""
    return str(layout.SCRIPT) in facts.present


def unfit_target(
    node: Node,
    facts: ServerFacts,
    site: Site,
    contents: Contents,
    *,
    replacing: bool,
    cluster: Cluster,
) -> list[UnfitError]:
    """Return every reason why a pack must not be put there."""
    problems = (
        *unfit_place(node, facts, site),
        *_occupant(node, facts, site, replacing=replacing),
        *unfit_space(node, facts, site, stream_bytes(contents)),
    )
    case = Case(
        node=node, cluster=cluster, facts=facts, plan=Plan(node=node, facts=facts, start=True)
    )
    return [*unfit(node, problems), *(finding.as_error(node.name) for finding in java(case))]


def _occupant(
    node: Node, facts: ServerFacts, site: Site, *, replacing: bool
) -> Iterator[tuple[str, str]]:
    if facts.process is not None:
        yield (
            f"a server runs from {node.home} (pid {facts.process.pid}), and is never replaced"
            " while it does",
            f"stop it first: fab -H {node.name} stop",
        )
    elif site.state == "filled" and not replacing:
        yield (
            f"{node.home} is there, and is not a Carbon installation",
            f"use --replace to keep it aside as {kept_of(node.home)}, or choose another `home`",
        )


def jdk_note(kernel: str, version: str) -> str:
    """Return what to say of a JDK that this kernel is not made for; empty if it is fine.

    The product warns and starts; so this is a note, not a refusal.
    """
    known = re.search(r"(\d+)\.(\d+)", kernel)
    jdk = re.search(r"(?:1\.)?(\d+)", version)
    if known is None or jdk is None:
        return ""
    takes = JDKS.get((int(known[1]), int(known[2])))
    if takes is None or int(jdk[1]) in takes:
        return ""
    names = ", ".join(map(str, takes[:-1])) + f" and {takes[-1]}"
    return f"its JDK is {version}; {kernel} is made for JDK {names}"


def differing(contents: Contents, listed: Iterable[Entry]) -> tuple[str, ...]:
    """Return the paths in which what a server has is not the pack."""
    wanted = {
        member.path: ("directory" if member.is_directory else "file", member.mode, member.size)
        for member in contents.members
    }
    seen = {
        entry.path: (entry.kind, entry.mode, 0 if entry.kind == "directory" else entry.size)
        for entry in listed
        if entry.path != "."
    }
    return tuple(
        sorted(path for path in wanted.keys() | seen.keys() if wanted.get(path) != seen.get(path))
    )
