"""Watching a worker come up: from the lines of two logs to one outcome; pure, without clocks.

The worker's own log tells that it initialized and started; only the manager's log, after the
moment of this start, proves that it joined. Both are needed, in any order; where an ELB manages
the group, its log has to tell that it took the worker in, too.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Literal

from carbon.cluster import Evidence, Node
from carbon.join import loglines
from carbon.join.loglines import (
    ApplicationMemberJoined,
    ApplicationMemberRefused,
    ClusterFailed,
    ClusterInitialized,
    Joined,
    Left,
    LocalMember,
    ProfileMissing,
    Started,
    TransportsFailed,
    WaitingForServices,
    Wording,
)
from carbon.join.proof import (
    NotEnough,
    OtherDomain,
    Proof,
    Verdict,
    WrongPort,
    has_left,
    is_about,
    judge,
)

Phase = Literal["starting", "initialized", "joined", "started", "done", "failed"]
KEPT_LINES = 20
_ERROR = re.compile(r"Exception|\b(ERROR|FATAL)\b")


@dataclass(kw_only=True)
class JoinWatch:
    """The state of one worker's start; feed it lines, then look at `phase` and `failure`."""

    node: Node
    evidence: Evidence = "any"
    neighbour_ports: Collection[int] = ()
    patterns: Sequence[str] = ()
    elb_wanted: bool = False
    """An ELB has to take it into the application cluster, besides."""
    initialized: bool = False
    started_seconds: int | None = None
    wording: Wording | None = None
    proof_line: str | None = None
    weaker: Wording | None = None
    """Evidence that was seen and that `evidence: strict` does not accept."""
    bound_port: int | None = None
    """The port that the node itself says it took."""
    taken_in: bool = False
    """The ELB took it into the application cluster."""
    failure: str | None = None
    verdicts: list[Verdict] = field(default_factory=list)
    """What the manager's lines about this host amounted to."""
    own_lines: deque[str] = field(default_factory=lambda: deque(maxlen=KEPT_LINES))
    manager_lines: deque[str] = field(default_factory=lambda: deque(maxlen=KEPT_LINES))
    elb_lines: deque[str] = field(default_factory=lambda: deque(maxlen=KEPT_LINES))

    @property
    def phase(self) -> Phase:
        """How far it has come."""
        if self.failure:
            return "failed"
        if self.wording and self.started_seconds is not None and not self.elb_is_missing:
            return "done"
        if self.started_seconds is not None:
            return "started"
        if self.wording:
            return "joined"
        return "initialized" if self.initialized else "starting"

    @property
    def elb_is_missing(self) -> bool:
        """The ELB is to take it in, and was not seen doing so."""
        return self.elb_wanted and not self.taken_in

    def own(self, line: str) -> None:
        """Take a line of the worker's own log or console."""
        self.own_lines.append(line)
        match loglines.parse(line):
            case ClusterInitialized():
                self.initialized = True
            case Started(seconds=seconds):
                self.started_seconds = seconds
            case LocalMember(port=port):
                self._bound(port)
            case ClusterFailed(text=text):
                self.failure = f"its clustering failed: {text}"
            case TransportsFailed():
                self.failure = "it could not start its transports"
            case WaitingForServices() if any(_ERROR.search(seen) for seen in self.own_lines):
                self.failure = "it waits for services that an earlier error keeps away"
            case ProfileMissing(profile=profile):
                self.failure = f"the pack has no OSGi profile {profile!r}"

    def manager(self, line: str) -> None:
        """Take a line that the manager wrote after this start began."""
        match loglines.parse(line, extra_patterns=self.patterns):
            case Joined() as event:
                self._judge(event, line)
            case Left() as event if has_left(event, node=self.node):
                self.manager_lines.append(line)
                self.wording = None

    def elb(self, line: str) -> None:
        """Take a line that the ELB wrote after this start began.

        A refusal ends nothing: it may be of the start before, since the ELB tries for minutes.
        """
        match loglines.parse(line):
            case ApplicationMemberJoined() as event if is_about(event, node=self.node):
                self.elb_lines.append(line)
                self.taken_in = True
            case ApplicationMemberRefused() as event if is_about(event, node=self.node):
                self.elb_lines.append(line)

    def died(self, console: Sequence[str]) -> None:
        """Take note that the process is gone."""
        self.own_lines.extend(console)
        self.failure = self.failure or "its process ended"

    def _judge(self, event: Joined, line: str) -> None:
        verdict = judge(
            event, node=self.node, evidence=self.evidence, neighbour_ports=self.neighbour_ports
        )
        match verdict:
            case Proof(wording=wording):
                # The guide's own line is the better evidence where both are seen.
                if self.wording is None or wording == "GetConfigurationCommand":
                    self.wording, self.proof_line = wording, line
            case NotEnough(wording=wording):
                # Hearsay follows the node's own message, and says less.
                self.weaker = self.weaker or wording
            case WrongPort(port=port):
                if self.bound_port == port:
                    self._bound(port)
            case OtherDomain(domain=domain):
                self.failure = f"it joined the domain {domain}, not {self.node.domain}"
            case _:
                return
        self.verdicts.append(verdict)
        self.manager_lines.append(line)

    def _bound(self, port: int) -> None:
        self.bound_port = port
        if port != self.node.local_member_port:
            self.failure = (
                f"it took localMemberPort {port}, not {self.node.local_member_port}:"
                " that one was taken, and the product counts up by itself"
            )
