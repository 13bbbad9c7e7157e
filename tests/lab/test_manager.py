"""The manager: the same steps with its own values, and never one of "every worker"."""

from __future__ import annotations

from pathlib import Path

import pytest
from lxml import etree

from tests.lab.cli import Fab
from tests.lab.hosts import HOME, Host, untouched
from tests.lab.inventory import ClusterFile, FromFile

CONF = f"{HOME}/repository/conf"
CARBON = {"c": "http://wso2.org/projects/carbon/carbon.xml"}


def axis2(host: Host, path: str) -> list[str]:
    found = etree.fromstring(host.read(f"{CONF}/axis2/axis2.xml").encode()).xpath(path)
    return [one if isinstance(one, str) else str(one.text) for one in found]


def synchronizer(host: Host, name: str) -> list[str]:
    tree = etree.fromstring(host.read(f"{CONF}/carbon.xml").encode())
    path = f"/c:Server/c:DeploymentSynchronizer/c:{name}/text()"
    return [str(one) for one in tree.xpath(path, namespaces=CARBON)]


def test_the_manager_gets_its_own_values_and_workers_join_it_afterwards(
    changed_manager: Host,
    deployed: tuple[Host, Host],
    fab: Fab,
    cluster_file: ClusterFile,
    tmp_path: Path,
) -> None:
    worker1, worker2 = deployed
    (tmp_path / "svn_password").write_text("in-the-lab-only\n")
    synchronized = {
        "Enabled": True,
        "SvnUrl": "https://svn.example.com/repos/as/",
        "SvnUser": "wso2",
        "SvnPassword": FromFile(tmp_path / "svn_password"),
    }
    hosts = cluster_file(
        cluster={"DeploymentSynchronizer": synchronized}, manager={"group_mgt_port": 2222}
    )
    with untouched(worker1, worker2):
        first = fab.succeeds("-H", "manager", "deploy", hosts=hosts)
        second = fab.succeeds("-H", "manager", "deploy", hosts=hosts)
    assert "cluster initialized, after" in first.row("manager")
    assert "nothing" in second.row("manager")
    clustering = "/axisconfig/clustering"
    sub_domain = "parameter[@name='properties']/property[@name='subDomain']/@value"
    assert axis2(changed_manager, f"{clustering}/{sub_domain}") == ["mgt"]
    assert axis2(changed_manager, f"{clustering}/members/member/hostName") == [
        worker1.address,
        worker2.address,
    ]
    group = f"{clustering}/groupManagement[@enable='true']/applicationDomain"
    assert axis2(changed_manager, f"{group}[@name='wso2.as.domain']/@port") == ["2222"]
    assert synchronizer(changed_manager, "AutoCommit") == ["true"]

    ran = fab.succeeds("-H", "worker1", "deploy", hosts=hosts)
    assert "Member joined, after" in ran.row("worker1")
    assert synchronizer(worker1, "AutoCommit") == ["false"]


@pytest.mark.usefixtures("deployed")
def test_the_manager_is_not_one_of_every_worker(
    manager: Host, fab: Fab, cluster_file: ClusterFile
) -> None:
    with untouched(manager):
        ran = fab("plan", "--force", hosts=cluster_file())
    planned = [line.partition(":")[0] for line in ran.out.splitlines() if "restart (" in line]
    assert planned == ["worker1", "worker2"]
