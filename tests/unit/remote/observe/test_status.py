"""Looking at all hosts at once: one round trip each, and nobody stops the others."""

from __future__ import annotations

from pathlib import Path, PurePosixPath

import pytest

from carbon.balancer import nginx
from carbon.checks.balancer import BalancerStatus
from carbon.checks.status import NodeStatus
from carbon.cluster import Cluster, Driver, LoadBalancer, Node
from carbon.errors import ConnectError, ProvisionError
from carbon.value import replace
from remote.observe.status import drafted, look_at_balancer, read_drivers, status
from tests.unit.carbon.looks import joined_line, left_line, log_line, make_facts
from tests.unit.carbon.nodes import make_balancer, make_cluster, make_manager, make_node
from tests.unit.remote.local_server import LocalFleet, LocalServer
from tests.unit.remote.silent import Silent


def fleet_of(
    tmp_path: Path, *, broken: tuple[str, ...] = ()
) -> tuple[LocalFleet, tuple[Node | LoadBalancer, ...]]:
    """Return a manager, two workers and a load balancer whose homes are empty directories here."""

    def at_home(node: Node) -> Node:
        home = tmp_path / node.name
        (home / "repository/logs").mkdir(parents=True)
        return replace(node, home=PurePosixPath(home))

    workers = (
        at_home(make_node("worker1")),
        at_home(make_node("worker2", local_member_host="10.0.0.5")),
    )
    manager = at_home(make_manager())
    balancer = make_balancer(conf_dir=PurePosixPath(tmp_path / "conf.d"))
    cluster = make_cluster(*workers, manager=manager, load_balancer=balancer)
    hosts = (manager, *workers, balancer)
    servers: dict[str, LocalServer | ProvisionError] = {
        host.name: LocalServer(host.name) for host in hosts
    }
    for name in broken:
        servers[name] = ConnectError("the connection failed", host=name, action="look")
    return LocalFleet(cluster, servers), hosts


def looked(fleet: LocalFleet, hosts: tuple[Node | LoadBalancer, ...]) -> dict[str, object]:
    found = status(fleet, hosts, progress=Silent())  # type: ignore[arg-type]
    return {one.name: one for one in found}


def test_each_host_is_asked_once_and_the_manager_also_where_it_is_not_named(
    tmp_path: Path,
) -> None:
    fleet, hosts = fleet_of(tmp_path)
    assert list(looked(fleet, hosts)) == ["manager", "worker1", "worker2", "lb"]
    ran = {name: server.ran for name, server in fleet.servers.items()}  # type: ignore[union-attr]
    assert ran == {
        "manager": ["facts"],
        "worker1": ["facts"],
        "worker2": ["facts"],
        "lb": ["balancer_status"],
    }
    assert list(looked(fleet, hosts[1:2])) == ["worker1"]
    assert ran["manager"] == ["facts", "facts"]


def test_a_host_that_cannot_be_reached_is_one_row_of_all(tmp_path: Path) -> None:
    fleet, hosts = fleet_of(tmp_path, broken=("worker1", "lb", "manager"))
    found = looked(fleet, hosts)
    states = {name: one.state for name, one in found.items()}  # type: ignore[attr-defined]
    assert states == {
        "manager": "unreachable",
        "worker1": "unreachable",
        "worker2": "down",
        "lb": "unreachable",
    }


def test_the_managers_log_is_read_across_rotation(tmp_path: Path) -> None:
    """A join of yesterday stands in another file than the leave of today."""
    fleet, hosts = fleet_of(tmp_path)
    logs = tmp_path / "manager/repository/logs"
    (logs / "wso2carbon.log.2026-11-21").write_text(joined_line(ago=90000) + "\n")
    (logs / "wso2carbon.log").write_text(
        log_line("noise") + "\n" + left_line("10.0.0.5", ago=100) + "\n"
    )
    found = looked(fleet, hosts)
    for name, state in (("worker1", "joined"), ("worker2", "left")):
        one = found[name]
        assert isinstance(one, NodeStatus)
        assert one.membership
        assert one.membership.state == state


@pytest.mark.parametrize("configured", [True, False])
def test_the_load_balancers_files_arrive_byte_for_byte(tmp_path: Path, configured: bool) -> None:
    fleet, hosts = fleet_of(tmp_path)
    balancer = hosts[-1]
    assert isinstance(balancer, LoadBalancer)
    wanted = nginx.render(fleet.cluster) if configured else {}
    if configured:
        Path(balancer.conf_dir).mkdir()
        (Path(balancer.conf_dir) / "default.conf").write_text("not ours")
        for name, data in wanted.items():
            (Path(balancer.conf_dir) / name).write_bytes(data)
    facts = look_at_balancer(fleet, balancer)  # type: ignore[arg-type]
    assert facts.configured is configured
    assert facts.files == wanted
    one = looked(fleet, hosts)["lb"]
    assert isinstance(one, BalancerStatus)
    assert one.drift == (() if configured else None)


def test_a_driver_that_cannot_be_read_here_leaves_drift_untold(tmp_path: Path) -> None:
    driver = Driver(jar=tmp_path / "none.jar", driver_class="a.B")
    node = make_node(driver=driver)
    found = drafted(node, make_facts(), read_drivers([node]))
    assert isinstance(found, ProvisionError)
    assert "none.jar" in found.seen


def test_files_are_compared_only_where_hosts_yaml_keeps_them() -> None:
    manager = make_manager()
    assert drafted(manager, make_facts(), {}) is None
    cluster: Cluster = make_cluster()
    assert isinstance(drafted(cluster.workers[0], make_facts(), {}), ProvisionError)
