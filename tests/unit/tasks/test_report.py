"""The table at the end of a rollout."""

from __future__ import annotations

import pytest

from carbon.errors import StartError
from carbon.plan.model import Plan
from remote.rollout.request import Result
from tasks.report import _pid
from tests.unit.carbon.looks import make_facts
from tests.unit.carbon.nodes import make_node

RESTART = Plan(node=make_node(), facts=make_facts(), start=True)


@pytest.mark.parametrize(("pid", "shown"), [(815, "815"), (0, "-"), (None, "-")])
def test_the_row_of_a_failed_restart_has_the_pid_of_the_jvm_that_is_up(
    pid: int | None, shown: str
) -> None:
    """The one before it is gone, and is never shown."""
    assert _pid(Result(plan=RESTART, error=StartError("no join"), pid=pid)) == shown
