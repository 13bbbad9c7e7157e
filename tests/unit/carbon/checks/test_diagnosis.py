"""Why a node does not join: every known misconfiguration, the likeliest cause first."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from carbon.checks.case import Case, questions
from carbon.checks.diagnosis import Diagnosis, diagnose, unexamined
from carbon.checks.finding import Finding
from carbon.checks.registry import for_status
from carbon.cluster import Cluster, Database, Datasource, Driver, Node
from carbon.errors import ConfigFileError, ConnectError
from carbon.home import layout
from carbon.home.facts import LogFacts, ServerFacts
from carbon.plan.model import FileChange, Plan
from tests.unit.carbon.looks import (
    OWN_PORTS,
    axis2,
    joined_line,
    left_line,
    log_line,
    make_facts,
    make_manager_facts,
    own_lines,
    remote_file,
    running,
)
from tests.unit.carbon.nodes import make_cluster, make_manager, make_node

DRIVER = Driver(jar=Path("/x/driver.jar"), driver_class="org.mariadb.jdbc.Driver")
SOURCE = Datasource(
    name="D", url="jdbc:mariadb://db/D", driver_class_name="org.mariadb.jdbc.Driver"
)
WORKER = make_node(driver=DRIVER, datasources=(SOURCE,))
CLUSTER = make_cluster(
    WORKER,
    make_node("worker2", local_member_host="10.0.0.5"),
    database=Database(address="10.0.0.9"),
)
JOINED = make_manager_facts(joined_line(ago=90))
REFUSED = ConfigFileError("it cannot be patched", file="axis2.xml", action="correct it by hand")
ALONE = make_manager_facts()


def doctor(
    facts: ServerFacts | None = None,
    *,
    manager: Any = ALONE,
    node: Node = WORKER,
    cluster: Cluster = CLUSTER,
    changes: bool = False,
    **ways: Any,
) -> Diagnosis:
    """Diagnose a worker that is well but for what a test says, and that was not seen joining."""
    facts = facts or make_facts()
    change = FileChange(path=layout.AXIS2, old=b"", new=b" ")
    values: dict[str, Any] = {
        "to_manager": "open",
        "from_manager": "open",
        "to_database": "open",
        "plan": Plan(node=node, facts=facts, files=(change,) if changes else ()),
    }
    return diagnose(
        Case(node=node, cluster=cluster, facts=facts, manager_facts=manager, **values | ways)
    )


def configured(*, logged: bool = False, **clustering: Any) -> ServerFacts:
    """Return a worker whose axis2.xml says this; its log is silent unless `logged`."""
    said = {"own": own_lines() if logged else ()}
    return make_facts(files={layout.AXIS2: remote_file(axis2(**clustering))}, said=said)


def first(diagnosis: Diagnosis) -> Finding:
    assert diagnosis.findings, "nothing was found"
    return diagnosis.findings[0]


def test_a_member_that_is_well_has_no_findings() -> None:
    diagnosis = doctor(manager=JOINED)
    assert diagnosis.has_joined
    assert diagnosis.findings == ()
    assert diagnosis.unchecked == ()
    assert {"domain", "members", "manager", "connection to the manager"} <= set(diagnosis.right)


@pytest.mark.parametrize(
    ("clustering", "code", "seen"),
    [
        ({"enable": "false"}, "clustering-disabled", "clustering is not enabled"),
        ({"domain": "other"}, "domain", "in the domain other, and manager in wso2.as.domain"),
        ({"host": "127.0.0.1"}, "member-host", "nobody else can connect"),
        ({"host": "localhost"}, "member-host", "nobody else can connect"),
        ({"host": "10.0.0.5"}, "member-host", "which is worker2's: a clone that kept it"),
        ({"host": "::ffff:10.0.0.5"}, "member-host", "which is worker2's: a clone that kept it"),
        ({"host": "10.9.9.9"}, "member-host", "which is not an address of its server"),
        ({"host": "worker1.example"}, "member-host", "not an address of its server"),
        ({"scheme": "multicast"}, "membership-scheme", "is multicast"),
        ({"scheme": "wak"}, "membership-scheme", "is wak"),
        ({"members": ("10.0.0.4:4000",)}, "members", "do not list manager at 10.0.0.3:4000"),
        ({"members": ("10.0.0.3:4100",)}, "members", "but 10.0.0.3:4100"),
        ({"members": ()}, "members", "but nobody"),
        ({"agent": "a.TribesClusteringAgent"}, "clustering-class", "TribesClusteringAgent"),
    ],
)
def test_each_misconfiguration_of_axis2_is_found_first(
    clustering: Mapping[str, Any], code: str, seen: str
) -> None:
    finding = first(doctor(configured(**clustering), changes=True))
    assert (finding.code, seen in finding.seen) == (code, True), finding
    assert finding.remedy


def test_what_is_in_effect_counts_more_than_the_file() -> None:
    """The file was put right, and the server was not restarted since."""
    facts = make_facts(said={"own": own_lines(domain="other")})
    finding = first(doctor(facts))
    assert finding.code == "domain"
    assert "Cluster domain: other" in (finding.line or "")
    assert "`fab -H worker1 restart`" in finding.remedy


def test_only_the_last_start_is_read() -> None:
    facts = make_facts(said={"own": (*own_lines(domain="other", ago=900), *own_lines())})
    assert doctor(facts, manager=JOINED).findings == ()


def test_the_manager_in_another_domain_is_told_to_be_deployed() -> None:
    manager = make_manager_facts(
        files={layout.AXIS2: remote_file(axis2(host="10.0.0.3", domain="dev"))}, said={}
    )
    finding = first(doctor(manager=manager))
    assert finding.seen == "it is in the domain wso2.as.domain, and manager in dev"
    assert "fab -H manager deploy" in finding.remedy


def test_a_port_that_was_counted_up_is_told() -> None:
    facts = make_facts(said={"own": own_lines(port=4001)})
    finding = first(doctor(facts))
    assert finding.code == "member-port"
    assert "4001, not 4000, since 4000 was taken" in finding.seen


def test_a_hazelcast_xml_that_was_loaded_comes_before_what_it_brought() -> None:
    loaded = log_line("Loading hazelcast configuration from default path: /x/hazelcast.xml")
    begun, *others = own_lines(domain="dev", port=5701)
    facts = make_facts(
        present=make_facts().present | {str(layout.HAZELCAST_XML)},
        said={"own": (begun, loaded, *others)},
    )
    findings = doctor(facts).findings
    assert [finding.code for finding in findings[:2]] == ["hazelcast-xml", "domain"]
    assert findings[0].line == loaded.strip()


def test_a_hazelcast_xml_that_was_not_loaded_is_told_after_what_is_wrong() -> None:
    """Kernels before 4.4.6 do not read it."""
    present = make_facts().present | {str(layout.HAZELCAST_XML)}
    own = make_facts(present=present, said={"own": own_lines(domain="dev")})
    assert [one.code for one in doctor(own).findings[:2]] == ["domain", "hazelcast-xml"]


def test_xml_that_is_written_anew_at_each_start_is_told() -> None:
    generated = {str(layout.DEPLOYMENT_TOML), str(layout.TOML_TEMPLATES)}
    facts = make_facts(present=make_facts().present | generated)
    assert first(doctor(facts)).code == "deployment-toml"


def test_two_clustering_sections_are_told_by_the_file() -> None:
    text = axis2().replace("</axisconfig>", "<clustering/></axisconfig>")
    finding = first(doctor(make_facts(files={layout.AXIS2: remote_file(text)})))
    assert finding.code == "config-file"


# ---- It does not run, or hangs


@pytest.mark.parametrize(
    ("own", "code"),
    [
        ({"home_real": None}, "home-missing"),
        ({"journal": "20261122T110000Z-ab"}, "swap-interrupted"),
        ({"disk_free_kb": 0}, "disk-full"),
        ({"java_home": None, "java_missing": "/opt/none"}, "java-home"),
        ({"present": frozenset({str(layout.SCRIPT)})}, "worker-profile"),
        ({"listening": {4000: "other"}}, "port-taken"),
        ({"jars": ()}, "driver"),
        ({}, "not-running"),
    ],
)
def test_what_keeps_a_server_from_starting_comes_before_that_it_is_down(
    own: Mapping[str, Any], code: str
) -> None:
    values: dict[str, Any] = {"process": None, "listening": {}, "said": {}}
    assert first(doctor(make_facts(**values | dict(own)))).code == code


def test_a_server_that_was_stopped_in_an_orderly_way_is_told_so() -> None:
    lines = (*own_lines(), log_line("Halting JVM", ago=30))
    facts = make_facts(process=None, listening={}, said={"own": lines})
    assert first(doctor(facts)).seen.startswith(
        "it is not running: it was stopped at 2026-11-22 11:"
    )


def test_a_home_that_is_not_there_is_the_only_finding() -> None:
    diagnosis = doctor(make_facts(home_real=None, process=None, jars=(), said={}))
    assert [finding.code for finding in diagnosis.findings] == ["home-missing"]


def test_the_failure_in_its_log_is_the_likeliest_cause() -> None:
    refused = "java.sql.SQLException: Access denied for user 'regadmin'@'10.0.0.4'"
    lines = (own_lines()[0], log_line(refused, level="ERROR"))
    finding = first(doctor(make_facts(said={"own": lines})))
    assert finding.code == "database-login"
    assert "regadmin" in (finding.line or "")


def test_what_a_failure_leads_to_is_told_after_its_cause() -> None:
    """Over Tribes, a worker that nobody answers says so for ever, whatever keeps them silent."""
    silence = log_line("No responses received from WKA members")
    facts = make_facts(said={"own": (own_lines()[0], silence)})
    findings = doctor(facts, to_manager="silent").findings
    assert [finding.code for finding in findings[:2]] == ["connection-to-manager", "members-silent"]


def test_a_failure_on_the_console_counts_where_there_is_no_process() -> None:
    console = ("Error: JAVA_HOME is not defined correctly.",)
    said = {"own": (*own_lines(), log_line("Halting JVM")), "console": console}
    assert first(doctor(make_facts(process=None, listening={}, said=said))).code == "java-home"


def test_logs_and_files_that_tell_of_one_fault_are_one_finding() -> None:
    """The driver is not there, and the log says so: one finding, with the line."""
    text = "ClassNotFoundException: org.mariadb.jdbc.Driver cannot be found by jdbc-pool"
    lines = (own_lines()[0], log_line(text, level="ERROR"))
    findings = doctor(make_facts(jars=(), said={"own": lines})).findings
    about = [finding for finding in findings if finding.code == "driver"]
    assert len(about) == 1
    assert about[0].line


def test_a_server_that_never_said_that_it_started_hangs() -> None:
    facts = make_facts(said={"own": own_lines()[:-1]})
    assert "did not log that it started" in first(doctor(facts)).seen


def test_secure_vault_without_a_password_is_told() -> None:
    conf = remote_file("keystore=1\ncarbon.secretProvider=org.wso2.Handler\n")
    files = {layout.AXIS2: remote_file(axis2()), layout.SECRET_CONF: conf}
    facts = make_facts(files=files, process=None, listening={}, said={})
    assert first(doctor(facts)).code == "vault-password"
    kept = make_facts().present | {str(layout.PASSWORD_PERSIST)}
    persistent = make_facts(files=files, process=None, listening={}, said={}, present=kept)
    assert first(doctor(persistent)).code == "not-running"


def test_a_commented_secret_provider_is_no_vault() -> None:
    conf = remote_file("#carbon.secretProvider=org.wso2.Handler\n")
    files = {layout.AXIS2: remote_file(axis2()), layout.SECRET_CONF: conf}
    facts = make_facts(files=files, process=None, listening={}, said={})
    assert first(doctor(facts)).code == "not-running"


# ---- The two and the ways between them


def test_a_manager_that_is_down_comes_before_everything_about_a_running_worker() -> None:
    manager = make_manager_facts(process=None, listening={})
    finding = first(doctor(configured(domain="other"), manager=manager, to_manager="refused"))
    assert finding.seen == "manager is not running"


def test_a_manager_elsewhere_than_hosts_yaml_says_is_told() -> None:
    file = remote_file(axis2(host="10.0.0.77"))
    finding = first(doctor(manager=make_manager_facts(files={layout.AXIS2: file}, said={})))
    assert "manager's localMemberHost is 10.0.0.77, hosts.yaml says 10.0.0.3" in finding.seen


@pytest.mark.parametrize(
    ("way", "seen"),
    [
        ({"to_manager": "silent"}, "10.0.0.3:4000 of manager does not answer worker1"),
        ({"to_manager": "refused"}, "10.0.0.3:4000 of manager refuses connections from worker1"),
        ({"from_manager": "silent"}, "its 10.0.0.4:4000 does not answer manager"),
        ({"from_manager": "refused"}, "its 10.0.0.4:4000 refuses connections from manager"),
        ({"to_database": "silent"}, "the database 10.0.0.9:3306 does not answer"),
        ({"to_database": "refused"}, "the database 10.0.0.9:3306 refuses connections"),
    ],
)
def test_a_way_that_is_blocked_is_found_from_its_own_side(
    way: Mapping[str, Any], seen: str
) -> None:
    assert seen in first(doctor(**way)).seen


@pytest.mark.parametrize("way", ["to_manager", "from_manager", "to_database"])
def test_a_way_that_sshd_does_not_let_us_try_is_called_unchecked_not_right(way: str) -> None:
    diagnosis = doctor(manager=JOINED, **{way: "forbidden"})
    assert diagnosis.findings == ()
    assert "AllowTcpForwarding" in diagnosis.unchecked[0]
    title = diagnosis.unchecked[0].partition(" (")[0]
    assert title not in diagnosis.right


@pytest.mark.parametrize(
    ("own", "titles"),
    [
        ({"journal": "20261128T000000Z-x"}, {"AS_HOME"}),
        ({"listening": {4000: "own"}}, {"ports"}),
        ({"process": running(others=(4712,))}, {"process"}),
        ({"present": make_facts().present | {str(layout.HAZELCAST_XML)}}, {"axis2.xml"}),
        ({"addresses": frozenset({"10.7.7.7"})}, {"localMemberHost"}),
        ({"process": running(newer=("bin/wso2server.sh",))}, {"hosts.yaml"}),
        ({"files": {}}, {"axis2.xml", "domain", "localMemberHost", "membershipScheme"}),
    ],
)
def test_nothing_is_called_right_in_which_something_was_seen(
    own: dict[str, Any], titles: set[str]
) -> None:
    diagnosis = doctor(make_facts(**{"said": {}, **own}), manager=JOINED)
    assert diagnosis.findings
    assert not titles & set(diagnosis.right)


@pytest.mark.parametrize(
    ("state", "why"),
    [
        ("unreadable", "log (repository/logs/wso2carbon.log is unreadable for wso2)"),
        ("missing", "log (repository/logs/wso2carbon.log is missing)"),
    ],
)
def test_a_log_that_cannot_be_read_is_unchecked(state: Any, why: str) -> None:
    diagnosis = doctor(make_facts(log=LogFacts(state=state), said={}), manager=JOINED)
    assert why in diagnosis.unchecked
    assert "log" not in diagnosis.right


def test_a_log_that_was_never_written_is_not_called_right() -> None:
    facts = make_facts(process=None, listening={}, log=LogFacts(state="missing"), said={})
    assert "log" not in doctor(facts).right


def test_what_was_not_tried_is_not_called_right() -> None:
    diagnosis = doctor(manager=JOINED, to_database=None)
    assert "database" not in diagnosis.right


def test_a_manager_that_cannot_be_entered_leaves_half_unchecked() -> None:
    error = ConnectError("the connection failed", host="manager", action="look at it")
    diagnosis = doctor(manager=error, from_manager=None)
    assert first(diagnosis).seen == "manager cannot be inspected: the connection failed"
    assert [text.partition(" (")[0] for text in diagnosis.unchecked] == [
        "manager",
        "connection from the manager",
    ]


def test_a_member_that_left_while_it_runs_is_told() -> None:
    manager = make_manager_facts(joined_line(ago=90), left_line(ago=10))
    assert "it runs, and manager saw it leave" in first(doctor(manager=manager)).seen


# ---- What else


def test_the_wrong_role_is_told_even_of_a_member() -> None:
    facts = make_facts(process=running(worker=False))
    assert first(doctor(facts, manager=JOINED)).code == "wrong-role"


def test_an_offset_of_the_command_line_is_told() -> None:
    facts = make_facts(process=running(port_offset=3))
    assert "-DportOffset=3" in first(doctor(facts, manager=JOINED)).seen


def test_a_pending_restart_is_the_cause_where_nothing_else_is() -> None:
    facts = make_facts(process=running(newer=(str(layout.AXIS2),)))
    assert first(doctor(facts)).code == "restart-pending"
    assert first(doctor(facts)).weight > first(doctor(facts, manager=JOINED)).weight


def test_drift_is_told_last() -> None:
    diagnosis = doctor(configured(domain="other"), changes=True)
    assert [finding.code for finding in diagnosis.findings][-1] == "differs"
    error = ConfigFileError("it is a symbolic link", file="carbon.xml", action="replace it")
    assert first(doctor(manager=JOINED, plan=error)).remedy == "replace it"


def test_a_worker_that_shows_no_fault_is_told_what_its_log_says() -> None:
    finding = first(doctor())
    assert finding.code == "member-unseen"
    assert finding.seen == "manager logged no join of worker1"


def test_findings_are_sorted_by_likelihood() -> None:
    facts = make_facts(process=running(worker=False), jars=(), listening=OWN_PORTS)
    weights = [one.weight for one in doctor(facts, to_manager="silent").findings]
    assert len(weights) >= 3
    assert weights == sorted(weights, reverse=True)


def test_the_manager_itself_is_not_asked_for_its_membership() -> None:
    diagnosis = doctor(
        make_manager_facts(),
        node=make_manager(),
        manager=make_manager_facts(),
        to_manager=None,
        from_manager=None,
        to_database=None,
        plan=None,
    )
    assert diagnosis.findings == ()
    assert not {"members", "manager", "connection to the manager"} & set(diagnosis.right)


def test_a_node_that_cannot_be_entered_has_that_for_its_diagnosis() -> None:
    error = ConnectError("its name does not resolve", host="worker1", action="check it")
    assert first(unexamined(WORKER, error)).seen == "its name does not resolve"


def test_a_worker_that_lost_the_manager_is_told_which_restart_heals_it() -> None:
    lost = left_line("10.0.0.3", ago=52)
    facts = make_facts(said={"own": (*own_lines(), lost)})
    finding = first(doctor(facts, manager=ALONE))
    assert (finding.code, finding.remedy[:24]) == ("member-split", "`fab -H worker1 restart`")
    assert "fab -H manager restart" not in finding.remedy, "it lists only itself"


def test_only_the_manager_is_asked_for_members() -> None:
    assert set(questions(WORKER, CLUSTER)) == {"own"}
    assert set(questions(CLUSTER.manager, CLUSTER)) == {"own", "members"}


def test_every_finding_has_a_remedy_that_names_what_to_do() -> None:
    facts = make_facts(
        process=running(worker=False, newer=("bin/x",), port_offset=1),
        java_home=None,
        jars=(),
        present=frozenset({str(layout.HAZELCAST_XML), str(layout.SCRIPT)}),
        files={layout.AXIS2: remote_file(axis2(domain="x", host="::1", scheme="aws", members=()))},
        said={},
    )
    ways = {"to_manager": "silent", "from_manager": "refused", "to_database": "silent"}
    findings = doctor(facts, changes=True, **ways).findings
    assert len(findings) >= 12
    assert all(one.remedy and not one.seen.endswith(".") for one in findings)
    assert len({one.code for one in findings}) == len(findings)


def test_a_product_of_another_layout_has_that_for_its_diagnosis() -> None:
    """All else would advise to deploy or start what this tool refuses to deploy and start."""
    facts = make_facts(
        process=None, present=frozenset({str(layout.SCRIPT), str(layout.CONF_AT_ROOT)}), files={}
    )
    diagnosis = diagnose(Case(node=WORKER, cluster=CLUSTER, facts=facts, plan=REFUSED))
    assert [each.code for each in diagnosis.findings] == ["conf-at-root"]
    assert diagnosis.right == ("AS_HOME",)
    status = for_status(Case(node=WORKER, cluster=CLUSTER, facts=facts, plan=REFUSED))
    assert [each.code for each in status] == ["conf-at-root"]


def test_what_a_deploy_refuses_is_not_advised() -> None:
    """Its files cannot be patched, and five findings said that a deploy writes them."""
    facts = make_facts(files={layout.AXIS2: remote_file(axis2(enable="false", domain="other"))})
    diagnosis = diagnose(Case(node=WORKER, cluster=CLUSTER, facts=facts, plan=REFUSED))
    mendable = [
        each for each in diagnosis.findings if each.code in ("clustering-disabled", "domain")
    ]
    assert mendable
    for each in mendable:
        assert "deploy` writes" not in each.remedy
        assert "`fab -H worker1 plan` says what keeps a deploy from it" in each.remedy
