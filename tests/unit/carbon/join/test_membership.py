"""Who is a member: the manager's lines about a node, compared with its process."""

from __future__ import annotations

import pytest

from carbon.home.facts import ServerFacts
from carbon.join.membership import Membership, members_pattern, membership
from tests.unit.carbon.looks import (
    NOW,
    RECORD,
    joined_line,
    left_line,
    log_line,
    make_facts,
    make_manager_facts,
    running,
)
from tests.unit.carbon.nodes import make_cluster, make_manager, make_node

WORKER = make_node()
MANAGER = make_manager()
JOINED = Membership(state="joined", at=NOW - 90, wording="Member joined")


def member(facts: ServerFacts, manager: ServerFacts | None, **cluster: object) -> Membership | None:
    return membership(WORKER, facts, manager=manager, cluster=make_cluster(**cluster))


def test_the_last_line_of_the_manager_decides() -> None:
    came = make_manager_facts(left_line(ago=95), joined_line(ago=90))
    went = make_manager_facts(joined_line(ago=95), left_line(ago=90))
    assert member(make_facts(), came) == JOINED
    assert member(make_facts(), went) == Membership(state="left", at=NOW - 90)


def test_a_join_before_this_start_proves_nothing() -> None:
    manager = make_manager_facts(joined_line(ago=5000))
    assert member(make_facts(process=running(seconds=100)), manager) == Membership(state="unseen")


def test_a_member_that_left_before_this_start_was_not_seen_joining_since() -> None:
    manager = make_manager_facts(left_line(ago=5000))
    assert member(make_facts(process=running(seconds=100)), manager) == Membership(state="unseen")


def test_two_clocks_need_not_agree() -> None:
    """A worker whose clock is an hour ahead of the manager's joined all the same."""
    ahead = make_facts(now=NOW + 3600, process=running(seconds=100 - 3600))
    assert member(ahead, make_manager_facts(joined_line(ago=90))) == JOINED


@pytest.mark.parametrize(("started", "state"), [(92, "joined"), (88, "unseen")])
def test_a_start_soon_after_a_join_is_not_taken_for_the_one_that_joined(
    started: float, state: str
) -> None:
    """A quick restart: the manager has not seen yet that the member of before is gone."""
    facts = make_facts(process=running(seconds=started))
    found = member(facts, make_manager_facts(joined_line(ago=90)))
    assert found is not None
    assert found.state == state


@pytest.mark.parametrize(("started", "state"), [(112, "joined"), (108, "unseen")])
def test_servers_need_not_be_looked_at_in_the_same_moment(started: float, state: str) -> None:
    """The worker is asked 20 s after the manager, whose line was 90 s old when it was."""
    facts = make_facts(seen_at=20.0, process=running(seconds=started))
    found = member(facts, make_manager_facts(joined_line(ago=90)))
    assert found is not None
    assert found.state == state


def test_a_line_has_its_servers_local_time() -> None:
    """An hour east of UTC, the manager writes 12:00 when it is 11:00 in UTC."""
    manager = make_manager_facts(joined_line(ago=90 - 3600), zone_seconds=3600)
    assert member(make_facts(), manager) == JOINED


def test_what_was_recorded_of_this_process_holds_when_the_log_has_been_rotated_away() -> None:
    seen = member(make_facts(record=RECORD), make_manager_facts())
    assert seen == Membership(state="joined", wording="Member joined (recorded)")


def test_what_was_recorded_ends_when_the_manager_saw_it_leave() -> None:
    manager = make_manager_facts(joined_line(ago=90), left_line(ago=10))
    assert member(make_facts(record=RECORD), manager) == Membership(state="left", at=NOW - 10)


def test_a_leave_of_an_earlier_start_does_not_end_what_was_recorded_since() -> None:
    manager = make_manager_facts(joined_line(ago=900), left_line(ago=200))
    seen = member(make_facts(record=RECORD), manager)
    assert seen == Membership(state="joined", wording="Member joined (recorded)")


def test_a_record_of_another_process_says_nothing() -> None:
    facts = make_facts(record={**RECORD, "ticks": "816"})
    assert member(facts, make_manager_facts()) == Membership(state="unseen")


def test_lines_of_other_members_say_nothing() -> None:
    manager = make_manager_facts(joined_line("10.0.0.40", ago=90), joined_line(port=4001, ago=90))
    assert member(make_facts(), manager) == Membership(state="unseen")


@pytest.mark.parametrize("manager", [None, make_manager_facts(log="unreadable")])
def test_a_manager_that_cannot_be_asked_leaves_it_open(manager: ServerFacts | None) -> None:
    assert member(make_facts(), manager) == Membership(state="unknown")


def test_a_server_that_is_down_left() -> None:
    manager = make_manager_facts(joined_line(ago=90), left_line(ago=10))
    assert member(make_facts(process=None), manager) == Membership(state="left", at=NOW - 10)


def test_weaker_evidence_is_not_membership_and_is_told() -> None:
    """`evidence: strict` does not take a JOIN for a proof."""
    logger = "org.apache.axis2.clustering.tribes.RpcMembershipRequestHandler"
    text = "Received JOIN message from 10.0.0.4:4000(wso2.as.domain)"
    manager = make_manager_facts(log_line(text, ago=90, logger=logger))
    strict = member(make_facts(), manager, evidence="strict")
    assert strict == Membership(state="unseen", at=NOW - 90, wording="JOIN (evidence: strict)")
    assert member(make_facts(), manager) == Membership(state="joined", at=NOW - 90, wording="JOIN")


def test_the_manager_is_what_others_join() -> None:
    assert membership(MANAGER, make_facts(), manager=None, cluster=make_cluster()) is None


def test_the_manager_is_asked_for_all_nodes_at_once() -> None:
    cluster = make_cluster(WORKER, make_node("worker2", local_member_host="10.0.0.5"))
    pattern = members_pattern(cluster)
    assert all(address in pattern for address in ("10[.]0[.]0[.]4", "10[.]0[.]0[.]5"))
