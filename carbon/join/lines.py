"""What Carbon logs when a member joins or leaves, starts or fails: the wordings, and their events.

Two clustering agents write them. The Hazelcast agent is in kernel 4.2.0 and later
(`org.wso2.carbon.core.clustering.hazelcast`), the Tribes agent in Carbon 4.1 and earlier
(`org.apache.axis2.clustering`). A line counts only in its own logger's wording, from the first
word to the last: 10.0.0.4:4000 is never taken for 10.0.0.40:4000 or 10.0.0.4:40001, nor a
quotation in another message for an event.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import datetime
from functools import partial
from typing import Literal

from carbon.cluster import Node
from carbon.join.address import canonical_host
from carbon.join.columns import Entry, cut, take_apart
from carbon.value import Value

Wording = Literal["GetConfigurationCommand", "JOIN", "New member", "Member joined", "custom"]


class Event(Value, kw_only=True):
    """What a line says."""

    at: datetime | None = None
    """By the clock of the server that wrote it, without a zone; None: the line has no time."""


class MemberEvent(Event, kw_only=True):
    """What a line says of one member; what its wording does not say is None."""

    host: str
    port: int
    domain: str | None = None
    sub_domain: str | None = None
    member_uuid: str | None = None
    """Hazelcast gives each start one of its own: the same in the member's log and the manager's."""

    def is_of(self, node: Node) -> bool:
        """Tell whether it is this very node."""
        same_address = self.host == canonical_host(node.local_member_host)
        return same_address and self.port == node.local_member_port


class Joined(MemberEvent, kw_only=True):
    """A member announced itself to the node that wrote the line."""

    wording: Wording


class Left(MemberEvent, kw_only=True):
    """A member is gone, in an orderly way or not."""


class ApplicationMemberJoined(MemberEvent, kw_only=True):
    """An ELB, or a manager with groupManagement, took a member into an application cluster."""


class ApplicationMemberRefused(MemberEvent, kw_only=True):
    """An ELB tried a member's HTTP and HTTPS ports for minutes and gave up."""


class LocalMember(MemberEvent, kw_only=True):
    """The address and port that the node truly advertises."""


class StartBegan(Event, kw_only=True):
    """The server begins to start: what stands before is of an earlier start."""


class ClusterDomain(Event, kw_only=True):
    """The domain that the node truly uses."""

    domain: str


class ClusterInitialized(Event, kw_only=True):
    """The node's own clustering is up, which proves no membership: a lone node says it, too."""


class Elected(Event, kw_only=True):
    """The node is the oldest of its cluster (4.4.8): no manager is older."""


class Started(Event, kw_only=True):
    """The server is up."""

    seconds: int


class StartFailed(Event, kw_only=True):
    """The start failed; the JVM stays, and never says that it started."""

    seen: str


class WaitingForServices(Event, kw_only=True):
    """The typical hang: logged every 60 s while OSGi services are missing."""


class LoopbackWarning(Event, kw_only=True):
    """localMemberHost is a loopback address, so nobody else can connect."""


class ShuttingDown(Event, kw_only=True):
    """An orderly stop began, or is complete."""

    complete: bool = False


def _failed(seen: str) -> Callable[..., StartFailed]:
    """Return what makes the event of a failed start, with the line's `text` in its sentence."""
    return lambda *, at, text="": StartFailed(at=at, seen=seen.format(text))


_ANY = re.compile("")
# A group management agent says "Member joined", too: of the ELB's cluster, not of this node's.
_CLUSTER = re.compile(
    r"^(?!.*GroupManagementAgent)"
    r".*(?:clustering|hazelcast|membership|RpcInitializationRequestHandler)",
    re.IGNORECASE,
)
_KEYSTORE = re.compile("JKSKeyStoreLoader")
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
_CONFIGURATION = "Received GetConfigurationCommand initialization request message from"
_NO_PROFILE = _failed("the pack has no OSGi profile {!r}")

_WORDINGS: tuple[tuple[re.Pattern[str], str, Callable[..., Event]], ...] = (
    # A member joins. Left out, since their address is the announcer's and not the joiner's:
    # "Received MEMBER_JOINED message from", "Received MEMBER_LIST message from".
    (_CLUSTER, rf"Member joined \[{_UUID}\]: {_SOCKET}", partial(Joined, wording="Member joined")),
    # (the membership schemes for Kubernetes and Mesos)
    (
        _CLUSTER,
        rf"Member joined: \[UUID\] {_UUID}, \[Address\] {_SOCKET}",
        partial(Joined, wording="Member joined"),
    ),
    (_CLUSTER, rf"{_CONFIGURATION} {_TRIBES}", partial(Joined, wording="GetConfigurationCommand")),
    (_CLUSTER, rf"Received JOIN message from {_TRIBES}", partial(Joined, wording="JOIN")),
    (_CLUSTER, rf"New member {_TRIBES} joined cluster\.?", partial(Joined, wording="New member")),
    # A member leaves.
    (_CLUSTER, rf"Member left \[{_UUID}\]: {_SOCKET}", Left),
    (_CLUSTER, rf"Member left: \[UUID\] {_UUID}, \[Address\] {_SOCKET}", Left),
    (_CLUSTER, rf"Member {_TRIBES} left cluster\.?", Left),
    # An ELB takes a member in, or gives it up; the guide prints "clustert".
    (
        _GROUPS,
        rf"Application member {_MEMBER} joined application clustert?\.?",
        ApplicationMemberJoined,
    ),
    (_GROUPS, rf"Application member {_TRIBES} joined group \S+", ApplicationMemberJoined),
    (_GROUPS, rf"Could not add application member {_MEMBER}", ApplicationMemberRefused),
    # A node says how it presents itself.
    (_CLUSTER, r"Cluster domain: (?P<domain>.*)", ClusterDomain),
    (_CLUSTER, rf"Local member: \[(?:{_UUID}|[^\]]*)\] - {_MEMBER}", LocalMember),
    (_CLUSTER, rf"Local Member {_TRIBES}", LocalMember),
    (_CLUSTER, "localMemberHost is configured to use the loopback.*", LoopbackWarning),
    (_CLUSTER, r"Local member advertising its IP address as 127\.0\.0\.1.*", LoopbackWarning),
    # A node starts.
    (_ANY, r"Starting WSO2 Carbon\.\.\.", StartBegan),
    (_CLUSTER, r"Cluster initialization completed\.?", ClusterInitialized),
    (_CLUSTER, r"Elected this member \[[^\]]*\] as the Coordinator node", Elected),
    (_ANY, r"WSO2 Carbon started in (?P<seconds>\d{1,9}) sec", Started),
    # A start fails; the JVM stays.
    (_ANY, "(?P<text>Cannot initialize cluster.*)", _failed("its clustering failed: {}")),
    (_ANY, "(?P<text>Invalid membership scheme .*)", _failed("its clustering failed: {}")),
    (_ANY, "Cannot start transports.*", _failed("it could not start its transports")),
    (_ANY, r"(?P<text>Cannot initialize the realm)\.?", _failed("it hangs: {}")),
    (_ANY, "(?P<text>Cannot start User Manager Core bundle)", _failed("it hangs: {}")),
    # Kernel 4.2.0 says it nine times, and then nothing more.
    (_KEYSTORE, r"(?P<text>(?:IO)?Error loading keyStore).*", _failed("it hangs: {}")),
    (_ANY, r"(?P<text>Context \[/\] startup failed).*", _failed("it hangs: {}")),
    (_ANY, r"(?:.* )?OSGi runtime (?P<text>\S+) profile not found.*", _NO_PROFILE),
    (_ANY, r".*Exception: (?P<text>\S+) profile not found.*", _NO_PROFILE),
    (_ANY, "Waiting for required OSGi services:.*", WaitingForServices),
    # A server stops.
    (_ANY, "Shutdown hook triggered.*", ShuttingDown),
    (_ANY, "Shutdown complete|Halting JVM", partial(ShuttingDown, complete=True)),
)
"""The loggers of a message, its pattern, and its event, whose fields are the pattern's groups.

`re` compiles a pattern when a line is read, and keeps it: most commands read none."""


def parse(line: str, *, extra_patterns: Sequence[str] = ()) -> Event | None:
    """Return what one whole line says, or None if it says nothing of interest.

    `extra_patterns` are regular expressions with groups `host` and `port`, and `domain` if
    they can: searched in lines that have no other meaning, for logs in a wording of their own.
    """
    entry = take_apart(line)
    for loggers, message, event in _WORDINGS:
        match = re.fullmatch(message, entry.message)
        if match and loggers.search(entry.logger):
            fields = {name: _field(name, text) for name, text in match.groupdict().items()}
            if fields.get("port", 0) is not None:
                return event(at=entry.at, **fields)
    return _custom(entry, line, extra_patterns)


def names_milestone(line: str) -> bool:
    """Tell whether a line holds the text of a milestone, whatever its layout and its logger are.

    If `parse` makes nothing of such a line, its layout is one that is not understood.
    """
    return _MILESTONE.search(cut(line)) is not None


_MILESTONE = re.compile(
    r"WSO2 Carbon started in \d|Cluster initialization completed|Member joined"
    r"|Received JOIN message|Received GetConfigurationCommand"
)


def _custom(entry: Entry, line: str, extra_patterns: Sequence[str]) -> Joined | None:
    for pattern in extra_patterns:
        match = re.search(pattern, cut(line))
        groups = match.groupdict(default="") if match else {}
        port = _port(groups.get("port", ""))
        if groups.get("host") and port:
            return Joined(
                at=entry.at,
                host=canonical_host(groups["host"]),
                port=port,
                domain=groups.get("domain") or None,
                wording="custom",
            )
    return None


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
