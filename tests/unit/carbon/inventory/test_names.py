"""Names on the command line, and where the inventory is looked for."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from carbon.cluster import Cluster, LoadBalancer
from carbon.errors import UsageError
from carbon.inventory import known_names, locate, select
from tests.unit.carbon.inventory.written import inventory, loaded


@pytest.fixture
def cluster(tmp_path: Path) -> Cluster:
    more = """
        elb: {localMemberHost: 10.0.0.2, home: /opt/elb}
        load_balancer: {ssh: {host: lb}}
    """
    return loaded(tmp_path, inventory(more=more))


def selected(cluster: Cluster, names: Sequence[str], *, every_worker: bool = True) -> list[str]:
    return [host.name for host in select(cluster, names, every_worker=every_worker)]


def test_no_name_means_every_worker_in_the_order_of_the_file(cluster: Cluster) -> None:
    assert selected(cluster, []) == ["worker1", "worker2"]


def test_named_hosts_come_in_the_order_named(cluster: Cluster) -> None:
    assert selected(cluster, ["worker2", "worker1"]) == ["worker2", "worker1"]


def test_names_are_stripped_and_taken_once(cluster: Cluster) -> None:
    assert selected(cluster, [" worker2", "worker2 ", "", "worker1", " "]) == ["worker2", "worker1"]


def test_manager_elb_and_load_balancer_are_there_for_those_who_name_them(
    cluster: Cluster,
) -> None:
    hosts = select(cluster, ["lb", "manager", "elb"], every_worker=True)
    assert hosts == (cluster.load_balancer, cluster.manager, cluster.elb)
    assert isinstance(hosts[0], LoadBalancer)


def test_verb_that_removes_something_wants_names(cluster: Cluster) -> None:
    with pytest.raises(UsageError, match="no host is named") as caught:
        select(cluster, [], every_worker=False)
    assert "--all" in caught.value.action
    assert selected(cluster, ["worker1"], every_worker=False) == ["worker1"]


@pytest.mark.parametrize("names", [[""], [" ", ""]])
def test_empty_names_are_not_every_worker(cluster: Cluster, names: list[str]) -> None:
    """`-H "$UNSET"` must not reach every server."""
    with pytest.raises(UsageError, match="-H names nobody"):
        select(cluster, names, every_worker=True)


def test_every_unknown_name_is_listed_with_those_known(cluster: Cluster) -> None:
    with pytest.raises(UsageError) as caught:
        select(cluster, ["wroker1", "worker1", "zzz"], every_worker=True)
    assert caught.value.seen == f"{cluster.file} has no 'wroker1', 'zzz'"
    assert caught.value.action == (
        "did you mean 'worker1'? known: worker1, worker2, manager, elb, lb"
    )


def test_name_in_other_letters_is_suggested(cluster: Cluster) -> None:
    with pytest.raises(UsageError, match="did you mean 'worker1'"):
        select(cluster, ["WORKER1"], every_worker=True)


def test_hosts_that_are_not_in_the_file_are_unknown(tmp_path: Path) -> None:
    bare = loaded(tmp_path, inventory())
    assert known_names(bare) == ("worker1", "worker2", "manager")
    with pytest.raises(UsageError, match="has no 'lb'"):
        select(bare, ["lb"], every_worker=True)


def test_cluster_without_workers_says_so(tmp_path: Path) -> None:
    text = "cluster: {domain: d, home: /opt/as}\nmanager: {localMemberHost: 10.0.0.3}\n"
    with pytest.raises(UsageError, match="has no workers"):
        select(loaded(tmp_path, text), [], every_worker=True)


def test_inventory_is_named_by_option_then_environment_then_place() -> None:
    environ = {"PROVISION_HOSTS": "from-environment.yaml"}
    start = Path("/project")
    assert locate("from-option.yaml", environ, start) == Path("from-option.yaml")
    assert locate(None, environ, start) == Path("from-environment.yaml")
    assert locate("", {"PROVISION_HOSTS": ""}, start) == Path("/project/hosts.yaml")


def test_home_folder_is_expanded_where_the_shell_did_not() -> None:
    assert locate("~/hosts.yaml", {}, Path("/")) == Path.home() / "hosts.yaml"
    assert locate("~nobody-at-all/x", {}, Path("/")) == Path("~nobody-at-all/x")
