"""What a log shows: each known failure, and the likeliest cause of a start that failed."""

from __future__ import annotations

import re
import time
from collections.abc import Sequence

import pytest

from carbon.checks.failures import explain_start
from carbon.checks.finding import Finding
from carbon.checks.registry import kinds
from carbon.cluster import Evidence
from carbon.join.grep import OWN_LOG_PATTERN
from carbon.join.proof import NotEnough, OtherDomain, Verdict, WrongPort
from tests.unit.carbon.looks import UUID
from tests.unit.carbon.nodes import make_cluster

HAZELCAST = "org.wso2.carbon.core.clustering.hazelcast.HazelcastClusteringAgent"
STARTUP = "org.wso2.carbon.core.internal.StartupFinalizerServiceComponent"


def line(message: str, logger: str = "org.wso2.carbon.x.Y", level: str = "ERROR") -> str:
    return f"TID: [-1234] [] [2019-09-20 07:43:51,133] {level:>5} {{{logger}}} -  {message}"


INITIALIZED = line("Cluster initialization completed", HAZELCAST, "INFO")
STARTED = line("WSO2 Carbon started in 23 sec", STARTUP, "INFO")
UP = [
    line("Cluster domain: wso2.as.domain", HAZELCAST, "INFO"),
    line(
        "Local member: [x] - Host:10.0.0.4, Remote Host:null, Port: 4000, HTTP:9763, HTTPS:9443, "
        "Domain: wso2.as.domain, Sub-domain:worker, Active:true",
        HAZELCAST,
        "INFO",
    ),
    INITIALIZED,
    STARTED,
]


def reason_of(*lines: str, evidence: Evidence = "any", verdicts: Sequence[Verdict] = ()) -> Finding:
    cluster = make_cluster(evidence=evidence)
    return explain_start(lines, node=cluster.workers[0], cluster=cluster, verdicts=verdicts)


FAULTS = (
    ("Error: JAVA_HOME is not defined correctly.", "JAVA_HOME of worker1", "java_home"),
    (
        "java.lang.RuntimeException: worker profile not found",
        "the pack of worker1 has no worker profile",
        "pack",
    ),
    (
        "Caused by: java.lang.ClassNotFoundException: com.mysql.jdbc.Driver cannot be found "
        "by jdbc-pool_7.0.34.wso2v2",
        "the JDBC driver com.mysql.jdbc.Driver is not in repository/components/lib",
        "fab -H worker1 driver",
    ),
    (
        "java.sql.SQLException: Unable to load class: org.mariadb.jdbc.Driver from ClassLoader",
        "the JDBC driver org.mariadb.jdbc.Driver is not",
        "driver: class",
    ),
    (
        "java.lang.ClassNotFoundException: org.wso2.carbon.hazelcast.HazelcastClusteringAgent",
        "the clustering class org.wso2.carbon.hazelcast.HazelcastClusteringAgent",
        "agent",
    ),
    (
        "Caused by: java.sql.SQLException: Access denied for user 'as'@'10.0.0.4' "
        "(using password: YES)",
        "the database refuses the user as of worker1",
        "password",
    ),
    (
        "java.sql.SQLException: (conn=7) Access denied for user 'as'@'10.0.0.4'",
        "the database refuses the user as of worker1",
        "password",
    ),
    ("ORA-01017: invalid username/password", "refuses the user of worker1", "password"),
    ("java.sql.SQLException: Unknown database 'regdb'", "database regdb does not", "create"),
    (
        "Caused by: java.net.UnknownHostException: carbondb.mysql-wso2.com",
        "worker1 cannot resolve the name carbondb.mysql-wso2.com",
        "fab -H worker1 hosts",
    ),
    ("CommunicationsException: Communications link failure", "cannot reach its database", ""),
    (
        "java.sql.SQLNonTransientConnectionException: Could not connect to "
        "address=(host=db)(port=3306)(type=master) : Connection refused",
        "worker1 cannot reach its database",
        "port",
    ),
    ("Table 'regdb.REG_LOG' doesn't exist", "the table regdb.REG_LOG is missing", "-Dsetup"),
    ("Locked by another process", "another process holds the H2 files", "AS_HOME"),
    (
        "java.io.IOException: Keystore was tampered with, or password was incorrect",
        "worker1 was given a wrong password for its keystore",
        "keystore_password",
    ),
    (
        line("Invalid membership scheme 'wkaa'. Supported schemes are multicast, wka & aws"),
        "names the membership scheme wkaa",
        "fab -H worker1 config",
    ),
    ("java.net.BindException: Address already in use", "a port that worker1 needs", "plan"),
    (
        "java.net.BindException: Cannot assign requested address",
        "worker1 should listen on an address that is not one of worker1",
        "localMemberHost",
    ),
    ("java.lang.OutOfMemoryError: PermGen space", "ran out of memory", "JVM_MEM_OPTS"),
    (
        "java.lang.OutOfMemoryError: unable to create new native thread",
        "the JVM of worker1 may not create another thread",
        "TasksMax",
    ),
    (
        "Unrecognized VM option 'MaxPermSize=256m'",
        "the JVM of worker1 refuses the option MaxPermSize=256m",
        "java_home",
    ),
    ("Invalid maximum heap size: -Xmx1024mb", "refuses the option -Xmx1024mb", "JVM_MEM_OPTS"),
    (
        "Error: Could not create the Java Virtual Machine.",
        "the JVM of worker1 could not be created",
        "console",
    ),
    ("write error: No space left on device", "a disk of worker1 is full", "free"),
    (line("No responses received from WKA members"), "no well-known member answers", "manager"),
    (
        line("Could not connect to member 10.0.0.3:4000(wso2.as.domain)"),
        "cannot connect to the well-known member 10.0.0.3:4000(wso2.as.domain)",
        "open",
    ),
    (line("Cannot initialize cluster"), "could not initialise its cluster", "exception"),
    (line("Cannot start transports", level="FATAL"), "could not start its transports", ""),
    (
        line("Waiting for required OSGi services: a.B,c.D,", level="WARN"),
        "hangs: it waits for the OSGi services a.B,c.D,",
        "first ERROR",
    ),
    (
        "java.lang.UnsupportedClassVersionError: org/wso2/carbon/bootstrap/Bootstrap",
        "the JDK of worker1 is not of a version",
        "java_home",
    ),
    (
        "Error occurred during initialization of VM: Could not reserve enough space for heap",
        "has not enough free memory for the JVM",
        "JVM_MEM_OPTS",
    ),
    (
        line(
            "SecretManager has not been initialized.Cannot collect secrets.",
            logger="org.wso2.securevault.secret.handler.SecretManagerSecretCallbackHandler",
            level="WARN",
        ),
        "the secure vault of worker1 was given no password",
        "keystore_password",
    ),
    (
        line(
            "Unsupported database: MariaDB. Database will not be created automatically by the WSO2"
            " Registry. Please create the database using appropriate database scripts"
        ),
        "the product does not know the database that the driver names as MariaDB",
        "useMysqlMetadata=true",
    ),
    (line("Cannot initialize the realm."), "could not initialise its user store", "exception"),
    (line("Cannot start User Manager Core bundle"), "could not initialise its", "user-mgt.xml"),
)
"""A line of a log, the sentence that says what it means, and a word of the remedy."""


@pytest.mark.parametrize(("seen", "sentence", "remedy"), FAULTS)
def test_each_fault_has_its_sentence_and_remedy(seen: str, sentence: str, remedy: str) -> None:
    reason = reason_of(line("Starting WSO2 Carbon...", level="INFO"), seen)
    assert sentence in reason.seen
    assert not reason.seen.endswith(".")
    assert remedy in reason.remedy
    assert reason.line == seen.strip()
    assert re.search(OWN_LOG_PATTERN, seen), "a server's own grep passes it"


def test_each_kind_of_fault_that_a_line_shows_has_a_line_here() -> None:
    """A rule without one could be wrong for ever: nothing else reads real words with it."""
    alone = f"Elected this member [{UUID}] as the Coordinator node"
    lines = [alone, *(seen for seen, _, _ in FAULTS)]
    unread = [
        kind.seen
        for kind in kinds()
        if kind.log and not any(re.search(kind.log, each) for each in lines)
    ]
    assert not unread


@pytest.mark.parametrize(
    "warning",
    [
        "The default keystore (wso2carbon.jks) is currently being used. To maximize security when"
        " deploying to a production environment, configure a new keystore with a unique password",
        "Carbon is configured to use the default keystore (wso2carbon.jks). To maximize security"
        " when deploying, configure a new keystore with a unique password",
    ],
)
def test_the_warning_of_each_healthy_start_is_no_reason(warning: str) -> None:
    reason = reason_of(line("Starting WSO2 Carbon...", level="INFO"), line(warning, level="WARN"))
    assert reason.code == "start-unexplained"


@pytest.mark.parametrize(
    "message",
    [
        "Could not connect to: /10.0.0.3:4000. Reason: SocketException[Cannot assign requested"
        " address to address /10.0.0.3:4000]",
        "java.net.ConnectException: Cannot assign requested address",
    ],
)
def test_a_connection_that_fails_is_no_address_to_listen_on(message: str) -> None:
    """The evidence of that is a BindException alone."""
    assert reason_of(line(message)).code != "address-foreign"


def test_the_cause_is_told_before_what_it_leads_to() -> None:
    reason = reason_of(
        line("Cannot initialize cluster"),
        "Caused by: java.lang.ClassNotFoundException: com.mysql.jdbc.Driver",
        line("Waiting for required OSGi services: x", level="WARN"),
    )
    assert "JDBC driver" in reason.seen


def test_the_last_of_several_lines_of_one_fault_is_quoted() -> None:
    first, last = (f"Access denied for user '{user}'@'h'" for user in ("old", "new"))
    assert reason_of(first, last).line == last


def test_a_loopback_address_is_told() -> None:
    warning = line(
        "localMemberHost is configured to use the loopback address. Hazelcast Clustering needs "
        "ip addresses for localMemberHost and well-known members.",
        HAZELCAST,
        "WARN",
    )
    assert "loopback" in reason_of(warning, INITIALIZED, STARTED).seen


def test_two_domains_are_compared() -> None:
    own = line("Cluster domain: wso2.carbon.domain", HAZELCAST, "INFO")
    assert "domain wso2.carbon.domain, hosts.yaml says wso2.as.domain" in reason_of(own).seen


def test_a_stale_address_of_a_clone_is_told() -> None:
    stale = [text.replace("Host:10.0.0.4", "Host:10.0.0.9") for text in UP]
    assert "its localMemberHost is 10.0.0.9, hosts.yaml says 10.0.0.4" in reason_of(*stale).seen


def test_an_auto_incremented_port_is_told() -> None:
    moved = [text.replace("Port: 4000", "Port: 4001") for text in UP]
    assert "came up at localMemberPort 4001" in reason_of(*moved).seen
    assert "came up at localMemberPort 4001" in reason_of(*UP, verdicts=[WrongPort(port=4001)]).seen


def test_strict_evidence_is_not_blamed_where_hosts_yaml_says_any() -> None:
    reason = reason_of(*UP, verdicts=[NotEnough(wording="New member")])
    assert reason.code == "member-unseen"


def test_what_the_manager_saw_is_told() -> None:
    other = reason_of(*UP, verdicts=[OtherDomain(domain="d")])
    assert "is in the domain d" in other.seen
    strict = reason_of(*UP, evidence="strict", verdicts=[NotEnough(wording="JOIN")])
    assert "only by its JOIN message" in strict.seen
    assert "evidence: any" in strict.remedy


def test_a_worker_that_started_is_judged_by_its_membership_first() -> None:
    failure = "Access denied for user 'stats'@'h'"
    other = [text.replace("wso2.as.domain", "d") for text in UP]
    assert "is in the domain d" in reason_of(*other, failure).seen
    assert "refuses the user stats" in reason_of(*UP, failure).seen
    assert "refuses" in reason_of(*other[:-1], failure).seen


def test_a_hazelcast_xml_is_told_where_nothing_else_explains() -> None:
    loading = line("Loading hazelcast configuration from default path: /x", HAZELCAST, "INFO")
    assert "hazelcast.xml" in reason_of(loading, *UP).seen
    usual = line("Loading hazelcast configuration from axis2 clustering configuration", HAZELCAST)
    assert "hazelcast.xml" not in reason_of(usual, *UP).seen


def test_a_worker_alone_in_its_cluster_is_told_whom_it_does_not_reach() -> None:
    reason = reason_of(*UP)
    assert reason.seen == "manager logged no join of worker1"
    assert "10.0.0.3:4000" in reason.remedy


def test_a_worker_that_never_said_started_is_not_said_to_be_alone() -> None:
    """It may have joined long before it died or hung."""
    assert reason_of(*UP[:-1]).seen == "worker1 got no further than its last line says"


def test_silence_is_told() -> None:
    assert "has written nothing" in reason_of().seen


def test_an_unknown_end_is_quoted() -> None:
    last = line("Deploying module: addressing", level="INFO")
    assert reason_of(last).line == last


def test_braces_in_a_line_are_only_text() -> None:
    assert reason_of("Unknown database '{node}{0}'").seen.startswith("the database {node}{0}")


@pytest.mark.parametrize(
    "piece", ["Driver", "a", "a.", "a-", "ClassNotFoundException: Cluster", "Table x", "password "]
)
def test_a_long_line_costs_no_more_than_its_length(piece: str) -> None:
    """A line of 40 kB took half a minute: it is cut, and no rule is slow on what is left."""

    def seconds(length: int) -> float:
        began = time.process_time()
        reason_of(piece * (length // len(piece)))
        return time.process_time() - began

    for length in (2_000, 4_000, 40_000, 640_000):
        assert seconds(length) < 0.5
