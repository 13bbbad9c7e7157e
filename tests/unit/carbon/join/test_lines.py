"""Lines of wso2carbon.log, as the kernels and products really write them."""

from __future__ import annotations

import re
import subprocess
import time
from datetime import datetime
from ipaddress import IPv4Address, IPv6Address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carbon.join.address import canonical_host
from carbon.join.grep import OWN_LOG_PATTERN, grep_pattern
from carbon.join.lines import (
    ApplicationMemberJoined,
    ApplicationMemberRefused,
    ClusterDomain,
    ClusterInitialized,
    Elected,
    Event,
    Joined,
    Left,
    LocalMember,
    LoopbackWarning,
    ShuttingDown,
    StartBegan,
    Started,
    StartFailed,
    WaitingForServices,
    parse,
)

UUID = "3f0c6ef0-8b1e-4c0e-9d4b-6f6a3f2f1c55"
RPC = "org.apache.axis2.clustering.tribes.RpcMembershipRequestHandler"
RPC_INIT = "org.apache.axis2.clustering.tribes.RpcInitializationRequestHandler"
MANAGER = "org.apache.axis2.clustering.tribes.MembershipManager"
TRIBES = "org.apache.axis2.clustering.tribes.TribesClusteringAgent"
WKA = "org.wso2.carbon.core.clustering.hazelcast.wka.WKABasedMembershipScheme"
HAZELCAST = "org.wso2.carbon.core.clustering.hazelcast.HazelcastClusteringAgent"
GROUPS = "org.wso2.carbon.core.clustering.hazelcast.HazelcastGroupManagementAgent"
STARTUP = "org.wso2.carbon.core.internal.StartupFinalizerServiceComponent"
AT = datetime(2019, 9, 20, 7, 43, 51, 133000)
MEMBER = (
    "Host:10.0.0.4, Remote Host:null, Port: 4000, HTTP:9763, HTTPS:9443, "
    "Domain: wso2.as.domain, Sub-domain:worker, Active:true"
)

JOIN = "Received JOIN message from 10.0.0.4:4000(wso2.as.domain)"


def line(logger: str, message: str, level: str = "INFO") -> str:
    """Return a line as kernel 4.4 writes it."""
    return f"TID: [-1234] [] [2019-09-20 07:43:51,133] {level:>5} {{{logger}}} -  {message} "


def joined(wording: str, **more: object) -> Joined:
    values = {"host": "10.0.0.4", "port": 4000, "at": AT} | more
    return Joined(wording=wording, **values)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "at"),
    [
        pytest.param(
            f"TID: [0] [AS] [2019-09-20 07:43:51,133]  INFO {{{RPC}}} -  {JOIN} {{{RPC}}}",
            AT,
            id="4.2.0 file, class repeated",
        ),
        pytest.param(line(RPC, JOIN), AT, id="4.4 file"),
        pytest.param(
            f"TID: [-1234] [] [2019-09-20 07:43:51,133]  INFO {{{RPC}}} - {JOIN}",
            AT,
            id="log4j2 file",
        ),
        pytest.param(
            f"[2019-09-20 07:43:51,133] []  INFO {{{RPC}}} - {JOIN}", AT, id="correlation id"
        ),
        pytest.param(
            f"TID: [-1234] [api] [2019-09-20 07:43:51,133] [c0ffee-1]  INFO {{{RPC}}} - {JOIN}",
            AT,
            id="tenant and correlation id",
        ),
        pytest.param(f"[2019-09-20 07:43:51,133]  INFO {{{RPC}}} -  {JOIN}", AT, id="console"),
        pytest.param(
            "[2019-09-20 07:43:51,133]  INFO - RpcMembershipRequestHandler " + JOIN,
            AT,
            id="short console with time",
        ),
        pytest.param("INFO - RpcMembershipRequestHandler " + JOIN, None, id="the guide's"),
        pytest.param(line(RPC, JOIN) + "\r\n", AT, id="line end"),
        pytest.param(
            f"TID: [0] [] [2019-13-45 07:43:51,133]  INFO {{{RPC}}} - {JOIN}",
            None,
            id="impossible time",
        ),
    ],
)
def test_a_join_is_read_in_every_layout(text: str, at: datetime | None) -> None:
    assert parse(text) == joined("JOIN", domain="wso2.as.domain", at=at)


@pytest.mark.parametrize(
    ("logger", "message", "event"),
    [
        (
            RPC_INIT,
            "Received GetConfigurationCommand initialization request message from "
            "10.0.0.4:4000(wso2.as.domain)",
            joined("GetConfigurationCommand", domain="wso2.as.domain"),
        ),
        (
            MANAGER,
            "New member 10.0.0.4:4000(wso2.as.domain) joined cluster.",
            joined("New member", domain="wso2.as.domain"),
        ),
        (
            RPC,
            "Received JOIN message from 10.0.0.4:4000(a (b) c)",
            joined("JOIN", domain="a (b) c"),
        ),
        (
            RPC,
            "Received JOIN message from 253.0.0.0.0.0.0.0.0.0.0.0.0.0.0.4:4000(d)",
            joined("JOIN", host="fd00::4", domain="d"),
        ),
        (
            WKA,
            f"Member joined [{UUID}]: /10.0.0.4:4000",
            joined("Member joined", member_uuid=UUID),
        ),
        (
            WKA,
            f"Member joined [{UUID}]: worker1.example.com/10.0.0.4:4000",
            joined("Member joined", member_uuid=UUID),
        ),
        (
            "org.wso2.carbon.hazelcast.multicast.MulticastBasedMembershipScheme",
            f"Member joined [{UUID}]: /[fd00:0:0:0:0:0:0:4]:4000",
            joined("Member joined", host="fd00::4", member_uuid=UUID),
        ),
        (
            WKA,
            f"Member joined [{UUID}]: /fd00:0:0:0:0:0:0:4:4000",
            joined("Member joined", host="fd00::4", member_uuid=UUID),
        ),
        (
            WKA,
            f"Member joined [{UUID}]: /fe80:0:0:0:0:0:0:4%eth0:4000",
            joined("Member joined", host="fe80::4", member_uuid=UUID),
        ),
        (
            "org.wso2.carbon.membership.scheme.kubernetes.KubernetesMembershipScheme",
            f"Member joined: [UUID] {UUID}, [Address] /10.0.0.4:4000",
            joined("Member joined", member_uuid=UUID),
        ),
        (
            WKA,
            f"Member left [{UUID}]: /10.0.0.4:4000",
            Left(at=AT, host="10.0.0.4", port=4000, member_uuid=UUID),
        ),
        (
            "org.wso2.carbon.membership.scheme.kubernetes.KubernetesMembershipScheme",
            f"Member left: [UUID] {UUID}, [Address] /10.0.0.4:4000",
            Left(at=AT, host="10.0.0.4", port=4000, member_uuid=UUID),
        ),
        (
            MANAGER,
            "Member 10.0.0.4:4000(wso2.as.domain) left cluster",
            Left(at=AT, host="10.0.0.4", port=4000, domain="wso2.as.domain"),
        ),
        (
            GROUPS,
            f"Application member {MEMBER} joined application cluster",
            ApplicationMemberJoined(
                at=AT, host="10.0.0.4", port=4000, domain="wso2.as.domain", sub_domain="worker"
            ),
        ),
        (
            "org.apache.axis2.clustering.management.DefaultGroupManagementAgent",
            "Application member Host:10.0.0.4, Port: 4000, HTTP:8280, HTTPS:8243, "
            "Domain: wso2.as.domain, Sub-domain:worker, Active:true joined application clustert",
            ApplicationMemberJoined(
                at=AT, host="10.0.0.4", port=4000, domain="wso2.as.domain", sub_domain="worker"
            ),
        ),
        (
            MANAGER,
            "Application member 10.0.0.4:4000(wso2.as.domain) joined group wso2.as.domain",
            ApplicationMemberJoined(at=AT, host="10.0.0.4", port=4000, domain="wso2.as.domain"),
        ),
        (
            GROUPS,
            f"Could not add application member {MEMBER}",
            ApplicationMemberRefused(
                at=AT, host="10.0.0.4", port=4000, domain="wso2.as.domain", sub_domain="worker"
            ),
        ),
        (
            HAZELCAST,
            f"Local member: [{UUID}] - {MEMBER}",
            LocalMember(
                at=AT,
                host="10.0.0.4",
                port=4000,
                domain="wso2.as.domain",
                sub_domain="worker",
                member_uuid=UUID,
            ),
        ),
        (
            HAZELCAST,
            f"Local member: [{UUID}] - " + MEMBER.replace("worker", "null"),
            LocalMember(
                at=AT, host="10.0.0.4", port=4000, domain="wso2.as.domain", member_uuid=UUID
            ),
        ),
        (
            TRIBES,
            "Local Member 10.0.0.4:4001(wso2.as.domain)",
            LocalMember(at=AT, host="10.0.0.4", port=4001, domain="wso2.as.domain"),
        ),
        (
            "org.wso2.carbon.core.internal.CarbonCoreActivator",
            "Starting WSO2 Carbon...",
            StartBegan(at=AT),
        ),
        (
            HAZELCAST,
            f"Elected this member [{UUID}] as the Coordinator node",
            Elected(at=AT),
        ),
        (
            "org.wso2.carbon.user.core.common.DefaultRealmService",
            "Cannot initialize the realm.",
            StartFailed(at=AT, seen="it hangs: Cannot initialize the realm"),
        ),
        (
            "org.wso2.carbon.user.core.internal.Activator",
            "Cannot start User Manager Core bundle",
            StartFailed(at=AT, seen="it hangs: Cannot start User Manager Core bundle"),
        ),
        (
            "org.apache.catalina.core.StandardContext",
            "Context [/] startup failed due to previous errors",
            StartFailed(at=AT, seen="it hangs: Context [/] startup failed"),
        ),
        (
            HAZELCAST,
            "Cluster domain: wso2.as.domain",
            ClusterDomain(at=AT, domain="wso2.as.domain"),
        ),
        (
            HAZELCAST,
            "Cluster initialization completed",
            ClusterInitialized(at=AT),
        ),
        (
            TRIBES,
            "Cluster initialization completed.",
            ClusterInitialized(at=AT),
        ),
        (STARTUP, "WSO2 Carbon started in 23 sec", Started(at=AT, seconds=23)),
        (
            "org.wso2.carbon.core.internal.CarbonCoreServiceComponent",
            "Cannot initialize cluster",
            StartFailed(at=AT, seen="its clustering failed: Cannot initialize cluster"),
        ),
        (
            HAZELCAST,
            "Invalid membership scheme 'wkaa'. Supported schemes are multicast, wka & aws",
            StartFailed(
                at=AT,
                seen="its clustering failed: Invalid membership scheme 'wkaa'. Supported schemes"
                " are multicast, wka & aws",
            ),
        ),
        (
            "org.wso2.carbon.core.init.CarbonServerManager",
            "Cannot start transports",
            StartFailed(at=AT, seen="it could not start its transports"),
        ),
        (
            "org.wso2.carbon.core.internal.AppDeployerServiceComponent",
            "Waiting for required OSGi services: org.wso2.carbon.x.Y,",
            WaitingForServices(at=AT),
        ),
        (
            "org.wso2.carbon.launcher.Main",
            "OSGi runtime worker profile not found",
            StartFailed(at=AT, seen="the pack has no OSGi profile 'worker'"),
        ),
        (
            HAZELCAST,
            "localMemberHost is configured to use the loopback address. Hazelcast Clustering "
            "needs ip addresses for localMemberHost and well-known members.",
            LoopbackWarning(at=AT),
        ),
        (
            TRIBES,
            "Local member advertising its IP address as 127.0.0.1. Remote members will not be "
            "able to connect to this member.",
            LoopbackWarning(at=AT),
        ),
        (
            "org.wso2.carbon.core.init.CarbonServerManager",
            "Shutdown hook triggered....",
            ShuttingDown(at=AT),
        ),
        (
            "org.wso2.carbon.core.init.CarbonServerManager",
            "Shutdown complete",
            ShuttingDown(at=AT, complete=True),
        ),
        (
            "org.wso2.carbon.core.init.CarbonServerManager",
            "Halting JVM",
            ShuttingDown(at=AT, complete=True),
        ),
    ],
)
def test_each_wording_is_its_event(logger: str, message: str, event: Event) -> None:
    assert parse(line(logger, message)) == event


@pytest.mark.parametrize(
    ("logger", "message"),
    [
        (RPC, "Received MEMBER_JOINED message from 10.0.0.4:4000(wso2.as.domain)"),
        (RPC, "Received MEMBER_LIST message from 10.0.0.4:4000(wso2.as.domain)"),
    ],
)
def test_an_announcement_of_others_names_the_announcer(logger: str, message: str) -> None:
    """MEMBER_JOINED carries the address of the node that tells, not of the node that joined."""
    assert parse(line(logger, message)) is None


def test_a_group_management_agents_join_is_not_this_nodes() -> None:
    """The ELB's cluster is another one, although its agent uses the same words."""
    assert parse(line(GROUPS, f"Member joined [{UUID}]: /10.0.0.4:4000")) is None


@pytest.mark.parametrize(
    "text",
    [
        line("org.apache.synapse.mediators.builtin.LogMediator", f"To: /x, {JOIN}"),
        line("org.apache.synapse.mediators.builtin.LogMediator", JOIN),
        line("com.example.App", f"Member joined [{UUID}]: /10.0.0.4:4000"),
        line("com.example.App", "Cluster initialization completed"),
        line(RPC, f"Expected: {JOIN}"),
        line(RPC, JOIN + " and more"),
        line(STARTUP, "Last time WSO2 Carbon started in 23 sec"),
        line(STARTUP, "WSO2 Carbon started in 23 sec or so"),
        JOIN,
        f"TID: [0] [] [now] INFO {{x}} - WARN {{{RPC}}} - {JOIN}",
    ],
)
def test_a_quotation_is_no_event(text: str) -> None:
    """The whole message of the right logger counts, not words somewhere in a line."""
    assert parse(text) is None


@pytest.mark.parametrize(
    "message",
    [
        "Received JOIN message from 10.0.0.4:4000(wso2.as.dom",
        "Received JOIN message from 10.0.0.4:",
        "Received JOIN message from xxx.xxx.xxx.132:4000(d)",
        "Received JOIN message from 10.0.0.4:0(d)",
        "Received JOIN message from 10.0.0.4.5:4000(d)",
        "Received JOIN message from 10.0.0.4:70000(d)",
    ],
)
def test_half_a_line_is_no_event(message: str) -> None:
    """A line that is split over two reads says nothing until it is whole."""
    assert parse(line(RPC, message)) is None


@pytest.mark.parametrize(
    ("text", "event"),
    [
        (
            "INFO - TribesClusteringAgent Cluster initialization completed.",
            ClusterInitialized(),
        ),
        (
            "INFO - HazelcastClusteringAgent Cluster domain: wso2.as.domain",
            ClusterDomain(domain="wso2.as.domain"),
        ),
        (
            f"INFO - WKABasedMembershipScheme Member left [{UUID}]: /10.0.0.4:4000",
            Left(host="10.0.0.4", port=4000, member_uuid=UUID),
        ),
        (
            "INFO - StartupFinalizerServiceComponent WSO2 Carbon started in 9 sec",
            Started(seconds=9),
        ),
    ],
)
def test_the_short_form_names_the_class_alone(text: str, event: Event) -> None:
    assert parse(text) == event


def test_the_jvms_exception_names_the_missing_profile() -> None:
    text = 'Exception in thread "main" java.lang.RuntimeException: worker profile not found'
    assert parse(text) == StartFailed(seen="the pack has no OSGi profile 'worker'")


def test_extra_patterns_are_searched_where_a_line_says_nothing_else() -> None:
    pattern = r"node (?P<host>\S+) on (?P<port>\d+) is in(?: (?P<domain>\w+))?"
    text = line("com.example.Custom", "node 10.0.0.4 on 4000 is in")
    assert parse(text, extra_patterns=(r"never", pattern)) == joined("custom")
    assert parse(text + "d", extra_patterns=(pattern,)) == joined("custom", domain="d")
    assert parse(line(RPC, JOIN), extra_patterns=(pattern,)) == parse(line(RPC, JOIN))
    assert parse(text, extra_patterns=(r"(?P<host>node) (?P<port>10)\.",)) == joined(
        "custom", host="node", port=10
    )


def test_an_extra_pattern_without_a_usable_port_is_passed_over() -> None:
    text = line("x", "node 10.0.0.4 on 99999 is in")
    assert parse(text, extra_patterns=(r"node (?P<host>\S+) on (?P<port>\d+)",)) is None
    assert parse(text, extra_patterns=(r"node (?P<host>\S+)(?P<port>never)?",)) is None


addresses = st.one_of(
    st.ip_addresses(v=4).map(str),
    st.ip_addresses(v=6).map(str),
    st.sampled_from(["10.0.0.4", "10.0.0.40", "110.0.0.4", "10.0.0.4", "0.0.0.4", "fd00::4"]),
)
ports = st.one_of(st.integers(1, 65535), st.sampled_from([4000, 40001, 400, 4001, 40000]))


def tribes_form(host: str) -> str:
    ip = IPv6Address(host) if ":" in host else IPv4Address(host)
    return ".".join(str(byte) for byte in ip.packed)


def java_form(host: str) -> str:
    if ":" not in host:
        return host
    return ":".join(f"{int(group, 16):x}" for group in IPv6Address(host).exploded.split(":"))


def membership_line(host: str, port: int, form: str) -> str:
    match form:
        case "tribes":
            return line(RPC, f"Received JOIN message from {tribes_form(host)}:{port}(d)")
        case "hazelcast":
            return line(WKA, f"Member joined [{UUID}]: /{java_form(host)}:{port}")
        case _:
            return line(WKA, f"Member joined [{UUID}]: w.example.com/[{host}]:{port}")


forms = st.sampled_from(["tribes", "hazelcast", "bracketed"])


@given(addresses, ports, forms)
def test_address_and_port_arrive_exactly(host: str, port: int, form: str) -> None:
    """No address or port is ever taken for a longer or shorter one."""
    event = parse(membership_line(host, port, form))
    assert isinstance(event, Joined)
    assert (event.host, event.port) == (canonical_host(host), port)


@given(st.text(max_size=80))
def test_no_line_raises(text: str) -> None:
    parse(text)
    parse(line(RPC, text))
    parse(line(WKA, f"Member joined [{UUID}]: {text}"))


def grep(pattern: str, *lines: str) -> list[str]:
    """Filter lines with the real grep, as a server would."""
    done = subprocess.run(
        ["grep", "-aE", pattern],
        input="\n".join(lines).encode() + b"\n",
        capture_output=True,
        check=False,
        env={"LC_ALL": "C", "PATH": "/usr/bin:/bin"},
    )
    assert done.returncode in (0, 1), done.stderr
    return done.stdout.decode().splitlines()


def test_grep_passes_the_membership_lines_of_the_asked_hosts_only() -> None:
    wanted = [
        line(RPC, JOIN),
        line(RPC, "Received JOIN message from 10.0.0.4:4001(other)"),
        line(WKA, f"Member joined [{UUID}]: /10.0.0.4:4000"),
        line(WKA, f"Member joined [{UUID}]: w/10.0.0.4:4000"),
        line(WKA, f"Member left [{UUID}]: /10.0.0.4:4000"),
        line(MANAGER, "Member 10.0.0.4:4000(d) left cluster"),
        line(GROUPS, f"Application member {MEMBER} joined application cluster"),
        line(GROUPS, f"Could not add application member {MEMBER}"),
    ]
    noise = [
        line(RPC, JOIN.replace("10.0.0.4", "10.0.0.40")),
        line(RPC, JOIN.replace("10.0.0.4", "110.0.0.4")),
        line(RPC, JOIN.replace("10.0.0.4", "10a0b0c4")),
        line(WKA, f"Member joined [{UUID}]: /10.0.0.4.1:4000"),
        line("com.example.App", "request from 10.0.0.4:4000"),
        line(HAZELCAST, "Cluster initialization completed"),
    ]
    assert grep(grep_pattern(["10.0.0.4", "10.0.0.9"]), *noise, *wanted) == wanted


def test_grep_passes_every_line_of_the_host_where_wordings_of_ones_own_are_given() -> None:
    lines = ["10.0.0.4 is in", "is in: 10.0.0.4", "at 10.0.0.4.", "http://10.0.0.4:9763/"]
    noise = ["10.0.0.40 is in", "210.0.0.4 is in", "nothing"]
    assert grep(grep_pattern(["10.0.0.4"], extra_patterns=["x"]), *noise, *lines) == lines


@given(addresses, ports, forms)
def test_whatever_parse_reads_grep_lets_through(host: str, port: int, form: str) -> None:
    """The server-side filter never swallows a line that would be evidence."""
    text = membership_line(host, port, form)
    assert re.search(grep_pattern([host]), text)
    assert re.search(grep_pattern([host], extra_patterns=["x"]), text)


@given(st.ip_addresses(v=4).map(str), st.ip_addresses(v=4).map(str), ports)
def test_grep_never_confuses_two_addresses(host: str, other: str, port: int) -> None:
    text = membership_line(other, port, "hazelcast")
    assert bool(re.search(grep_pattern([host]), text)) == (host == other)


def test_the_own_log_pattern_passes_every_milestone_and_failure() -> None:
    passed = [
        line(HAZELCAST, "Cluster domain: wso2.as.domain"),
        line(HAZELCAST, f"Local member: [{UUID}] - {MEMBER}"),
        line(TRIBES, "Local Member 10.0.0.4:4000(d)"),
        line(HAZELCAST, "Cluster initialization completed"),
        line(STARTUP, "WSO2 Carbon started in 23 sec"),
        line("x", "Cannot initialize cluster", "ERROR"),
        line("x", "Waiting for required OSGi services: y", "WARN"),
        line("x", "anything", "FATAL"),
        "Caused by: java.sql.SQLException: Access denied for user 'as'@'10.0.0.4'",
        "Caused by: java.lang.ClassNotFoundException: com.mysql.jdbc.Driver cannot be found",
        "Caused by: java.net.UnknownHostException: carbondb.mysql-wso2.com",
        "java.io.IOException: Keystore was tampered with, or password was incorrect",
        "java.net.BindException: Address already in use",
        "java.lang.RuntimeException: worker profile not found",
        "Error: JAVA_HOME is not defined correctly.",
        "java.lang.OutOfMemoryError: PermGen space",
    ]
    noise = [line("x", "Deploying module: addressing"), "\tat java.lang.Thread.run(Thread.java)"]
    assert grep(OWN_LOG_PATTERN, *noise, *passed) == passed


HOSTILE = {
    "brackets": "[",
    "braces": "{a.b}",
    "levels": "INFO ",
    "dashes": "- ",
    "names": "a.",
    "profile": "Exception: x profile ",
    "socket": "Member joined [/",
    "driver": "DriverClusterAgent",
}


@pytest.mark.parametrize("piece", HOSTILE.values(), ids=HOSTILE)
def test_a_long_line_costs_no_more_than_its_length(piece: str) -> None:
    """Twice the length takes at most about twice the time, and 640 kB next to nothing."""
    prefix = f"TID: [0] [] [2026-11-28 02:29:29,281] INFO {{{WKA}}} - "

    def seconds(length: int) -> float:
        text = prefix + piece * (length // len(piece))
        began = time.process_time()
        for line in (text, text.removeprefix(prefix)):
            parse(line, extra_patterns=[r"welcome (?P<host>[0-9.]+):(?P<port>[0-9]+)"])
        return time.process_time() - began

    for length in (40_000, 80_000, 640_000):
        assert seconds(length) < 0.2
