"""Where an ELB manages the group, a worker has joined only when the ELB took it in."""

from __future__ import annotations

from typing import Any

import pytest

from carbon.checks.fitness import unfit_elb
from carbon.cluster import GroupManagement
from carbon.join.tracker import JoinWatch
from tests.unit.carbon.looks import HAZELCAST, joined_line, log_line, make_facts
from tests.unit.carbon.nodes import make_cluster, make_node

WORKER = make_node()
ELB = make_node(
    "elb",
    role="elb",
    local_member_host="10.0.0.2",
    sub_domain="",
    group_management=GroupManagement(port=4500),
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


def taken_in(**own: Any) -> str:
    return agent(f"Application member {member(**own)} joined application cluster")


def refused() -> str:
    return agent(f"Could not add application member {member()}", level="ERROR")


def watch(*, elb_wanted: bool = True) -> JoinWatch:
    """Return a watch of a worker that the manager has seen joining, and that has started."""
    made = JoinWatch(node=WORKER, elb_wanted=elb_wanted)
    made.manager(JOINED)
    made.own(STARTED)
    return made


def test_without_an_elb_the_managers_word_is_enough() -> None:
    assert watch(elb_wanted=False).phase == "done"


def test_with_an_elb_its_word_is_needed_too() -> None:
    made = watch()
    assert made.phase == "started"
    made.elb(taken_in())
    assert made.phase == "done"


def test_the_elbs_word_alone_is_not_enough() -> None:
    made = JoinWatch(node=WORKER, elb_wanted=True)
    made.elb(taken_in())
    made.own(STARTED)
    assert made.phase == "started"


@pytest.mark.parametrize(
    "line",
    [
        taken_in(host="10.0.0.40"),
        taken_in(port=4001),
        taken_in(sub_domain="mgt"),
        taken_in().replace("wso2.as.domain", "other.domain"),
        JOINED,
        refused(),
    ],
)
def test_what_the_elb_says_of_others_or_otherwise_does_not_count(line: str) -> None:
    made = watch()
    made.elb(line)
    assert made.phase == "started"


def test_a_refusal_is_kept_to_be_shown_and_fails_nothing_by_itself() -> None:
    """The ELB tries for up to five minutes: it may be of the start before."""
    made = watch()
    made.elb(refused())
    assert list(made.elb_lines) == [refused()]
    assert made.failure is None
    made.elb(taken_in())
    assert made.phase == "done"


def test_the_elb_counts_only_where_it_manages_a_group() -> None:
    assert make_cluster(elb=ELB).group_manager == ELB
    assert make_cluster().group_manager is None


@pytest.mark.parametrize(
    ("found", "seen"),
    [
        ({"home_real": None}, "there is no ELB at /opt/as"),
        ({"process": None}, "the ELB is not running"),
        ({"log": "unreadable"}, "its log repository/logs/wso2carbon.log is unreadable"),
    ],
)
def test_an_elb_that_could_not_tell_is_refused_before_any_change(
    found: dict[str, Any], seen: str
) -> None:
    (error,) = unfit_elb(ELB, make_facts(**found))
    assert str(error).startswith(f"elb: look: {seen}")
    assert error.action


def test_an_elb_that_runs_and_can_be_read_is_fit() -> None:
    assert unfit_elb(ELB, make_facts()) == []
