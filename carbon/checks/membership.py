"""Is it a member, by the last evidence of the logs?"""

from __future__ import annotations

from carbon.checks.case import Case
from carbon.checks.finding import Findings, Kind

LEFT = Kind(
    code="member-left",
    seen="it runs, and {manager} saw it leave: the connection between them broke, or one of them"
    " hung",
    remedy="`fab -H {node} restart` makes it join again",
    weight=50,
)
UNSEEN = Kind(
    code="member-unseen",
    seen="it runs, and {manager} has not seen it joining",
    remedy="fab -H {node} doctor",
    weight=10,
)
UNKNOWN = Kind(
    code="member-unknown",
    seen="it runs, and it is not known if it joined: {manager}'s log cannot tell",
    remedy="fab -H {node} doctor",
    weight=10,
)
STARTING = Kind(
    code="member-starting",
    seen="it has joined, and has not said yet that it started: it still starts, or it hangs",
    remedy="watch it: fab -H {node} logs --follow; a silent member of the cluster holds others up",
    weight=52,
)
SPLIT = Kind(
    code="member-split",
    seen="it runs in a cluster without {manager}, by its own log: both run, and do not see each"
    " other",
    remedy="`fab -H {node} restart` makes it join {manager}; of several such workers, restart all,"
    " one after another{or_manager}",
    weight=70,
)
WEAK_EVIDENCE = Kind(
    code="evidence",
    seen="{manager} saw {node} only by its {wording} message, and hosts.yaml says"
    " `evidence: strict`",
    remedy="set `evidence: any`, or turn node management on in axis2.xml so that"
    " GetConfigurationCommand is sent",
    weight=89,
)
ALONE = Kind(
    code="member-split",
    seen="{node} formed a cluster of its own and does not see {manager}",
    remedy="see that {server} reaches {manager_address} and that {manager} reaches {address}",
    weight=62,
    log=r"Elected this member \[[^\]]*\] as the Coordinator node",
)
NO_JOIN = Kind(
    code="member-unseen",
    seen="{manager} logged no join of {node}",
    remedy="see that {server} reaches {manager_address} and that {manager} reaches {address}:"
    " fab -H {node} doctor",
    weight=10,
)


def member(case: Case) -> Findings:
    """It joined since it started, and did not leave."""
    if case.node.role != "worker" or not case.runs or case.membership is None:
        return
    kinds = {
        "left": LEFT,
        "unseen": UNSEEN,
        "unknown": UNKNOWN,
        "starting": STARTING,
        "split": SPLIT,
    }
    if kind := kinds.get(case.membership.state):
        yield case.finding(kind, or_manager=_or_manager(case))


def lost(case: Case) -> Findings:
    """It did not leave since it started, and sees the manager."""
    return (finding for finding in member(case) if finding.code in (LEFT.code, SPLIT.code))


def _or_manager(case: Case) -> str:
    """Return the other way to heal a split: only a manager that knows workers finds them."""
    manager = case.manager
    if not any(map(manager.lists, case.cluster.workers)):
        return ""
    return f"; or restart {manager.name}, whose members list others: fab -H {manager.name} restart"
