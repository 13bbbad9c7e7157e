"""What a server's own log says went wrong since it was last started."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache
from types import ModuleType

from carbon.checks import (
    artifacts,
    balancer,
    boot,
    clustering,
    database,
    datasource,
    drift,
    home,
    java,
    logs,
    membership,
    network,
    ports,
    process,
    rights,
    service,
    vault,
)
from carbon.checks.case import Case
from carbon.checks.finding import Finding, Findings, Kind, Words, ranked
from carbon.cluster import Cluster, Node
from carbon.home.facts import ServerFacts
from carbon.join.columns import take_apart
from carbon.join.proof import NotEnough, OtherDomain, Verdict, WrongPort
from carbon.value import replace

SUBJECTS: tuple[ModuleType, ...] = (
    home,
    artifacts,
    java,
    vault,
    rights,
    database,
    datasource,
    network,
    clustering,
    ports,
    process,
    service,
    boot,
    logs,
    membership,
    drift,
    balancer,
)
"""Where the kinds of findings are declared."""
CAUSE_WEIGHT = 90
"""From here on a line names a cause; below it, what some cause led to."""


@cache
def kinds() -> tuple[Kind, ...]:
    """Return every known kind of finding, subject by subject."""
    return tuple(kind for subject in SUBJECTS for kind in kinds_of(subject))


def kinds_of(subject: ModuleType) -> tuple[Kind, ...]:
    """Return the kinds of findings that a module declares."""
    return tuple(value for value in vars(subject).values() if isinstance(value, Kind))


def recognised(lines: Sequence[str], words: Words) -> Iterator[Finding]:
    """Yield what the lines of a log show, the likeliest first, by the last line that shows it."""
    logged = [kind for kind in kinds() if kind.log]
    for kind in sorted(logged, key=lambda each: -each.weight):
        for line in reversed(lines):
            if finding := kind.recognise(line, words):
                yield finding
                break


def failures(case: Case) -> Findings:
    """Its log shows no failure since it was last started."""
    if case.joined or (case.own.started and case.node.role != "worker"):
        return
    likely = next(recognised(case.own.lines, case.words), None)
    error = case.own.first_error
    if error and (likely is None or (likely.weight < CAUSE_WEIGHT and likely.line != error)):
        cause = f"; {case.own.cause}" if case.own.cause else ""
        message = take_apart(error).message + cause
        likely = case.finding(process.FIRST_ERROR, line=error, message=message)
    if likely is not None:
        weight = likely.weight - 40 if case.own.started else likely.weight
        yield replace(likely, weight=weight)


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
