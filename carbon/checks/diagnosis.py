"""What doctor says of a node: its findings, the likeliest cause first, and what is right."""

from __future__ import annotations

from collections import defaultdict

from carbon.checks.case import Case
from carbon.checks.datasource import unused
from carbon.checks.failures import unexplained
from carbon.checks.files import secrets
from carbon.checks.finding import Finding, ranked
from carbon.checks.registry import DATASOURCES, DOCTOR, FROM_MANAGER, TO_MANAGER, checks_for
from carbon.cluster import Node
from carbon.errors import ProvisionError
from carbon.home import layout
from carbon.join.membership import Membership
from carbon.join.own_log import CONSOLE
from carbon.value import Value


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
    notes: tuple[str, ...] = ()
    """What the operator should know although nothing is wrong."""
    console: tuple[str, ...] = ()
    """The last lines of its console, as they are."""

    @property
    def has_joined(self) -> bool:
        """Tell whether the manager saw it join, and not leave since."""
        return self.membership is not None and self.membership.state == "joined"


def diagnose(case: Case) -> Diagnosis:
    """Find what keeps a node from joining, the likeliest first."""
    by_title: defaultdict[str, list[Finding]] = defaultdict(list)
    for title, check in checks_for(DOCTOR, case):
        by_title[title] += check(case)
    findings = [finding for part in by_title.values() for finding in part]
    if not findings and case.node.role == "worker" and not case.joined:
        findings = [unexplained(case)]
    unchecked = _unchecked(case)
    left_out = set(unchecked) | _inapplicable(case)
    return Diagnosis(
        node=case.node,
        membership=case.membership,
        findings=ranked(findings),
        right=tuple(each for each in by_title if not by_title[each] and each not in left_out),
        unchecked=tuple(f"{title} ({why})" for title, why in unchecked.items()),
        notes=(*unused(case), *(f"{each.seen} → {each.remedy}" for each in secrets(case))),
        console=case.facts.said.get(CONSOLE, ()),
    )


def unexamined(node: Node, error: ProvisionError) -> Diagnosis:
    """Return the diagnosis of a node that could not be inspected."""
    finding = Finding.of_error(error, weight=100)
    return Diagnosis(node=node, membership=None, findings=(finding,))


def _unchecked(case: Case) -> dict[str, str]:
    """Return what could not be checked, each with the reason."""
    why: dict[str, str] = {}
    if case.trial is not None and case.trial.untried:
        why[DATASOURCES] = case.trial.untried
    if case.node.datasources and not case.node.check_databases:
        why[DATASOURCES] = "check_databases: false"
    if case.facts.log.state == "unreadable":
        why["log"] = f"{layout.LOG} is unreadable for {case.facts.user}"
    elif case.facts.log.state == "missing" and case.runs:
        why["log"] = f"{layout.LOG} is missing"
    if case.is_manager:
        return why
    if case.manager_case is None:
        why["manager"] = why[FROM_MANAGER] = f"{case.manager.name} cannot be inspected"
    elif not case.runs:
        why[FROM_MANAGER] = f"{case.node.name} is not running"
    for title, reach, who in (
        (TO_MANAGER, case.to_manager, case.node.name),
        (FROM_MANAGER, case.from_manager, case.manager.name),
        ("database", case.to_database, case.node.name),
    ):
        if reach == "forbidden":
            why[title] = f"sshd of {who} forbids to try connections, see AllowTcpForwarding"
    return why


def _inapplicable(case: Case) -> set[str]:
    """Return what says nothing about this node, so that it is not called right."""
    reasons = {
        "worker profile": case.node.role != "worker",
        "driver": case.node.driver is None or case.plan is None,
        "database": case.to_database != "open",
        DATASOURCES: not case.trial or any(each.result == "class" for each in case.trial.tried),
        "log": case.facts.log.state != "readable",
        "role": not case.runs,
        "domain": case.own.domain is None and case.clustering is None,
        "localMemberHost": case.own.local is None and case.clustering is None,
        "localMemberPort": case.own.local is None,
        "membershipScheme": case.clustering is None,
        "clustering class": case.manager_case is None or case.manager_case.clustering is None,
        "members": case.is_manager or case.clustering is None,
        "manager": case.is_manager,
        TO_MANAGER: case.to_manager != "open",
        FROM_MANAGER: case.from_manager != "open",
        "hosts.yaml": case.plan is None,
    }
    return {title for title, inapplicable in reasons.items() if inapplicable}
