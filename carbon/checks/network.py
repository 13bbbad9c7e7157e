"""The manager, and the connections between it and a node."""

from __future__ import annotations

from carbon.checks import clustering, home, logs, ports, process
from carbon.checks.case import Case
from carbon.checks.finding import Finding, Findings, Kind
from carbon.cluster import Node
from carbon.errors import ProvisionError
from carbon.home.facts import Reach

MANAGER_UNKNOWN = "manager-unreachable"
TO_MANAGER = Kind(
    code="connection-to-manager",
    seen="{manager_address} of {manager} {met}",
    remedy="open port {port} from {server} to {host} in the firewalls between",
    weight=91,
)
FROM_MANAGER = Kind(
    code="connection-from-manager",
    seen="its {address} {met}",
    remedy="open port {port} from {manager_server} to {host} in the firewalls between",
    weight=90,
)
UNKNOWN_NAME = Kind(
    code="host-name",
    seen="{node} cannot resolve the name {host}",
    remedy="run `fab -H {node} hosts`, and see that hosts.yaml maps this name",
    weight=96,
    log=r"UnknownHost(?:Exception)?: ?(?P<host>[\w.-]+)",
)
NOBODY_ANSWERS = Kind(
    code="members-silent",
    seen="no well-known member answers {node}",
    remedy="see that {manager} runs, and that {manager_address} is open to {server}, and back",
    weight=62,
    log=r"No responses received from WKA members",
)
MEMBER_REFUSES = Kind(
    code="members-silent",
    seen="{node} cannot connect to the well-known member {member}",
    remedy="see that it runs, and that its port is open to {server}",
    weight=61,
    log=r"Could not connect to member (?P<member>\S+)",
)
WATCHER_CHECKS = (home.home, process.running, logs.log, logs.grows, logs.joins_hidden)
"""What workers need of a server whose log tells who joins."""
MANAGER_CHECKS = (
    *WATCHER_CHECKS,
    clustering.axis2,
    clustering.overrides,
    clustering.member_host,
    ports.member_port,
)
"""What they need of the manager besides; `clustering.domain` compares their domains."""


def manager(case: Case) -> Findings:
    """The manager is there to be joined."""
    if isinstance(case.manager_facts, ProvisionError) and not case.is_manager:
        error = case.manager_facts
        yield Finding(
            code=MANAGER_UNKNOWN,
            seen=f"{case.manager.name} cannot be inspected: {error.seen}",
            remedy=error.action,
            weight=65,
        )
    if case.manager_case is None:
        return
    for check in MANAGER_CHECKS:
        for finding in check(case.manager_case):
            if finding.blocks:
                yield finding.of_another(case.manager.name)
    if not case.joined:
        for finding in logs.silent(case.manager_case):
            yield finding.of_another(case.manager.name)


def to_manager(case: Case) -> Findings:
    """The node reaches the manager's member port, if the manager listens there."""
    other, target = case.manager_case, case.manager
    listens = other is None or (other.runs and target.local_member_port in other.facts.listening)
    if listens:
        yield from _unreached(case, TO_MANAGER, case.to_manager, target=target, by=case.node)


def from_manager(case: Case) -> Findings:
    """The manager reaches the node's member port, if the node listens there."""
    if case.node.local_member_port in case.facts.listening:
        reach, node = case.from_manager, case.node
        yield from _unreached(case, FROM_MANAGER, reach, target=node, by=case.manager)


def _unreached(case: Case, kind: Kind, reach: Reach | None, *, target: Node, by: Node) -> Findings:
    met = {"refused": f"refuses connections from {by.name}", "silent": f"does not answer {by.name}"}
    if reach in met:
        host, port = target.local_member_host, target.local_member_port
        yield case.finding(kind, met=met[reach], host=host, port=port)
