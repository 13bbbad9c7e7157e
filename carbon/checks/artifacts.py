"""The places of artifacts on a server: may a deploy put files there?"""

from __future__ import annotations

from pathlib import PurePosixPath

from carbon.checks.case import Case
from carbon.checks.finding import Findings, Kind

SHARED = Kind(
    code="artifact-shared",
    seen="{folder}, where {path} belongs, {where}",
    remedy="other servers may use it too, so this tool changes nothing there: correct `to:` in"
    " `artifacts:` of {node} in hosts.yaml, or keep that file by hand",
    weight=34,
)
IN_THE_WAY = Kind(
    code="artifact-in-the-way",
    seen="{path} is {what}, and `artifacts:` in hosts.yaml has a file there",
    remedy="move it aside by hand, or correct `to:` in `artifacts:` of {node} in hosts.yaml",
    weight=34,
)


def places(case: Case) -> Findings:
    """What a deploy brings or takes away lies in AS_HOME itself, and nothing else stands there."""
    for change in case.planned.artifacts if case.planned else ():
        if where := _shared(case, change.path):
            folder, text = where
            yield case.finding(SHARED, blocks=True, folder=folder, path=change.path, where=text)
        elif what := _in_the_way(case, change.path):
            yield case.finding(IN_THE_WAY, blocks=True, path=change.path, what=what)


def _shared(case: Case, path: PurePosixPath) -> tuple[PurePosixPath, str] | None:
    """Return the folder of a file that is not AS_HOME's own, and how that shows."""
    for folder in reversed(path.parents):
        if place := case.facts.artifacts.links.get(folder):
            return folder, f"leads to {place}"
        if folder in case.facts.artifacts.mounts:
            return folder, "is a mount point"
    return (path, "is a mount point") if path in case.facts.artifacts.mounts else None


def _in_the_way(case: Case, path: PurePosixPath) -> str:
    if path in case.facts.artifacts.in_the_way:
        return "no file"
    if str(path) in case.facts.symlinks:
        return "a symbolic link"
    return "a file that cannot be read" if str(path) in case.facts.unreadable else ""
