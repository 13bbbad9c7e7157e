"""install: the product's pack on a server that has none; whole, or not there at all."""

from __future__ import annotations

import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import pytest

from lab import Lab
from tests.lab.cli import Fab
from tests.lab.hosts import HOME, Host, untouched
from tests.lab.inventory import ClusterFile
from tests.waiting import wait_for

PARENT = "/opt/wso2"
KINDS: tuple[Literal["zip", "tar.gz"], ...] = ("zip", "tar.gz")


@pytest.fixture
def packed(lab: Lab, cluster_file: ClusterFile) -> Callable[..., Path]:
    """Write a hosts.yaml that names the lab's own pack, for some workers."""

    def write(
        *names: str, kind: Literal["zip", "tar.gz"] = "zip", pack: Any = None, **changes: Any
    ) -> Path:
        cluster = {"pack": pack or str(lab.pack(kind))}
        return cluster_file(workers=list(names), cluster=cluster, **changes)

    return write


def left(host: Host) -> list[str]:
    return host.sh(f"ls -A {PARENT}").split()


@pytest.mark.parametrize("kind", KINDS)
def test_a_deploy_brings_the_pack_to_an_empty_server_and_it_joins(
    bare: Host, packed: Callable[..., Path], fab: Fab, kind: Literal["zip", "tar.gz"]
) -> None:
    hosts = packed("worker3", kind=kind)
    plan = fab("-H", "worker3", "plan", hosts=hosts)
    assert plan.status == 2
    assert f"plan: install wso2as-5.3.0.{kind}" in plan.out
    assert left(bare) == []
    ran = fab.succeeds("-H", "worker3", "deploy", hosts=hosts)
    assert "Member joined, after" in ran.row("worker3")
    assert bare.is_member()
    assert left(bare) == ["as"]
    assert bare.sh(f"find {HOME} -perm -002 ! -type l").split() == []
    assert bare.sh(f"stat -c %a {HOME}/bin/wso2server.sh").strip() == "755"
    again = fab.succeeds("-H", "worker3", "deploy", hosts=hosts)
    assert again.row("worker3").split()[1] == "nothing"


@pytest.mark.usefixtures("bare")
def test_two_empty_servers_of_two_accounts_are_installed_at_once_and_join_in_turn(
    hosts: dict[str, Host], packed: Callable[..., Path], fab: Fab
) -> None:
    """worker2's AS_HOME belongs to another account than the login."""
    worker2 = hosts["worker2"]
    worker2.sh(f"rm -rf {HOME}")
    ran = fab.succeeds("-H", "worker2,worker3", "deploy", hosts=packed("worker2", "worker3"))
    assert all("Member joined, after" in ran.row(name) for name in ("worker2", "worker3"))
    assert worker2.sh(f"stat -c %U {HOME} {HOME}/bin/wso2server.sh").split() == ["wso2", "wso2"]
    worker2.restore()


@pytest.mark.usefixtures("bare")
def test_from_two_empty_servers_to_a_cluster_that_survives_a_reboot(
    hosts: dict[str, Host],
    stock: Callable[..., None],
    packed: Callable[..., Path],
    cluster_file: ClusterFile,
    fab: Fab,
    lab: Lab,
    manager: Host,
) -> None:
    """One command: installed, configured, started (one by systemd), joined; then a reboot."""
    stock("systemd")
    host = hosts["systemd"]
    host.sh(f"rm -rf {HOME}")
    worker = {**cluster_file.worker("systemd"), "service": {"systemd": "wso2as"}}
    inventory = packed("worker3", systemd=worker)
    ran = fab.succeeds("-H", "systemd,worker3", "deploy", hosts=inventory)
    assert all("Member joined, after" in ran.row(name) for name in ("systemd", "worker3"))
    joins = manager.log().count(f"/{host.address}:4000")
    lab.reboot("systemd")
    wait_for("it is back", lambda: manager.log().count(f"/{host.address}:4000") > joins + 1)
    wait_for("it answers", lambda: host.answers(9763))
    status = fab.succeeds("-H", "systemd,worker3", "status", hosts=inventory)
    assert "not running" not in status.said
    stock("systemd")


def test_what_is_there_is_never_overwritten(
    bare: Host, packed: Callable[..., Path], fab: Fab
) -> None:
    hosts = packed("worker3")
    fab.succeeds("-H", "worker3", "install", hosts=hosts)
    bare.sh(f"echo mine > {HOME}/mine")
    with untouched(bare):
        again = fab.succeeds("-H", "worker3", "install", hosts=hosts)
    assert "is there already" in again.row("worker3")
    fab.succeeds("-H", "worker3", "install", "--replace", hosts=hosts)
    assert bare.read(f"{HOME}.provision-kept/mine") == "mine\n"
    assert not bare.exists(f"{HOME}/mine")


def test_a_server_that_runs_is_not_replaced(
    deployed: tuple[Host, Host], packed: Callable[..., Path], fab: Fab
) -> None:
    worker1 = deployed[0]
    with untouched(worker1):
        ran = fab.fails("-H", "worker1", "install", "--replace", hosts=packed("worker1"))
    assert "never replaced while it does" in ran.said


def test_a_place_without_rights_is_refused_before_anything_is_sent(
    bare: Host, packed: Callable[..., Path], fab: Fab
) -> None:
    bare.sh(f"chown root {PARENT}")
    try:
        ran = fab.fails("-H", "worker3", "deploy", hosts=packed("worker3"))
    finally:
        bare.sh(f"chown deploy {PARENT}")
    assert f"may not write in {PARENT}" in ran.said
    assert f"install -d -o deploy {PARENT}" in ran.said
    assert left(bare) == []


@pytest.mark.parametrize(
    "point",
    [
        "home_receive:1 kill-before",
        "home_receive:1 kill-after",
        "home_land:1 kill-before",
        "home_land:1 kill-after",
    ],
)
def test_an_operator_who_is_lost_leaves_nothing_that_the_next_run_does_not_clear(
    bare: Host, packed: Callable[..., Path], fab: Fab, point: str
) -> None:
    hosts = packed("worker3")
    words = ("-H", "worker3", "install")
    run = fab.begin(*words, hosts=hosts, PROVISION_FAULT=f"worker3:run:{point}")
    run.communicate(timeout=60)
    assert run.returncode == -signal.SIGKILL
    fab.succeeds(*words, hosts=hosts)
    assert left(bare) == ["as"]
    assert bare.exists(f"{HOME}/bin/wso2server.sh")


@pytest.mark.usefixtures("bare")
def test_the_manager_and_a_worker_that_are_both_down_come_up_in_one_command(
    changed_manager: Host, packed: Callable[..., Path], fab: Fab
) -> None:
    """The first turn starts the manager: that it is down when all begins hinders no worker."""
    changed_manager.sh(f"kill {changed_manager.running().pid}")
    wait_for("it is down", lambda: changed_manager.jvm() is None)
    ran = fab.succeeds("-H", "manager,worker3", "deploy", hosts=packed("worker3"))
    assert "cluster initialized" in ran.row("manager")
    assert "Member joined, after" in ran.row("worker3")
