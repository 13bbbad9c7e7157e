"""Whether a plan starts its server, verifies it, or does what should have followed its join."""

from __future__ import annotations

import pytest

from carbon.checks.case import Case
from carbon.checks.registry import for_status
from carbon.plan.model import Options, Plan, Step
from carbon.plan.plan import plan_stop, with_rotation
from carbon.plan.start import with_start
from carbon.value import replace
from tests.unit.carbon.looks import RECORD, make_facts, running
from tests.unit.carbon.nodes import make_cluster, make_node

START = Options(steps=frozenset({Step.START}))
WORKER = make_node()


def planned(what: str, **facts: object) -> Plan:
    record = RECORD | ({"unfinished": what} if what else {})
    return with_start(Plan(node=WORKER, facts=make_facts(record=record, **facts)), START)


@pytest.mark.parametrize("what", ["after_join", "rotation"])
def test_what_did_not_follow_the_join_is_done_without_a_restart(what: str) -> None:
    plan = planned(what)
    assert plan.finish and plan.rotates and not plan.start
    assert planned("").empty


def test_of_another_process_or_before_a_restart_it_is_no_matter() -> None:
    assert not planned("rotation", process=running(pid=1)).finish
    asked = replace(START, restart="always")
    facts = make_facts(record=RECORD | {"unfinished": "rotation"})
    plan = with_start(Plan(node=WORKER, facts=facts), asked)
    assert plan.start and not plan.finish


def test_a_member_that_is_known_to_be_out_is_put_back_also_if_a_hook_waits() -> None:
    assert with_rotation(planned("after_join"), {WORKER.name}).undrain
    stopped = plan_stop(WORKER, make_facts(record=RECORD))
    assert not with_rotation(stopped, {WORKER.name}).undrain


@pytest.mark.parametrize(
    ("what", "code"), [("after_join", "after-join-pending"), ("rotation", "not-put-back")]
)
def test_status_says_what_did_not_follow_a_join(what: str, code: str) -> None:
    facts = make_facts(record=RECORD | {"unfinished": what})
    case = Case(node=WORKER, cluster=make_cluster(WORKER), facts=facts)
    assert code in {finding.code for finding in for_status(case)}
    well = replace(case, facts=make_facts(record=RECORD))
    assert code not in {finding.code for finding in for_status(well)}
