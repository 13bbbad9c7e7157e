"""How a diagnosis looks: the likeliest cause in one sentence, the rest after it."""

from __future__ import annotations

import io
from types import SimpleNamespace

import pytest
from rich.console import Console

from carbon.checks.diagnosis import Diagnosis
from carbon.checks.finding import Finding
from carbon.join.membership import Membership
from carbon.value import replace
from tasks import findings
from tasks.screen import Screen
from tests.unit.carbon.nodes import make_manager, make_node

FIRST = Finding(code="a", weight=90, seen="it is in the domain x", remedy="deploy it", line="L")
SECOND = Finding(code="b", weight=20, seen="it differs", remedy="see plan")
JOINED = Membership(state="joined")


def shown(monkeypatch: pytest.MonkeyPatch, *diagnoses: Diagnosis) -> tuple[int, str]:
    out = io.StringIO()
    screen = Screen(Console(file=out, width=200, highlight=False))
    monkeypatch.setattr(findings, "examine", lambda *_args, **_options: list(diagnoses))
    session = SimpleNamespace(screen=screen, fleet=None, nodes=())
    return findings.show_findings(session), out.getvalue()  # type: ignore[arg-type]


def diagnosis(*found: Finding, joined: bool = False) -> Diagnosis:
    return Diagnosis(
        node=make_node(),
        membership=JOINED if joined else Membership(state="unseen"),
        findings=found,
        right=("ports", "domain"),
        unchecked=("database (forbidden)",),
    )


def test_the_likeliest_comes_first_in_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    status, text = shown(monkeypatch, diagnosis(FIRST, SECOND))
    assert status == 2
    assert text.splitlines() == [
        "worker1 has not joined: it is in the domain x",
        "  | L",
        "  → deploy it",
        "Other findings:",
        "  2. it differs",
        "     → see plan",
        "ok: ports, domain",
        "not checked: database (forbidden)",
    ]


def test_a_log_that_cannot_tell_is_no_proof_that_a_worker_has_not_joined(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    unknown = replace(diagnosis(FIRST), membership=Membership(state="unknown"))
    _, text = shown(monkeypatch, unknown)
    assert text.startswith("worker1 is not known to have joined: it is in the domain x\n")


def test_nothing_wrong_is_exit_status_0(monkeypatch: pytest.MonkeyPatch) -> None:
    status, text = shown(monkeypatch, diagnosis(joined=True))
    assert status == 0
    assert text.startswith("worker1 has joined: nothing is wrong\nok: ")


def test_a_member_with_a_fault_is_still_called_a_member(monkeypatch: pytest.MonkeyPatch) -> None:
    status, text = shown(monkeypatch, diagnosis(SECOND, joined=True))
    assert status == 2
    assert text.startswith("worker1 has joined, but it differs\n")


def test_several_nodes_are_told_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    manager = Diagnosis(node=make_manager(), membership=None, findings=())
    lost = Diagnosis(node=make_node("worker2"), membership=None, findings=(SECOND,))
    status, text = shown(monkeypatch, diagnosis(joined=True), manager, lost)
    assert status == 2
    heads = [line for line in text.splitlines() if line.startswith(("worker", "manager"))]
    assert heads == [
        "worker1 has joined: nothing is wrong",
        "manager is the manager: nothing is wrong",
        "worker2 cannot be inspected: it differs",
    ]
