"""Carbon nodes of one server: the numbers that keep them apart, and what they must not share."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence, Set
from itertools import count
from typing import NamedTuple

from carbon.inventory.schema import Entry

FIRST_LOCAL_MEMBER_PORT = 4000


class Numbers(NamedTuple):
    """What must differ between the Carbon nodes of one server."""

    offset: int
    local_member_port: int


def by_machine(nodes: Iterable[Entry]) -> dict[str, list[Entry]]:
    """Return the nodes of each server, in the order given."""
    grouped: defaultdict[str, list[Entry]] = defaultdict(list)
    for node in nodes:
        grouped[node.machine].append(node)
    return dict(grouped)


def number(nodes: Sequence[Entry]) -> dict[str, Numbers]:
    """Return each node's Offset and localMemberPort, by name.

    Those that hosts.yaml gives are kept; the others get the lowest that are free on their
    server, in the order of `nodes`.

    Raises InventoryError if nodes would stand in each other's way.
    """
    numbers: dict[str, Numbers] = {}
    for neighbours in by_machine(nodes).values():
        _refuse_one_home(neighbours)
        _refuse_one_unit(neighbours)
        offsets = _fill([node.offset for node in neighbours], first=0)
        ports = _fill(
            [node.local_member_port for node in neighbours],
            first=FIRST_LOCAL_MEMBER_PORT,
            taken={node.group_mgt_port for node in neighbours},
        )
        for node, offset, port in zip(neighbours, offsets, ports, strict=True):
            numbers[node.name] = Numbers(offset, port)
        _refuse_one_offset(neighbours, numbers)
        _refuse_one_port(neighbours, numbers)
    _refuse_one_address(nodes, numbers)
    return numbers


def _fill(
    given: Sequence[int | None], *, first: int, taken: Set[int | None] = frozenset()
) -> list[int]:
    free = (n for n in count(first) if n not in given and n not in taken)
    return [next(free) if n is None else n for n in given]


def _refuse_one_home(neighbours: Sequence[Entry]) -> None:
    for position, node in enumerate(neighbours):
        for other in neighbours[:position]:
            if node.home.is_relative_to(other.home) or other.home.is_relative_to(node.home):
                raise node.place("home").error(
                    f"puts {node.name} at {node.home}, and {other.name} "
                    f"on the same server is at {other.home}",
                    action="give each its own `home:`, none inside another",
                )


def _refuse_one_unit(neighbours: Sequence[Entry]) -> None:
    first: dict[str, Entry] = {}
    for node in neighbours:
        if node.service is None:
            continue
        if other := first.get(node.service.unit):
            raise node.place("service").error(
                f"names {node.service.unit}, as {other.name} on the same server does",
                action="give each its own unit: `service: {systemd: NAME}` at the node",
            )
        first[node.service.unit] = node


def _refuse_one_offset(neighbours: Sequence[Entry], numbers: Mapping[str, Numbers]) -> None:
    first: dict[int, Entry] = {}
    for node in neighbours:
        offset = numbers[node.name].offset
        if other := first.get(offset):
            raise node.place("Offset").error(
                f"is {offset}, as {other.name} on the same server has",
                action="remove it to have a free one derived, or give each its own",
            )
        first[offset] = node


def _refuse_one_port(neighbours: Sequence[Entry], numbers: Mapping[str, Numbers]) -> None:
    first: dict[int, tuple[str, str]] = {}
    for node in neighbours:
        for key, what, port in _ports(node, numbers[node.name]):
            if port in first:
                other, use = first[port]
                raise node.place(key).error(
                    f"makes {port} the {what} of {node.name}, and it is {other}'s {use}",
                    action="one server has each port once: remove it or give another number",
                )
            first[port] = (node.name, what)


def _ports(node: Entry, numbers: Numbers) -> Iterable[tuple[str, str, int]]:
    yield "localMemberPort", "localMemberPort", numbers.local_member_port
    if node.group_mgt_port is not None:
        yield "group_mgt_port", "group_mgt_port", node.group_mgt_port
    yield "Offset", "HTTP port", 9763 + numbers.offset
    yield "Offset", "HTTPS port", 9443 + numbers.offset


def _refuse_one_address(nodes: Sequence[Entry], numbers: Mapping[str, Numbers]) -> None:
    first: dict[tuple[str, int], Entry] = {}
    for node in nodes:
        address = (node.local_member_host, numbers[node.name].local_member_port)
        if other := first.get(address):
            raise node.place("localMemberHost").error(
                f"makes {node.name} the member {address[0]}:{address[1]}, as {other.name} is",
                action="give each server its own address; if they share one server, "
                f"write `server: {other.machine}` at {node.name}",
            )
        first[address] = node
