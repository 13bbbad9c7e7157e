"""What a run tells of servers that had no turn of their own."""

from __future__ import annotations

import pytest

from carbon.errors import ScriptError
from carbon.plan import Plan
from remote.deploy import _idle
from remote.order import Done
from tests.unit.carbon.looks import make_facts
from tests.unit.carbon.nodes import make_node

FIRST = Plan(node=make_node("worker1"), facts=make_facts())
SECOND = Plan(node=make_node("worker2"), facts=make_facts(), hosts_by="worker1")
FAILED = Done(plan=FIRST, error=ScriptError("no room"))


def test_a_node_with_nothing_to_do_is_told_as_that() -> None:
    told = _idle(FIRST, {})
    assert told.reached
    assert told.changed == ()


def test_an_edit_of_hosts_that_another_node_made_is_told() -> None:
    told = _idle(SECOND, {"worker1": Done(plan=FIRST, changed=("hosts",))})
    assert told.changed == ("hosts (by worker1)",)


@pytest.mark.parametrize("done", [{}, {"worker1": FAILED}])
def test_an_edit_of_hosts_that_another_node_did_not_make_is_no_success(
    done: dict[str, Done],
) -> None:
    assert not _idle(SECOND, done).reached
