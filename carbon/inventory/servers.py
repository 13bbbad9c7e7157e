"""Carbon nodes of one server: the numbers that keep them apart, and what they must not share."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence, Set
from itertools import combinations, count
from typing import NamedTuple

from carbon.cluster import FIRST_LOCAL_MEMBER_PORT, Node
from carbon.inventory.raw import RawInventory, RawNode
from carbon.value import replace


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
        with_numbers = _numbered(neighbours)
        _refuse_shared(with_numbers)
        nodes |= {each.node.name: each for each in with_numbers}
    _refuse_one_address(nodes.values())
    return raw._replace(
        manager=nodes[raw.manager.node.name],
        elb=nodes[raw.elb.node.name] if raw.elb else None,
        workers=tuple(nodes[worker.node.name] for worker in raw.workers),
    )


def _numbered(neighbours: Sequence[RawNode]) -> list[RawNode]:
    nodes = [each.node for each in neighbours]
    offsets = [each.node.offset if each.gives("Offset") else None for each in neighbours]
    ports = [
        each.node.local_member_port if each.gives("localMemberPort") else None
        for each in neighbours
    ]
    taken = {node.group_mgt_port for node in nodes}
    numbers = zip(
        neighbours,
        _fill(offsets, first=0),
        _fill(ports, first=FIRST_LOCAL_MEMBER_PORT, taken=taken),
        strict=True,
    )
    return [
        each._replace(node=replace(each.node, offset=offset, local_member_port=port))
        for each, offset, port in numbers
    ]


def _fill(
    given: Sequence[int | None], *, first: int, taken: Set[int | None] = frozenset()
) -> list[int]:
    free = (n for n in count(first) if n not in given and n not in taken)
    return [next(free) if n is None else n for n in given]


def _refuse_one_home(neighbours: Sequence[RawNode]) -> None:
    for earlier, each in combinations(neighbours, 2):
        home, other = each.node.home, earlier.node.home
        if home.is_relative_to(other) or other.is_relative_to(home):
            raise each.place_of("home").error(
                f"puts {each.node.name} at {home}, and {earlier.node.name} "
                f"on the same server is at {other}",
                action="give each its own `home:`, none inside another",
            )


class _Claim(NamedTuple):
    """What a node has for itself on its server."""

    value: int | str
    what: str
    key: str
    action: str = "one server has each port once: remove it or give another number"


def _claims(node: Node) -> Iterator[_Claim]:
    if node.service:
        action = "give each its own unit: `service: {systemd: NAME}` at the node"
        yield _Claim(node.service.unit, "unit", "service", action)
    yield _Claim(node.local_member_port, "localMemberPort", "localMemberPort")
    if node.group_mgt_port is not None:
        yield _Claim(node.group_mgt_port, "group_mgt_port", "group_mgt_port")
    yield _Claim(node.http_port, "HTTP port", "Offset")
    yield _Claim(node.https_port, "HTTPS port", "Offset")


def _refuse_shared(neighbours: Sequence[RawNode]) -> None:
    first: dict[int | str, tuple[str, str]] = {}
    for each in neighbours:
        name = each.node.name
        for value, what, key, action in _claims(each.node):
            other, use = first.setdefault(value, (name, what))
            if (other, use) != (name, what):
                raise each.place_of(key).error(
                    f"makes {value} the {what} of {name}, and it is {other}'s {use}", action=action
                )


def _refuse_one_address(nodes: Iterable[RawNode]) -> None:
    first: dict[tuple[str, int], str] = {}
    for each in nodes:
        name, host, port = each.node.name, each.node.local_member_host, each.node.local_member_port
        if (other := first.setdefault((host, port), name)) != name:
            raise each.place_of("localMemberHost").error(
                f"makes {name} the member {host}:{port}, as {other} is",
                action="give each server its own address; if they share one server, "
                f"write `server: {other}` at {name}",
            )
