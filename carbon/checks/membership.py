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
    seen="it runs, and it is not known if it joined: {manager}'s log cannot be read",
    remedy="fab -H {node} doctor",
    weight=10,
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
    code="member-alone",
    seen="{node} formed a cluster of its own and does not see {manager}",
    remedy="see that {server} reaches {manager_address} and that {manager} reaches {address}",
    weight=10,
)


def member(case: Case) -> Findings:
    """It joined since it started, and did not leave."""
    if case.node.role != "worker" or not case.runs or case.membership is None:
        return
    kinds = {"left": LEFT, "unseen": UNSEEN, "unknown": UNKNOWN}
    if kind := kinds.get(case.membership.state):
        yield case.finding(kind)


def left(case: Case) -> Findings:
    """It did not leave since it started."""
    return (finding for finding in member(case) if finding.code == LEFT.code)
