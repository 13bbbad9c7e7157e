"""Who is a member: what the manager's log and the member's own say, and of which process; pure."""

from __future__ import annotations

from typing import Literal

from carbon.cluster import Cluster, Node
from carbon.home.facts import CLOCK_SLACK_SECONDS, ServerFacts
from carbon.join.columns import seconds
from carbon.join.grep import grep_pattern
from carbon.join.lines import Joined, Left, StartBegan, parse
from carbon.join.own_log import OwnLog, is_after_start
from carbon.join.proof import NotEnough, Proof, judge, neighbour_ports
from carbon.value import Value, replace

MemberState = Literal["joined", "starting", "left", "split", "unseen", "unknown"]
"""`starting`: it joined, and has not said yet that it started; `split`: it runs in a cluster
without the manager, by its own log; `unseen`: no evidence since its start; `unknown`: the manager's
log cannot tell."""

MEMBERS = "members"
"""The name under which the manager is asked for what its log says of all nodes."""
SETTLING_SECONDS = 60.0
"""So long after its start a manager may still be about to join the workers."""


class Membership(Value, kw_only=True):
    """The last evidence of a node's membership."""

    state: MemberState
    at: float | None = None
    """Seconds since the epoch, by the manager's clock."""
    wording: str | None = None
    """Which wording the manager used; what it amounts to, if it is less than a proof."""


def members_pattern(cluster: Cluster) -> str:
    """Return the expression for what the manager's log says of its starts and of any node."""
    hosts = {node.local_member_host for node in cluster.nodes}
    members = grep_pattern(sorted(hosts), extra_patterns=cluster.join_patterns)
    return f"{members}|Starting WSO2 Carbon"


def sight_pattern(other: Node) -> str:
    """Return the expression for what a node's own log says of its start and of another member."""
    return f"{grep_pattern([other.local_member_host])}|Starting WSO2 Carbon|Elected this member"


def membership(
    node: Node, facts: ServerFacts, *, manager: ServerFacts | None, cluster: Cluster
) -> Membership | None:
    """Return the last evidence of a node's membership, None for the manager itself.

    The manager's last line about this very node decides, unless it is of an earlier start of
    either of them. What this tool recorded when it saw the process join holds until the manager
    says that it left. The node's own log says whether the manager is in its cluster: a split is
    seen there alone, and so is a member that was there before the manager was.
    """
    if node.role == "manager":
        return None
    own = OwnLog.of(facts)
    own = own if own.is_of(facts) else OwnLog(lines=())
    sees_manager = own.sees(cluster.manager)
    if sees_manager is False and manager is not None and _has_settled(manager):
        return Membership(state="split")
    member = _by_the_manager(node, facts, own, manager=manager, cluster=cluster)
    if sees_manager and member.state in ("unseen", "unknown"):
        member = Membership(state="joined", wording="Member joined (its own log)")
    if member.state == "joined" and not facts.joined and own.began_at and not own.started:
        return replace(member, state="starting")
    return member


def _has_settled(manager: ServerFacts) -> bool:
    process = manager.process
    return process is not None and manager.now - process.started_at >= SETTLING_SECONDS


def _by_the_manager(
    node: Node, facts: ServerFacts, own: OwnLog, *, manager: ServerFacts | None, cluster: Cluster
) -> Membership:
    last = _last_seen(node, facts, own, manager=manager, cluster=cluster) if manager else None
    if facts.joined and not (last and last.state == "left"):
        at = last.at if last else None
        return Membership(state="joined", at=at, wording=f"{facts.joined} (recorded)")
    return last or Membership(state="unseen" if manager and _can_tell(manager) else "unknown")


def _can_tell(manager: ServerFacts) -> bool:
    """Tell whether a join would be in the manager's log: it is read, and not silent.

    A log without any line since the manager started is elsewhere, silent by its level, or cut off.
    """
    lines = manager.said.get(MEMBERS, ())
    if manager.process is None or manager.log.state != "readable" or manager.log_is_old:
        return manager.process is None and bool(lines)
    began = manager.process.started_at
    times = (event.at for event in map(parse, lines) if event)
    zone = manager.zone_seconds
    return any(at and is_after_start(seconds(at, zone_seconds=zone), began) for at in times)


def _last_seen(
    node: Node, facts: ServerFacts, own: OwnLog, *, manager: ServerFacts, cluster: Cluster
) -> Membership | None:
    """Return what the manager's log says of a node last, if that is of the process that runs."""
    last: tuple[Joined | Left, MemberState, str | None] | None = None
    neighbours = neighbour_ports(cluster, node)
    for line in manager.said.get(MEMBERS, ()):
        match parse(line, extra_patterns=cluster.join_patterns):
            case StartBegan() if last is not None and last[1] == "left":
                last = None  # whom it lost before its restart, it may have met again by it
            case Left() as event if event.is_of(node):
                last = (event, "left", None)
            case Joined() as event:
                match judge(
                    event, node=node, evidence=cluster.evidence, neighbour_ports=neighbours
                ):
                    case Proof() as verdict:
                        last = (event, "joined", verdict.wording)
                    case NotEnough() as verdict:
                        last = (event, "unseen", f"{verdict.wording} (evidence: strict)")
    if last is None:
        return None
    event, state, wording = last
    at = seconds(event.at, zone_seconds=manager.zone_seconds) if event.at else None
    seen_at = None if at is None else manager.by_operators_clock(at)
    if not _is_of_this_start(event, seen_at, facts, own):
        return None
    return Membership(state=state, at=at, wording=wording)


def _is_of_this_start(
    event: Joined | Left, seen_at: float | None, facts: ServerFacts, own: OwnLog
) -> bool:
    """Tell whether a line is of the process that runs.

    Hazelcast gives each start a uuid, which stands in both logs: no clock is needed then. Other
    times are taken to the operator's clock: those of two servers need not agree, and one may have
    been looked at long before the other. A server that is down has no start that a line could be
    older than. A member that leaves has joined before, some seconds after its start.
    """
    uuid = own.local and own.local.member_uuid
    if uuid and event.member_uuid == uuid:
        return True
    if facts.process is None or seen_at is None:
        return True
    started_at = facts.by_operators_clock(facts.process.started_at)
    if isinstance(event, Left):
        return seen_at > started_at + CLOCK_SLACK_SECONDS
    return is_after_start(seen_at, started_at)
