"""All checks of a node, put in order: the likeliest cause first."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from carbon.checks import drift, identity, network, starting
from carbon.checks.case import Case, Examination, Finding, Findings
from carbon.checks.reasons import likely_reason
from carbon.cluster import Node
from carbon.errors import ProvisionError
from carbon.join.membership import Membership
from carbon.value import Value, replace

TO_MANAGER, FROM_MANAGER = network.TO_MANAGER, network.FROM_MANAGER

CHECKS: tuple[tuple[str, Callable[[Case], Findings]], ...] = (
    ("AS_HOME", starting.home),
    ("disk", starting.disk),
    ("JAVA_HOME", starting.java),
    ("worker profile", starting.profile),
    ("", starting.vault),
    ("ports", starting.ports),
    ("driver", starting.driver),
    ("database", starting.database),
    ("", starting.failures),
    ("process", starting.running),
    ("role", starting.role),
    ("axis2.xml", identity.axis2),
    ("", identity.overrides),
    ("domain", identity.domain),
    ("localMemberHost", identity.local_host),
    ("localMemberPort", identity.local_port),
    ("membershipScheme", identity.scheme),
    ("members", identity.members),
    ("clustering class", identity.agent),
    ("manager", network.manager),
    (TO_MANAGER, network.to_manager),
    (FROM_MANAGER, network.from_manager),
    ("", drift.pending),
    ("hosts.yaml", drift.drift),
    ("", drift.left),
)


class Diagnosis(Value, kw_only=True):
    """What became of an examination."""

    node: Node
    membership: Membership | None
    findings: tuple[Finding, ...]
    """The likeliest first."""
    right: tuple[str, ...] = ()
    """What was checked and is as it should be."""
    unchecked: tuple[str, ...] = ()
    """What could not be checked, and why."""

    @property
    def has_joined(self) -> bool:
        """Tell whether the manager saw it join, and not leave since."""
        return self.membership is not None and self.membership.state == "joined"


def diagnose(examination: Examination) -> Diagnosis:
    """Find what keeps a node from joining, the likeliest first."""
    case = Case.of(examination)
    found: list[Finding] = []
    right: list[str] = []
    for title, check in CHECKS if case.facts.home_real else CHECKS[:1]:
        seen = list(check(case))
        found += seen
        if not seen and title:
            right.append(title)
    findings = _likeliest_first(found) or tuple(_unexplained(case))
    unchecked = _unchecked(case)
    passed_over = {finding.topic for finding in findings} | set(unchecked) | _inapplicable(case)
    return Diagnosis(
        node=case.node,
        membership=case.membership,
        findings=findings,
        right=tuple(title for title in right if title not in passed_over),
        unchecked=tuple(f"{title} ({why})" for title, why in unchecked.items()),
    )


def unexamined(node: Node, error: ProvisionError) -> Diagnosis:
    """Return the diagnosis of a node that could not be looked at."""
    finding = Finding(topic="connection", likelihood=100, seen=error.seen, remedy=error.action)
    return Diagnosis(node=node, membership=None, findings=(finding,))


def _likeliest_first(found: Sequence[Finding]) -> tuple[Finding, ...]:
    """Sort, and keep one finding for each topic: files, logs and ports tell of the same fault."""
    by_topic: dict[str, Finding] = {}
    for finding in sorted(found, key=lambda one: -one.likelihood):
        first = by_topic.setdefault(finding.topic, finding)
        if first.line is None and finding.line is not None:
            by_topic[finding.topic] = replace(first, line=finding.line)
    return tuple(sorted(by_topic.values(), key=lambda one: -one.likelihood))


def _unexplained(case: Case) -> Findings:
    """A node that has not joined and shows no fault is told so, with what its log says."""
    if case.joined or case.is_manager or case.node.role == "elb":
        return
    reason = likely_reason(list(case.own.lines), node=case.node, manager=case.manager)
    yield Finding(
        topic="unexplained",
        likelihood=10,
        seen=reason.sentence,
        remedy=reason.remedy,
        line=reason.line,
    )


def _unchecked(case: Case) -> dict[str, str]:
    """Return what could not be checked, each with the reason."""
    why: dict[str, str] = {}
    if case.is_manager:
        return why
    if case.manager_facts is None:
        why["manager"] = why[FROM_MANAGER] = f"{case.manager.name} cannot be entered"
    elif not case.runs:
        why[FROM_MANAGER] = f"{case.node.name} is not running"
    for title, reach, who in (
        (TO_MANAGER, case.asked.to_manager, case.node.name),
        (FROM_MANAGER, case.asked.from_manager, case.manager.name),
        ("database", case.asked.to_database, case.node.name),
    ):
        if reach == "forbidden":
            why[title] = f"sshd of {who} forbids to try connections, see AllowTcpForwarding"
    return why


def _inapplicable(case: Case) -> set[str]:
    """Return what says nothing about this node, so that it is not called right."""
    reasons = {
        "worker profile": case.node.role != "worker",
        "driver": case.node.driver is None or case.asked.drafted is None,
        "database": case.asked.to_database != "open",
        "role": not case.runs,
        "localMemberPort": case.own.local is None,
        "clustering class": case.manager_axis2 is None,
        "members": case.is_manager or case.clustering is None,
        "manager": case.is_manager,
        TO_MANAGER: case.asked.to_manager != "open",
        FROM_MANAGER: case.asked.from_manager != "open",
        "hosts.yaml": case.asked.drafted is None,
    }
    return {title for title, inapplicable in reasons.items() if inapplicable}
