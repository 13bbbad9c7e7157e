"""From what hosts.yaml says to the whole cluster: everything filled in that follows."""

from __future__ import annotations

from pathlib import Path

from carbon.cluster import Cluster, Member, Node
from carbon.inventory.mapped import hosts_entries
from carbon.inventory.raw import RawInventory, RawNode
from carbon.inventory.servers import numbered
from carbon.value import replace

MANAGER_MEMBERS = 2
"""How many workers the manager knows: with two, one may be down while the manager restarts."""


def derive(raw: RawInventory, *, file: Path, digest: str) -> Cluster:
    """Return the cluster with every value resolved.

    Raises InventoryError if what hosts.yaml says contradicts itself.
    """
    raw = numbered(raw)
    lines = hosts_entries(raw)

    def whole(each: RawNode) -> Node:
        node = each.node
        members = node.members if each.gives("members") else _members(node, raw)
        return replace(node, members=members, hosts_entries=lines[node.server])

    return Cluster(
        file=file,
        digest=digest,
        manager=whole(raw.manager),
        workers=tuple(map(whole, raw.workers)),
        elb=whole(raw.elb) if raw.elb else None,
        database=raw.database,
        **raw.others,
    )


def _members(node: Node, raw: RawInventory) -> tuple[Member, ...]:
    """Return the well-known members of a node: for a worker the manager, and the ELB if any.

    The manager must not know itself alone, or it stays a cluster of one after its restart
    until the workers' clusters merge. Over Tribes it would wait for ever for workers that
    are not up yet, so there it knows only the ELB.
    """
    elb = raw.elb.node if raw.elb else None
    if node is elb:
        return ()
    at_elb = (
        (Member(host=elb.local_member_host, port=elb.group_mgt_port),)
        if elb and elb.group_mgt_port
        else ()
    )
    if node.role == "worker":
        return (_member(raw.manager), *at_elb)
    if "tribes" in (node.agent or "").lower():
        return at_elb
    return (*at_elb, *map(_member, raw.workers[:MANAGER_MEMBERS]))


def _member(raw: RawNode) -> Member:
    return Member(host=raw.node.local_member_host, port=raw.node.local_member_port)
