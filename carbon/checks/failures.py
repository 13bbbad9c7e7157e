"""Why a start failed, by what the logs of the node and of the manager say."""

from __future__ import annotations

from collections.abc import Sequence

from carbon.checks import clustering, logs, membership, ports, process
from carbon.checks.case import Case
from carbon.checks.finding import Finding, Findings, ranked
from carbon.checks.registry import failures
from carbon.cluster import Cluster, Node
from carbon.home.facts import ServerFacts
from carbon.join.columns import take_apart
from carbon.join.proof import NotEnough, OtherDomain, Verdict, WrongPort


def explain_start(
    lines: Sequence[str], *, node: Node, cluster: Cluster, verdicts: Sequence[Verdict] = ()
) -> Finding:
    """Return the likeliest cause why a node did not start, or started and did not join.

    `lines` are the node's, of its log and its console, since this start; `verdicts` are those of
    the manager's lines since then.
    """
    facts = ServerFacts(name=node.name, user="", now=0, seen_at=0, home_real=node.home)
    case = Case(node=node, cluster=cluster, facts=facts, followed=tuple(lines))
    checks = (clustering.overrides, clustering.domain, clustering.member_host, ports.member_port)
    findings = [finding for check in (*checks, failures) for finding in check(case)]
    findings += _of_verdicts(case, verdicts)
    return ranked(findings)[0] if findings else unexplained(case)


def _of_verdicts(case: Case, verdicts: Sequence[Verdict]) -> Findings:
    for verdict in verdicts:
        match verdict:
            case WrongPort(port=port):
                wanted = case.node.local_member_port
                yield case.finding(ports.COUNTED_UP, port=port, wanted=wanted)
            case OtherDomain(domain=domain):
                apply = case.apply_remedy()
                yield case.finding(clustering.WRONG_DOMAIN, mine=domain, apply=apply)
            case NotEnough(wording=wording) if case.cluster.evidence == "strict":
                yield case.finding(membership.WEAK_EVIDENCE, wording=wording)


def _is_grave(line: str) -> bool:
    return take_apart(line).level in ("WARN", "ERROR", "FATAL")


def unexplained(case: Case) -> Finding:
    """Return what can be said of a node that has not joined and shows no fault."""
    if not case.own.lines:
        return case.finding(logs.EMPTY)
    if not case.own.has_milestones and all(map(_is_grave, case.own.lines)):
        return case.finding(logs.SILENT)
    if case.own.started:
        return case.finding(membership.NO_JOIN)
    return case.finding(process.NO_FURTHER, line=case.own.lines[-1])
