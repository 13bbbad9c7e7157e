"""What status says of a Carbon server: role, ports, membership, drift, and what is wrong."""

from __future__ import annotations

import json
from pathlib import Path, PurePosixPath

import pytest

from carbon.balancer import nginx
from carbon.checks.balancer import BalancerFacts, BalancerStatus, balancer_status
from carbon.checks.case import Case
from carbon.checks.status import NodeStatus, as_data, node_status, unreachable
from carbon.cluster import Database, Driver, Node
from carbon.errors import ConfigFileError, ConnectError
from carbon.home import layout
from carbon.home.driver import DriverPlan
from carbon.home.facts import Reach, RunningServer, ServerFacts
from carbon.plan.model import FileChange, Plan
from tests.unit.carbon.looks import (
    NOW,
    joined_line,
    left_line,
    make_facts,
    make_manager_facts,
    running,
)
from tests.unit.carbon.nodes import make_balancer, make_cluster, make_manager, make_node

WORKER = make_node()
MANAGER = make_manager()
CLUSTER = make_cluster(WORKER, manager=MANAGER, database=Database(address="10.0.0.9"))
JOINED = make_manager_facts(joined_line(ago=90))


def judged(
    facts: ServerFacts | None = None,
    *,
    node: Node = WORKER,
    plan: Plan | ConfigFileError | None = None,
    manager: ServerFacts | None = JOINED,
    to_database: Reach | None = None,
) -> NodeStatus:
    """Return the status of a worker that joined 90 s ago, but for what a test says."""
    facts = facts or make_facts()
    return node_status(
        Case(
            node=node,
            cluster=CLUSTER,
            facts=facts,
            plan=plan or Plan(node=node, facts=facts),
            manager_facts=manager,
            to_database=to_database,
        )
    )


def codes(status: NodeStatus) -> list[str]:
    return [finding.code for finding in status.problems]


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
    gone = make_manager_facts(joined_line(ago=90), left_line(ago=10))
    status = judged(make_facts(process=None, listening={}), manager=gone)
    assert status.state == "down"
    assert codes(status) == ["not-running"]


def test_a_server_that_was_removed_is_not_to_be_started() -> None:
    facts = make_facts(process=None, present=frozenset({str(layout.REMOVED)}), listening={})
    (problem,) = [each for each in judged(facts).problems if each.code == "removed"]
    assert "delete worker1 from hosts.yaml" in problem.remedy
    facts = make_manager_facts(process=None, present=frozenset({str(layout.REMOVED)}), listening={})
    (problem,) = [each for each in judged(facts, node=MANAGER).problems if each.code == "removed"]
    assert "name another manager in hosts.yaml" in problem.remedy, "which wants one"


@pytest.mark.parametrize("process", [running(), None])
def test_what_keeps_a_server_from_its_next_start_is_told_whether_it_runs_or_not(
    process: RunningServer | None,
) -> None:
    facts = make_facts(process=process, disk_free_kb=0, java_home=None)
    assert {"disk-full", "java-home"} <= set(codes(judged(facts)))


def test_a_database_that_is_down_is_told() -> None:
    assert codes(judged(to_database="refused")) == ["database-connection"]
    assert judged(to_database="forbidden").well


def test_ports_are_open_closed_or_taken() -> None:
    status = judged(make_facts(listening={4000: "own", 9763: "other"}))
    assert [port.state for port in status.ports] == ["open", "taken", "closed"]
    assert codes(status) == ["port-taken", "port-closed"]


def test_ports_count_as_its_own_where_their_owner_does_not_show() -> None:
    """Only the account that runs a server sees whose a port is."""
    listening = {4000: "other", 9763: "other", 9443: "other"}
    assert judged(make_facts(listening=listening)).well


@pytest.mark.parametrize(
    ("manager", "code"),
    [
        (make_manager_facts(joined_line(ago=90), left_line(ago=10)), "member-left"),
        (make_manager_facts(), "member-unseen"),
        (None, "member-unknown"),
    ],
)
def test_a_worker_that_runs_and_is_no_member_is_not_well(
    manager: ServerFacts | None, code: str
) -> None:
    assert codes(judged(manager=manager)) == [code]


def test_drift_names_what_a_deploy_would_change() -> None:
    facts = make_facts()
    path = PurePosixPath("repository/conf/carbon.xml")
    plan = Plan(
        node=WORKER,
        facts=facts,
        files=(FileChange(path=path, old=b"a", new=b"b"),),
        driver=DriverPlan(upload=True, remove=(PurePosixPath("lib/old.jar"),), reasons=("old",)),
        upload=PurePosixPath("lib/new.jar"),
    )
    status = judged(facts, plan=plan)
    assert status.drift == (str(path), "lib/new.jar", "lib/old.jar")
    assert "carbon.xml, new.jar, old.jar" in status.problems[0].seen


def test_drift_that_cannot_be_told_is_a_problem_with_its_reason() -> None:
    error = ConfigFileError("two clustering sections", file="axis2.xml", action="remove one")
    status = judged(plan=error)
    assert status.drift is None
    assert status.problems[0].remedy == "remove one"


def test_files_that_hosts_yaml_does_not_keep_are_a_note_and_no_problem() -> None:
    """A manager that was never deployed by this tool is not to be judged by hosts.yaml."""
    facts = make_manager_facts()
    status = node_status(Case(node=MANAGER, cluster=CLUSTER, facts=facts))
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
        "the lock of a dead run (me@host since then for `deploy`); the next run clears it away",
    )


def test_the_driver_is_named_and_judged() -> None:
    node = make_node(driver=Driver(jar=Path("/x/db.jar"), driver_class="a.B"))
    facts = make_facts()
    missing = DriverPlan(upload=True, remove=(), reasons=("it is not there",))
    for driver, right in ((None, True), (missing, False)):
        status = judged(facts, node=node, plan=Plan(node=node, facts=facts, driver=driver))
        assert status.driver is not None
        assert (status.driver.jar, status.driver.right) == ("db.jar", right)


def test_a_server_without_as_home_is_missing_and_nothing_else() -> None:
    facts = make_facts(home_real=None, java_home=None)
    status = node_status(Case(node=WORKER, cluster=CLUSTER, facts=facts))
    assert (status.state, len(status.problems)) == ("missing", 1)


def test_an_unreachable_host_has_its_reason() -> None:
    error = ConnectError("the connection failed: refused", host="worker1", action="look at it")
    for host in (WORKER, make_balancer()):
        status = unreachable(host, error)
        assert status.state == "unreachable"
        assert status.problems[0].seen == "the connection failed: refused"
        assert status.problems[0].remedy == "look at it"


# ---- For programs


def balancer() -> BalancerStatus:
    facts = BalancerFacts(
        pid=7,
        since=NOW,
        configured=True,
        files=nginx.render(CLUSTER),
        listening=frozenset({80, 443}),
    )
    assert CLUSTER.load_balancer
    return balancer_status(CLUSTER.load_balancer, facts, cluster=CLUSTER)


def test_json_has_the_documented_keys_and_can_be_serialised() -> None:
    """Programs rely on these names: take none away."""
    data = json.loads(json.dumps(as_data(CLUSTER, [judged(make_facts(journal="x")), balancer()])))
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
    assert {"code", "seen", "remedy"} <= set(node["problems"][0])
    assert node["ports"][0] == {"name": "localMemberPort", "number": 4000, "state": "open"}
    assert lb["rotation"] == {"worker1": "in"}


def test_json_documents_all_of_its_keys() -> None:
    documented = as_data.__doc__ or ""
    names = {name for kind in (NodeStatus, BalancerStatus) for name in kind.__struct_fields__}
    assert [name for name in names if name not in documented] == []
