"""Track a worker that comes up: from the lines of two logs to one outcome; pure, without clocks.

The worker's own log says that it initialized and started; only the manager's log, after the
moment of this start, proves that it joined. Both are needed, in any order; if an ELB manages
the group, its log has to say that it took the worker in, too. The manager itself has joined once
its own cluster is initialized.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Collection, Sequence
from typing import Literal

from carbon.cluster import Evidence, Node
from carbon.join.address import mentions
from carbon.join.columns import take_apart
from carbon.join.lines import (
    ApplicationMemberJoined,
    ApplicationMemberRefused,
    ClusterDomain,
    ClusterInitialized,
    Joined,
    Left,
    LocalMember,
    Started,
    StartFailed,
    WaitingForServices,
    Wording,
    names_milestone,
    parse,
)
from carbon.join.proof import (
    NotEnough,
    OtherDomain,
    Proof,
    Verdict,
    is_about,
    judge,
)
from carbon.join.quote import quote

Phase = Literal["starting", "initialized", "joined", "started", "done", "failed"]
KEPT_LINES = 20

_THROWN = re.compile(r"Exception in thread|[\w.$]{0,200}(?:Exception|Error)\b")
"""What the JVM prints on its console, without columns."""


class JoinTracker:
    """The state of one node's start: feed it lines, then read `phase` and `failure`."""

    def __init__(
        self,
        node: Node,
        *,
        evidence: Evidence = "any",
        neighbour_ports: Collection[int] = (),
        patterns: Sequence[str] = (),
        needs_elb: bool = False,
    ) -> None:
        """`needs_elb`: an ELB has to take it into the application cluster, besides."""
        self.node = node
        self.needs_elb = needs_elb
        self.initialized = False
        self.started_seconds: int | None = None
        self.wording: Wording | None = None
        """How the manager said that it joined; None: it did not, or it has left again."""
        self.proof_line: str | None = None
        self.weaker: Wording | None = None
        """Evidence that was seen and that `evidence: strict` does not accept."""
        self.in_elb = False
        """The ELB took it into the application cluster."""
        self.failure: str | None = None
        self.remedy = ""
        """What mends the failure, if what was seen leaves only one cause."""
        self.verdicts: list[Verdict] = []
        """What the manager's lines about this host amounted to."""
        self.own_lines: deque[str] = deque(maxlen=KEPT_LINES)
        self.manager_lines: deque[str] = deque(maxlen=KEPT_LINES)
        self.elb_lines: deque[str] = deque(maxlen=KEPT_LINES)
        self.first_error: str | None = None
        """The first ERROR or FATAL of this start: what came after often only follows from it."""
        self.last_cause: str | None = None
        """The last `Caused by` of its stack traces."""
        self.unread_line: str | None = None
        """A line with the text of a milestone, in a layout that is not understood."""
        self._evidence = evidence
        self._neighbour_ports = neighbour_ports
        self._patterns = patterns
        self._member_uuid: str | None = None

    @property
    def phase(self) -> Phase:
        """How far it has come."""
        if self.failure:
            return "failed"
        if self.started_seconds is not None:
            return "done" if self.wording and (self.in_elb or not self.needs_elb) else "started"
        if self.wording:
            return "joined"
        return "initialized" if self.initialized else "starting"

    def own(self, line: str) -> None:
        """Take a line of the node's own log or console."""
        self._keep(line)
        match parse(line):
            case ClusterInitialized():
                self.initialized = True
                if self.node.role == "manager" and self.wording is None:
                    self.wording, self.proof_line = "custom", "it is the manager itself"
            case Started(seconds=seconds):
                self.started_seconds = seconds
            case LocalMember(port=port) if port != self.node.local_member_port:
                self.failure = (
                    f"it took localMemberPort {port}, not {self.node.local_member_port}:"
                    " that port was taken, and the product counts up by itself"
                )
            case ClusterDomain(domain=domain) if domain != self.node.domain:
                self.failure = f"its cluster domain is {domain}, not {self.node.domain}"
            case StartFailed(seen=seen):
                self.failure = self.failure or seen
            case WaitingForServices() if self.first_error:
                services = "it hangs: OSGi services are missing because of an earlier error"
                self.failure = self.failure or services
            case None if names_milestone(line):
                self.unread_line = quote(line)

    def manager(self, line: str) -> None:
        """Take a line that the manager wrote after this start began."""
        match parse(line, extra_patterns=self._patterns):
            case Joined() as event:
                self._judge(event, line)
            case Left() as event if event.is_of(self.node):
                self.manager_lines.append(quote(line))
                if self._is_current(event):
                    self.wording = self._member_uuid = None
            case None if names_milestone(line) and mentions(line, self.node.local_member_host):
                self.unread_line = quote(line)

    def elb(self, line: str) -> None:
        """Take a line that the ELB wrote after this start began.

        A refusal ends nothing: it may be of the start before, since the ELB tries for minutes.
        """
        match parse(line):
            case ApplicationMemberJoined() | ApplicationMemberRefused() as event:
                if is_about(event, node=self.node):
                    self.elb_lines.append(quote(line))
                    self.in_elb |= isinstance(event, ApplicationMemberJoined)

    def runs_as(self, worker_node: bool | None, *, port_offset: int | None = None) -> None:
        """Take how the JVM came up; None: its command line does not say.

        A start of ours passes no -DportOffset, and the role: what differs is the script's.
        """
        if self.node.role == "worker" and worker_node is False:
            self.failure = "it came up as a manager: -DworkerNode=true is not in effect"
            self.remedy = "let AS_HOME/bin/wso2server.sh pass its arguments on, then start it again"
        elif self.node.role != "worker" and worker_node:
            self.failure = "it came up as a worker: -DworkerNode=true is in effect"
            self.remedy = "take -DworkerNode=true out of AS_HOME/bin/wso2server.sh, and start again"
        elif port_offset not in (None, self.node.offset):
            self.failure = (
                f"it came up with -DportOffset={port_offset}: its ports are not those of hosts.yaml"
            )
            self.remedy = (
                "take -DportOffset out of AS_HOME/bin/wso2server.sh and its JAVA_OPTS, or set"
                f" `Offset: {port_offset}` in hosts.yaml; then start it again"
            )

    def is_not_alone(self, other: str) -> None:
        """Take note that somebody else started a second server of the same AS_HOME."""
        self.failure = f"a second server (pid {other}) runs from the same AS_HOME"
        self.remedy = (
            "find out who starts it (a unit of systemd, runit, a script), end that and all but one"
            " of the servers; then run the same command again"
        )

    def process_ended(self, console: Sequence[str]) -> None:
        """Take note that the process is gone; what made it fail before counts for more."""
        for line in console:
            self._keep(line)
        self.failure = self.failure or "its process ended"

    def process_not_seen(self, console: Sequence[str], *, within_seconds: int) -> None:
        """Take note that the start script runs and no JVM came of it."""
        for line in console:
            self._keep(line)
        self.failure = f"no JVM was seen within {within_seconds} s"

    def _is_current(self, event: Left) -> bool:
        """Tell whether this start left, and not the one before, whose loss is noticed late."""
        known = event.member_uuid and self._member_uuid
        return not known or event.member_uuid == self._member_uuid

    def _keep(self, line: str) -> None:
        """Keep a line to be quoted; of lines that say the same, the last."""
        entry = take_apart(line)
        grave = entry.level in ("ERROR", "FATAL") or (not entry.level and _THROWN.match(line))
        if grave and self.first_error is None:
            self.first_error = quote(line)
        elif entry.message.startswith("Caused by:"):
            self.last_cause = quote(line)
        gist = _gist(quote(entry.message))
        for kept in self.own_lines:
            if _gist(take_apart(kept).message) == gist:
                self.own_lines.remove(kept)
                break
        self.own_lines.append(quote(line))

    def _judge(self, event: Joined, line: str) -> None:
        verdict = judge(
            event, node=self.node, evidence=self._evidence, neighbour_ports=self._neighbour_ports
        )
        match verdict:
            case Proof(wording=wording):
                # The guide's own line is the better evidence if both are seen.
                if self.wording is None or wording == "GetConfigurationCommand":
                    self.wording, self.proof_line = wording, line
                self._member_uuid = event.member_uuid
            case NotEnough(wording=wording):
                # Hearsay follows the node's own message, and says less.
                self.weaker = self.weaker or wording
            case OtherDomain(domain=domain):
                self.failure = f"it joined the domain {domain}, not {self.node.domain}"
            case None:
                return
        self.verdicts.append(verdict)
        self.manager_lines.append(quote(line))


def _gist(message: str) -> str:
    """Return what a message says, whichever exception carries it and on which connection."""
    return _CARRIERS.sub("", message)


_CARRIERS = re.compile(
    r"^(?:Caused by: )?(?:[\w.$]{1,200}(?:Exception|Error): )*(?:\(conn=\d+\) )?"
)
