"""Carbon nodes of one server: the numbers that keep them apart, and what they must not share."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence, Set
from itertools import count
from typing import TypeVar

from carbon.cluster import Node
from carbon.inventory.raw import RawInventory, RawNode
from carbon.value import replace

T = TypeVar("T")

FIRST_LOCAL_MEMBER_PORT = 4000


def by_machine(nodes: Iterable[RawNode]) -> dict[str, list[RawNode]]:
    """Return the nodes of each server, in the order given."""
    grouped: defaultdict[str, list[RawNode]] = defaultdict(list)
    for each in nodes:
        grouped[each.node.server].append(each)
    return dict(grouped)


def numbered(raw: RawInventory) -> RawInventory:
    """Return the inventory in which each node has its Offset and localMemberPort.

    Those that hosts.yaml gives are kept; the others get the lowest that are free on their
    server, in the order of `nodes`.

    Raises InventoryError if nodes would stand in each other's way.
    """
    nodes: dict[str, RawNode] = {}
    for neighbours in by_machine(raw.nodes).values():
        _refuse_one_home(neighbours)
        _refuse_one_unit(neighbours)
        with_numbers = _numbered(neighbours)
        _refuse_one_offset(with_numbers)
        _refuse_one_port(with_numbers)
        nodes |= {each.node.name: each for each in with_numbers}
    _refuse_one_address([nodes[each.node.name] for each in raw.nodes])
    return raw._replace(
        manager=nodes[raw.manager.node.name],
        elb=nodes[raw.elb.node.name] if raw.elb else None,
        workers=tuple(nodes[worker.node.name] for worker in raw.workers),
    )


def _numbered(neighbours: Sequence[RawNode]) -> list[RawNode]:
    offsets = _fill(
        [each.node.offset if each.gives("Offset") else None for each in neighbours], first=0
    )
    ports = _fill(
        [
            each.node.local_member_port if each.gives("localMemberPort") else None
            for each in neighbours
        ],
        first=FIRST_LOCAL_MEMBER_PORT,
        taken={each.node.group_mgt_port for each in neighbours},
    )
    return [
        each._replace(node=replace(each.node, offset=offset, local_member_port=port))
        for each, offset, port in zip(neighbours, offsets, ports, strict=True)
    ]


def _fill(
    given: Sequence[int | None], *, first: int, taken: Set[int | None] = frozenset()
) -> list[int]:
    free = (n for n in count(first) if n not in given and n not in taken)
    return [next(free) if n is None else n for n in given]


def _refuse_one_home(neighbours: Sequence[RawNode]) -> None:
    for position, each in enumerate(neighbours):
        home = each.node.home
        for other in (earlier.node for earlier in neighbours[:position]):
            if home.is_relative_to(other.home) or other.home.is_relative_to(home):
                raise each.place_of("home").error(
                    f"puts {each.node.name} at {home}, and {other.name} "
                    f"on the same server is at {other.home}",
                    action="give each its own `home:`, none inside another",
                )


def _refuse_one_unit(neighbours: Sequence[RawNode]) -> None:
    for each, other, unit in _clashes(neighbours, lambda node: node.service and node.service.unit):
        raise each.place_of("service").error(
            f"names {unit}, as {other} on the same server does",
            action="give each its own unit: `service: {systemd: NAME}` at the node",
        )


def _refuse_one_offset(neighbours: Sequence[RawNode]) -> None:
    for each, other, offset in _clashes(neighbours, lambda node: node.offset):
        raise each.place_of("Offset").error(
            f"is {offset}, as {other} on the same server has",
            action="remove it to have a free one derived, or give each its own",
        )


def _refuse_one_address(nodes: Sequence[RawNode]) -> None:
    for each, other, (host, port) in _clashes(nodes, _member_address):
        node = each.node
        raise each.place_of("localMemberHost").error(
            f"makes {node.name} the member {host}:{port}, as {other} is",
            action="give each server its own address; if they share one server, "
            f"write `server: {other}` at {node.name}",
        )


def _member_address(node: Node) -> tuple[str, int]:
    return node.local_member_host, node.local_member_port


def _clashes(
    nodes: Iterable[RawNode], value: Callable[[Node], T | None]
) -> Iterator[tuple[RawNode, str, T]]:
    """Return each node that has the value of an earlier one, that one's name, and the value."""
    first: dict[T, str] = {}
    for each in nodes:
        key = value(each.node)
        if key is not None and (other := first.setdefault(key, each.node.name)) != each.node.name:
            yield each, other, key


def _refuse_one_port(neighbours: Sequence[RawNode]) -> None:
    first: dict[int, tuple[str, str]] = {}
    for each in neighbours:
        name = each.node.name
        for key, what, port in _ports(each.node):
            other, use = first.setdefault(port, (name, what))
            if (other, use) != (name, what):
                raise each.place_of(key).error(
                    f"makes {port} the {what} of {name}, and it is {other}'s {use}",
                    action="one server has each port once: remove it or give another number",
                )


def _ports(node: Node) -> Iterator[tuple[str, str, int]]:
    yield "localMemberPort", "localMemberPort", node.local_member_port
    if node.group_mgt_port is not None:
        yield "group_mgt_port", "group_mgt_port", node.group_mgt_port
    yield "Offset", "HTTP port", node.http_port
    yield "Offset", "HTTPS port", node.https_port
