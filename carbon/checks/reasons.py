"""Why a node most likely did not start or join, judged by what its own log says."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from carbon.cluster import Node
from carbon.join.address import canonical_host
from carbon.join.columns import cut
from carbon.join.lines import (
    ClusterDomain,
    Event,
    LocalMember,
    LoopbackWarning,
    Started,
    parse,
)
from carbon.join.proof import NotEnough, OtherDomain, Verdict, WrongPort
from carbon.value import Value


class Reason(Value, kw_only=True):
    """The likeliest cause of a failure."""

    sentence: str
    """Without its full stop."""
    remedy: str
    line: str | None = None
    """The line of the log that gave it away."""
    topic: str = ""
    """What it is about, in a word: the same for reasons that mean the same."""


def recognised_failure(own_lines: Sequence[str], *, node: Node, manager: Node) -> Reason | None:
    """Return the likeliest failure that the lines of a node's log tell of, if any does."""
    return next(_recognised(_FAILURES, own_lines, node=node, manager=manager), None)


def recognised_symptom(own_lines: Sequence[str], *, node: Node, manager: Node) -> Reason | None:
    """Return what a failure led to, by the lines of a node's log, whatever its cause was."""
    return next(_recognised(_SYMPTOMS, own_lines, node=node, manager=manager), None)


def likely_reason(
    own_lines: Sequence[str],
    *,
    node: Node,
    manager: Node,
    manager_domain: str | None = None,
    verdicts: Sequence[Verdict] = (),
) -> Reason:
    """Return the likeliest cause why a node did not start, or started and did not join.

    `own_lines` are the node's, of its log and its console, since this start;
    `manager_domain` is what the manager's own log last named as its cluster domain;
    `verdicts` are those of the manager's new lines. A node that never said that it started
    is judged by its failures first; one that did, by how it presents itself to the others.
    """
    events = [(line, event) for line in own_lines if (event := parse(line))]
    started = any(isinstance(event, Started) for _, event in events)
    membership = _membership_faults(
        events, node=node, manager=manager, manager_domain=manager_domain, verdicts=verdicts
    )
    failures = _recognised(_FAILURES, own_lines, node=node, manager=manager)
    symptoms = _recognised(_SYMPTOMS, own_lines, node=node, manager=manager)
    first, second = (membership, failures) if started else (failures, membership)
    for reasons in (first, second, symptoms):
        for reason in reasons:
            return reason
    return _nothing_recognised(
        [event for _, event in events], own_lines, node=node, manager=manager
    )


def _membership_faults(
    events: Iterable[tuple[str, Event]],
    *,
    node: Node,
    manager: Node,
    manager_domain: str | None,
    verdicts: Sequence[Verdict],
) -> Iterator[Reason]:
    for verdict in verdicts:
        match verdict:
            case WrongPort(port=port):
                yield _port_was_taken(node, port)
            case OtherDomain(domain=domain):
                yield _other_domain(node, domain)
            case NotEnough(wording=wording):
                yield Reason(
                    sentence=f"{manager.name} saw {node.name} only by its {wording} message, "
                    "and hosts.yaml says `evidence: strict`",
                    remedy="set `evidence: any`, or turn node management on in axis2.xml "
                    "so that GetConfigurationCommand is sent",
                )
    for line, event in events:
        match event:
            case ClusterDomain(domain=domain) if domain != node.domain:
                yield _other_domain(node, domain, line)
            case LoopbackWarning():
                yield Reason(
                    sentence=f"{node.name} advertises a loopback address as localMemberHost",
                    remedy="set local_member_host in hosts.yaml to an address of its server "
                    f"that {manager.name} can reach, and deploy again",
                    line=line,
                )
            case LocalMember(host=host) if host != canonical_host(node.local_member_host):
                yield Reason(
                    sentence=f"{node.name} advertises {host}, "
                    f"hosts.yaml says {node.local_member_host}",
                    remedy=f"run `fab -H {node.name} config`; a clone keeps its source's address "
                    "until then",
                    line=line,
                )
            case LocalMember(port=port) if port != node.local_member_port:
                yield _port_was_taken(node, port, line)
    if manager_domain is not None and manager_domain != node.domain:
        yield Reason(
            sentence=f"{manager.name} is in domain {manager_domain}, {node.name} in {node.domain}",
            remedy="give both the same domain in hosts.yaml; "
            f"`fab -H {manager.name} deploy` changes the manager's",
        )


def _port_was_taken(node: Node, port: int, line: str | None = None) -> Reason:
    return Reason(
        sentence=f"{node.name} came up at port {port}, since its localMemberPort "
        f"{node.local_member_port} was taken",
        remedy=f"stop what holds port {node.local_member_port} on {node.server}, "
        "or choose another local_member_port in hosts.yaml",
        line=line,
    )


def _other_domain(node: Node, domain: str, line: str | None = None) -> Reason:
    return Reason(
        sentence=f"{node.name} came up in domain {domain}, hosts.yaml says {node.domain}",
        remedy=f"run `fab -H {node.name} config`, and look for a hazelcast.xml that overrides "
        "axis2.xml",
        line=line,
    )


class _Rule(Value, kw_only=True):
    """A text of a log, and what it means: named groups of the text fill in the sentence."""

    topic: str
    text: str
    sentence: str
    remedy: str

    def reason(self, line: str, *, node: Node, manager: Node) -> Reason | None:
        match = re.search(self.text, cut(line))  # compiled when there is a failure to explain
        if match is None:
            return None
        words = match.groupdict(default="") | {
            "node": node.name,
            "server": node.server,
            "manager": manager.name,
            "manager_address": f"{manager.local_member_host}:{manager.local_member_port}",
        }
        return Reason(
            sentence=" ".join(self.sentence.format_map(words).split()),
            remedy=self.remedy.format_map(words),
            line=line.strip(),
            topic=self.topic,
        )


def _recognised(
    rules: Sequence[_Rule], lines: Sequence[str], *, node: Node, manager: Node
) -> Iterator[Reason]:
    """Yield what the rules recognise, the rules in their order and the lines from the last."""
    for rule in rules:
        for line in reversed(lines):
            if reason := rule.reason(line, node=node, manager=manager):
                yield reason


def _rule(topic: str, text: str, sentence: str, remedy: str) -> _Rule:
    return _Rule(topic=topic, text=text, sentence=sentence, remedy=remedy)


# The most particular first: each of these brings others after it in the same log.
_FAILURES: tuple[_Rule, ...] = (
    _rule(
        "JAVA_HOME",
        r"JAVA_HOME is not defined correctly|must set the JAVA_HOME",
        "JAVA_HOME of {node} does not lead to a JDK",
        "set java_home in hosts.yaml to a JDK that is installed on {server}",
    ),
    _rule(
        "JDK version",
        r"UnsupportedClassVersionError|Unrecognized VM option|Could not create the Java Virtual",
        "the JDK of {node} is not of a version that this product runs on",
        "set java_home in hosts.yaml to a JDK that the product supports",
    ),
    _rule(
        "memory",
        r"Could not reserve enough space|insufficient memory|Cannot allocate memory",
        "{server} has not enough free memory for the JVM",
        "free memory there, or set JVM_MEM_OPTS in the environment of {node}",
    ),
    _rule(
        "memory",
        r"OutOfMemoryError(?:: (?P<what>.*\S))?",
        "the JVM of {node} ran out of memory",
        "raise JVM_MEM_OPTS in its environment in hosts.yaml (kernel 4.4.3 and later), "
        "or -Xmx in bin/wso2server.sh",
    ),
    _rule(
        "disk",
        r"No space left on device",
        "a disk of {server} is full",
        "free space on the disk that holds AS_HOME",
    ),
    _rule(
        "worker profile",
        r"(?<![\w-])(?P<profile>[\w-]+) profile not found",
        "the pack of {node} has no {profile} profile in repository/components",
        "install a pack of this product version that ships it",
    ),
    _rule(
        "clustering class",
        r"ClassNotFoundException: (?P<class>[\w.$]{0,200}Cluster\w{0,50}Agent)",
        "the clustering class {class} is not in this pack",
        "take `agent` out of hosts.yaml, so that the pack's own class is kept",
    ),
    _rule(
        "driver",
        r"(?:ClassNotFoundException: |Unable to load class: )"
        r"(?P<class>[\w.$]{0,200}[Dd]river[\w$]{0,50})"
        r"|(?<![\w.$])(?=[\w.$]*[Dd]river)(?P<also>[\w.$]+) cannot be found by|No suitable driver",
        "the JDBC driver {class}{also} is not in repository/components/lib",
        "run `fab -H {node} driver`, and compare driver_class in hosts.yaml",
    ),
    _rule(
        "database login",
        r"[Aa]ccess denied for user '?(?P<user>[^'@\s]*)"
        r"|authentication failed for user \"?(?P<user2>[^\"\s]*)"
        r"|Login failed for user '?(?P<user3>[^'\s]*)|ORA-01017",
        "the database refuses the user {user}{user2}{user3} of {node}",
        "compare username and password of the datasources in hosts.yaml with the database's "
        "grants for this server",
    ),
    _rule(
        "database name",
        r"Unknown database '?(?P<database>[^'\s]*)|database \"(?P<also>[^\"]*)\" does not exist",
        "the database {database}{also} does not exist",
        "create it with the product's dbscripts, or correct the url in hosts.yaml",
    ),
    _rule(
        "host names",
        r"UnknownHost(?:Exception)?: ?(?P<host>[\w.-]+)",
        "{node} cannot resolve the name {host}",
        "run `fab -H {node} hosts`, and see that hosts.yaml maps this name",
    ),
    _rule(
        "database",
        r"Communications link failure|Socket fail(?:ed)? to connect|"
        r"Could not connect to (?:address=|HostAddress)|"
        r"Connection to \S+ refused|The Network Adapter could not establish",
        "{node} cannot reach its database",
        "see that the database runs, and that its port is open to {server}",
    ),
    _rule(
        "database tables",
        r"Table '?(?P<table>[\w.\"]+)'? (?:not found|doesn't exist)",
        "the table {table} is missing in a database of {node}",
        "create the tables once: the product's dbscripts, or one start with -Dsetup",
    ),
    _rule(
        "H2 files",
        r"Locked by another process|[Dd]atabase may be already in use",
        "another process holds the H2 files in repository/database of {node}",
        "stop the other server that runs from this AS_HOME, or give each its own files",
    ),
    _rule(
        "keystore password",
        r"[Kk]ey ?[Ss]tore was tampered|[Pp]assword.*[Kk]ey ?[Ss]tore"
        r"|[Kk]ey ?[Ss]tore.*[Pp]assword",
        "{node} has no right password for its keystore",
        "set keystore_password in hosts.yaml: a server with secure vault needs it at each start",
    ),
    _rule(
        "membershipScheme",
        r"Invalid membership scheme '?(?P<scheme>[^'\s]*)",
        "axis2.xml of {node} names the membership scheme {scheme}, which does not exist",
        "run `fab -H {node} config`",
    ),
    _rule(
        "ports",
        r"Address already in use|BindException|Port already in use",
        "a port that {node} needs is taken on {server}",
        "run `fab -H {node} plan` to see which; stop what holds it, or change the offset",
    ),
)

# What a failure leads to; told only where its cause is not.
_SYMPTOMS: tuple[_Rule, ...] = (
    _rule(
        "hazelcast.xml",
        r"Loading hazelcast configuration from (?:default path|system property)",
        "a hazelcast.xml of {node} overrides the clustering section of axis2.xml",
        "remove repository/conf/etc/hazelcast.xml, or -Dhazelcast.config",
    ),
    _rule(
        "members",
        r"No responses received from WKA members",
        "no well-known member answers {node}",
        "see that {manager} runs, and that {manager_address} is open to {server}, and back",
    ),
    _rule(
        "members",
        r"Could not connect to member (?P<member>\S+)",
        "{node} cannot connect to the well-known member {member}",
        "see that it runs, and that its port is open to {server}",
    ),
    _rule(
        "clustering",
        r"Cannot initialize cluster",
        "{node} could not initialise its cluster",
        "read the exception after this line in its log",
    ),
    _rule(
        "transports",
        r"Cannot start transports",
        "{node} could not start its transports",
        "read the exception after this line in its log",
    ),
    _rule(
        "services",
        r"Waiting for required OSGi services: ?(?P<services>.*\S)?",
        "{node} hangs, waiting for the OSGi services {services}",
        "look for the first ERROR in its log: a bundle did not start",
    ),
)


def _nothing_recognised(
    events: Sequence[Event], own_lines: Sequence[str], *, node: Node, manager: Node
) -> Reason:
    if not own_lines:
        return Reason(
            sentence=f"{node.name} has written nothing since its start",
            remedy=f"look at its console in AS_HOME, and at the disk of {node.server}",
        )
    if any(isinstance(event, Started) for event in events):
        return Reason(
            sentence=f"{node.name} has a cluster of its own, without {manager.name}",
            remedy=f"see that {node.server} reaches "
            f"{manager.local_member_host}:{manager.local_member_port} and that {manager.name} "
            f"reaches {node.local_member_host}:{node.local_member_port}",
        )
    return Reason(
        sentence=f"{node.name} got no further than its last line says",
        remedy="read its log from there",
        line=own_lines[-1].strip(),
    )
