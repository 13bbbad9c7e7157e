"""Every check, and who runs it. This page is the index of what the tool looks at.

Preflight wants what blocks a plan, status what is wrong with servers that run or are down, doctor
all of it, the likeliest cause first.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from carbon.checks import (
    artifacts,
    balancer,
    clustering,
    database,
    datasource,
    drift,
    failures,
    home,
    java,
    logs,
    membership,
    network,
    ports,
    process,
    rights,
    service,
    vault,
)
from carbon.checks.case import Case
from carbon.checks.finding import Finding, Findings
from carbon.errors import UnfitError

Check: TypeAlias = Callable[[Case], Findings]

TO_MANAGER = "connection to the manager"
FROM_MANAGER = "connection from the manager"
DATASOURCES = "datasources"

PREFLIGHT: tuple[Check, ...] = (
    home.home,
    home.disk,
    home.readable,
    logs.writable,
    logs.grows,
    logs.start_hidden,
    process.single,
    home.reset,
    home.journal,
    artifacts.places,
    java.java,
    home.profile,
    clustering.overrides,
    clustering.foreign_host,
    ports.taken,
    database.database,
    service.owner,
    service.alone,
    service.outlives,
    service.unit,
)
STATUS: tuple[Check, ...] = (
    home.home,
    home.journal,
    home.disk,
    home.readable,
    logs.writable,
    logs.grows,
    java.java,
    home.profile,
    process.running,
    process.single,
    process.role,
    clustering.overrides,
    ports.taken,
    ports.closed,
    database.database,
    membership.member,
    artifacts.places,
    drift.differs,
    drift.pending,
    balancer.unfinished,
    service.alone,
    service.owner,
    service.unit,
)
DOCTOR: tuple[tuple[str, Check], ...] = (
    ("AS_HOME", home.home),
    ("", home.journal),
    ("disk", home.disk),
    ("", home.readable),
    ("", logs.writable),
    ("JAVA_HOME", java.java),
    ("", java.overridden),
    ("worker profile", home.profile),
    ("", vault.vault),
    ("ports", ports.taken),
    ("", ports.closed),
    ("", ports.offset),
    ("driver", database.driver),
    ("database", database.database),
    (DATASOURCES, datasource.tried),
    ("log", logs.grows),
    ("", logs.start_hidden),
    ("", logs.joins_hidden),
    ("", logs.silent),
    ("", logs.layout_is_known),
    ("", failures.failures),
    ("process", process.running),
    ("", process.single),
    ("", process.started),
    ("role", process.role),
    ("", service.alone),
    ("", service.owner),
    ("", service.unit),
    ("axis2.xml", clustering.axis2),
    ("", clustering.overrides),
    ("domain", clustering.domain),
    ("localMemberHost", clustering.member_host),
    ("", clustering.foreign_host),
    ("localMemberPort", ports.member_port),
    ("membershipScheme", clustering.scheme),
    ("members", clustering.members),
    ("clustering class", clustering.agent),
    ("manager", network.manager),
    (TO_MANAGER, network.to_manager),
    (FROM_MANAGER, network.from_manager),
    ("", membership.lost),
    ("", artifacts.places),
    ("", drift.pending),
    ("", balancer.unfinished),
    ("hosts.yaml", drift.differs),
)
"""By the words in which doctor says that all is right with it."""
NOTED: tuple[Check, ...] = (rights.readable,)
"""What doctor notes although the server is well."""


def refusals(case: Case) -> list[UnfitError]:
    """Return every reason why what is planned for a node must not begin."""
    checks = PREFLIGHT if case.facts.home_real else PREFLIGHT[:1]
    return [each.as_error(case.node.name) for each in _findings(case, checks) if each.blocks]


def watcher_refusals(case: Case) -> list[UnfitError]:
    """Return why no worker could be seen joining by the log of this manager or ELB."""
    checks: tuple[Check, ...] = network.WATCHER_CHECKS
    if not case.facts.home_real:
        checks = checks[:1]
    elif case.is_manager:
        checks = (*network.MANAGER_CHECKS, clustering.domain)
    errors = [each.as_error(case.node.name) for each in _findings(case, checks) if each.blocks]
    if case.node.role == "elb":
        for error in errors:
            error.action += "; if it is retired, take `elb:` out of hosts.yaml"
    return errors


def trial_findings(case: Case) -> tuple[Finding, ...]:
    """Return what the trial of its datasources shows; those that block end a rollout."""
    return tuple(datasource.tried(case))


def for_status(case: Case) -> tuple[Finding, ...]:
    """Return what status says of a node."""
    return tuple(_findings(case, STATUS if case.facts.home_real else STATUS[:1]))


def noted(case: Case) -> tuple[Finding, ...]:
    """Return what doctor notes of a node although nothing is wrong with it."""
    return tuple(_findings(case, NOTED)) if case.facts.home_real else ()


def _findings(case: Case, checks: tuple[Check, ...]) -> Findings:
    for check in checks:
        yield from check(case)
