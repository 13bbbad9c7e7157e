"""What differs from hosts.yaml, and what changed since the start."""

from __future__ import annotations

from pathlib import PurePosixPath

from carbon.checks.case import Case
from carbon.checks.finding import Finding, Findings, Kind
from carbon.errors import ProvisionError
from carbon.plan.model import Plan

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
