"""The connections that a member needs, each tried from the server that opens it."""

from __future__ import annotations

from carbon.cluster import Node
from carbon.home.facts import Reach
from remote.host.fleet import Fleet


def reach_database(fleet: Fleet, node: Node) -> Reach | None:
    """Try the database from a node; None if hosts.yaml does not say where it is."""
    database = fleet.cluster.database
    if database is None or not node.datasources:
        return None
    return fleet.host(node).reach(database.address, database.port)


def reach_member(fleet: Fleet, source: Node, target: Node) -> Reach | None:
    """Try the member port of one node from another; None if they are the same."""
    if source.name == target.name:
        return None
    return fleet.host(source).reach(target.local_member_host, target.local_member_port)
