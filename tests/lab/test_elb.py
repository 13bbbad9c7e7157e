"""An ELB with group management: a worker has joined only when the ELB took it in, too."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from tests.lab.cli import Fab
from tests.lab.hosts import STATE, Host, untouched
from tests.lab.inventory import LIMITS, ClusterFile

HOME = "/opt/wso2/elb"
REJECT_HTTP = "-p tcp --dport 9763 -j REJECT --reject-with tcp-reset"


@pytest.fixture
def elb(hosts: Mapping[str, Host], manager: Host) -> Iterator[Host]:
    """A stand-in for the ELB, on the load balancer's host."""
    host = hosts["lb"]
    host.script("elb", manager.address)
    yield host
    host.kill_jvm()
    host.sh(f"rm -rf {HOME}; iptables -F")


def inventory(cluster_file: ClusterFile, elb: Host, **limits: int) -> Path:
    return cluster_file(
        cluster={"limits": LIMITS | limits},
        elb={
            "ssh": {"host": "127.0.0.1", "port": elb.ssh_port},
            "localMemberHost": elb.address,
            "home": HOME,
            "group_mgt_port": 4500,
        },
    )


def test_a_worker_is_seen_in_both_logs_or_has_not_joined(
    deployed: tuple[Host, Host], elb: Host, fab: Fab, cluster_file: ClusterFile
) -> None:
    """It joins the cluster, and the ELB cannot reach it: told, and made good by the next run."""
    worker1, _ = deployed
    hosts = inventory(cluster_file, elb, join=4)
    ran = fab.succeeds("-H", "worker1", "deploy", hosts=hosts)
    assert "Member joined, taken in by elb, after" in ran.row("worker1")

    elb.sh(f"iptables -A OUTPUT -d {worker1.address} {REJECT_HTTP}")
    ran = fab.fails("-H", "worker1", "restart", hosts=hosts)
    assert "it joined the cluster, and elb did not take it into the application" in ran.said
    assert "within 4 s (limits: join)" in ran.said
    assert f"check that elb reaches {worker1.address}:9763 and :9443" in ran.said

    jvm = worker1.running()
    elb.sh("iptables -F")
    ran = fab.succeeds("-H", "worker1", "deploy", hosts=hosts)
    assert "worker1  joined: Member joined, taken in by elb" in ran.out
    assert worker1.running() == jvm
    assert "evidence=Member joined, taken in by elb" in worker1.read(f"{STATE}/record")


def test_an_elb_that_is_down_is_told_before_any_change(
    deployed: tuple[Host, Host], elb: Host, fab: Fab, cluster_file: ClusterFile
) -> None:
    elb.kill_jvm()
    with untouched(*deployed):
        ran = fab.fails("-H", "worker1", "restart", hosts=inventory(cluster_file, elb))
    assert "elb: preflight: it is not running" in ran.said
    assert "take `elb:` out of hosts.yaml" in ran.said


def test_the_elb_itself_is_never_deployed(elb: Host, fab: Fab, cluster_file: ClusterFile) -> None:
    ran = fab.fails("-H", "elb", "deploy", hosts=inventory(cluster_file, elb))
    assert "elb is only looked at, never configured or started" in ran.said
