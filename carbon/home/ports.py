"""The ports of a Carbon server: which its numbers claim, and which numbers are free."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from itertools import count

from carbon.cluster import FIRST_LOCAL_MEMBER_PORT, Cluster, Node
from carbon.home.facts import Listener

SHIFTED = (
    9763,  # HTTP servlet
    9443,  # HTTPS servlet
    9999,  # RMI registry
    11111,  # RMI server
    8280,  # pass-through HTTP (ESB)
    8243,  # pass-through HTTPS (ESB)
    10500,  # Thrift entitlement
    10389,  # embedded LDAP
    8000,  # KDC
    5672,  # embedded Qpid
    8672,  # embedded Qpid over TLS
    7611,  # Thrift data bridge
    7711,  # Thrift data bridge over TLS
)
"""What Offset is added to. A product opens some of them; only the first two are sure."""


def needed_numbers(node: Node) -> dict[str, int]:
    """Return the ports that a node has to listen on, by what they are."""
    return {
        "localMemberPort": node.local_member_port,
        "HTTP": node.http_port,
        "HTTPS": node.https_port,
    }


def label(name: str, number: int) -> str:
    """Return how a sentence calls one of them."""
    return f"{name} {number}" if name.endswith("Port") else f"{name} port {number}"


def taken_numbers(node: Node, listening: Mapping[int, Listener]) -> dict[str, int]:
    """Return which ports that a node needs are taken by somebody else, by what they are."""
    needed = needed_numbers(node).items()
    return {name: port for name, port in needed if listening.get(port) == "other"}


def free_numbers(
    node: Node, cluster: Cluster, listening: Mapping[int, Listener]
) -> tuple[str, ...]:
    """Return free values, as lines for hosts.yaml, of the numbers whose ports are taken.

    Free is what nobody listens on and what no other node of that server has in hosts.yaml.
    """
    taken = taken_numbers(node, listening)
    neighbours = [
        neighbour
        for neighbour in cluster.nodes
        if neighbour.server == node.server and neighbour.name != node.name
    ]
    used = {port for port, owner in listening.items() if owner == "other"}
    lines = []
    if taken.keys() - {"localMemberPort"}:
        lines.append(
            f"Offset: {_free_offset({neighbour.offset for neighbour in neighbours}, used)}"
        )
    if "localMemberPort" in taken:
        claimed = {
            port for each in neighbours for port in (each.local_member_port, each.group_mgt_port)
        }
        free = (port for port in count(FIRST_LOCAL_MEMBER_PORT) if port not in claimed | used)
        lines.append(f"localMemberPort: {next(free)}")
    return tuple(lines)


def _free_offset(claimed: Collection[int], used: Collection[int]) -> int:
    return next(
        offset
        for offset in count()
        if offset not in claimed and not any(port + offset in used for port in SHIFTED)
    )
