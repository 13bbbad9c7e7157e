"""`fab status` on the lab: every host a row, one round trip each, and whether all is well."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from lab import Lab
from tests.lab.cli import Fab, Ran
from tests.lab.hosts import HOME, LOCK, LOG, STATE, Host, plant_lock
from tests.lab.inventory import ClusterFile
from tests.waiting import wait_for

NOT_WELL = 2


def host_rows(ran: Ran) -> dict[str, str]:
    """Return the lines of the table by host."""
    table = ran.out.partition("\n\n")[0].splitlines()
    assert table[0].startswith("host "), ran
    return {line.split()[0]: line for line in table[1:]}


def data(ran: Ran) -> dict[str, Any]:
    """Return what --json printed, its hosts by name."""
    found: dict[str, Any] = json.loads(ran.out)
    return found | {"hosts": {one["name"]: one for one in found["hosts"]}}


@pytest.mark.usefixtures("deployed")
def test_a_deployed_cluster_is_well(
    fab: Fab, cluster_file: ClusterFile, worker1: Host, tmp_path: Path
) -> None:
    """One row for each host, in one round trip each, without escape sequences in a pipe."""
    log = tmp_path / "points"
    ran = fab.succeeds("status", hosts=cluster_file(), PROVISION_FAULT_LOG=str(log))
    rows = host_rows(ran)
    assert list(rows) == ["manager", "worker1", "worker2"]
    for name in ("worker1", "worker2"):
        assert "running" in rows[name]
        assert "joined" in rows[name]
        assert "4000 9763 9443" in rows[name]
        assert " none " in rows[name]
    assert str(worker1.running().pid) in rows["worker1"]
    assert "\x1b" not in ran.out
    runs = [line for line in log.read_text().split() if ":run:" in line or ":stream:" in line]
    assert sorted(runs) == [f"{name}:run:facts:1" for name in ("manager", "worker1", "worker2")]


@pytest.mark.usefixtures("deployed")
def test_json_tells_the_same(fab: Fab, cluster_file: ClusterFile, worker1: Host) -> None:
    found = data(fab.succeeds("-H", "worker1", "status", "--json", hosts=cluster_file()))
    assert found["well"] is True
    assert found["cluster"] == "wso2.as.domain"
    one = found["hosts"]["worker1"]
    assert (one["role"], one["pid"], one["drift"]) == ("worker", worker1.running().pid, [])
    assert one["membership"]["state"] == "joined"
    assert one["membership"]["at"] >= one["since"]
    assert one["driver"]["right"] is True
    assert one["product"] == "WSO2 Application Server v5.3.0"


def test_a_worker_without_as_home_is_missing(fab: Fab, cluster_file: ClusterFile) -> None:
    ran = fab("-H", "worker3", "status", hosts=cluster_file(workers=["worker1", "worker3"]))
    assert ran.status == NOT_WELL
    assert "missing" in host_rows(ran)["worker3"]
    assert "clone --source" in ran.out


@pytest.mark.usefixtures("deployed")
def test_the_load_balancer_is_a_row(fab: Fab, cluster_file: ClusterFile, lab: Lab) -> None:
    text = cluster_file().read_text() + (
        f"load_balancer:\n  ssh: {{host: 127.0.0.1, port: {lab.hosts['lb'].ssh_port}}}\n"
    )
    ran = fab("-H", "worker1,lb", "status", hosts=cluster_file.write(text))
    assert ran.status == NOT_WELL
    assert "load balancer" in host_rows(ran)["lb"] and "running" in host_rows(ran)["lb"]
    assert "lb: it differs from hosts.yaml: wso2.as.domain.http.conf\n  → fab lb.config" in ran.out


@pytest.mark.usefixtures("deployed")
def test_a_manager_that_is_down_leaves_recorded_members_joined(
    fab: Fab, cluster_file: ClusterFile, lab: Lab, manager: Host
) -> None:
    """Nobody can say that they left."""
    lab.pause("manager")
    try:
        hosts = cluster_file(cluster={"limits": {"connect": 2}})
        ran = fab("status", hosts=hosts)
    finally:
        lab.unpause("manager")
    assert ran.status == NOT_WELL
    rows = host_rows(ran)
    assert "unreachable" in rows["manager"]
    assert "joined (recorded)" in rows["worker1"]
    assert manager.jvm()


@pytest.fixture
def marked(deployed: tuple[Host, Host]) -> Iterator[Host]:
    """A worker with a lock of somebody else and the journal of an interrupted run."""
    worker1, _ = deployed
    lock = "ann@office since 2026-11-22T11:00:00Z for `deploy` run=ab pid=1 ticks=0"
    plant_lock(worker1, lock)
    worker1.write(f"{STATE}/journal", "20261122T110000Z-ab\n")
    yield worker1
    worker1.sh(f"rm {LOCK} {STATE}/journal")


@pytest.mark.usefixtures("marked")
def test_an_open_journal_and_the_lock_of_a_dead_run_are_shown(
    fab: Fab, cluster_file: ClusterFile
) -> None:
    ran = fab("-H", "worker1", "status", hosts=cluster_file())
    assert ran.status == NOT_WELL
    assert "an interrupted run left its journal open (20261122T110000Z-ab)" in ran.out
    assert "worker1: note: the lock of a dead run (ann@office since 2026-11-22T11:00:00Z" in ran.out


@pytest.mark.usefixtures("deployed")
def test_evidence_of_yesterday_is_found_in_the_rotated_log(
    fab: Fab, cluster_file: ClusterFile, manager: Host, worker1: Host
) -> None:
    """Nothing of this tool's own record is needed for it."""
    record = worker1.read(f"{STATE}/record")
    manager.sh(f"mv {LOG} {LOG}.2026-11-21; touch {LOG}; chown deploy: {LOG}")
    worker1.sh(f"rm {STATE}/record")
    try:
        found = data(fab("-H", "worker1", "status", "--json", hosts=cluster_file()))
    finally:
        manager.sh(f"mv {LOG}.2026-11-21 {LOG}")
        worker1.write(f"{STATE}/record", record)
        worker1.sh(f"chown deploy: {STATE}/record")
    seen = found["hosts"]["worker1"]["membership"]
    assert (seen["state"], seen["wording"]) == ("joined", "Member joined")


def test_each_host_shows_what_is_wrong_with_it_and_no_other(
    fab: Fab, cluster_file: ClusterFile, deployed: tuple[Host, Host], lab: Lab
) -> None:
    """One drifted, one that left, one switched off."""
    worker1, worker2 = deployed
    hosts = cluster_file(workers=["worker1", "worker2", "worker3"])
    worker1.sh(f"sed -i s/as.wso2.com/changed.wso2.com/ {HOME}/repository/conf/carbon.xml")
    pid = worker2.running().pid
    worker2.sh('kill "$1"', str(pid))
    wait_for("worker2 has ended", lambda: worker2.jvm() is None)
    lab.stop("worker3")
    try:
        ran = fab("status", hosts=hosts)
    finally:
        lab.start("worker3")
    rows = host_rows(ran)
    assert ran.status == NOT_WELL
    assert ran.seconds < 15
    assert "running" in rows["manager"]
    assert "1 file " in rows["worker1"] and "joined" in rows["worker1"]
    assert "down" in rows["worker2"] and " left " in rows["worker2"]
    assert "unreachable" in rows["worker3"]
    assert "worker1: it differs from hosts.yaml: carbon.xml" in ran.out
    assert "worker1: restart pending: repository/conf/carbon.xml changed" in ran.out
    assert "worker2: it is not running: it was stopped at " in ran.out
    assert "\n  → start it: fab -H worker2 start" in ran.out
    assert "worker3: the connection failed" in ran.out
    assert "manager: " not in ran.out.replace("manager: note", "")


def test_a_worker_started_by_hand_on_kernel_4_2_0_is_called_a_manager(
    fab: Fab, cluster_file: ClusterFile, worker1: Host
) -> None:
    """Its script drops -DworkerNode=true; files and logs show nothing of it."""
    worker1.kill_jvm()
    worker1.sh(f"carbon-kernel {HOME} 4.2.0")
    worker1.start_by_hand("-DworkerNode=true", "start")
    ran = fab("-H", "worker1", "status", hosts=cluster_file())
    assert ran.status == NOT_WELL
    assert "manager, not worker" in host_rows(ran)["worker1"]
    assert "worker1: it runs as a manager, not as a worker" in ran.out
