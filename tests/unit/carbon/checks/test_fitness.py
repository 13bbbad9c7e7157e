"""Whether a server is fit: every reason at once, each with what to do about it."""

from __future__ import annotations

from typing import Any

import pytest

from carbon.checks.fitness import SPARE_KB, unfit, unfit_home, unfit_manager
from carbon.home import layout
from carbon.home.facts import ServerFacts
from carbon.plan.plan import Plan
from carbon.value import replace
from tests.unit.carbon.looks import axis2, make_facts, make_manager_facts, remote_file, running
from tests.unit.carbon.nodes import make_manager, make_node

NODE = make_node()
MANAGER = make_manager()
GOOD = make_facts(process=None, listening={}, disk_free_kb=10 * SPARE_KB)


def reasons(facts: ServerFacts = GOOD, *, start: bool = True, **made: Any) -> list[str]:
    errors = unfit(Plan(node=NODE, facts=facts, start=start, **made))
    assert all(error.action and error.host == "worker1" for error in errors)
    return [error.seen for error in errors]


def test_a_fit_server_has_no_reasons() -> None:
    assert reasons() == []


@pytest.mark.parametrize(
    ("own", "reason"),
    [
        ({"home_real": None}, "there is no AS_HOME at /opt/as"),
        ({"home_real": None, "home_blocked": True}, "/opt/as is not a directory"),
        ({"home_real": None, "home_closed": True}, "wso2 may not enter /opt/as"),
        ({"home_writable": False}, "wso2 may not write in /opt/as"),
        ({"java_home": None, "java_missing": "/opt/jdk"}, "no bin/java at JAVA_HOME /opt/jdk"),
        ({"java_home": None, "java_missing": ""}, "no bin/java at JAVA_HOME (not set)"),
        (
            {"present": frozenset({str(layout.SCRIPT)})},
            "the pack has no worker profile (repository/components/worker)",
        ),
        (
            {"addresses": frozenset({"127.0.0.1", "127.0.0.0", "10.0.0.9", "10.1.0.9"})},
            "localMemberHost 10.0.0.4 is no address of this server (10.0.0.9, 10.1.0.9)",
        ),
        ({"listening": {4000: "other"}}, "localMemberPort 4000 is taken by another process"),
        ({"listening": {9763: "other"}}, "HTTP port 9763 is taken by another process"),
        ({"listening": {9443: "other"}}, "HTTPS port 9443 is taken by another process"),
    ],
)
def test_what_is_wrong_is_told(own: dict[str, Any], reason: str) -> None:
    assert reasons(replace(GOOD, **own)) == [reason]


def test_a_directory_that_is_no_pack_is_told() -> None:
    (error,) = unfit_home(NODE, replace(GOOD, present=frozenset()))
    assert error.seen == "/opt/as has no bin/wso2server.sh"


def test_all_reasons_are_told_at_once() -> None:
    facts = replace(GOOD, java_home=None, listening={4000: "other", 9443: "other"})
    assert len(reasons(facts)) == 3


def test_its_own_ports_are_no_obstacle() -> None:
    assert reasons(replace(GOOD, process=running(), listening={4000: "own", 9443: "own"})) == []


def test_what_matters_only_at_a_start_is_not_asked_of_other_steps() -> None:
    facts = replace(GOOD, java_home=None, listening={4000: "other"}, present=frozenset())
    facts = replace(facts, present=frozenset({str(layout.SCRIPT)}))
    assert reasons(facts, start=False) == []


def test_space_is_asked_for_where_files_are_swapped() -> None:
    full = replace(GOOD, disk_free_kb=SPARE_KB - 1)
    assert reasons(full, finish_swap=True) == [f"only {SPARE_KB - 1} kB are free at /opt/as"]
    assert reasons(full) == []


def test_a_reset_alone_waits_for_the_server_to_be_down() -> None:
    facts = replace(GOOD, process=running())
    (reason,) = reasons(facts, start=False, reset=True)
    assert reason.startswith("it runs (pid 4711)")
    assert reasons(facts, start=True, reset=True) == []


def test_an_unreadable_list_of_addresses_is_no_reason() -> None:
    assert reasons(replace(GOOD, addresses=frozenset())) == []


# ---- The manager


def manager_reasons(**own: Any) -> list[str]:
    errors = unfit_manager(MANAGER, make_manager_facts(**own))
    assert all(error.action and error.host == "manager" for error in errors)
    return [error.seen for error in errors]


def with_axis2(**own: Any) -> dict[str, Any]:
    text = axis2(**{"host": "10.0.0.3", **own})
    return {"files": {layout.AXIS2: remote_file(text)}}


@pytest.mark.parametrize(
    ("own", "reason"),
    [
        ({"process": None}, "the manager is not running"),
        ({"log": "unreadable"}, "its log repository/logs/wso2carbon.log is unreadable"),
        ({"log": "missing"}, "its log repository/logs/wso2carbon.log is missing"),
        ({"home_real": None}, "there is no AS_HOME at /opt/as"),
        ({"home_real": None, "home_closed": True}, "wso2 may not enter /opt/as"),
        ({"files": {}}, "its repository/conf/axis2/axis2.xml cannot be read"),
        (with_axis2(enable="false"), "its clustering is not enabled"),
        (with_axis2(domain="x"), "its domain is x, hosts.yaml says wso2.as.domain"),
        (with_axis2(host="10.0.0.8"), "its localMemberHost is 10.0.0.8, hosts.yaml says 10.0.0.3"),
        (with_axis2(port="4100"), "its localMemberPort is 4100, hosts.yaml says 4000"),
        (
            {"present": frozenset({str(layout.HAZELCAST_XML)})},
            "repository/conf/etc/hazelcast.xml overrides its clustering section",
        ),
    ],
)
def test_why_no_worker_could_be_seen_joining_is_told(own: dict[str, Any], reason: str) -> None:
    assert manager_reasons(**own) == [reason]


def test_a_fit_manager_has_no_reasons() -> None:
    assert manager_reasons() == []


def test_a_managers_axis2_that_is_no_xml_is_a_reason_and_no_crash() -> None:
    broken = {layout.AXIS2: remote_file("<axisconfig>")}
    (reason,) = manager_reasons(files=broken)
    assert reason


def test_several_faults_of_a_manager_are_told_at_once() -> None:
    assert len(manager_reasons(process=None, **with_axis2(domain="x", port="1"))) == 3
