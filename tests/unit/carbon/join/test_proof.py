"""What proves that one very node joined."""

from __future__ import annotations

import pytest

from carbon.join.lines import Joined, Left, Wording
from carbon.join.proof import (
    NotEnough,
    OtherDomain,
    Proof,
    WrongPort,
    has_left,
    judge,
    neighbour_ports,
    was_member,
)
from tests.unit.carbon.looks import joined_line, left_line
from tests.unit.carbon.nodes import DOMAIN, make_cluster, make_manager, make_node

WORKER = make_node(local_member_host="10.0.0.4", local_member_port=4000)


def joined(
    host: str = "10.0.0.4",
    port: int = 4000,
    wording: Wording = "JOIN",
    domain: str | None = DOMAIN,
) -> Joined:
    return Joined(host=host, port=port, wording=wording, domain=domain)


@pytest.mark.parametrize("wording", ["GetConfigurationCommand", "JOIN", "Member joined", "custom"])
def test_any_of_the_known_wordings_is_proof(wording: Wording) -> None:
    assert judge(joined(wording=wording), node=WORKER) == Proof(wording=wording)


@pytest.mark.parametrize("wording", ["GetConfigurationCommand", "Member joined"])
def test_strict_accepts_the_first_evidence_of_each_agent(wording: Wording) -> None:
    assert judge(joined(wording=wording), node=WORKER, evidence="strict") == Proof(wording=wording)


@pytest.mark.parametrize("wording", ["JOIN", "custom"])
def test_strict_says_what_it_did_not_accept(wording: Wording) -> None:
    verdict = judge(joined(wording=wording), node=WORKER, evidence="strict")
    assert verdict == NotEnough(wording=wording)


def test_hearsay_is_never_enough() -> None:
    assert judge(joined(wording="New member"), node=WORKER) == NotEnough(wording="New member")


def test_a_wording_without_a_domain_is_judged_by_address_and_port() -> None:
    verdict = judge(joined(wording="Member joined", domain=None), node=WORKER)
    assert verdict == Proof(wording="Member joined")


def test_another_domain_at_the_very_address_is_told() -> None:
    verdict = judge(joined(domain="wso2.carbon.domain"), node=WORKER)
    assert verdict == OtherDomain(domain="wso2.carbon.domain")


def test_another_port_of_the_host_is_an_auto_increment() -> None:
    assert judge(joined(port=4001), node=WORKER) == WrongPort(port=4001)


def test_the_port_of_a_neighbour_is_the_neighbours() -> None:
    assert judge(joined(port=4001), node=WORKER, neighbour_ports={4001}) is None


def test_another_port_in_another_domain_is_another_cluster() -> None:
    assert judge(joined(port=4001, domain="other"), node=WORKER) is None


@pytest.mark.parametrize("host", ["10.0.0.40", "110.0.0.4", "10.0.0.5"])
def test_another_host_is_unrelated(host: str) -> None:
    assert judge(joined(host=host), node=WORKER) is None


def test_an_ipv6_address_is_compared_in_one_spelling() -> None:
    node = make_node(local_member_host="FD00:0:0::4")
    assert judge(joined(host="fd00::4"), node=node) == Proof(wording="JOIN")


def test_only_the_very_address_and_port_leave() -> None:
    assert has_left(Left(host="10.0.0.4", port=4000), node=WORKER)
    assert not has_left(Left(host="10.0.0.4", port=4001), node=WORKER)
    assert not has_left(Left(host="10.0.0.5", port=4000), node=WORKER)


def test_neighbours_are_all_other_nodes_of_the_address_manager_too() -> None:
    first, second, third = (
        make_node(name, local_member_host=host, local_member_port=port)
        for name, host, port in (
            ("w1", "10.0.0.3", 4001),
            ("w2", "10.0.0.3", 4002),
            ("w3", "10.0.0.9", 4003),
        )
    )
    cluster = make_cluster(first, second, third, manager=make_manager(local_member_port=4000))
    assert neighbour_ports(cluster, first) == {4000, 4002}
    assert neighbour_ports(cluster, third) == frozenset()


def test_a_member_is_who_was_last_seen_joining() -> None:
    came, went = joined_line(ago=9), left_line(ago=1)
    other = joined_line("10.0.0.40", ago=1)
    assert was_member([came, other], node=make_node()) is True
    assert was_member([came, went], node=make_node()) is False
    assert was_member([went, came], node=make_node()) is True
    assert was_member([other], node=make_node()) is None
