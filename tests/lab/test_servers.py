"""Servers of all kinds: bind-mounted /etc/hosts, no bash, run_as, an old sshd, shared ones."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from lab import Lab
from tests.lab.cli import Fab
from tests.lab.hosts import HOME, STATE, Host, untouched
from tests.lab.inventory import ClusterFile

SECOND = "/opt/wso2/as-2"


def test_a_server_without_bash_and_python_whose_hosts_file_is_a_bind_mount(
    stock: Callable[..., None], fab: Fab, cluster_file: ClusterFile, hosts: Mapping[str, Host]
) -> None:
    """/etc/hosts cannot be replaced there: it is backed up, written in place, and said so."""
    stock("plain")
    plain = hosts["plain"]
    assert " /etc/hosts " in plain.read("/proc/mounts")
    assert plain.sh("command -v bash python3 ss || true") == ""
    before, inode = plain.read("/etc/hosts"), plain.sh("stat -c %i /etc/hosts")
    inventory = cluster_file(workers=["plain"])
    ran = fab.succeeds("-H", "plain", "deploy", hosts=inventory)
    assert "in place: a bind mount; the old one is /etc/hosts.provision-kept" in ran.out
    assert plain.sh("stat -c %i /etc/hosts") == inode
    assert plain.read("/etc/hosts").startswith(before)
    assert plain.read("/etc/hosts.provision-kept") == before
    assert plain.is_member()
    with untouched(plain):
        fab.succeeds("-H", "plain", "deploy", hosts=inventory)
    stock("plain")


def test_a_server_of_openssh_5_3_is_entered_with_legacy_ssh_and_only_with_it(
    stock: Callable[..., None], fab: Fab, cluster_file: ClusterFile, hosts: Mapping[str, Host]
) -> None:
    stock("legacy")
    inventory = cluster_file(workers=["legacy"], legacy={"ssh": {"legacy_ssh": False}})
    ran = fab.fails("-H", "legacy", "deploy", hosts=inventory)
    assert "legacy_ssh: true" in ran.said
    fab.succeeds("-H", "legacy", "deploy", hosts=cluster_file(workers=["legacy"]))
    assert hosts["legacy"].is_member()
    stock("legacy")


def test_a_home_of_another_account_is_worked_on_and_run_as_that_account(
    deployed: tuple[Host, Host],
) -> None:
    """The login cannot even look into it; /etc/hosts is still root's to write."""
    _, worker2 = deployed
    process = f"/proc/{worker2.running().pid}"
    assert worker2.sh(f"stat -c %U {process}").strip() == "wso2"
    assert worker2.sh(f"ls {HOME} 2>&1 || true", user="deploy").count("Permission denied") == 1
    ours = worker2.sh(f"find {STATE} -printf '%u\\n' | sort -u").split()
    assert ours == ["wso2"]
    assert "carbondb.mysql-wso2.com" in worker2.read("/etc/hosts")


@pytest.fixture
def inventory(stock: Callable[..., None], cluster_file: ClusterFile, worker1: Host) -> Path:
    """hosts.yaml of two workers on one server, worker1 and worker4, as unpacked."""
    stock()
    worker1.sh(f"cp -a {HOME} {SECOND}")
    second = cluster_file.worker("worker1") | {"server": "worker1", "home": SECOND}
    return cluster_file(workers=["worker1"], worker4=second)


def test_two_workers_on_one_server_share_it_in_peace(
    fab: Fab, inventory: Path, worker1: Host
) -> None:
    """Ports of their own, one block in /etc/hosts, and a restart of one leaves the other alone."""
    ran = fab.succeeds("-H", "worker1,worker4", "deploy", hosts=inventory)
    assert "4000 9763 9443" in ran.row("worker1")
    assert "4001 9764 9444" in ran.row("worker4")
    assert worker1.get(9763).splitlines()[-1] == worker1.get(9764).splitlines()[-1]
    assert worker1.is_member()
    assert worker1.is_member(home=SECOND)
    assert worker1.read("/etc/hosts").count("carbondb.mysql-wso2.com") == 1
    before = worker1.running(), worker1.running(home=SECOND)
    fab.succeeds("-H", "worker4", "deploy", "--force", hosts=inventory)
    assert worker1.running() == before[0]
    assert worker1.running(home=SECOND) != before[1]
    with untouched(worker1):
        again = fab.succeeds("deploy", hosts=inventory)
    assert again.row("worker4").split()[1] == "nothing"


def test_workers_on_one_server_leave_its_hosts_to_the_first_of_them(
    fab: Fab, inventory: Path, worker1: Host
) -> None:
    assert "hosts (by worker1)" in fab("plan", hosts=inventory).out
    ran = fab.succeeds("hosts", hosts=inventory)
    assert ran.row("worker1").split()[1:2] == ["hosts"]
    assert "hosts (by worker1)" in ran.row("worker4")
    assert worker1.read("/etc/hosts").count("carbondb.mysql-wso2.com") == 1
    with untouched(worker1):
        again = fab.succeeds("hosts", hosts=inventory)
    assert again.row("worker4").split()[1] == "nothing"


def test_the_users_own_ssh_config_counts_with_aliases_and_jumps(
    stock: Callable[..., None], fab: Fab, cluster_file: ClusterFile, lab: Lab, worker1: Host
) -> None:
    """worker1 is reached by an alias, at its inner address, through the manager."""
    stock("worker1")
    config = fab.home / ".ssh" / "config"
    config.parent.mkdir(mode=0o700)
    config.write_text(
        f"""
        Host the-first
            HostName {worker1.address}
            ProxyJump bastion
        Host bastion
            HostName 127.0.0.1
            Port {lab.hosts["manager"].ssh_port}
        Host *
            User deploy
            IdentityFile {lab.identity}
            UserKnownHostsFile {lab.known_hosts}
        """
    )
    entry = {"ssh": {"host": "the-first", "port": None}}
    plain = {"user": None, "identity_file": None, "known_hosts": None}
    inventory = cluster_file(cluster={"ssh": plain}, worker1=entry)
    fab.succeeds("-H", "worker1", "driver", hosts=inventory)
    assert worker1.exists(f"{HOME}/repository/components/lib/{lab.driver.name}")
