"""The names that hosts.yaml puts into each server's /etc/hosts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from carbon.cluster import HostsEntry, Node
from carbon.inventory.nodes import YamlNode
from carbon.inventory.raw import RawInventory
from carbon.inventory.servers import by_machine
from carbon.inventory.values import is_address


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
