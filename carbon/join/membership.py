"""Who is a member: what the manager's log says of a node, compared with its process; pure."""

from __future__ import annotations

from datetime import UTC
from typing import Literal

from carbon.cluster import Cluster, Node
from carbon.home.facts import ServerFacts
from carbon.join.grep import grep_pattern
from carbon.join.lines import Joined, Left, parse
from carbon.join.proof import NotEnough, Proof, has_left, judge, neighbour_ports
from carbon.value import Value

MemberState = Literal["joined", "left", "unseen", "unknown"]
"""`unseen`: no evidence since its start; `unknown`: the manager's log could not be read."""

MEMBERS = "members"
"""The name under which the manager is asked for what its log says of all nodes."""
SLACK_SECONDS = 1.0
"""A line may seem that much older than the start it belongs to: answers take their time."""


class Membership(Value, kw_only=True):
    """The last evidence of a node's membership."""

    state: MemberState
    at: float | None = None
    """Seconds since the epoch, by the manager's clock."""
    wording: str | None = None
    """Which wording the manager used; what it amounts to, if it is less than a proof."""


def members_pattern(cluster: Cluster) -> str:
    """Return the expression for what the manager's log says of any node of the cluster."""
    hosts = {node.local_member_host for node in cluster.nodes}
    return grep_pattern(sorted(hosts), extra_patterns=cluster.join_patterns)


def membership(
    node: Node, facts: ServerFacts, *, manager: ServerFacts | None, cluster: Cluster
) -> Membership | None:
    """Return the last evidence of a node's membership, None for the manager itself.

    The manager's last line about this very node decides, unless it is older than the process:
    that one is of an earlier start. What this tool recorded when it saw the process join holds
    until the manager says that it left.
    """
    if node.role == "manager":
        return None
    last = _last_sighting(node, manager, cluster) if manager else None
    current = last is not None and _is_of_this_start(last, facts)
    if facts.joined and not (current and last and last.membership.state == "left"):
        at = last.membership.at if last and current else None
        return Membership(state="joined", at=at, wording=f"{facts.joined} (recorded)")
    if last is None:
        readable = manager is not None and manager.log == "readable"
        return Membership(state="unseen" if readable else "unknown")
    return last.membership if current else Membership(state="unseen")


class _Sighting(Value, kw_only=True):
    """What the manager's log says of a node last, whichever of its starts that was."""

    membership: Membership
    seen_at: float | None
    """By the operator's clock."""


def _last_sighting(node: Node, manager: ServerFacts, cluster: Cluster) -> _Sighting | None:
    last: _Sighting | None = None
    for line in manager.said.get(MEMBERS, ()):
        event = parse(line, extra_patterns=cluster.join_patterns)
        if isinstance(event, Left) and has_left(event, node=node):
            last = _sighting(event, manager, "left")
        elif isinstance(event, Joined):
            verdict = judge(
                event,
                node=node,
                evidence=cluster.evidence,
                neighbour_ports=neighbour_ports(cluster, node),
            )
            match verdict:
                case Proof(wording=wording):
                    last = _sighting(event, manager, "joined", wording)
                case NotEnough(wording=wording):
                    last = _sighting(event, manager, "unseen", f"{wording} (evidence: strict)")
    return last


def _sighting(
    event: Joined | Left, manager: ServerFacts, state: MemberState, wording: str | None = None
) -> _Sighting:
    """Read the time of a line, which is the manager's local one, without a zone."""
    at = None
    if event.at is not None:
        at = event.at.replace(tzinfo=UTC).timestamp() - manager.zone_seconds
    seen_at = None if at is None else manager.by_operators_clock(at)
    return _Sighting(membership=Membership(state=state, at=at, wording=wording), seen_at=seen_at)


def _is_of_this_start(sighting: _Sighting, facts: ServerFacts) -> bool:
    """Tell whether a line is newer than the process that runs.

    Both are taken to the operator's clock: those of two servers need not agree, and one may have
    been looked at long before the other. A server that is down has no start that a line could be
    older than.
    """
    if facts.process is None or sighting.seen_at is None:
        return True
    started_at = facts.by_operators_clock(facts.process.started_at)
    return sighting.seen_at >= started_at - SLACK_SECONDS
