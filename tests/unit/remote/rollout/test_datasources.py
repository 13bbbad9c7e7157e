"""The trial of datasources in a rollout: before the first turn, on all servers, said once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from carbon.cluster import Datasource, Node
from carbon.config import files as config_files
from carbon.errors import Failures, ScriptError, UnfitError
from carbon.home import layout
from carbon.plan.model import FileChange, Options, Plan
from carbon.secret import literal
from remote.host.fleet import Fleet
from remote.host.mock import Log, MockOpener, MockServer
from remote.host.server import Outcome
from remote.rollout.datasources import DatasourceTrial, planned_trials
from remote.rollout.request import Request
from remote.rollout.rollout import roll_out
from tests.unit.carbon.config.samples import DATASOURCES
from tests.unit.carbon.looks import make_facts, remote_file
from tests.unit.carbon.nodes import make_cluster, make_node
from tests.unit.remote.silent import Silent

SOURCE = Datasource(
    name="REG",
    url="jdbc:mariadb://db/reg",
    driver_class_name="org.mariadb.jdbc.Driver",
    jndi_name="jdbc/reg",
    username="reg",
    password=literal("p4ss"),
)
DENIED = b"tried 0 refused 28000 1045 Access denied for user 'reg'@'10.0.0.4' with p4ss\n"
OPEN = b"tried 0 open - 0 \n"


def worker(name: str, **own: Any) -> Node:
    return make_node(name, datasources=(SOURCE,), **own)


WORKERS = (worker("worker1"), worker("worker2", local_member_host="10.0.0.5"))


def restart(node: Node) -> Plan:
    data = config_files.patch(node, layout.DATASOURCES, DATASOURCES).data
    facts = make_facts(name=node.name, files={layout.DATASOURCES: remote_file(data.decode())})
    change = FileChange(path=layout.AXIS2, old=b"old", new=b"new")
    return Plan(node=node, facts=facts, files=(change,), start=True, configures=True)


def roll(answers: Mapping[str, bytes], log: Log) -> None:
    """Roll out a restart of both workers, with these answers to the trial."""
    request = Request(nodes=WORKERS, options=Options(), verb="deploy")
    plans = [restart(node) for node in WORKERS]
    roll_out(make_fleet(answers, log), request, plans, progress=Silent())


def make_fleet(answers: Mapping[str, bytes], log: Log) -> Fleet:
    servers = [
        MockServer(name=name, log=log, answers={"try_datasources": Outcome(0, answer, b"")})
        for name, answer in {"manager": b"", **answers}.items()
    ]
    return Fleet(make_cluster(*WORKERS, load_balancer=None), MockOpener(servers))


def test_a_wrong_password_costs_no_worker() -> None:
    log: Log = []
    with pytest.raises(UnfitError) as refused:
        roll({"worker1": OPEN, "worker2": DENIED}, log)
    error = refused.value
    assert (error.code, error.host, error.step) == ("database-login", "worker2", "datasources")
    assert "REG: Access denied" in error.seen
    assert "p4ss" not in str(error)
    for name in ("worker1", "worker2"):
        assert (name, "try_datasources") in log
        assert (name, "unstage") in log
    assert not [event for event in log if event[1] in ("stop", "swap", "start")]


def test_what_all_servers_say_alike_is_said_once() -> None:
    with pytest.raises(UnfitError) as refused:
        roll({"worker1": DENIED, "worker2": DENIED}, [])
    assert refused.value.host == "worker1"
    assert refused.value.seen.endswith("(the same from worker2)")


def test_what_they_say_differently_is_said_of_each() -> None:
    with pytest.raises(Failures) as refused:
        roll({"worker1": DENIED, "worker2": b"tried 0 slow - 0 \n"}, [])
    codes = [error.code for error in refused.value.errors]
    assert codes == ["database-login", "database-connection"]


@pytest.mark.parametrize("answer", [b"", b"tried 1 open - 0 \n", b"tried 0 fine - 0 \n"])
def test_an_answer_that_is_none_is_no_permission(answer: bytes) -> None:
    with pytest.raises(ScriptError, match="unexpected output"):
        roll({"worker1": OPEN, "worker2": answer}, [])


def test_a_jdk_that_cannot_run_the_trial_ends_nothing() -> None:
    fleet = make_fleet({"worker1": b"untried JAVA_HOME has no bin/java\n"}, [])
    plan = restart(WORKERS[0])
    trial = DatasourceTrial(fleet, plan, planned_trials([plan]))
    assert trial.refusals(Silent()).errors == ()


def test_nodes_of_one_server_with_equal_datasources_share_a_trial() -> None:
    same = worker("worker2", server="worker1", offset=1)
    other = worker("worker3", server="worker1", run_as="wso2")
    trials = planned_trials([restart(node) for node in (WORKERS[0], same, other)])
    assert list(trials) == ["worker1", "worker3"]
