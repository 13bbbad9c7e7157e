"""What counts as joined: what the logs say after this very start, whatever happens to them."""

from __future__ import annotations

import signal

import pytest

from tests.lab.cli import Fab
from tests.lab.hosts import LOG, Host, untouched
from tests.lab.inventory import ClusterFile
from tests.waiting import wait_for

ROTATED = f"{LOG}.2014-06-30"

pytestmark = pytest.mark.usefixtures("stock_workers")


def rotate(host: Host) -> None:
    """Rotate a log as log4j does at midnight: the old file gets a date, a new one begins."""
    host.sh(f"mv {LOG} {ROTATED}; touch {LOG}; chown --reference={ROTATED} {LOG}")


def has_logged(host: Host, text: str, *, times: int = 1) -> bool:
    """Tell whether a log that may not be there yet says something, so many times."""
    return host.exists(LOG) and host.log().count(text) >= times


def is_known(manager: Host, worker: Host) -> bool:
    """Tell whether the manager believes a worker to be there: it sees late that one is gone."""
    events = [line for line in manager.log().splitlines() if f"/{worker.address}:" in line]
    members = [line for line in events if "Member joined [" in line or "Member left [" in line]
    return bool(members) and "Member joined [" in members[-1]


def test_an_old_line_of_the_same_address_is_no_evidence(
    fab: Fab, cluster_file: ClusterFile, worker1: Host, manager: Host
) -> None:
    hosts = cluster_file(cluster={"limits": {"join": 2}})
    fab.succeeds("-H", "worker1", "deploy", hosts=hosts)
    assert "Member joined [" in manager.log()
    worker1.kill_jvm()
    worker1.knob("never-join", "yes")
    ran = fab.fails("-H", "worker1", "deploy", hosts=hosts)
    assert "it started, but the manager logged no join" in ran.out
    before = worker1.running()
    ran = fab.fails("-H", "worker1", "deploy", hosts=hosts)
    assert "it started, but the manager logged no join" in ran.out
    assert worker1.running() == before, "the second run only looks on"


def test_logs_that_are_rotated_between_start_and_join_lose_nothing(
    fab: Fab, cluster_file: ClusterFile, worker1: Host, manager: Host
) -> None:
    worker1.knob("start-seconds", "2")
    run = fab.begin("-H", "worker1", "deploy", hosts=cluster_file())
    wait_for("the JVM runs", worker1.is_recorded)
    wait_for("it has begun its log", lambda: has_logged(worker1, "Starting WSO2 Carbon"))
    rotate(manager)
    rotate(worker1)
    out, err = run.communicate()
    assert run.returncode == 0, out + err
    assert "Member joined, after" in out
    assert not has_logged(worker1, "Starting WSO2 Carbon")
    manager.sh(f"rm {ROTATED}")


def test_the_manager_may_restart_between_two_workers_of_one_roll(
    fab: Fab, cluster_file: ClusterFile, worker1: Host, worker2: Host, manager: Host
) -> None:
    worker2.knob("start-seconds", "4")
    before = manager.running()
    run = fab.begin("deploy", hosts=cluster_file())
    wait_for("worker1 has joined", worker1.is_member)
    manager.sh("carbon-manager restart")
    out, err = run.communicate()
    assert run.returncode == 0, out + err
    assert manager.running() != before
    assert worker1.is_member()
    assert worker2.is_member()


def test_the_manager_may_restart_between_two_runs(
    fab: Fab, cluster_file: ClusterFile, worker2: Host, manager: Host
) -> None:
    hosts = cluster_file()
    fab.succeeds("-H", "worker1", "deploy", hosts=hosts)
    manager.sh("carbon-manager restart")
    wait_for("the manager is up", lambda: has_logged(manager, "Mgt Console URL", times=2))
    with untouched(manager):
        fab.succeeds("-H", "worker1,worker2", "deploy", hosts=hosts)
    assert worker2.is_member()


@pytest.mark.parametrize("verb", ["deploy", "verify"])
def test_a_verification_that_the_client_did_not_live_to_see_is_completed_by_the_next_run(
    fab: Fab, cluster_file: ClusterFile, worker1: Host, manager: Host, verb: str
) -> None:
    """Nothing is restarted, and evidence is found on both sides of a rotation of the log."""
    worker1.knob("start-seconds", "2")
    hosts = cluster_file()
    run = fab.begin("-H", "worker1", "deploy", hosts=hosts)
    wait_for("the start is recorded", worker1.is_recorded)
    run.send_signal(signal.SIGKILL)
    run.communicate()
    joined = f"/{worker1.address}:4000"
    before_join = manager.log().count(joined)
    if verb == "deploy":
        rotate(manager)
    wait_for("it has started", lambda: has_logged(worker1, "WSO2 Carbon started"))
    if verb == "verify":
        wait_for("it has joined", lambda: has_logged(manager, joined, times=before_join + 1))
        rotate(manager)
    before = worker1.running()
    assert not worker1.is_member()
    again = fab.succeeds("-H", "worker1", verb, hosts=hosts)
    assert worker1.running() == before
    assert "Member joined" in again.row("worker1")
    assert worker1.is_member()
    manager.sh(f"rm {ROTATED}")


def test_a_rotated_log_does_not_make_a_healthy_worker_restart(
    fab: Fab, cluster_file: ClusterFile, worker1: Host, manager: Host
) -> None:
    hosts = cluster_file()
    fab.succeeds("-H", "worker1", "deploy", hosts=hosts)
    for host in (manager, worker1):
        rotate(host)
    with untouched(worker1):
        ran = fab.succeeds("-H", "worker1", "deploy", hosts=hosts)
    assert "Member joined (recorded)" in ran.row("worker1")
    manager.sh(f"rm {ROTATED}")


def test_a_worker_that_runs_without_a_record_is_left_running_and_shown_as_not_seen(
    fab: Fab, cluster_file: ClusterFile, worker1: Host
) -> None:
    hosts = cluster_file()
    for step in ("driver", "config", "hosts"):
        fab.succeeds("-H", "worker1", step, hosts=hosts)
    worker1.start_by_hand("-DworkerNode=true")
    wait_for("it has started", lambda: has_logged(worker1, "WSO2 Carbon started"))
    with untouched(worker1):
        ran = fab.succeeds("-H", "worker1", "deploy", hosts=hosts)
    assert "not seen" in ran.row("worker1")
    assert "join not verified" in fab("-H", "worker1", "verify", hosts=hosts).row("worker1")


def test_a_pattern_of_hosts_yaml_counts_as_evidence(
    fab: Fab, cluster_file: ClusterFile, worker1: Host, manager: Host
) -> None:
    """Written by hand here, while the worker itself never asks to join."""
    wait_for("the manager knows no member there", lambda: not is_known(manager, worker1))
    worker1.knob("never-join", "yes")
    worker1.knob("finish-seconds", "1")
    pattern = r"welcome (?P<host>[0-9.]+) at (?P<port>[0-9]+)"
    hosts = cluster_file(cluster={"join_patterns": [pattern]})
    run = fab.begin("-H", "worker1", "deploy", hosts=hosts)
    wait_for("the JVM runs", worker1.is_recorded)
    manager.append(LOG, f"some product: welcome {worker1.address}")
    manager.append(LOG, " at 4000\n")
    out, err = run.communicate()
    assert run.returncode == 0, out + err
    assert "custom, after" in out
