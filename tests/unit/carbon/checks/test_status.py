"""How each host fares: members, roles, ports, drift, and the load balancer."""

from __future__ import annotations

import json
from pathlib import Path, PurePosixPath

import pytest

from carbon.balancer import nginx
from carbon.checks.status import (
    BalancerFacts,
    BalancerStatus,
    Membership,
    NodeStatus,
    as_data,
    balancer_status,
    node_status,
    unreachable,
)
from carbon.cluster import Driver
from carbon.errors import ConfigFileError, ConnectError
from carbon.home.driver import DriverPlan
from carbon.home.facts import ServerFacts
from carbon.plan.plan import FileChange, Plan
from tests.unit.carbon.looks import (
    NOW,
    make_facts,
    make_manager_facts,
    running,
)
from tests.unit.carbon.nodes import make_balancer, make_cluster, make_manager, make_node

WORKER = make_node()
MANAGER = make_manager()
JOINED = Membership(state="joined", at=NOW - 90, wording="Member joined")


def judged(
    facts: ServerFacts | None = None,
    *,
    drafted: Plan | ConfigFileError | None = None,
    seen: Membership | None = JOINED,
) -> NodeStatus:
    facts = facts or make_facts()
    return node_status(
        WORKER, facts, drafted=drafted or Plan(node=WORKER, facts=facts), membership=seen
    )


# ---- Carbon servers


def test_a_server_that_is_as_it_should_be_is_well() -> None:
    status = judged()
    assert status.well
    assert (status.state, status.role, status.pid) == ("running", "worker", 4711)
    assert [port.state for port in status.ports] == ["open"] * 3
    assert status.drift == ()


def test_the_role_is_that_of_the_jvm() -> None:
    """A worker started by hand on kernel 4.2.0 is silently a manager."""
    status = judged(make_facts(process=running(worker=False)))
    assert status.role == "manager"
    assert "runs as a manager, not as a worker" in status.problems[0].seen


def test_a_command_line_that_an_old_linux_cut_tells_no_role_and_is_no_problem() -> None:
    status = judged(make_facts(process=running(worker=None)))
    assert (status.role, status.well) == (None, True)


def test_a_server_that_is_down_is_told_once() -> None:
    """Its closed ports and its missing membership are no further news."""
    status = judged(make_facts(process=None, listening={}), seen=Membership(state="left", at=NOW))
    assert status.state == "down"
    assert [problem.seen for problem in status.problems] == ["it is not running"]


def test_ports_are_open_closed_or_taken() -> None:
    status = judged(make_facts(listening={4000: "own", 9763: "other"}))
    assert [port.state for port in status.ports] == ["open", "taken", "closed"]
    assert len(status.problems) == 2


def test_ports_count_as_its_own_where_their_owner_does_not_show() -> None:
    """Only the account that runs a server sees whose a port is."""
    listening = {4000: "other", 9763: "other", 9443: "other"}
    assert judged(make_facts(listening=listening)).well


@pytest.mark.parametrize("state", ["left", "unseen", "unknown"])
def test_a_worker_that_runs_and_is_no_member_is_not_well(state: str) -> None:
    status = judged(seen=Membership(state=state))  # type: ignore[arg-type]
    assert not status.well
    assert "doctor" in status.problems[0].remedy


def test_drift_names_what_a_deploy_would_change() -> None:
    facts = make_facts()
    path = PurePosixPath("repository/conf/carbon.xml")
    drafted = Plan(
        node=WORKER,
        facts=facts,
        files=(FileChange(path=path, old=b"a", new=b"b"),),
        driver=DriverPlan(upload=True, remove=(PurePosixPath("lib/old.jar"),), reasons=("old",)),
        upload=PurePosixPath("lib/new.jar"),
    )
    status = judged(facts, drafted=drafted)
    assert status.drift == (str(path), "lib/new.jar", "lib/old.jar")
    assert "carbon.xml, new.jar, old.jar" in status.problems[0].seen


def test_drift_that_cannot_be_told_is_a_problem_with_its_reason() -> None:
    error = ConfigFileError("two clustering sections", file="axis2.xml", action="remove one")
    status = judged(drafted=error)
    assert status.drift is None
    assert status.problems[0].remedy == "remove one"


def test_files_that_hosts_yaml_does_not_keep_are_a_note_and_no_problem() -> None:
    """A manager that was never deployed by this tool is not to be judged by hosts.yaml."""
    facts = make_manager_facts()
    status = node_status(MANAGER, facts, drafted=None, membership=None)
    assert (status.well, status.drift) == (True, None)
    assert "never deployed" in status.notes[0]


def test_files_changed_after_the_start_wait_for_a_restart() -> None:
    status = judged(make_facts(process=running(newer=("bin/wso2server.sh", "a", "b"))))
    assert status.restart_pending
    assert "bin/wso2server.sh and 2 more" in status.problems[0].seen


def test_an_open_journal_is_a_problem_and_a_held_lock_a_note() -> None:
    lock = "me@host since 2026-11-22T11:00:00Z for `deploy` run=ab pid=1 ticks=2"
    status = judged(make_facts(journal="20261122T110000Z-ab", lock=lock))
    assert "journal" in status.problems[0].seen
    assert status.lock == "me@host since 2026-11-22T11:00:00Z for `deploy`"
    assert status.notes == (f"locked by {status.lock}",)


def test_the_lock_of_a_dead_run_holds_nobody_up() -> None:
    status = judged(make_facts(lock="me@host since then for `deploy` run=ab", lock_dead=True))
    assert status.lock is None
    assert status.notes == (
        "the lock of a dead run (me@host since then for `deploy`); the next one clears it away",
    )


def test_the_driver_is_named_and_judged() -> None:
    node = make_node(driver=Driver(jar=Path("/x/db.jar"), driver_class="a.B"))
    facts = make_facts()
    missing = DriverPlan(upload=True, remove=(), reasons=("it is not there",))
    for driver, right in ((None, True), (missing, False)):
        drafted = Plan(node=node, facts=facts, driver=driver)
        status = node_status(node, facts, drafted=drafted, membership=JOINED)
        assert status.driver is not None
        assert (status.driver.jar, status.driver.right) == ("db.jar", right)


def test_a_server_without_as_home_is_missing_and_nothing_else() -> None:
    status = node_status(WORKER, make_facts(home_real=None), drafted=None, membership=None)
    assert (status.state, len(status.problems)) == ("missing", 1)


def test_an_unreachable_host_has_its_reason() -> None:
    error = ConnectError("the connection failed: refused", host="worker1", action="look at it")
    for host in (WORKER, make_balancer()):
        status = unreachable(host, error)
        assert status.state == "unreachable"
        assert status.problems[0].seen == "the connection failed: refused"
        assert status.problems[0].remedy == "look at it"


# ---- The load balancer

CLUSTER = make_cluster(WORKER, make_node("worker2", local_member_host="10.0.0.5"))


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


# ---- For programs


def test_json_has_the_documented_keys_and_can_be_serialised() -> None:
    """Programs rely on these names: take none away."""
    data = json.loads(json.dumps(as_data(CLUSTER, [judged(), balancer()])))
    assert set(data) == {"cluster", "inventory", "well", "hosts"}
    node, lb = data["hosts"]
    common = [
        "name",
        "kind",
        "well",
        "state",
        "problems",
        "notes",
        "pid",
        "since",
        "ports",
        "drift",
    ]
    assert set(node) == {
        *common,
        *("role", "product", "kernel", "membership", "restart_pending"),
        *("driver", "journal", "lock"),
    }
    assert set(lb) == {*common, "rotation"}
    assert node["since"] == "2026-11-22T11:58:20Z"
    assert node["membership"] == {
        "state": "joined",
        "at": "2026-11-22T11:58:30Z",
        "wording": "Member joined",
    }
    assert node["ports"][0] == {"name": "localMemberPort", "number": 4000, "state": "open"}
    assert lb["rotation"] == {"worker1": "in", "worker2": "in"}


def test_json_documents_all_of_its_keys() -> None:
    documented = as_data.__doc__ or ""
    names = {name for kind in (NodeStatus, BalancerStatus) for name in kind.__struct_fields__}
    assert [name for name in names if name not in documented] == []
