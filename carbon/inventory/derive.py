"""From what hosts.yaml says to the whole cluster: everything filled in that follows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from carbon.cluster import Cluster, HostsEntry, Member, Node
from carbon.inventory.nodes import YamlNode
from carbon.inventory.raw import RawInventory, RawNode
from carbon.inventory.servers import by_machine, numbered
from carbon.inventory.values import is_address
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


class Mapped(NamedTuple):
    """One name, its address, and where hosts.yaml says so."""

    name: str
    address: str
    place: YamlNode


def hosts_entries(raw: RawInventory) -> dict[str, tuple[HostsEntry, ...]]:
    """Return the lines for /etc/hosts by server: the database, the manager, the ELB, further.

    Nodes of one server get the same lines, since they share the file.

    Raises InventoryError for a name with two addresses.
    """
    common = tuple(_common(raw))
    entries = {}
    for machine, neighbours in by_machine(raw.nodes).items():
        further = (
            Mapped(name, address, each.place_of("hosts"))
            for each in neighbours
            for name, address in each.node.hosts.items()
        )
        entries[machine] = _lines((*common, *further))
    return entries


def _common(raw: RawInventory) -> Iterator[Mapped]:
    database, place = raw.database, raw.database_names
    if database and place:
        for name in database.host_names:
            yield Mapped(name, database.address, place)
    for each in (raw.manager, raw.elb):
        if each:
            for name in _names(each.node):
                yield Mapped(name, each.node.local_member_host, each.place_of("hostnames"))


def _names(node: Node) -> tuple[str, ...]:
    """The names given, or for a manager its MgtHostName."""
    if node.host_names is not None:
        return node.host_names
    own = node.mgt_host_name
    return (own,) if own and not is_address(own) else ()


def _lines(mapped: Iterable[Mapped]) -> tuple[HostsEntry, ...]:
    addresses: dict[str, str] = {}
    names: dict[str, list[str]] = {}
    for name, address, place in mapped:
        known = addresses.setdefault(name.lower(), address)
        if known != address:
            raise place.error(
                f"maps {name} to {address}, and it already stands for {known}",
                action="one name has one address in /etc/hosts: rename one or remove it",
            )
        line = names.setdefault(address, [])
        if name.lower() not in map(str.lower, line):
            line.append(name)
    return tuple(HostsEntry(address=address, names=tuple(line)) for address, line in names.items())
