"""Who is a member: the manager's lines about a node, compared with its process."""

from __future__ import annotations

import pytest

from carbon.home.facts import LogFacts, ServerFacts
from carbon.join.membership import Membership, members_pattern, membership
from tests.unit.carbon.looks import (
    NOW,
    RECORD,
    UUID,
    joined_line,
    left_line,
    log_line,
    make_facts,
    make_manager_facts,
    own_lines,
    running,
)
from tests.unit.carbon.nodes import make_cluster, make_manager, make_node

WORKER = make_node()
MANAGER = make_manager()
JOINED = Membership(state="joined", at=NOW - 90, wording="Member joined")


def without_own_log(**own: object) -> ServerFacts:
    """Return a worker whose own log says nothing: times are all there is."""
    return make_facts(said={}, **own)


def member(facts: ServerFacts, manager: ServerFacts | None, **cluster: object) -> Membership | None:
    return membership(WORKER, facts, manager=manager, cluster=make_cluster(**cluster))


def test_the_last_line_of_the_manager_decides() -> None:
    came = make_manager_facts(left_line(ago=95), joined_line(ago=90))
    went = make_manager_facts(joined_line(ago=95), left_line(ago=90))
    assert member(make_facts(), came) == JOINED
    assert member(make_facts(), went) == Membership(state="left", at=NOW - 90)


def test_a_join_before_this_start_proves_nothing() -> None:
    manager = make_manager_facts(joined_line(ago=5000))
    assert member(without_own_log(process=running(seconds=100)), manager) == Membership(
        state="unseen"
    )


def test_a_member_that_left_before_this_start_was_not_seen_joining_since() -> None:
    manager = make_manager_facts(left_line(ago=5000))
    assert member(without_own_log(process=running(seconds=100)), manager) == Membership(
        state="unseen"
    )


def test_two_clocks_need_not_agree() -> None:
    """A worker whose clock is an hour ahead of the manager's joined all the same."""
    ahead = without_own_log(now=NOW + 3600, process=running(seconds=100 - 3600))
    assert member(ahead, make_manager_facts(joined_line(ago=90))) == JOINED


@pytest.mark.parametrize(("started", "state"), [(92, "joined"), (88, "unseen")])
def test_a_start_soon_after_a_join_is_not_taken_for_the_one_that_joined(
    started: float, state: str
) -> None:
    """A quick restart: the manager has not seen yet that the member of before is gone."""
    facts = without_own_log(process=running(seconds=started))
    found = member(facts, make_manager_facts(joined_line(ago=90)))
    assert found is not None
    assert found.state == state


@pytest.mark.parametrize(("started", "state"), [(112, "joined"), (108, "unseen")])
def test_servers_need_not_be_looked_at_in_the_same_moment(started: float, state: str) -> None:
    """The worker is asked 20 s after the manager, whose line was 90 s old when it was."""
    facts = without_own_log(seen_at=20.0, process=running(seconds=started))
    found = member(facts, make_manager_facts(joined_line(ago=90)))
    assert found is not None
    assert found.state == state


def test_a_line_has_its_servers_local_time() -> None:
    """An hour east of UTC, the manager writes 12:00 when it is 11:00 in UTC."""
    manager = make_manager_facts(joined_line(ago=90 - 3600), zone_seconds=3600)
    assert member(without_own_log(), manager) == JOINED


def test_what_was_recorded_of_this_process_holds_when_the_log_has_been_rotated_away() -> None:
    seen = member(make_facts(record=RECORD), make_manager_facts())
    assert seen == Membership(state="joined", wording="Member joined (recorded)")


def test_what_was_recorded_ends_when_the_manager_saw_it_leave() -> None:
    manager = make_manager_facts(joined_line(ago=90), left_line(ago=10))
    assert member(make_facts(record=RECORD), manager) == Membership(state="left", at=NOW - 10)


def test_a_leave_of_an_earlier_start_does_not_end_what_was_recorded_since() -> None:
    manager = make_manager_facts(joined_line(ago=900), left_line(ago=200))
    seen = member(without_own_log(record=RECORD), manager)
    assert seen == Membership(state="joined", wording="Member joined (recorded)")


def test_a_record_of_another_process_says_nothing() -> None:
    facts = make_facts(record={**RECORD, "ticks": "816"})
    assert member(facts, make_manager_facts()) == Membership(state="unseen")


def test_lines_of_other_members_say_nothing() -> None:
    manager = make_manager_facts(joined_line("10.0.0.40", ago=90), joined_line(port=4001, ago=90))
    assert member(make_facts(), manager) == Membership(state="unseen")


@pytest.mark.parametrize("manager", [None, make_manager_facts(log=LogFacts(state="unreadable"))])
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


# ---- Which process a line is of, without clocks


def own(*lines: str, ago: float = 100, **facts: object) -> ServerFacts:
    """Return a worker whose own log has these lines after those of a start that went well."""
    return make_facts(said={"own": (*own_lines(ago=ago), *lines)}, **facts)


def seen_at_manager(state: str, *, ago: float) -> str:
    make = joined_line if state == "joined" else left_line
    return make("10.0.0.3", 4000, ago=ago)


def test_the_uuid_of_both_logs_names_the_start_whatever_the_clocks_say() -> None:
    """The manager's JVM may have another zone than its shell, or daylight saving may have ended."""
    manager = make_manager_facts(joined_line(ago=90 + 5 * 3600))
    found = member(own(), manager)
    assert found is not None and found.state == "joined"
    left = make_manager_facts(joined_line(ago=90 + 7200), left_line(ago=10 + 7200))
    found = member(own(record=RECORD), left)
    assert found is not None and found.state == "left"


def test_a_line_of_an_hour_before_the_start_may_be_of_it_when_the_clocks_were_changed() -> None:
    process = running(seconds=30 * 86400)
    manager = make_manager_facts(joined_line(ago=30 * 86400 + 3600 - 20))
    assert member(without_own_log(process=process), manager).state == "joined"  # type: ignore[union-attr]
    manager = make_manager_facts(joined_line(ago=30 * 86400 + 1800))
    assert member(without_own_log(process=process), manager).state == "unseen"  # type: ignore[union-attr]


def test_a_leave_right_before_the_start_is_of_the_one_before() -> None:
    """It left at 02:02:56.8, the new process began at 02:02:57.5: it did not leave since."""
    manager = make_manager_facts(joined_line(ago=500), left_line(ago=100.7))
    seen = member(without_own_log(record=RECORD, process=running(seconds=100)), manager)
    assert seen == Membership(state="joined", wording="Member joined (recorded)")


# ---- What the member itself says


def test_a_worker_that_saw_the_manager_leave_is_in_a_split_cluster() -> None:
    """Even if this tool recorded its join: the manager restarted alone, and never met it again."""
    facts = own(seen_at_manager("left", ago=80), record=RECORD)
    assert member(facts, make_manager_facts()) == Membership(state="split")
    elected = log_line(f"Elected this member [{UUID}] as the Coordinator node", ago=95)
    assert member(own(elected), make_manager_facts()) == Membership(state="split")


def test_a_manager_that_came_back_is_no_split() -> None:
    facts = own(seen_at_manager("left", ago=80), seen_at_manager("joined", ago=40))
    found = member(facts, make_manager_facts())
    assert found == Membership(state="joined", wording="Member joined (its own log)")


@pytest.mark.parametrize("process", [None, running(seconds=20, worker=False)])
def test_a_manager_that_is_down_or_just_starts_is_no_split(process: object) -> None:
    manager = make_manager_facts(joined_line(ago=90), process=process)
    found = member(own(seen_at_manager("left", ago=30)), manager)
    assert found is not None and found.state == "joined"


def test_what_the_manager_lost_before_its_restart_it_may_have_met_again_by_it() -> None:
    lines = (left_line(ago=80), log_line("Starting WSO2 Carbon...", ago=70))
    facts = own(seen_at_manager("joined", ago=60))
    assert member(facts, make_manager_facts(*lines)).state == "joined"  # type: ignore[union-attr]


def test_joined_and_never_started_is_a_state_of_its_own() -> None:
    facts = make_facts(said={"own": own_lines()[:-1]})
    assert member(facts, make_manager_facts(joined_line(ago=90))).state == "starting"  # type: ignore[union-attr]


def test_what_an_earlier_process_logged_says_nothing_of_this_one() -> None:
    """The new one has not logged a line yet."""
    facts = own(seen_at_manager("left", ago=50), ago=5000, process=running(seconds=20))
    assert member(facts, make_manager_facts(joined_line(ago=90))).state == "unseen"  # type: ignore[union-attr]


# ---- Silence is never taken for absence


def test_a_log_without_a_line_of_any_start_cannot_tell() -> None:
    """It is silent by its level, or cut off: nobody can say that the worker has not joined."""
    silent = make_manager_facts(said={"members": ()})
    assert member(make_facts(), silent) == Membership(state="unknown")


def test_what_an_earlier_start_of_the_manager_logged_does_not_show_that_this_one_logs() -> None:
    """Its level was raised, and it was restarted: old lines are there, and no join is logged."""
    before = (log_line("Starting WSO2 Carbon...", ago=5000), joined_line("10.0.0.5", ago=4000))
    silent = make_manager_facts(said={"members": before})
    assert member(make_facts(), silent) == Membership(state="unknown")
    speaking = make_manager_facts(said={"members": (*before, joined_line("10.0.0.5", ago=500))})
    assert member(make_facts(), speaking) == Membership(state="unseen")


def test_a_log_that_has_not_grown_since_the_manager_started_cannot_tell() -> None:
    elsewhere = make_manager_facts(log=LogFacts(written_at=NOW - 5000))
    assert elsewhere.log_is_old
    assert member(make_facts(), elsewhere) == Membership(state="unknown")
    assert not make_manager_facts(log=LogFacts(written_at=NOW - 10)).log_is_old
