"""deploy as a whole: two stock servers become verified members, and stay so."""

from __future__ import annotations

import re

import pytest
from lxml import etree

from lab import Lab
from tests.lab.cli import Fab
from tests.lab.hosts import HOME, LOG, STATE, Host, untouched
from tests.lab.inventory import ClusterFile

CONF = f"{HOME}/repository/conf"


@pytest.mark.usefixtures("stock_workers")
def test_two_stock_servers_become_members_and_a_second_deploy_changes_and_restarts_nothing(
    fab: Fab, cluster_file: ClusterFile, worker1: Host, worker2: Host, manager: Host
) -> None:
    """One after the other: worker1's join is held up here, and worker2 waits for it."""
    worker1.knob("start-seconds", "2")
    hosts = cluster_file()
    first = fab.succeeds("-H", "worker1,worker2", "deploy", hosts=hosts)
    with untouched(worker1, worker2):
        second = fab.succeeds("-H", "worker1,worker2", "deploy", hosts=hosts)
    for host in (worker1, worker2):
        assert "Member joined, after" in first.row(host.name)
        assert str(host.running().pid) in first.row(host.name)
        assert second.row(host.name).split()[1] == "nothing"
        assert "Member joined (recorded)" in second.row(host.name)
    joined = _times(manager.log(), rf"Member joined .*/{worker1.address}:4000")
    assert joined[-1] < _times(worker2.log(), "Starting WSO2 Carbon")[-1]


def test_every_step_of_the_guide_is_done_on_each_worker(
    deployed: tuple[Host, Host], lab: Lab, manager: Host
) -> None:
    for worker in deployed:
        axis2 = worker.read(f"{CONF}/axis2/axis2.xml")
        for line in (
            'enable="true">',
            '<parameter name="membershipScheme">wka</parameter>',
            '<parameter name="domain">wso2.as.domain</parameter>',
            f'<parameter name="localMemberHost">{worker.address}</parameter>',
            '<parameter name="localMemberPort">4000</parameter>',
            '<property name="subDomain" value="worker"/>',
            f"<hostName>{manager.address}</hostName>",
        ):
            assert line in axis2
        carbon = worker.read(f"{CONF}/carbon.xml")
        assert "<HostName>as.wso2.com</HostName>" in carbon
        assert "<MgtHostName>mgt.as.wso2.com</MgtHostName>" in carbon
        catalina = etree.fromstring(worker.read(f"{CONF}/tomcat/catalina-server.xml").encode())
        assert [one.get("proxyPort") for one in catalina.iter("Connector")] == ["80", "443"]
        datasources = worker.read(f"{CONF}/datasources/master-datasources.xml")
        assert "<name>WSO2_REGISTRY_DB</name>" in datasources
        assert f"<password>{lab.db_password}</password>" in datasources
        names = worker.read("/etc/hosts")
        assert f"{lab.hosts['db'].address}\tcarbondb.mysql-wso2.com" in names
        assert f"{manager.address}\tmgt.as.wso2.com" in names
        assert lab.driver.name in worker.sh(f"ls {HOME}/repository/components/lib")


def test_the_running_server_is_a_worker_and_answers_on_its_ports(
    deployed: tuple[Host, Host],
) -> None:
    for worker in deployed:
        command = worker.sh(f"tr '\\0' ' ' < /proc/{worker.running().pid}/cmdline")
        assert command.rstrip().endswith("org.wso2.carbon.bootstrap.Bootstrap -DworkerNode=true")
        environment = worker.sh(f"tr '\\0' '\\n' < /proc/{worker.running().pid}/environ")
        assert "JAVA_HOME=/opt/java" in environment.splitlines()
        assert "CARBON_HOME=" not in environment
        for port in (9763, 9443):
            assert f"{worker.name}:{port}\n" in worker.get(port)
        assert "HostName as.wso2.com\nproxyPort 80\nworkerNode true" in worker.get(9763)


def test_owner_and_mode_of_what_is_replaced_are_kept_and_copies_with_secrets_are_private(
    deployed: tuple[Host, Host],
) -> None:
    for worker, owner in zip(deployed, ("deploy", "wso2"), strict=True):
        stat = 'stat -c "%U:%G %a" "$1"'
        for path in ("axis2/axis2.xml", "carbon.xml", "datasources/master-datasources.xml"):
            old = worker.sh('stat -c "%a" "$1"', f"/opt/pack/repository/conf/{path}").strip()
            assert worker.sh(stat, f"{CONF}/{path}").strip() == f"{owner}:{owner} {old}"
        kept = worker.sh(f"find {STATE} -type f -perm /077 -o -type d -perm /077").split()
        assert kept == [], "readable to others"


def test_what_was_done_is_in_the_audit_log_and_kept_for_a_rollback(
    deployed: tuple[Host, Host],
) -> None:
    for worker in deployed:
        last = worker.read(f"{STATE}/audit.log").splitlines()[-1]
        assert re.fullmatch(r"\S+Z \S+@\S+ uid=\d+ deploy inventory=[0-9a-f]{12} ok", last)
        kept = worker.sh(f"cd {STATE}/generations/*/files && find . -type f | sort").split()
        assert kept == [
            "./repository/conf/axis2/axis2.xml",
            "./repository/conf/carbon.xml",
            "./repository/conf/datasources/master-datasources.xml",
            "./repository/conf/tomcat/catalina-server.xml",
        ]


def test_without_H_deploy_means_every_worker_in_the_order_of_the_file(
    deployed: tuple[Host, Host], fab: Fab, cluster_file: ClusterFile
) -> None:
    hosts = cluster_file()
    with untouched(*deployed):
        forth = fab.succeeds("deploy", hosts=hosts)
    rows = [line.split()[0] for line in forth.out.splitlines() if line.startswith("worker")]
    assert rows == ["worker", "worker1", "worker2"]


def test_a_worker_is_restarted_if_what_it_reads_at_start_is_newer_than_its_process(
    deployed: tuple[Host, Host], fab: Fab, cluster_file: ClusterFile, lab: Lab
) -> None:
    """Configuration and libraries count, whoever changed them."""
    paths = ("repository/conf/carbon.xml", f"repository/components/lib/{lab.driver.name}")
    before = [worker.running() for worker in deployed]
    for worker, path in zip(deployed, paths, strict=True):
        worker.sh('touch "$1"', f"{HOME}/{path}")
    ran = fab.succeeds("deploy", hosts=cluster_file())
    for worker, path, old in zip(deployed, paths, before, strict=True):
        assert worker.running() != old
        assert "restarted" in ran.row(worker.name)
        assert f"{path} changed after its start" in ran.out


def test_a_worker_is_not_restarted_for_what_it_does_not_read_at_start(
    deployed: tuple[Host, Host], fab: Fab, cluster_file: ClusterFile
) -> None:
    worker1, _ = deployed
    before = worker1.running()
    worker1.sh(f"touch {HOME}/repository/deployment/server/new {LOG}", user="deploy")
    ran = fab.succeeds("deploy", hosts=cluster_file())
    assert worker1.running() == before
    assert ran.row("worker1").split()[1] == "nothing"
    worker1.sh(f"rm {HOME}/repository/deployment/server/new")


def test_force_restarts_a_worker_that_needs_nothing(
    deployed: tuple[Host, Host], fab: Fab, cluster_file: ClusterFile
) -> None:
    worker1, worker2 = deployed
    before = worker1.running()
    with untouched(worker2):
        ran = fab.succeeds("-H", "worker1", "deploy", "--force", hosts=cluster_file())
    assert worker1.running() != before
    assert "restarted" in ran.row("worker1")


def test_an_edit_of_hosts_yaml_restarts_only_the_worker_that_it_concerns(
    deployed: tuple[Host, Host], fab: Fab, cluster_file: ClusterFile
) -> None:
    worker1, worker2 = deployed
    before = worker1.running()
    with untouched(worker2):
        fab.succeeds("deploy", hosts=cluster_file(worker1={"HostName": "other.wso2.com"}))
    assert worker1.running() != before
    assert "<HostName>other.wso2.com</HostName>" in worker1.read(f"{CONF}/carbon.xml")


def _times(log: str, text: str) -> list[str]:
    """Return the times of the lines that hold a text; both logs are by the same clock."""
    return [
        found[1]
        for line in log.splitlines()
        if re.search(text, line) and (found := re.search(r"\[(\d{4}-\d\d-\d\d [\d:,]+)\]", line))
    ]
