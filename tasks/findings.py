"""How `fab doctor` looks: the likeliest cause in one sentence, the others, and what is right."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.text import Text

from carbon import exits
from carbon.checks.diagnosis import Diagnosis
from carbon.checks.finding import Finding
from remote.observe.doctor import examine

if TYPE_CHECKING:
    from tasks.screen import Screen
    from tasks.session import Session


def show_findings(session: Session) -> int:
    """Diagnose the session's nodes and print it; return 2 if anything was found."""
    diagnoses = examine(session.fleet, session.nodes, progress=session.screen)
    session.screen.close()
    for at, diagnosis in enumerate(diagnoses):
        if at:
            session.screen.line()
        _print(session.screen, diagnosis)
    return exits.ATTENTION if any(diagnosis.findings for diagnosis in diagnoses) else exits.DONE


def _print(screen: Screen, diagnosis: Diagnosis) -> None:
    verdict, colour = f"{_standing(diagnosis)}: nothing is wrong", "green"
    if diagnosis.findings:
        but, colour = (", but", "yellow") if diagnosis.has_joined else (":", "red")
        verdict = f"{_standing(diagnosis)}{but} {diagnosis.findings[0].seen}"
    screen.line(Text.assemble((f"{diagnosis.node.name} ", "bold"), (verdict, colour)))
    for number, finding in enumerate(diagnosis.findings, start=1):
        if number == 2:
            screen.line("Other findings:")
        if number > 1:
            screen.line(f"  {number}. {finding.seen}")
        _details(screen, finding, indent="  " if number == 1 else "     ")
    _list(screen, "ok", diagnosis.right)
    _list(screen, "not checked", diagnosis.unchecked)
    for note in diagnosis.notes:
        screen.line(f"note: {note}")


def _standing(diagnosis: Diagnosis) -> str:
    if diagnosis.node.role == "manager":
        return "is the manager"
    if diagnosis.membership is None:
        return "cannot be inspected"
    if diagnosis.membership.state == "unknown":
        return "is not known to have joined"
    return "has joined" if diagnosis.has_joined else "has not joined"


def _details(screen: Screen, finding: Finding, *, indent: str) -> None:
    if finding.line:
        screen.quote(Text(f"{indent}| {finding.line}", "dim"))
    if finding.remedy:
        screen.line(f"{indent}→ {finding.remedy}")


def _list(screen: Screen, title: str, items: Sequence[str]) -> None:
    if items:
        screen.line(f"{title}: {', '.join(items)}")
