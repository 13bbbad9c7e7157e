"""Whether a server is fit: every reason at once, each with what to do about it."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import Any

import pytest

from carbon.checks.case import Case
from carbon.checks.diagnosis import diagnose
from carbon.checks.home import SPARE_KB
from carbon.checks.registry import for_status, refusals, watcher_refusals
from carbon.cluster import Database
from carbon.home import layout
from carbon.home.facts import LogFacts, Reach, ServerFacts
from carbon.plan.model import Plan
from carbon.value import replace
from tests.unit.carbon.looks import (
    OWN_PORTS,
    axis2,
    make_facts,
    make_manager_facts,
    remote_file,
    running,
)
from tests.unit.carbon.nodes import make_cluster, make_manager, make_node

NODE = make_node()
MANAGER = make_manager()
CLUSTER = make_cluster(NODE, manager=MANAGER, database=Database(address="10.0.0.9"))
GOOD = make_facts(process=None, listening={}, disk_free_kb=10 * SPARE_KB)


def refused(
    facts: ServerFacts = GOOD, *, start: bool = True, reach: Reach | None = None, **plan: Any
) -> dict[str, str]:
    """Return the codes and the sentences of a preflight that finds these facts."""
    case = Case(
        node=NODE,
        cluster=CLUSTER,
        facts=facts,
        plan=Plan(node=NODE, facts=facts, start=start, **plan),
        to_database=reach,
    )
    errors = refusals(case)
    assert all(error.action and error.host == "worker1" for error in errors)
    assert all(error.step == "preflight" for error in errors)
    return {error.code: error.seen for error in errors}


def test_a_fit_server_is_not_refused() -> None:
    assert refused() == {}


@pytest.mark.parametrize(
    ("own", "code", "seen"),
    [
        ({"home_real": None}, "home-missing", "AS_HOME /opt/as does not exist"),
        (
            {"home_real": None, "home_blocked": True},
            "home-missing",
            "/opt/as is not a directory",
        ),
        ({"home_real": None, "home_closed": True}, "home-closed", "wso2 may not enter /opt/as"),
        ({"home_writable": False}, "home-read-only", "wso2 may not write in /opt/as"),
        (
            {"java_home": None, "java_missing": "/opt/jdk"},
            "java-home",
            "JAVA_HOME /opt/jdk has no bin/java",
        ),
        (
            {"java_home": None, "java_missing": ""},
            "java-home",
            "JAVA_HOME (not set) has no bin/java",
        ),
        (
            {"present": frozenset({str(layout.SCRIPT)})},
            "worker-profile",
            "its pack has no worker profile (repository/components/worker)",
        ),
        (
            {"addresses": frozenset({"127.0.0.1", "127.0.0.0", "10.0.0.9", "10.1.0.9"})},
            "member-host",
            "localMemberHost 10.0.0.4 is not an address of its server (10.0.0.9, 10.1.0.9)",
        ),
        (
            {"listening": {4000: "other"}},
            "port-taken",
            "its localMemberPort 4000 is taken by another process",
        ),
        (
            {"listening": {9763: "other"}},
            "port-taken",
            "its HTTP port 9763 is taken by another process",
        ),
        (
            {"listening": {9443: "other"}},
            "port-taken",
            "its HTTPS port 9443 is taken by another process",
        ),
        (
            {"unreadable": frozenset({"repository/conf/carbon.xml"})},
            "file-unreadable",
            "wso2 cannot read repository/conf/carbon.xml",
        ),
        (
            {"log": LogFacts(writable=False)},
            "log-unwritable",
            "wso2 cannot write its log repository/logs/wso2carbon.log",
        ),
        (
            {"journal": "20261122T110000Z-ab"},
            "swap-interrupted",
            "an interrupted run left its journal open (20261122T110000Z-ab): its files may be a"
            " mixture, and it is not started like that",
        ),
    ],
)
def test_what_is_wrong_is_told(own: dict[str, Any], code: str, seen: str) -> None:
    assert refused(replace(GOOD, **own)) == {code: seen}


def test_a_directory_that_is_not_a_pack_is_told() -> None:
    found = refused(replace(GOOD, present=frozenset({str(layout.WORKER_PROFILE)})))
    assert found == {"home-not-carbon": "/opt/as has no bin/wso2server.sh"}


def test_all_reasons_are_told_at_once() -> None:
    facts = replace(GOOD, java_home=None, disk_free_kb=0, listening={4000: "other"})
    assert set(refused(facts)) == {"java-home", "disk-full", "port-taken"}


@pytest.mark.parametrize(
    ("names", "code"),
    [
        ([layout.HAZELCAST_XML], "hazelcast-xml"),
        ([layout.DEPLOYMENT_TOML, layout.TOML_TEMPLATES], "deployment-toml"),
        ([layout.DEPLOYMENT_TOML], None),
    ],
)
def test_files_that_would_overrule_what_is_written_stop_every_change_of_them(
    names: list[PurePosixPath], code: str | None
) -> None:
    facts = replace(GOOD, present=GOOD.present | set(map(str, names)))
    told = {code} if code else set()
    assert set(refused(facts, start=False, configures=True)) == told
    assert set(refused(facts, start=True)) == told
    assert refused(facts, start=False) == {}


def test_a_product_whose_configuration_lies_beside_repository_is_refused_by_name() -> None:
    """EI 6: all that is known of its plan is that axis2.xml is not where it is looked for."""
    facts = replace(GOOD, present=GOOD.present | {str(layout.CONF_AT_ROOT)}, files={})
    assert "conf-at-root" in refused(facts, configures=True)
    assert "conf-at-root" not in refused(replace(facts, files=GOOD.files), configures=True)


def test_a_database_that_does_not_answer_stops_a_start() -> None:
    assert "database-connection" in refused(reach="silent")
    assert refused(reach="forbidden") == refused(reach="open") == {}


def test_its_own_ports_are_no_obstacle() -> None:
    facts = replace(GOOD, process=running(), listening={4000: "own", 9443: "own"})
    assert refused(facts) == {}


def test_what_matters_only_at_a_start_is_not_asked_of_other_steps() -> None:
    facts = replace(
        GOOD,
        java_home=None,
        listening={4000: "other"},
        present=frozenset({str(layout.SCRIPT)}),
        unreadable=frozenset({"x"}),
        disk_free_kb=0,
    )
    assert refused(facts, start=False) == {}


def test_space_is_asked_for_where_files_are_swapped_and_where_a_server_starts() -> None:
    """A server that starts on a full disk hangs, without a line that says why."""
    full = replace(GOOD, disk_free_kb=SPARE_KB - 1)
    told = {"disk-full": f"only {SPARE_KB - 1} kB are free at /opt/as"}
    assert refused(full, start=False, finish_swap=True) == told
    assert refused(full) == told


def test_a_journal_is_no_obstacle_where_the_swap_is_completed() -> None:
    assert refused(replace(GOOD, journal="x"), finish_swap=True) == {}


def test_a_second_server_of_the_same_home_is_one_finding_for_every_reader() -> None:
    several = make_facts(process=running(others=(4712,)))
    seen = "several servers run from its AS_HOME: pid 4711 and 4712"
    assert refused(several) == {"several-servers": seen}
    case = Case(node=NODE, cluster=CLUSTER, facts=several)
    codes = [finding.code for finding in for_status(case)]
    codes += [finding.code for finding in diagnose(case).findings]
    assert codes.count("several-servers") == 2
    assert "second-process" not in codes


def test_a_reset_alone_waits_for_the_server_to_be_down() -> None:
    facts = replace(GOOD, process=running(), listening=OWN_PORTS)
    found = refused(facts, start=False, reset=True)
    assert found["deployment-in-use"].startswith("it runs (pid 4711)")
    assert refused(facts, start=True, reset=True) == {}


def test_an_unreadable_list_of_addresses_is_no_reason() -> None:
    assert refused(replace(GOOD, addresses=frozenset())) == {}


# ---- The manager


def manager_refused(**own: Any) -> dict[str, str]:
    facts = make_manager_facts(**own)
    case = Case(node=MANAGER, cluster=CLUSTER, facts=facts, watches=True)
    errors = watcher_refusals(case)
    assert all(error.action and error.host == "manager" for error in errors)
    return {error.code: error.seen for error in errors}


def with_axis2(**own: Any) -> dict[str, Any]:
    text = axis2(**{"host": "10.0.0.3", **own})
    return {"files": {layout.AXIS2: remote_file(text)}}


@pytest.mark.parametrize(
    ("own", "code", "seen"),
    [
        ({"process": None}, "not-running", "it is not running"),
        (
            {"log": LogFacts(state="unreadable")},
            "log-unreadable",
            "its log repository/logs/wso2carbon.log is unreadable for wso2",
        ),
        (
            {"log": LogFacts(state="missing")},
            "log-missing",
            "its log repository/logs/wso2carbon.log is missing",
        ),
        ({"home_real": None}, "home-missing", "AS_HOME /opt/as does not exist"),
        ({"home_real": None, "home_closed": True}, "home-closed", "wso2 may not enter /opt/as"),
        ({"files": {}}, "axis2-unreadable", "its repository/conf/axis2/axis2.xml cannot be read"),
        (
            with_axis2(enable="false"),
            "clustering-disabled",
            "its clustering is not enabled in axis2.xml",
        ),
        (
            with_axis2(domain="x"),
            "domain",
            "it is in the domain x, hosts.yaml says wso2.as.domain",
        ),
        (
            with_axis2(host="10.0.0.8"),
            "member-host",
            "its localMemberHost is 10.0.0.8, hosts.yaml says 10.0.0.3",
        ),
        (
            with_axis2(port="4100"),
            "member-port",
            "its localMemberPort is 4100, hosts.yaml says 4000",
        ),
        (
            {"present": frozenset({str(layout.HAZELCAST_XML), str(layout.SCRIPT)})},
            "hazelcast-xml",
            "its hazelcast.xml overrides the whole clustering section (kernel 4.4.6 and later)",
        ),
    ],
)
def test_why_no_worker_could_be_seen_joining_is_told(
    own: dict[str, Any], code: str, seen: str
) -> None:
    assert manager_refused(**{"said": {}, **own}) == {code: seen}


def test_a_fit_manager_has_no_reasons() -> None:
    assert manager_refused() == {}


def test_a_managers_axis2_that_is_no_xml_is_a_reason_and_no_crash() -> None:
    broken = {layout.AXIS2: remote_file("<axisconfig>")}
    assert manager_refused(files=broken)["config-file"]


def test_several_faults_of_a_manager_are_told_at_once() -> None:
    found = manager_refused(process=None, said={}, **with_axis2(domain="x", port="1"))
    assert set(found) == {"not-running", "domain", "member-port"}


def test_a_remedy_names_only_what_can_be_done() -> None:
    """A host name as localMemberHost is refused in hosts.yaml: only a deploy can mend it."""
    facts = make_manager_facts(said={}, **with_axis2(host="manager"))
    (error,) = watcher_refusals(Case(node=MANAGER, cluster=CLUSTER, facts=facts, watches=True))
    assert error.action == "`fab -H manager deploy` writes what hosts.yaml says, and restarts it"
    facts = make_manager_facts(said={}, **with_axis2(host="10.0.0.8"))
    (error,) = watcher_refusals(Case(node=MANAGER, cluster=CLUSTER, facts=facts, watches=True))
    assert error.action.endswith("or correct `localMemberHost` of manager in hosts.yaml")


# ---- The ELB

ELB = make_node("elb", role="elb", local_member_host="10.0.0.2")


@pytest.mark.parametrize(
    ("own", "code"),
    [
        ({"home_real": None}, "home-missing"),
        ({"process": None}, "not-running"),
        (
            {"process": None, "present": make_facts().present | {str(layout.REMOVED)}},
            "removed",
        ),
        ({"log": LogFacts(state="unreadable")}, "log-unreadable"),
    ],
)
def test_an_elb_that_could_not_tell_is_refused_before_any_change(
    own: dict[str, Any], code: str
) -> None:
    facts = make_facts(**own)
    (error,) = watcher_refusals(Case(node=ELB, cluster=CLUSTER, facts=facts, watches=True))
    assert (error.code, error.host) == (code, "elb")
    assert error.action.endswith("if it is retired, take `elb:` out of hosts.yaml")


def test_an_elb_that_runs_and_can_be_read_is_fit() -> None:
    case = Case(node=ELB, cluster=CLUSTER, facts=make_facts(), watches=True)
    assert watcher_refusals(case) == []
