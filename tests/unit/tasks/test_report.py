"""The table at the end of a rollout."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from carbon.errors import ConnectError, JoinError, StartError
from carbon.plan.model import Plan
from remote.rollout.request import Result
from tasks.report import _pid, verified
from tasks.screen import Screen
from tests.unit.carbon.looks import make_facts
from tests.unit.carbon.nodes import make_node

RESTART = Plan(node=make_node(), facts=make_facts(), start=True)


@pytest.mark.parametrize(("pid", "shown"), [(815, "815"), (0, "-"), (None, "-")])
def test_the_row_of_a_failed_restart_has_the_pid_of_the_jvm_that_is_up(
    pid: int | None, shown: str
) -> None:
    """The one before it is gone, and is never shown."""
    assert _pid(Result(plan=RESTART, error=StartError("no join"), pid=pid)) == shown


def test_verify_has_a_row_for_each_worker_and_a_remedy_for_each_that_was_not_seen() -> None:
    """An error of several lines is no cell of a table."""
    nodes = [make_node("worker1"), make_node("worker2")]
    down = JoinError("not running", host="worker1", step="verify", action="start it")
    lost = ConnectError("no answer\n    | a line", host="worker2", action="look at its sshd")
    out = io.StringIO()
    results = [Result(plan=Plan(node=nodes[0], facts=make_facts()), error=down), lost]
    assert verified(Screen(Console(file=out, width=100)), nodes, results) == 1
    _, *rows = [line.rstrip() for line in out.getvalue().splitlines()]
    assert [row.split("  ")[0] for row in rows[:3]] == ["worker1", "worker2", ""]
    assert rows[0].endswith("not running")
    assert rows[1].endswith("no answer")
    assert "error: worker1: verify: not running\n  → start it\n" in out.getvalue()
    assert out.getvalue().count("look at its sshd") == 1
