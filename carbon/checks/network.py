"""Can the two reach each other? Checks of the manager and of the ways between."""

from __future__ import annotations

from carbon.checks.case import Case, Finding, Findings
from carbon.config import Clustering
from carbon.errors import ProvisionError

TO_MANAGER = "the way to the manager"
FROM_MANAGER = "the way back from the manager"


def manager(case: Case) -> Findings:
    if case.is_manager:
        return
    if isinstance(case.asked.manager, ProvisionError):
        yield Finding(
            topic="manager",
            likelihood=65,
            seen=f"{case.manager.name} cannot be looked at: {case.asked.manager.seen}",
            remedy=case.asked.manager.action,
        )
    elif case.asked.manager.process is None:
        yield Finding(
            topic="manager",
            likelihood=97,
            seen=f"{case.manager.name} is not running",
            remedy=f"fab -H {case.manager.name} start",
        )
    elif case.manager_axis2 is not None:
        yield from _manager_clustering(case, case.manager_axis2)


def _manager_clustering(case: Case, found: Clustering) -> Findings:
    manager = case.manager
    if not found.enabled:
        seen = f"clustering is not enabled in {manager.name}'s axis2.xml"
    elif (found.local_member_host, found.local_member_port) != (
        manager.local_member_host,
        manager.local_member_port,
    ):
        seen = (
            f"{manager.name} is at {found.local_member_host}:{found.local_member_port},"
            f" hosts.yaml says {manager.local_member_host}:{manager.local_member_port}"
        )
    else:
        return
    yield Finding(
        topic="manager",
        likelihood=88,
        seen=seen,
        remedy=f"correct the manager's entry in hosts.yaml, or `fab -H {manager.name} deploy`",
    )


def to_manager(case: Case) -> Findings:
    host, port = case.manager.local_member_host, case.manager.local_member_port
    facts = case.manager_facts
    if facts is not None and (facts.process is None or port not in facts.listening):
        return
    match case.asked.to_manager:
        case "refused":
            seen = f"{host}:{port} of {case.manager.name} refuses its connections"
        case "silent":
            seen = f"{host}:{port} of {case.manager.name} does not answer it"
        case _:
            return
    yield Finding(
        topic=TO_MANAGER,
        likelihood=91,
        seen=seen,
        remedy=f"open port {port} from {case.node.server} to {host} in the firewalls between",
    )


def from_manager(case: Case) -> Findings:
    host, port = case.node.local_member_host, case.node.local_member_port
    if port not in case.facts.listening:
        return
    match case.asked.from_manager:
        case "refused":
            seen = f"its {host}:{port} refuses {case.manager.name}'s connections"
        case "silent":
            seen = f"its {host}:{port} does not answer {case.manager.name}"
        case _:
            return
    yield Finding(
        topic=FROM_MANAGER,
        likelihood=90,
        seen=seen,
        remedy=f"open port {port} from {case.manager.server} to {host} in the firewalls between",
    )
