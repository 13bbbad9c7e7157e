"""A case: all that was read of one node and is held against hosts.yaml."""

from __future__ import annotations

from functools import cached_property

from carbon.checks.finding import Finding, Kind
from carbon.cluster import Cluster, Node
from carbon.config.axis2 import Clustering, read_clustering
from carbon.errors import ConfigFileError, ProvisionError
from carbon.home import layout
from carbon.home.facts import Reach, ServerFacts
from carbon.home.trial import TrialAnswer
from carbon.join.membership import MEMBERS, Membership, members_pattern, membership
from carbon.join.own_log import OWN, OWN_PATTERN, OwnLog
from carbon.plan.model import Plan
from carbon.value import Value

LOOKED_AT = (layout.AXIS2, layout.SECRET_CONF)
"""What doctor reads beside the files that hosts.yaml changes."""


def questions(node: Node, cluster: Cluster) -> dict[str, str]:
    """Return what to ask a node's logs for: its milestones, and of the manager all members."""
    asked = {OWN: OWN_PATTERN}
    if node.name == cluster.manager.name:
        asked[MEMBERS] = members_pattern(cluster)
    return asked


class Case(Value, kw_only=True, dict=True):
    """One node, examined. What was not read is None or empty, and no check speaks of it."""

    node: Node
    cluster: Cluster
    facts: ServerFacts
    plan: Plan | ProvisionError | None = None
    """What will be done, or what a deploy would do; None if hosts.yaml does not keep its files."""
    manager_facts: ServerFacts | ProvisionError | None = None
    """None: the manager was not looked at."""
    watches: bool = False
    """Its log has to tell who joins."""
    followed: tuple[str, ...] | None = None
    """What its log and console said since a start, if they were followed."""
    to_manager: Reach | None = None
    """Its member port tried from the node; None: not tried."""
    from_manager: Reach | None = None
    to_database: Reach | None = None
    trial: TrialAnswer | None = None
    """What became of its datasources; None: they were not tried."""

    def finding(
        self,
        kind: Kind,
        *,
        weight: int | None = None,
        blocks: bool = False,
        line: str | None = None,
        **words: object,
    ) -> Finding:
        """Return a finding of this node, its sentences filled in."""
        every = {**self.words, "user": self.facts.user, **words}
        return kind.finding(every, weight=weight, blocks=blocks, line=line)

    @cached_property
    def words(self) -> dict[str, object]:
        """The names that the sentences about it may use."""
        node, manager = self.node, self.manager
        return {
            "node": node.name,
            "server": node.server,
            "home": node.home,
            "domain": node.domain,
            "address": f"{node.local_member_host}:{node.local_member_port}",
            "manager": manager.name,
            "manager_server": manager.server,
            "manager_address": f"{manager.local_member_host}:{manager.local_member_port}",
        }

    @property
    def manager(self) -> Node:
        return self.cluster.manager

    @property
    def is_manager(self) -> bool:
        return self.node.name == self.manager.name

    @property
    def runs(self) -> bool:
        return self.facts.process is not None

    @property
    def planned(self) -> Plan | None:
        """What will be done; None if nothing is planned, or its files stand in the way."""
        return self.plan if isinstance(self.plan, Plan) else None

    @property
    def starts(self) -> bool:
        """It will be started, or restarted."""
        return self.planned is not None and self.planned.start

    @property
    def configures(self) -> bool:
        """Its files are patched, or it starts with them."""
        return self.planned is not None and (self.planned.configures or self.planned.start)

    @property
    def swaps(self) -> bool:
        """Something below AS_HOME will change."""
        return self.planned is not None and self.planned.swaps

    @cached_property
    def own(self) -> OwnLog:
        if self.followed is not None:
            return OwnLog.of_lines(self.followed)
        return OwnLog.of(self.facts)

    @cached_property
    def membership(self) -> Membership | None:
        manager = self.manager_facts if isinstance(self.manager_facts, ServerFacts) else None
        return membership(self.node, self.facts, manager=manager, cluster=self.cluster)

    @property
    def joined(self) -> bool:
        return self.membership is not None and self.membership.state == "joined"

    @property
    def has_started(self) -> bool:
        """It said that it started, or it joined."""
        return self.own.started or self.joined

    @cached_property
    def axis2(self) -> Clustering | ConfigFileError | None:
        """Its clustering as the file has it; None: the file is not there, or cannot be read."""
        data = self.facts.data_of(layout.AXIS2)
        try:
            return None if data is None else read_clustering(data)
        except ConfigFileError as error:
            return error

    @property
    def clustering(self) -> Clustering | None:
        return self.axis2 if isinstance(self.axis2, Clustering) else None

    @cached_property
    def manager_case(self) -> Case | None:
        """The manager, examined; None for the manager itself, and if it cannot be read."""
        if self.is_manager or not isinstance(self.manager_facts, ServerFacts):
            return None
        return Case(node=self.manager, cluster=self.cluster, facts=self.manager_facts, watches=True)

    @property
    def leads(self) -> bool:
        """It is the manager that workers have to join."""
        return self.watches and self.is_manager

    def apply_remedy(self, key: str = "") -> str:
        """Return how hosts.yaml's values take effect: with the files, or only by a restart.

        `key` of the node in hosts.yaml may be wrong instead, if its files are not kept by it.
        """
        name = self.node.name
        if self.followed is not None:  # its files were just written, or are right
            return (
                f"see what overrides its axis2.xml, such as a hazelcast.xml: fab -H {name} doctor"
            )
        if isinstance(self.plan, ProvisionError):
            return f"`fab -H {name} plan` says what keeps a deploy from it; a deploy mends this too"
        if self.planned and not self.planned.files:
            return f"its files are right by now: `fab -H {name} restart` applies them"
        deploy = f"`fab -H {name} deploy` writes what hosts.yaml says, and restarts it"
        return f"{deploy}; or correct `{key}` of {name} in hosts.yaml" if key else deploy
