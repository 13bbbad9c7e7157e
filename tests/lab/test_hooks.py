"""Hooks: the operator's own commands around a rollout, as the operator meets them."""

from __future__ import annotations

import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.lab.cli import Fab
from tests.lab.hosts import Host
from tests.lab.inventory import ClusterFile
from tests.waiting import wait_for

WORKER = ("-H", "worker1")
POINTS = ("before_rollout", "before_stop", "after_join", "after_rollout", "on_failure")


@pytest.fixture
def hooked(
    cluster_file: ClusterFile, tmp_path: Path, deployed: tuple[Host, Host]
) -> Callable[..., Path]:
    """Write a hosts.yaml whose hooks write down that they ran; `own` are others in their place."""
    assert deployed

    def write(**own: str) -> Path:
        note = 'echo "$PROVISION_POINT ${PROVISION_HOST-} ${PROVISION_CODE-}" >> calls'
        hooks = {point: own.get(point, note) for point in POINTS}
        (tmp_path / "calls").unlink(missing_ok=True)
        return cluster_file(cluster={"hooks": hooks})

    return write


def calls(folder: Path) -> list[str]:
    """Return which hooks ran, each with its server and what had failed."""
    return [" ".join(line.split()) for line in (folder / "calls").read_text().splitlines()]


def test_each_runs_at_its_point_and_the_plan_lists_them(
    hooked: Callable[..., Path], fab: Fab, tmp_path: Path
) -> None:
    hosts = hooked(after_join='echo "$PROVISION_ADDRESS answers"; env | grep ^PROVISION_ > seen')
    plan = fab(*WORKER, "plan", "--force", hosts=hosts)
    assert "  hook after_join: echo " in plan.out
    assert "rollout: hook before_rollout: echo " in plan.out
    ran = fab.succeeds(*WORKER, "restart", hosts=hosts)
    assert "worker1  after_join | 172." in ran.out or "worker1  after_join | 1" in ran.out
    assert calls(tmp_path) == ["before_rollout", "before_stop worker1", "after_rollout"]
    seen = dict(line.split("=", 1) for line in (tmp_path / "seen").read_text().splitlines())
    assert seen["PROVISION_VERB"] == "restart"
    assert seen["PROVISION_NODES"] == seen["PROVISION_HOST"] == "worker1"
    assert (seen["PROVISION_HTTP_PORT"], seen["PROVISION_INVENTORY"]) == ("9763", str(hosts))


@pytest.mark.parametrize("point", ["before_rollout", "before_stop"])
def test_one_that_refuses_leaves_the_server_as_it_is(
    hooked: Callable[..., Path], fab: Fab, worker1: Host, tmp_path: Path, point: str
) -> None:
    before = worker1.running(), worker1.contents()
    ran = fab.fails(*WORKER, "restart", hosts=hooked(**{point: "echo not today; exit 4"}))
    assert (worker1.running(), worker1.contents()) == before
    assert ran.said.count("error: ") == 1
    assert f"{point}: the command ended with exit status 4; it printed last:" in ran.said
    assert "| not today" in ran.said
    assert calls(tmp_path)[-1].endswith("hook-failed")
    fab.succeeds(*WORKER, "restart", hosts=hooked())


def test_a_smoke_test_that_fails_keeps_the_joined_worker_and_the_next_deploy_asks_again(
    hooked: Callable[..., Path], fab: Fab, worker1: Host, tmp_path: Path
) -> None:
    ran = fab.fails("-H", "worker1,worker2", "restart", hosts=hooked(after_join="exit 1"))
    assert worker1.is_member()
    assert "after_join FAILED" in ran.row("worker1")
    assert "Member joined, after" in ran.row("worker1")
    assert "skipped, unchanged" in ran.row("worker2")
    before = worker1.running()
    status = fab(*WORKER, "status", hosts=hooked())
    assert "the hook after_join did not end well" in status.said
    plan = fab(*WORKER, "plan", hosts=hooked())
    assert plan.status == 2
    assert "run after_join (it did not end well after the join)" in plan.out
    fab.succeeds(*WORKER, "deploy", hosts=hooked())
    assert calls(tmp_path) == ["before_rollout", "after_join worker1", "after_rollout"]
    assert worker1.running() == before
    again = fab.succeeds(*WORKER, "deploy", hosts=hooked())
    assert again.row("worker1").split()[1] == "nothing"
    assert not (tmp_path / "calls").exists()


def test_after_rollout_fails_the_run_and_hides_no_success(
    hooked: Callable[..., Path], fab: Fab
) -> None:
    ran = fab.fails(*WORKER, "restart", hosts=hooked(after_rollout="exit 1"))
    assert ran.row("worker1").split()[1] == "restarted"
    assert "error: after_rollout: the command ended with exit status 1" in ran.said
    assert "all servers are done" in ran.said


def test_ctrl_c_ends_a_hook_with_its_children_and_tells_on_failure(
    hooked: Callable[..., Path], fab: Fab, worker1: Host, tmp_path: Path
) -> None:
    before = worker1.running()
    slow = "sleep 300 & echo $! > child; echo waits; wait"
    run = fab.begin(*WORKER, "restart", hosts=hooked(before_stop=slow))
    wait_for("the hook runs", lambda: (tmp_path / "child").exists())
    run.send_signal(signal.SIGINT)
    out, err = run.communicate(timeout=30)
    assert run.returncode == 130, out + err
    assert worker1.running() == before
    child = Path("/proc") / (tmp_path / "child").read_text().strip()
    wait_for("its child is gone", lambda: not child.exists())
    assert calls(tmp_path) == ["before_rollout", "on_failure worker1 interrupted"]


def test_no_commands_refuses_the_run_in_one_sentence(
    hooked: Callable[..., Path], fab: Fab, worker1: Host, tmp_path: Path
) -> None:
    before = worker1.running()
    ran = fab.fails(*WORKER, "restart", "--no-commands", hosts=hooked())
    assert "hosts.yaml has a command under `hooks: " in ran.said
    assert worker1.running() == before
    assert not (tmp_path / "calls").exists()
