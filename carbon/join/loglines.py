"""What single lines of wso2carbon.log say: joins, leaves, starts and failures.

Two clustering agents write them. The Hazelcast agent is in kernel 4.2.0 and later
(`org.wso2.carbon.core.clustering.hazelcast`), the Tribes agent in Carbon 4.1 and earlier
(`org.apache.axis2.clustering`). A line counts only in its own logger's wording, from the first
word to the last: 10.0.0.4:4000 is never taken for 10.0.0.40:4000 or 10.0.0.4:40001, nor a
quotation in somebody else's message for an event.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime
from ipaddress import IPv6Address, ip_address
from typing import Literal, TypeAlias

from carbon.value import Value

Agent = Literal["tribes", "hazelcast"]
Wording = Literal["GetConfigurationCommand", "JOIN", "New member", "Member joined", "custom"]


class _Line(Value, kw_only=True):
    at: datetime | None = None
    """By the clock of the server that wrote it, without a zone; None in the short form."""


class _MemberLine(_Line, kw_only=True):
    host: str
    port: int
    domain: str | None = None
    """None where the wording does not tell."""


class Joined(_MemberLine, kw_only=True):
    """A member announced itself to the node that wrote the line."""

    wording: Wording
    member_uuid: str | None = None


class Left(_MemberLine, kw_only=True):
    """A member is gone, in an orderly way or not."""

    member_uuid: str | None = None


class ApplicationMemberJoined(_MemberLine, kw_only=True):
    """An ELB, or a manager with groupManagement, took a member into an application cluster."""

    sub_domain: str | None = None


class ApplicationMemberRefused(_MemberLine, kw_only=True):
    """An ELB tried a member's HTTP and HTTPS ports for long and gave it up."""

    sub_domain: str | None = None


class LocalMember(_MemberLine, kw_only=True):
    """The address and port that the node truly advertises."""

    sub_domain: str | None = None
    """Tribes does not tell."""


class ClusterDomain(_Line, kw_only=True):
    """The domain that the node truly uses."""

    domain: str


class ClusterInitialized(_Line, kw_only=True):
    """The node's own clustering is up, which proves no membership: a lone node says it, too."""

    agent: Agent


class Started(_Line, kw_only=True):
    """The server is up."""

    seconds: int


class ClusterFailed(_Line, kw_only=True):
    """Clustering did not come up; the JVM stays, and never says that it started."""

    text: str


class TransportsFailed(_Line, kw_only=True):
    """No transport came up; the JVM stays, and never says that it started."""


class WaitingForServices(_Line, kw_only=True):
    """The typical hang: said every 60 s while OSGi services are missing."""

    text: str


class ProfileMissing(_Line, kw_only=True):
    """The pack has no such OSGi profile (repository/components/worker)."""

    profile: str


class LoopbackWarning(_Line, kw_only=True):
    """localMemberHost is a loopback address, so nobody else can connect."""


class ShuttingDown(_Line, kw_only=True):
    """One phase of an orderly stop."""

    text: str


Event: TypeAlias = (
    Joined
    | Left
    | ApplicationMemberJoined
    | ApplicationMemberRefused
    | LocalMember
    | ClusterDomain
    | ClusterInitialized
    | Started
    | ClusterFailed
    | TransportsFailed
    | WaitingForServices
    | ProfileMissing
    | LoopbackWarning
    | ShuttingDown
)


def parse(line: str, *, extra_patterns: Sequence[str] = ()) -> Event | None:
    """Return what one whole line says, or None where it says nothing of interest.

    `extra_patterns` are regular expressions with groups `host` and `port`, and `domain` if
    they can: searched in lines that have no other meaning, for logs in a wording of their own.
    """
    record = _take_apart(line.strip())
    for wording in _WORDINGS:
        if event := wording.event(record):
            return event
    return _custom(record, line, extra_patterns)


def written_at(line: str) -> datetime | None:
    """Return when a line was written, by its server's local time; None for a further line of an
    entry, such as those of a stack trace."""
    return _take_apart(line.strip()).at


def canonical_host(text: str) -> str:
    """Return the one spelling of an address that the whole project compares by.

    Tribes prints an address as its bytes in decimal, 4 or 16 of them; Java prints IPv6 without
    `::`. A name is only lower-cased.
    """
    try:
        if text.count(".") == 15:
            return str(ip_address(bytes(int(number) for number in text.split("."))))
        return str(ip_address(text))
    except ValueError:
        return text.lower()


class _Record(Value, kw_only=True):
    logger: str
    message: str
    at: datetime | None


_LAYOUT = re.compile(
    r"(?P<columns>[^{}]*?)\b(?:TRACE|DEBUG|INFO|WARN|ERROR|FATAL)\s+"
    r"(?:\{(?P<logger>[^{}\s]+)\}\s+-|-\s+(?P<class>[\w.$]+))\s+(?P<message>.*)"
)
_TIME = re.compile(r"\[(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d[,.]\d{3})\]")


def _take_apart(line: str) -> _Record:
    """Split a line of any of the layouts; one without a layout is all message.

    Kernel 4.2.0 repeats {logger} at the end; log4j2 and later products have more columns before
    the level; the short console form has the bare class name after the dash.
    """
    layout = _LAYOUT.match(line)
    if layout is None:
        return _Record(logger="", message=line, at=None)
    logger = layout["logger"] or layout["class"]
    message = layout["message"].removesuffix(f"{{{logger}}}").rstrip()
    return _Record(logger=logger, message=message, at=_time(layout["columns"]))


def _time(columns: str) -> datetime | None:
    found = _TIME.search(columns)
    if found is None:
        return None
    try:
        return datetime.fromisoformat(found[1])
    except ValueError:
        return None


class _Wording(Value, kw_only=True):
    """One message of one group of loggers; the groups of the pattern are the event's fields."""

    logger: re.Pattern[str]
    message: str
    """Compiled when a line is read, by `re` itself, and kept there: most commands read none."""
    kind: Callable[..., Event]
    fixed: Mapping[str, str]

    def event(self, record: _Record) -> Event | None:
        match = re.fullmatch(self.message, record.message)
        if match is None or not self.logger.search(record.logger):
            return None
        fields = {name: _field(name, text) for name, text in match.groupdict().items()}
        if "port" in fields and fields["port"] is None:
            return None
        return self.kind(at=record.at, **fields, **self.fixed)


def _field(name: str, text: str) -> str | int | None:
    match name:
        case "host":
            return canonical_host(text)
        case "port":
            return _port(text)
        case "seconds":
            return int(text)
        case "domain" | "sub_domain":
            return None if text == "null" else text
        case _:
            return text


def _port(text: str) -> int | None:
    return int(text) if text.isdecimal() and 0 < int(text) < 65536 else None


_ANY = re.compile("")
# A group management agent says "Member joined", too: of the ELB's cluster, not of this node's.
_CLUSTERING = re.compile(
    r"^(?!.*GroupManagementAgent)"
    r".*(?:clustering|hazelcast|membership|RpcInitializationRequestHandler)",
    re.IGNORECASE,
)
_GROUPS = re.compile(r"GroupManagementAgent|MembershipManager")

_PORT = r"(?P<port>\d{1,5})"
_UUID = r"(?P<member_uuid>[0-9A-Fa-f-]{36})"
# TribesUtil.getName
_TRIBES = (
    rf"(?P<host>(?:\d{{1,3}}\.){{3}}(?:(?:\d{{1,3}}\.){{12}})?\d{{1,3}}):{_PORT}\((?P<domain>.*)\)"
)
# java.net.InetSocketAddress.toString
_SOCKET = rf"[^/\s]*/\[?(?P<host>[0-9A-Fa-f.:]+)(?:%[^\]:\s]+)?\]?:{_PORT}"
# org.apache.axis2.clustering.Member.toString; without Remote Host in older ones
_MEMBER = (
    rf"Host: ?(?P<host>[^,\s]+), (?:Remote Host: ?[^,]*, )?Port: ?{_PORT}, "
    r"HTTP: ?-?\d+, HTTPS: ?-?\d+, Domain: ?(?P<domain>[^,]*), "
    r"Sub-domain: ?(?P<sub_domain>[^,]*), Active: ?\w+"
)


def _wording(
    logger: re.Pattern[str], message: str, kind: Callable[..., Event], **fixed: str
) -> _Wording:
    return _Wording(logger=logger, message=message, kind=kind, fixed=fixed)


# Left out, since their address is the announcer's and not the joiner's:
# "Received MEMBER_JOINED message from", "Received MEMBER_LIST message from".
_WORDINGS: tuple[_Wording, ...] = (
    _wording(_CLUSTERING, rf"Received JOIN message from {_TRIBES}", Joined, wording="JOIN"),
    _wording(
        _CLUSTERING,
        rf"Received GetConfigurationCommand initialization request message from {_TRIBES}",
        Joined,
        wording="GetConfigurationCommand",
    ),
    _wording(_CLUSTERING, rf"New member {_TRIBES} joined cluster\.?", Joined, wording="New member"),
    _wording(
        _CLUSTERING, rf"Member joined \[{_UUID}\]: {_SOCKET}", Joined, wording="Member joined"
    ),
    _wording(  # the membership schemes for Kubernetes and Mesos
        _CLUSTERING,
        rf"Member joined: \[UUID\] {_UUID}, \[Address\] {_SOCKET}",
        Joined,
        wording="Member joined",
    ),
    _wording(_CLUSTERING, rf"Member {_TRIBES} left cluster\.?", Left),
    _wording(_CLUSTERING, rf"Member left \[{_UUID}\]: {_SOCKET}", Left),
    _wording(_CLUSTERING, rf"Member left: \[UUID\] {_UUID}, \[Address\] {_SOCKET}", Left),
    _wording(  # the guide prints "clustert"
        _GROUPS,
        rf"Application member {_MEMBER} joined application clustert?\.?",
        ApplicationMemberJoined,
    ),
    _wording(_GROUPS, rf"Application member {_TRIBES} joined group \S+", ApplicationMemberJoined),
    _wording(_GROUPS, rf"Could not add application member {_MEMBER}", ApplicationMemberRefused),
    _wording(_CLUSTERING, rf"Local member: \[[^\]]*\] - {_MEMBER}", LocalMember),
    _wording(_CLUSTERING, rf"Local Member {_TRIBES}", LocalMember),
    _wording(_CLUSTERING, r"Cluster domain: (?P<domain>.*)", ClusterDomain),
    _wording(
        _CLUSTERING, "Cluster initialization completed", ClusterInitialized, agent="hazelcast"
    ),
    _wording(
        _CLUSTERING, r"Cluster initialization completed\.", ClusterInitialized, agent="tribes"
    ),
    _wording(_CLUSTERING, "localMemberHost is configured to use the loopback.*", LoopbackWarning),
    _wording(
        _CLUSTERING,
        r"Local member advertising its IP address as 127\.0\.0\.1.*",
        LoopbackWarning,
    ),
    _wording(_ANY, r"WSO2 Carbon started in (?P<seconds>\d{1,9}) sec", Started),
    _wording(_ANY, "(?P<text>Cannot initialize cluster.*)", ClusterFailed),
    _wording(_ANY, "(?P<text>Invalid membership scheme .*)", ClusterFailed),
    _wording(_ANY, "Cannot start transports.*", TransportsFailed),
    _wording(_ANY, "Waiting for required OSGi services: ?(?P<text>.*)", WaitingForServices),
    _wording(_ANY, r"(?:.* )?OSGi runtime (?P<profile>\S+) profile not found.*", ProfileMissing),
    _wording(_ANY, r".*Exception: (?P<profile>\S+) profile not found.*", ProfileMissing),
    _wording(
        _ANY,
        r"(?P<text>Shutdown hook triggered.*|Gracefully shutting down .*"
        r"|Starting to switch to maintenance mode.*|Stopped all transport listeners.*"
        r"|Waiting for (?:request service|deployment|server task) completion.*"
        r"|Timeout occurred even though there are active connections.*"
        r"|All requests have been served.*"
        r"|All (?:deployment|server) tasks have been completed.*"
        r"|Shutting down .*\.\.\.|Shutdown complete|Halting JVM)",
        ShuttingDown,
    ),
)


def _custom(record: _Record, line: str, extra_patterns: Sequence[str]) -> Joined | None:
    for pattern in extra_patterns:
        found = re.search(pattern, line)
        groups = found.groupdict(default="") if found else {}
        port = _port(groups.get("port", ""))
        if groups.get("host") and port:
            return Joined(
                at=record.at,
                host=canonical_host(groups["host"]),
                port=port,
                domain=groups.get("domain") or None,
                wording="custom",
            )
    return None


def grep_pattern(addresses: Collection[str], *, extra_patterns: Collection[str] = ()) -> str:
    """Return the expression for a server's own grep that passes membership lines of these hosts.

    Any port passes, so that a join under another port is seen. With extra patterns every line
    that holds one of the addresses passes, since grep does not know their wording. Run it as
    `LC_ALL=C grep -aE --line-buffered`: a noisy log then costs nothing but its reading.
    """
    spellings = dict.fromkeys(text for host in addresses for text in _spellings(host))
    hosts = "|".join(_bounded(text) for text in spellings)
    if extra_patterns:
        return hosts
    return f"(Received (JOIN|GetConfigurationCommand)|[Mm]ember).*({hosts})"


def _spellings(host: str) -> tuple[str, ...]:
    address = ip_address(host)
    if not isinstance(address, IPv6Address):
        return (str(address),)
    java = ":".join(f"{int(group, 16):x}" for group in address.exploded.split(":"))
    tribes = ".".join(str(byte) for byte in address.packed)
    return (str(address), java, tribes)


def _bounded(spelling: str) -> str:
    if ":" in spelling:
        return rf"(^|[^0-9A-Fa-f:]:?){spelling}([^0-9A-Fa-f]|$)"
    return rf"(^|[^0-9.]){spelling.replace('.', '[.]')}([.]?$|[.]?[^0-9.])"


OWN_LOG_PATTERN = "|".join(
    (
        "Cluster (domain:|initialization completed)",
        "Local [Mm]ember",
        "WSO2 Carbon started in [0-9]",
        "Loading hazelcast configuration from",
        "Cannot (initialize cluster|start transports)",
        "Invalid membership scheme",
        "No responses received from WKA members",
        "Could not connect to",
        "loopback address",
        "Waiting for required OSGi services",
        "profile not found",
        "JAVA_HOME",
        "ClassNotFoundException|NoClassDefFoundError|cannot be found by|Unable to load class",
        "UnsupportedClassVersionError|Unrecognized VM option|Could not create the Java",
        "No suitable driver|[Aa]ccess denied|authentication failed|Login failed|ORA-[0-9]",
        "Communications link failure|Socket fail|UnknownHost|Connection refused",
        "Unknown database|Table .*(not found|doesn't exist)|Error in registering data source",
        "Locked by another process|[Dd]atabase may be already in use",
        "[Kk]ey ?[Ss]tore.*([Pp]assword|tampered)|[Pp]assword.*[Kk]ey ?[Ss]tore",
        "Address already in use|BindException|Port already in use",
        "OutOfMemoryError|Could not reserve enough space|No space left on device",
        "(^|[^A-Za-z])FATAL([^A-Za-z]|$)",
    )
)
"""For `grep -aE` on a worker's own log and console while it starts: milestones and failures."""
