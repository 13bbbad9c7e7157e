"""Which ports a node's numbers claim, and which numbers are free instead."""

from carbon.home.ports import free_numbers, taken_numbers
from tests.unit.carbon.nodes import make_cluster, make_manager, make_node

WORKER = make_node("worker4", server="box")


def test_a_port_of_the_nodes_own_server_is_not_taken() -> None:
    assert taken_numbers(WORKER, {4000: "own", 9763: "own", 22: "other"}) == {}
    assert taken_numbers(WORKER, {9443: "other"}) == {"HTTPS": 9443}


def test_only_numbers_whose_ports_are_taken_are_given_anew() -> None:
    cluster = make_cluster(WORKER)
    assert free_numbers(WORKER, cluster, {22: "other"}) == ()
    assert free_numbers(WORKER, cluster, {4000: "other"}) == ("localMemberPort: 4001",)
    assert free_numbers(WORKER, cluster, {9763: "other"}) == ("Offset: 1",)


def test_a_free_offset_leaves_all_shifted_ports_free() -> None:
    """An Offset that only the HTTP ports like would meet the neighbour's RMI registry."""
    listening = {9763: "other", 9443: "other", 10000: "other", 11113: "other"}
    (line,) = free_numbers(WORKER, make_cluster(WORKER), listening)  # type: ignore[arg-type]
    assert line == "Offset: 3"


def test_numbers_of_neighbours_in_hosts_yaml_are_not_free_though_nobody_listens_yet() -> None:
    neighbour = make_node("worker5", server="box", offset=1, local_member_port=4001)
    elsewhere = make_node("worker6", server="other", offset=2, local_member_port=4002)
    cluster = make_cluster(WORKER, neighbour, elsewhere, manager=make_manager(server="x"))
    lines = free_numbers(WORKER, cluster, {4000: "other", 9443: "other"})
    assert lines == ("Offset: 2", "localMemberPort: 4002")
