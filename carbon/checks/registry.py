"""Every check, and who reads it. This page is the index of what the tool looks at.

Preflight wants what blocks a plan, status what is wrong with servers that run or are down, doctor
all of it, the likeliest cause first.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from enum import Flag, auto
from functools import cache
from types import ModuleType
from typing import TypeAlias

from carbon.checks import (
    balancer,
    boot,
    clustering,
    database,
    datasource,
    files,
    home,
    java,
    logs,
    membership,
    network,
    ports,
    process,
    service,
    vault,
)
from carbon.checks.case import Case
from carbon.checks.finding import Finding, Findings, Kind, Words
from carbon.errors import UnfitError
from carbon.join.columns import take_apart
from carbon.value import replace

SUBJECTS: tuple[ModuleType, ...] = (
    home,
    files,
    java,
    vault,
    database,
    datasource,
    network,
    clustering,
    ports,
    process,
    service,
    boot,
    logs,
    membership,
    balancer,
)
"""Where the kinds of findings are declared."""
CAUSE_WEIGHT = 90
"""From here on a line of a log names a cause; below it, what some cause led to."""

TO_MANAGER = "connection to the manager"
FROM_MANAGER = "connection from the manager"
DATASOURCES = "datasources"


def kinds_of(subject: ModuleType) -> tuple[Kind, ...]:
    """Return the kinds of findings that a module declares."""
    return tuple(value for value in vars(subject).values() if isinstance(value, Kind))


@cache
def kinds() -> tuple[Kind, ...]:
    """Return every known kind of finding, subject by subject."""
    return tuple(kind for subject in SUBJECTS for kind in kinds_of(subject))


def recognised(lines: Sequence[str], words: Words) -> Iterator[Finding]:
    """Yield what the lines of a log show, the likeliest first, by the last line that shows it."""
    logged = [kind for kind in kinds() if kind.log]
    for kind in sorted(logged, key=lambda each: -each.weight):
        for line in reversed(lines):
            if finding := kind.recognise(line, words):
                yield finding
                break


def failures(case: Case) -> Findings:
    """Its log shows no failure since it was last started."""
    if case.joined or (case.own.started and case.node.role != "worker"):
        return
    likely = next(recognised(case.own.lines, case.words), None)
    error = case.own.first_error
    if error and (likely is None or (likely.weight < CAUSE_WEIGHT and likely.line != error)):
        cause = f"; {case.own.cause}" if case.own.cause else ""
        message = take_apart(error).message + cause
        likely = case.finding(process.FIRST_ERROR, line=error, message=message)
    if likely is not None:
        weight = likely.weight - 40 if case.own.started else likely.weight
        yield replace(likely, weight=weight)


class Reader(Flag):
    """Who reads what a check finds."""

    PREFLIGHT = auto()
    STATUS = auto()
    DOCTOR = auto()
    ALL = PREFLIGHT | STATUS | DOCTOR


Check: TypeAlias = Callable[[Case], Findings]
PREFLIGHT, STATUS, DOCTOR, ALL = Reader.PREFLIGHT, Reader.STATUS, Reader.DOCTOR, Reader.ALL
CHECKS: tuple[tuple[Check, Reader, str], ...] = (
    (home.home, ALL, "AS_HOME"),
    (home.journal, ALL, ""),
    (home.reset, PREFLIGHT, ""),
    (home.readable, ALL, ""),
    (home.disk, ALL, "disk"),
    (java.java, ALL, "JAVA_HOME"),
    (java.overridden, DOCTOR, ""),
    (home.profile, ALL, "worker profile"),
    (ports.taken, ALL, "ports"),
    (ports.closed, STATUS | DOCTOR, ""),
    (ports.offset, DOCTOR, ""),
    (database.driver, DOCTOR, "driver"),
    (database.database, ALL, "database"),
    (datasource.tried, DOCTOR, DATASOURCES),
    (logs.grows, ALL, "log"),
    (logs.writable, ALL, ""),
    (logs.start_hidden, PREFLIGHT | DOCTOR, ""),
    (logs.joins_hidden, DOCTOR, ""),
    (logs.silent, DOCTOR, ""),
    (logs.layout_is_known, DOCTOR, ""),
    (process.running, STATUS | DOCTOR, "process"),
    (process.single, ALL, ""),
    (process.started, DOCTOR, ""),
    (failures, DOCTOR, ""),
    (vault.vault, DOCTOR, ""),
    (service.owner, ALL, ""),
    (service.outlives, PREFLIGHT, ""),
    (service.unit, ALL, ""),
    (process.role, STATUS | DOCTOR, "role"),
    (clustering.axis2, DOCTOR, "axis2.xml"),
    (clustering.overrides, ALL, ""),
    (clustering.domain, DOCTOR, "domain"),
    (clustering.member_host, DOCTOR, "localMemberHost"),
    (clustering.foreign_host, PREFLIGHT | DOCTOR, ""),
    (ports.member_port, DOCTOR, "localMemberPort"),
    (clustering.scheme, DOCTOR, "membershipScheme"),
    (clustering.members, DOCTOR, "members"),
    (clustering.agent, DOCTOR, "clustering class"),
    (network.manager, DOCTOR, "manager"),
    (membership.member, STATUS, ""),
    (membership.lost, DOCTOR, ""),
    (network.to_manager, DOCTOR, TO_MANAGER),
    (network.from_manager, DOCTOR, FROM_MANAGER),
    (files.differs, STATUS | DOCTOR, "hosts.yaml"),
    (files.places, ALL, ""),
    (files.pending, STATUS | DOCTOR, ""),
    (balancer.unfinished, STATUS | DOCTOR, ""),
)
"""A check, its readers, and the words in which doctor says that all is right with it; a check
without any belongs to those above it."""


_OF_ANY_LAYOUT: Mapping[Check, Reader] = {
    home.home: ALL,
    service.owner: PREFLIGHT,  # whoever starts a server again does so after each stop
    clustering.overrides: ALL,
}
"""Who reads what of a product whose configuration is elsewhere."""


def checks_for(reader: Reader, case: Case) -> Iterator[tuple[str, Check]]:
    """Yield the checks of a reader that have something to look at.

    If AS_HOME does not exist, or if its configuration is elsewhere, the others have nothing.
    """
    title = ""
    is_elsewhere = clustering.conf_is_at_root(case)
    for check, readers, own_title in CHECKS if case.facts.home_real else CHECKS[:1]:
        title = own_title or title
        if is_elsewhere:
            readers &= _OF_ANY_LAYOUT.get(check, Reader(0))
        if reader in readers:
            yield title, check


def refusals(case: Case) -> list[UnfitError]:
    """Return every reason why what is planned for a node must not begin."""
    return _refusals(case, (check for _, check in checks_for(PREFLIGHT, case)))


def watcher_refusals(case: Case) -> list[UnfitError]:
    """Return why no worker could be seen joining by the log of this manager or ELB."""
    checks: tuple[Check, ...] = network.WATCHER_CHECKS
    if not case.facts.home_real:
        checks = checks[:1]
    elif case.is_manager:
        checks = (*network.MANAGER_CHECKS, clustering.domain)
    errors = _refusals(case, checks)
    if case.node.role == "elb":
        for error in errors:
            error.action += "; if it is retired, take `elb:` out of hosts.yaml"
    return errors


def trial_findings(case: Case) -> tuple[Finding, ...]:
    """Return what the trial of its datasources shows; those that block end a rollout."""
    return tuple(datasource.tried(case, staged=True))


def for_status(case: Case) -> tuple[Finding, ...]:
    """Return what status says of a node."""
    return tuple(each for _, check in checks_for(STATUS, case) for each in check(case))


def _refusals(case: Case, checks: Iterable[Check]) -> list[UnfitError]:
    findings = (finding for check in checks for finding in check(case))
    return [finding.as_error(case.node.name) for finding in findings if finding.blocks]
