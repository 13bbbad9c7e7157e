"""The plan of `stop` and `remove`: what happens to one server, from facts alone; pure."""

from __future__ import annotations

from collections.abc import Collection

from carbon.cluster import Cluster, Node
from carbon.home import hostsfile
from carbon.home.facts import ServerFacts
from carbon.plan.model import Plan
from carbon.plan.plan import hosts_owner


def plan_stop(node: Node, facts: ServerFacts) -> Plan:
    """Plan to stop a server. It is taken out of rotation even if it is down already."""
    return Plan(node=node, facts=facts, stop=True, reason="asked for")


def plan_remove(
    node: Node, facts: ServerFacts, *, cluster: Cluster, removed: Collection[str]
) -> Plan:
    """Plan to stop a server and to remove what maps to it; AS_HOME stays.

    The block in /etc/hosts stays if another node of the cluster still lives on the same server;
    `removed` names the nodes that leave with this one.
    """
    neighbours = [
        other.name
        for other in cluster.nodes
        if other.server == node.server and other.name not in removed
    ]
    hosts = hostsfile.remove(facts.hosts.data, owner=hosts_owner(node))
    kept = f"/etc/hosts block kept for {', '.join(neighbours)}" if neighbours else ""
    return Plan(
        node=node,
        facts=facts,
        stop=True,
        remove=True,
        hosts=hosts if hosts.changed and not neighbours else None,
        reason="asked for",
        notes=(kept,) if kept else (),
    )
