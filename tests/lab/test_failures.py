"""Starts that fail: each has its own outcome, in time, and the next worker is as it was."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.lab.cli import Fab, Ran
from tests.lab.hosts import HOME, STATE, Host, untouched
from tests.lab.inventory import ClusterFile, FromFile
from tests.waiting import wait_for

LIMITS = {"start": 4, "join": 3}
FAILED_IN_SECONDS = 15.0


@pytest.fixture
def failed(
    stock: Callable[..., None],
    fab: Fab,
    cluster_file: ClusterFile,
    worker1: Host,
    worker2: Host,
) -> Callable[..., Ran]:
    """Deploy both workers, of which worker1 fails; see that worker2 was left alone.

    `spoil` is run on worker1 first; knobs of the stand-in are keywords with `_` for `-`.
    """

    stock()

    def deploy(spoil: str = "", *, changes: dict[str, Any] | None = None, **knobs: str) -> Ran:
        worker1.sh(spoil)
        for knob, value in knobs.items():
            worker1.knob(knob.replace("_", "-"), value)
        both = dict(changes or {})
        both["cluster"] = {"limits": LIMITS, **both.get("cluster", {})}
        hosts = cluster_file(**both)
        with untouched(worker2):
            ran = fab.fails("-H", "worker1,worker2", "deploy", hosts=hosts)
        assert ran.seconds < FAILED_IN_SECONDS, ran
        assert "FAILED" in ran.row("worker1")
        assert "skipped, unchanged" in ran.row("worker2")
        return ran

    return deploy


def test_a_worker_that_dies_is_told_as_dead_with_its_last_words(
    failed: Callable[..., Ran], worker1: Host
) -> None:
    ran = failed(die="after-cluster")
    assert "worker1: start: its process ended; likely:" in ran.out
    assert "last of worker1's log:" in ran.out
    assert "Cluster initialization completed\n" in ran.out
    assert ran.seconds < 8, "death is known at once, not at a limit"
    assert worker1.jvm() is None


def test_a_script_that_ends_without_a_jvm_is_told_with_its_console(
    failed: Callable[..., Ran],
) -> None:
    ran = failed(f"printf 'echo no luck today\\nexit 1\\n' > {HOME}/bin/wso2server.sh")
    assert "worker1: start: its process ended" in ran.out
    assert "| no luck today" in ran.out


def test_a_worker_that_never_says_started_is_told_at_the_limit(
    failed: Callable[..., Ran],
) -> None:
    ran = failed(never_started="yes")
    assert "did not say that it started within 4 s (limits: start)" in ran.out


def test_a_worker_that_starts_and_never_joins_is_told_with_both_logs(
    failed: Callable[..., Ran], manager: Host, worker1: Host
) -> None:
    # The manager may only now be noticing that the worker1 of the test before was killed.
    wait_for("the manager has let worker1 go", lambda: not _counts_in(manager, worker1))
    ran = failed(never_join="yes")
    assert "worker1: verify: it started, but the manager logged no join within 3 s" in ran.out
    assert "likely: worker1 formed a cluster of its own and does not see manager" in ran.out
    assert "last of manager's log about it: nothing" in ran.out


def _counts_in(manager: Host, worker: Host) -> bool:
    """Tell whether the last that the manager's log says of a worker is that it joined."""
    about = [line for line in manager.log().splitlines() if f"/{worker.address}:" in line]
    return bool(about) and "Member joined" in about[-1]


def test_a_port_that_the_product_counted_up_is_a_failure_that_says_so(
    failed: Callable[..., Ran],
) -> None:
    ran = failed(port="4001")
    assert "it took localMemberPort 4001, not 4000" in ran.out
    assert ran.seconds < 8, "its own log tells, no limit is waited for"


def test_a_wrong_database_password_is_named_and_not_shown(
    failed: Callable[..., Ran], tmp_path: Path
) -> None:
    wrong = "wrong-pass-4711"
    (tmp_path / "password").write_text(wrong)
    source = {"WSO2_REGISTRY_DB": {"password": FromFile(tmp_path / "password")}}
    ran = failed(
        f"carbon-users {HOME} jdbc/WSO2RegistryDB",
        changes={"cluster": {"datasources": source, "check_databases": False}},
    )
    assert "likely: the database refuses the user regadmin of worker1" in ran.out
    assert wrong not in ran.said


def test_a_server_that_comes_up_as_a_manager_is_not_taken_for_a_worker(
    failed: Callable[..., Ran],
) -> None:
    """As kernel 4.2.0's own `start` makes it, which drops its arguments."""
    ran = failed(
        f"sed -i 's/bootstrap.Bootstrap [$][*]/bootstrap.Bootstrap/' {HOME}/bin/wso2server.sh"
    )
    assert "it came up as a manager: -DworkerNode=true is not in effect" in ran.out


def test_after_the_cause_is_removed_the_same_command_goes_on(
    failed: Callable[..., Ran],
    fab: Fab,
    cluster_file: ClusterFile,
    worker1: Host,
    worker2: Host,
) -> None:
    failed(die="before-cluster")
    assert "deploy inventory=" in worker1.read(f"{STATE}/audit.log")
    assert "failed: its process ended" in worker1.read(f"{STATE}/audit.log")
    worker1.sh(f"rm -r {HOME}/standin")
    ran = fab.succeeds("deploy", hosts=cluster_file(cluster={"limits": LIMITS}))
    assert "started" in ran.row("worker1")
    assert "config" in ran.row("worker2")
    assert worker1.is_member()
    assert worker2.is_member()


def test_the_first_failure_ends_the_roll_but_keeps_what_was_done_before_it(
    fab: Fab, cluster_file: ClusterFile, stock: Callable[..., None], worker1: Host, worker2: Host
) -> None:
    stock()
    worker2.knob("die", "before-cluster")
    hosts = cluster_file(cluster={"limits": LIMITS})
    ran = fab.fails("deploy", hosts=hosts)
    assert "Member joined, after" in ran.row("worker1")
    assert "FAILED" in ran.row("worker2")
    assert worker1.is_member()
    before = worker1.running()
    worker2.sh(f"rm -r {HOME}/standin")
    ran = fab.succeeds("deploy", hosts=hosts)
    assert ran.row("worker1").split()[1] == "nothing"
    assert worker1.running() == before
