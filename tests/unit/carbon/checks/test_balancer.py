"""What status says of the load balancer."""

from __future__ import annotations

from carbon.balancer import nginx
from carbon.checks.balancer import BalancerFacts, BalancerStatus, balancer_status
from tests.unit.carbon.looks import NOW
from tests.unit.carbon.nodes import make_cluster, make_node

CLUSTER = make_cluster(make_node(), make_node("worker2", local_member_host="10.0.0.5"))


def balancer(**own: object) -> BalancerStatus:
    files = nginx.render(CLUSTER)
    values = {"pid": 7, "since": NOW, "configured": True, "files": files} | own
    listening = values.pop("listening", frozenset({80, 443}))
    facts = BalancerFacts(**values, listening=listening)  # type: ignore[arg-type]
    assert CLUSTER.load_balancer
    return balancer_status(CLUSTER.load_balancer, facts, cluster=CLUSTER)


def test_a_load_balancer_that_leads_to_all_workers_is_well() -> None:
    status = balancer()
    assert (status.well, status.drift) == (True, ())
    assert dict(status.rotation) == {"worker1": "in", "worker2": "in"}


def test_a_worker_out_of_rotation_is_told_and_is_no_drift() -> None:
    status = balancer(files=nginx.render(CLUSTER, out_of_rotation=["worker2"]))
    assert dict(status.rotation) == {"worker1": "in", "worker2": "out"}
    assert status.drift == ()
    assert [problem.seen for problem in status.problems] == ["worker2 is out of rotation"]


def test_a_worker_is_out_where_any_file_says_so() -> None:
    http, https, mgt = nginx.file_names(CLUSTER)
    mixed = {
        **nginx.render(CLUSTER),
        https: nginx.render(CLUSTER, out_of_rotation=["worker1"])[https],
    }
    assert balancer(files=mixed).rotation["worker1"] == "out"
    assert mgt in mixed and http in mixed


def test_an_unconfigured_load_balancer_is_told_by_its_files_alone() -> None:
    status = balancer(files={}, listening=frozenset())
    assert status.drift == nginx.file_names(CLUSTER)
    assert [problem.remedy for problem in status.problems] == ["fab lb.config"]


def test_a_stopped_nginx_is_down() -> None:
    status = balancer(pid=None, since=None, listening=frozenset())
    assert (status.state, [one.seen for one in status.problems]) == (
        "down",
        ["nginx is not running"],
    )


def test_a_closed_port_of_the_load_balancer_is_told() -> None:
    assert "443 is closed" in balancer(listening=frozenset({80})).problems[0].seen


def test_no_conf_dir_means_no_load_balancer() -> None:
    assert balancer(configured=False).state == "missing"
