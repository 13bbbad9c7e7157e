"""The names that hosts.yaml puts into each server's /etc/hosts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from carbon.cluster import HostsEntry
from carbon.inventory.entries import Written
from carbon.inventory.nodes import Node as Place
from carbon.inventory.schema import Entry
from carbon.inventory.servers import by_machine
from carbon.inventory.values import is_address


class Mapped(NamedTuple):
    """One name, its address, and where hosts.yaml says so."""

    name: str
    address: str
    place: Place


def hosts_entries(written: Written) -> dict[str, tuple[HostsEntry, ...]]:
    """Return the lines for /etc/hosts by server: the database, the manager, the ELB, further.

    Nodes of one server get the same lines, since they share the file.

    Raises InventoryError for a name with two addresses.
    """
    common = tuple(_common(written))
    return {
        machine: _lines((*common, *_further(neighbours)))
        for machine, neighbours in by_machine(written.nodes).items()
    }


def _common(written: Written) -> Iterator[Mapped]:
    database, place = written.database, written.database_names
    if database and place:
        for name in database.host_names:
            yield Mapped(name, database.address, place)
    for node in (written.manager, written.elb):
        if node:
            for name in _names(node):
                yield Mapped(name, node.local_member_host, node.place("hostnames"))


def _names(node: Entry) -> tuple[str, ...]:
    """The names given, or for a manager its MgtHostName."""
    if node.host_names is not None:
        return node.host_names
    own = node.mgt_host_name
    return (own,) if own and not is_address(own) else ()


def _further(neighbours: Sequence[Entry]) -> Iterator[Mapped]:
    for node in neighbours:
        for name, address in node.hosts.items():
            yield Mapped(name, address, node.place("hosts"))


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
