"""Whether a line on the manager proves that one very node joined the cluster."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import TypeAlias

from carbon.cluster import Cluster, Evidence, Node
from carbon.join.address import canonical_host
from carbon.join.lines import (
    ApplicationMemberJoined,
    ApplicationMemberRefused,
    Joined,
    Left,
    Wording,
    parse,
)
from carbon.value import Value

# "New member" is only hearsay on the manager: another member's list named it.
ACCEPTED: dict[Evidence, frozenset[Wording]] = {
    "any": frozenset({"GetConfigurationCommand", "JOIN", "Member joined", "custom"}),
    "strict": frozenset({"GetConfigurationCommand", "Member joined"}),
}


class Proof(Value, kw_only=True):
    """The node joined: its address, its port and, if the wording tells, its domain."""

    wording: Wording


class NotEnough(Value, kw_only=True):
    """The line is of this very node, in a wording that `evidence` in hosts.yaml refuses."""

    wording: Wording


class WrongPort(Value, kw_only=True):
    """The node's host joined under a port of none of the known nodes: an auto-increment."""

    port: int


class OtherDomain(Value, kw_only=True):
    """The node joined with another domain than hosts.yaml says."""

    domain: str


Verdict: TypeAlias = Proof | NotEnough | WrongPort | OtherDomain


def judge(
    event: Joined, *, node: Node, evidence: Evidence = "any", neighbour_ports: Collection[int] = ()
) -> Verdict | None:
    """Judge one line of the manager that is newer than the node's start; None: of another node.

    `evidence: strict` insists on GetConfigurationCommand, which Tribes sends only where node
    management is on; for Hazelcast, `Member joined` is the one evidence there is.
    `neighbour_ports` are those of other nodes at the same address: a join under one of them
    is theirs. Take WrongPort as final only when the node's own `Local member` line names the
    same port, or when its time is up.
    """
    if event.host != canonical_host(node.local_member_host):
        return None
    same_domain = event.domain is None or event.domain == node.domain
    if event.port != node.local_member_port:
        if event.port in neighbour_ports or not same_domain:
            return None
        return WrongPort(port=event.port)
    if not same_domain:
        return OtherDomain(domain=event.domain or "")
    if event.wording in ACCEPTED[evidence]:
        return Proof(wording=event.wording)
    return NotEnough(wording=event.wording)


def has_left(event: Left, *, node: Node) -> bool:
    """Tell whether it is this very node that left."""
    return event.is_of(node)


def is_about(event: ApplicationMemberJoined | ApplicationMemberRefused, *, node: Node) -> bool:
    """Tell whether a group manager speaks of this very node, in its own application cluster."""
    return (
        event.is_of(node)
        and event.domain in (node.domain, None)
        and event.sub_domain in (node.sub_domain, None)
    )


def was_member(lines: Iterable[str], *, node: Node, patterns: Sequence[str] = ()) -> bool | None:
    """Tell whether the manager last saw the node join, and not leave; None: no line is about it."""
    member = None
    for line in lines:
        match parse(line, extra_patterns=patterns):
            case Joined() as event if isinstance(judge(event, node=node), Proof | NotEnough):
                member = True
            case Left() as event if event.is_of(node):
                member = False
    return member


def neighbour_ports(cluster: Cluster, node: Node) -> frozenset[int]:
    """Return the localMemberPorts of all other nodes that share this node's address."""
    host = canonical_host(node.local_member_host)
    return frozenset(
        other.local_member_port
        for other in cluster.nodes
        if other.name != node.name and canonical_host(other.local_member_host) == host
    )
