"""Watching a worker come up: both logs, in any order, and nothing but this very node."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carbon.join.proof import NotEnough, Proof, WrongPort
from carbon.join.tracker import KEPT_LINES, JoinTracker
from tests.unit.carbon.looks import joined_line, left_line, log_line, own_lines
from tests.unit.carbon.nodes import make_node

STARTED = log_line("WSO2 Carbon started in 23 sec")
INITIALIZED = log_line("Cluster initialization completed")
TRIBES = "org.apache.axis2.clustering.tribes"
JOINED = joined_line(ago=0)


def track(**own: Any) -> JoinTracker:
    return JoinTracker(make_node(), **own)


def tribes(message: str) -> str:
    handler = (
        "RpcInitializationRequestHandler" if "GetConf" in message else "RpcMembershipRequestHandler"
    )
    return log_line(message, logger=f"{TRIBES}.{handler}")


JOIN = tribes("Received JOIN message from 10.0.0.4:4000(wso2.as.domain)")
CONFIGURATION = tribes(
    "Received GetConfigurationCommand initialization request message from"
    " 10.0.0.4:4000(wso2.as.domain)"
)


def test_both_proofs_are_needed_in_any_order() -> None:
    first = track()
    assert first.phase == "starting"
    first.own(INITIALIZED)
    assert first.phase == "initialized"
    first.manager(JOINED)
    assert first.phase == "joined"
    first.own(STARTED)
    assert first.phase == "done"
    second = track()
    second.own(STARTED)
    assert second.phase == "started"
    second.manager(JOINED)
    assert second.phase == "done"
    assert (second.wording, second.started_seconds) == ("Member joined", 23)


def test_the_line_that_proved_it_is_kept() -> None:
    tracker = track()
    tracker.manager(JOINED)
    assert tracker.proof_line == JOINED
    assert tracker.verdicts == [Proof(wording="Member joined")]


def test_the_guides_own_line_is_preferred_whichever_comes_first() -> None:
    for lines in ((JOIN, CONFIGURATION), (CONFIGURATION, JOIN)):
        tracker = track()
        for line in lines:
            tracker.manager(line)
        assert tracker.wording == "GetConfigurationCommand"
        assert tracker.proof_line == CONFIGURATION


def test_strict_evidence_remembers_the_best_of_what_it_did_not_accept() -> None:
    """Hearsay that follows the node's own message says less."""
    tracker = track(evidence="strict")
    tracker.manager(JOIN)
    tracker.manager(
        log_line("New member 10.0.0.4:4000(wso2.as.domain) joined cluster.", logger=TRIBES)
    )
    assert tracker.wording is None
    assert tracker.weaker == "JOIN"
    assert NotEnough(wording="JOIN") in tracker.verdicts


@pytest.mark.parametrize(
    "line",
    [
        joined_line("10.0.0.40", ago=0),
        joined_line("110.0.0.4", ago=0),
        joined_line("10.0.0.4", 40001, ago=0),
        log_line("Received JOIN message from 10.0.0.4:4000(wso2.as.domain)", logger="org.x.Echo"),
        log_line("somebody wrote: Member joined [x]: /10.0.0.4:4000"),
        tribes("Received JOIN message from 10.0.0.4:4000(other.domain) and more"),
        "",
    ],
)
def test_a_line_of_anybody_else_proves_nothing(line: str) -> None:
    tracker = track()
    tracker.own(STARTED)
    tracker.manager(line)
    assert tracker.phase in ("started", "failed")
    assert tracker.wording is None


def test_a_member_that_leaves_again_has_not_joined() -> None:
    tracker = track()
    tracker.manager(JOINED)
    tracker.manager(left_line(ago=0))
    tracker.own(STARTED)
    assert tracker.phase == "started"
    tracker.manager(JOINED)
    assert tracker.phase == "done"


def test_another_members_leaving_changes_nothing() -> None:
    tracker = track()
    tracker.manager(JOINED)
    tracker.manager(left_line("10.0.0.5", ago=0))
    tracker.own(STARTED)
    assert tracker.phase == "done"


def test_an_auto_incremented_port_is_a_failure_that_its_own_log_tells() -> None:
    tracker = track()
    for line in own_lines(port=4001):
        tracker.own(line)
    assert tracker.phase == "failed"
    assert tracker.failure == (
        "it took localMemberPort 4001, not 4000: that port was taken, and the product counts up by"
        " itself"
    )


def test_a_join_under_another_port_is_told_but_is_not_yet_the_end() -> None:
    """It may be a line of another node that hosts.yaml does not know."""
    tracker = track()
    tracker.manager(joined_line(port=4001, ago=0))
    assert tracker.failure is None
    assert tracker.verdicts == [WrongPort(port=4001)]


def test_the_port_of_a_neighbour_on_the_same_server_is_none_of_its_business() -> None:
    tracker = track(neighbour_ports={4001})
    tracker.manager(joined_line(port=4001, ago=0))
    assert tracker.verdicts == []


def test_a_join_in_another_domain_is_a_failure() -> None:
    tracker = track()
    tracker.manager(tribes("Received JOIN message from 10.0.0.4:4000(wso2.carbon.domain)"))
    assert tracker.failure == "it joined the domain wso2.carbon.domain, not wso2.as.domain"


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (log_line("Cannot initialize cluster", level="ERROR"), "its clustering failed"),
        (log_line("Invalid membership scheme 'wak'. Supported", level="ERROR"), "wak"),
        (log_line("Cannot start transports: port 9443", level="FATAL"), "transports"),
        (
            log_line("Cluster domain: other.domain"),
            "its cluster domain is other.domain, not wso2.as",
        ),
        (log_line("Cannot initialize the realm.", level="ERROR"), "Cannot initialize the realm"),
        (log_line("Cannot start User Manager Core bundle", level="ERROR"), "User Manager Core"),
        (
            log_line("OSGi runtime worker profile not found", level="FATAL"),
            "no OSGi profile 'worker'",
        ),
        (
            "[2014-01-01 10:00:00,000] ERROR {org.wso2.securevault.keystore.JKSKeyStoreLoader} -"
            "  IOError loading keyStore from '/opt/wso2carbon.jks'",
            "Error loading keyStore",
        ),
    ],
)
def test_what_the_product_does_not_recover_from_ends_the_track(line: str, said: str) -> None:
    tracker = track()
    tracker.own(line)
    assert tracker.phase == "failed"
    assert said in (tracker.failure or "")


def test_a_process_that_ends_is_a_failure_and_its_console_is_kept() -> None:
    tracker = track()
    tracker.process_ended(["Error: JAVA_HOME is not defined correctly."])
    assert tracker.failure == "its process ended"
    assert list(tracker.own_lines) == ["Error: JAVA_HOME is not defined correctly."]


def test_what_ended_it_first_is_what_is_told() -> None:
    tracker = track()
    tracker.own(log_line("Cannot initialize cluster", level="ERROR"))
    tracker.process_ended([])
    assert "its clustering failed" in (tracker.failure or "")


def test_a_failure_that_follows_from_an_earlier_one_does_not_hide_it() -> None:
    tracker = track()
    tracker.own(log_line("Invalid membership scheme 'wak'. Supported", level="ERROR"))
    tracker.own(log_line("Cannot initialize cluster", level="ERROR"))
    tracker.own(log_line("Waiting for required OSGi services: x.Y,"))
    assert tracker.failure == "its clustering failed: Invalid membership scheme 'wak'. Supported"


def test_a_pattern_of_hosts_yaml_is_evidence() -> None:
    tracker = track(patterns=[r"welcome (?P<host>[0-9.]+) at (?P<port>[0-9]+)"])
    tracker.manager("welcome 10.0.0.4 at 4000")
    assert tracker.wording == "custom"


def test_only_the_last_lines_are_kept() -> None:
    tracker = track()
    for number in range(3 * KEPT_LINES):
        tracker.own(str(number))
    assert list(tracker.own_lines) == [str(n) for n in range(2 * KEPT_LINES, 3 * KEPT_LINES)]


@given(
    st.lists(st.tuples(st.booleans(), st.text() | st.sampled_from([STARTED, INITIALIZED, JOIN])))
)
def test_no_line_brings_the_watch_down(lines: list[tuple[bool, str]]) -> None:
    tracker = track()
    for own, line in lines:
        (tracker.own if own else tracker.manager)(line)
    assert tracker.phase in ("starting", "initialized", "joined", "started", "done", "failed")


def test_a_milestone_in_columns_that_are_not_understood_is_named() -> None:
    """Silence is never taken for absence: the line was there."""
    tracker = track()
    line = "message='WSO2 Carbon started in 23 sec' level=info"
    tracker.own(line)
    assert (tracker.phase, tracker.unread_line) == ("starting", line)
    tracker = track()
    tracker.manager("message='Member joined [x]: /10.0.0.40:4000'")
    assert tracker.unread_line is None
    tracker.manager("message='Member joined [x]: /10.0.0.4:4000'")
    assert tracker.unread_line == "message='Member joined [x]: /10.0.0.4:4000'"


def test_no_kept_line_shows_a_secret() -> None:
    tracker = track()
    tracker.own(log_line("jdbc:mysql://db/x?user=u&password=S3cret", level="ERROR"))
    tracker.process_ended(["keystore password=S3cret"])
    assert "S3cret" not in "".join(tracker.own_lines)


def test_the_first_error_and_its_last_cause_are_kept_whatever_comes_after() -> None:
    """What follows an error is more of the same; the cause stands at its beginning or its end."""
    tracker = track()
    first = log_line("Database Error - org.mariadb.jdbc.Driver", level="ERROR").strip()
    tracker.own(log_line("all is well"))
    tracker.own(first)
    tracker.own("Caused by: java.sql.SQLException: x")
    tracker.own("Caused by: java.net.ConnectException: Connection refused")
    for number in range(3 * KEPT_LINES):
        tracker.own(log_line(f"more {number}", level="ERROR"))
    assert tracker.first_error == first
    assert tracker.last_cause == "Caused by: java.net.ConnectException: Connection refused"


def test_what_a_jvm_throws_on_its_console_is_an_error() -> None:
    tracker = track()
    tracker.process_ended(['Exception in thread "main" java.lang.UnsupportedClassVersionError: x'])
    assert tracker.first_error and tracker.first_error.startswith("Exception in thread")


def test_a_line_that_says_the_same_again_replaces_the_one_before() -> None:
    tracker = track()
    tracker.own(log_line("starts", ago=9))
    for ago in range(8):
        tracker.own(log_line("Access denied for user 'x'", level="ERROR", ago=ago))
    assert len(tracker.own_lines) == 2


def test_of_lines_that_differ_in_an_exception_or_a_connection_the_last_is_kept() -> None:
    """Eight of them filled the last lines of a log, and what came before was not to be seen."""
    tracker = track()
    tracker.own(log_line("starts", ago=9))
    denied = "Access denied for user 'as'@'10.0.0.4' (using password: YES)"
    for number in range(4):
        tracker.own(log_line(f"(conn={number}) {denied}", level="ERROR"))
        tracker.own(f"java.sql.SQLInvalidAuthorizationSpecException: (conn={number}) {denied}")
        tracker.own(f"Caused by: java.sql.SQLException: java.sql.SQLException: {denied}")
    tracker.own("Caused by: java.sql.SQLException: Unknown database 'x'")
    _, *rest = tracker.own_lines
    assert rest == [
        f"Caused by: java.sql.SQLException: java.sql.SQLException: {denied}",
        "Caused by: java.sql.SQLException: Unknown database 'x'",
    ]


def test_the_leave_of_the_start_before_does_not_undo_the_join_of_this_one() -> None:
    """A lost process is noticed seconds later, a restarted one may have joined by then."""
    tracker = track()
    tracker.own(STARTED)
    tracker.manager(JOINED)
    old = left_line(ago=0).replace("01e8b57f", "ffffffff")
    tracker.manager(old)
    assert tracker.phase == "done"
    tracker.manager(left_line(ago=0))
    assert tracker.phase == "started"


def test_a_member_that_a_silent_one_disturbs_may_join_twice() -> None:
    """It joins, is lost and joins again under another uuid while it still starts."""
    tracker = track()
    for line in (JOINED, left_line(ago=0), JOINED.replace("01e8b57f", "ffffffff")):
        tracker.manager(line)
        assert tracker.failure is None
    tracker.own(STARTED)
    assert tracker.phase == "done"


def test_the_keystore_warning_of_every_healthy_start_ends_nothing() -> None:
    tracker = track()
    warning = "The default keystore (wso2carbon.jks) is currently being used. To maximize security"
    tracker.own(log_line(warning, level="WARN"))
    assert tracker.phase == "starting"


@pytest.mark.parametrize(
    ("worker_node", "port_offset", "said"),
    [(True, 1, "-DportOffset=1"), (False, None, "as a manager")],
)
def test_a_start_script_that_overrides_hosts_yaml_fails_the_start_and_is_named(
    worker_node: bool, port_offset: int | None, said: str
) -> None:
    tracker = track()
    tracker.runs_as(worker_node, port_offset=port_offset)
    assert tracker.failure is not None and said in tracker.failure
    assert "bin/wso2server.sh" in tracker.remedy


def test_the_offset_of_hosts_yaml_may_be_passed_by_the_script() -> None:
    tracker = JoinTracker(make_node(offset=1))
    tracker.runs_as(True, port_offset=1)
    assert tracker.failure is None


def test_a_second_server_of_the_same_home_is_no_success() -> None:
    tracker = track()
    tracker.own(STARTED)
    tracker.manager(JOINED)
    tracker.is_not_alone("4712")
    assert tracker.phase == "failed"
    assert "second server (pid 4712)" in (tracker.failure or "")
