"""The files of a server against hosts.yaml: what differs, what is in the way, who may read them."""

from __future__ import annotations

from pathlib import PurePosixPath

from carbon.checks.case import Case
from carbon.checks.finding import Finding, Findings, Kind
from carbon.errors import ProvisionError
from carbon.plan.model import Plan
from carbon.plan.tighten import readable_secrets, tightened
from carbon.text import some_of

SHOWN_FILES = 4

PENDING = Kind(
    code="restart-pending",
    seen="restart pending: {files} changed after its start",
    remedy="fab -H {node} restart",
    weight=80,
)
DIFFERS = Kind(
    code="differs",
    seen="it differs from hosts.yaml: {names}",
    remedy="see `fab -H {node} plan`, then `fab -H {node} deploy`",
    weight=25,
)
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
READABLE = Kind(
    code="secret-readable",
    seen="every user of {server} may read {files}, which hold passwords or keys",
    remedy="set `tighten: true` in hosts.yaml and run `fab -H {node} deploy`, or take the rights of"
    " others from these files or from {home}",
    weight=10,
)
NOT_OURS = Kind(
    code="secret-readable",
    seen="every user of {server} may read {files}, which hold passwords or keys, and `tighten`"
    " leaves them as they are",
    remedy="let their owner run `chmod o= FILE`; for a file of `artifacts:`, set its `mode:` there",
    weight=10,
)


def pending(case: Case) -> Findings:
    """It runs with the files that are there now."""
    files = case.facts.process.changed_since if case.facts.process else ""
    if files:
        yield case.finding(PENDING, weight=30 if case.joined else None, files=files)


def differs(case: Case) -> Findings:
    """Its files, its driver and /etc/hosts are as hosts.yaml says."""
    if isinstance(case.plan, ProvisionError):
        yield Finding.of_error(case.plan, weight=35)
    elif case.plan is not None and (names := differences(case.plan)):
        short = [name if name[0] == "/" else PurePosixPath(name).name for name in names]
        yield case.finding(DIFFERS, names=", ".join(short))


def differences(plan: Plan) -> tuple[str, ...]:
    """Name what a deploy would change: files relative to AS_HOME, JARs, the unit, /etc/hosts."""
    jars = [plan.upload] if plan.upload else []
    brought = [change.path for change in plan.artifacts if change.new]
    configured = [change.path for change in plan.files]
    narrowed = [path for path in plan.narrowed if path not in brought]
    names = [str(path) for path in (*configured, *brought, *jars, *plan.removed, *narrowed)]
    unit = [str(plan.unit.file)] if plan.unit and plan.unit.writes else []
    return (*names, *unit, *(["/etc/hosts"] if plan.edits_hosts else []))


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


def secrets(case: Case) -> Findings:
    """Only the account that runs the server, and its group, may read passwords and keys.

    It stops nothing, and a server that is like this is well: the mode is the operator's to choose.
    """
    changes = case.planned.files if case.planned else ()
    new = {change.path: change.new for change in changes}
    open_files = readable_secrets(case.node, case.facts, new)
    ours = tightened(case.node, case.facts, new)
    left = [path.name for path in open_files if path not in ours]
    if left:
        kind = NOT_OURS if case.node.tighten else READABLE
        yield case.finding(kind, files=some_of(left, at_most=SHOWN_FILES))
