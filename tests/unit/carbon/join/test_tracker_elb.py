"""Where an ELB manages the group, a worker has joined only when the ELB took it in."""

from __future__ import annotations

from typing import Any

import pytest

from carbon.join.tracker import JoinTracker
from tests.unit.carbon.looks import HAZELCAST, joined_line, log_line
from tests.unit.carbon.nodes import make_cluster, make_node

WORKER = make_node()
ELB = make_node(
    "elb",
    role="elb",
    local_member_host="10.0.0.2",
    sub_domain="",
    group_mgt_port=4500,
)
STARTED = log_line("WSO2 Carbon started in 12 sec")
JOINED = joined_line(ago=0)


def agent(message: str, *, level: str = "INFO") -> str:
    return log_line(message, logger=f"{HAZELCAST}.HazelcastGroupManagementAgent", level=level)


def member(*, host: str = "10.0.0.4", port: int = 4000, sub_domain: str = "worker") -> str:
    return (
        f"Host:{host}, Remote Host:null, Port: {port}, HTTP:9763, HTTPS:9443,"
        f" Domain: wso2.as.domain, Sub-domain:{sub_domain}, Active:true"
    )


def in_elb(**own: Any) -> str:
    return agent(f"Application member {member(**own)} joined application cluster")


def refused() -> str:
    return agent(f"Could not add application member {member()}", level="ERROR")


def track(*, needs_elb: bool = True) -> JoinTracker:
    """Return a watch of a worker that the manager has seen joining, and that has started."""
    tracker = JoinTracker(WORKER, needs_elb=needs_elb)
    tracker.manager(JOINED)
    tracker.own(STARTED)
    return tracker


def test_without_an_elb_the_managers_word_is_enough() -> None:
    assert track(needs_elb=False).phase == "done"


def test_with_an_elb_its_word_is_needed_too() -> None:
    tracker = track()
    assert tracker.phase == "started"
    tracker.elb(in_elb())
    assert tracker.phase == "done"


def test_the_elbs_word_alone_is_not_enough() -> None:
    tracker = JoinTracker(WORKER, needs_elb=True)
    tracker.elb(in_elb())
    tracker.own(STARTED)
    assert tracker.phase == "started"


@pytest.mark.parametrize(
    "line",
    [
        in_elb(host="10.0.0.40"),
        in_elb(port=4001),
        in_elb(sub_domain="mgt"),
        in_elb().replace("wso2.as.domain", "other.domain"),
        JOINED,
        refused(),
    ],
)
def test_what_the_elb_says_of_others_or_otherwise_does_not_count(line: str) -> None:
    tracker = track()
    tracker.elb(line)
    assert tracker.phase == "started"


def test_a_refusal_is_kept_to_be_shown_and_fails_nothing_by_itself() -> None:
    """The ELB tries for up to five minutes: it may be of the start before."""
    tracker = track()
    tracker.elb(refused())
    assert list(tracker.elb_lines) == [refused().strip()]
    assert tracker.failure is None
    tracker.elb(in_elb())
    assert tracker.phase == "done"


def test_the_elb_counts_only_where_it_manages_a_group() -> None:
    assert make_cluster(elb=ELB).group_manager == ELB
    assert make_cluster().group_manager is None
