"""One node's examination: what was looked at, and what its files and logs say."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import datetime

from carbon import config
from carbon.cluster import Cluster, Node
from carbon.config import Clustering
from carbon.errors import ConfigFileError, ProvisionError
from carbon.home import layout
from carbon.home.facts import Reach, ServerFacts
from carbon.join.grep import OWN_LOG_PATTERN
from carbon.join.lines import ClusterDomain, LocalMember, ShuttingDown, Started, parse
from carbon.join.membership import MEMBERS, Membership, members_pattern, membership
from carbon.join.quote import quote
from carbon.plan.plan import Plan
from carbon.value import Value, replace

OWN = "own"
"""The name under which a node is asked for its own milestones and failures."""
OWN_PATTERN = "|".join(
    (
        OWN_LOG_PATTERN,
        "Starting WSO2 Carbon",
        "Shutdown hook triggered",
        "Shutdown complete",
        "Halting JVM",
    )
)
CONSOLE = "console"
LOOKED_AT = (layout.AXIS2, layout.SECRET_CONF)
"""What a diagnosis reads beside the files that hosts.yaml changes."""


class Examination(Value, kw_only=True):
    """All that was looked at for one node."""

    node: Node
    cluster: Cluster
    facts: ServerFacts
    manager: ServerFacts | ProvisionError
    """The manager's facts, or why there are none."""
    drafted: Plan | ProvisionError | None
    """What a deploy would do to the node; None where hosts.yaml does not keep its files."""
    to_manager: Reach | None = None
    """Its member port tried from the node; None: not tried."""
    from_manager: Reach | None = None
    to_database: Reach | None = None


class Finding(Value, kw_only=True):
    """One thing that is wrong, or likely to be."""

    topic: str
    likelihood: int
    """That it is what keeps the node out: 100 is certain."""
    seen: str
    """Without its full stop."""
    remedy: str
    line: str | None = None
    """The line of a log that shows it."""


Findings = Iterator[Finding]


def questions(node: Node, cluster: Cluster) -> dict[str, str]:
    """Return what to ask a node's logs for: its milestones, and of the manager all members."""
    asked = {OWN: OWN_PATTERN}
    return (
        asked | {MEMBERS: members_pattern(cluster)} if node.name == cluster.manager.name else asked
    )


class InEffect(Value, kw_only=True):
    """How a node presented itself since it started, by its own log."""

    lines: tuple[str, ...]
    domain: str | None = None
    domain_line: str | None = None
    local: LocalMember | None = None
    local_line: str | None = None
    started: bool = False
    stopped_at: datetime | None = None
    """It ended in an orderly way, and nothing came after."""

    @classmethod
    def of(cls, facts: ServerFacts) -> InEffect:
        whole = facts.said.get(OWN, ())
        console = () if facts.process else facts.said.get(CONSOLE, ())
        lines = tuple(map(quote, (*_since_last_start(whole), *_since_last_start(console))))
        last = parse(whole[-1]) if whole else None
        stopped = isinstance(last, ShuttingDown) and facts.process is None
        seen = cls(lines=lines, stopped_at=last.at if last and stopped else None)
        for line in lines:
            match parse(line):
                case ClusterDomain(domain=domain):
                    seen = replace(seen, domain=domain, domain_line=line.strip())
                case LocalMember() as local:
                    seen = replace(seen, local=local, local_line=line.strip())
                case Started():
                    seen = replace(seen, started=True)
        return seen


_BEGIN = re.compile(r"Starting WSO2 Carbon|Shutdown complete|Halting JVM")


def _since_last_start(lines: Sequence[str]) -> tuple[str, ...]:
    """Return what was written since the server last began, or ended in an orderly way."""
    for at in range(len(lines) - 1, -1, -1):
        if _BEGIN.search(lines[at]):
            return tuple(lines[at + 1 :])
    return tuple(lines)


class Case(Value, kw_only=True):
    """An examination, read: what the files say, and what is in effect."""

    asked: Examination
    membership: Membership | None
    own: InEffect
    axis2: Clustering | ConfigFileError | None
    """None: the file is not there."""
    manager_own: InEffect | None
    manager_axis2: Clustering | None

    @classmethod
    def of(cls, asked: Examination) -> Case:
        manager = asked.manager if isinstance(asked.manager, ServerFacts) else None
        other = _clustering(manager) if manager else None
        return cls(
            asked=asked,
            membership=membership(asked.node, asked.facts, manager=manager, cluster=asked.cluster),
            own=InEffect.of(asked.facts),
            axis2=_clustering(asked.facts),
            manager_own=InEffect.of(manager) if manager else None,
            manager_axis2=other if isinstance(other, Clustering) else None,
        )

    @property
    def node(self) -> Node:
        return self.asked.node

    @property
    def facts(self) -> ServerFacts:
        return self.asked.facts

    @property
    def manager(self) -> Node:
        return self.asked.cluster.manager

    @property
    def manager_facts(self) -> ServerFacts | None:
        return self.asked.manager if isinstance(self.asked.manager, ServerFacts) else None

    @property
    def is_manager(self) -> bool:
        return self.node.name == self.manager.name

    @property
    def runs(self) -> bool:
        return self.facts.process is not None

    @property
    def joined(self) -> bool:
        return self.membership is not None and self.membership.state == "joined"

    @property
    def clustering(self) -> Clustering | None:
        return self.axis2 if isinstance(self.axis2, Clustering) else None

    def push(self) -> str:
        """Return how hosts.yaml's values get into effect: with the files, or only by a restart."""
        name = self.node.name
        if isinstance(self.asked.drafted, Plan) and not self.asked.drafted.files:
            return f"its files are right by now: `fab -H {name} restart` puts them into effect"
        return f"`fab -H {name} deploy` writes what hosts.yaml says, and restarts it"


def _clustering(facts: ServerFacts) -> Clustering | ConfigFileError | None:
    file = facts.files.get(layout.AXIS2)
    if file is None:
        return None
    try:
        return config.read_clustering(file.data)
    except ConfigFileError as error:
        return error
