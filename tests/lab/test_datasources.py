"""The datasources are tried before anything is stopped: a wrong password costs no worker."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from lab import Lab
from tests.lab.cli import Fab
from tests.lab.hosts import Host
from tests.lab.inventory import ClusterFile, FromEnvironment

WRONG = "wr0ng-p4ssword"
URL = "jdbc:mariadb://carbondb.mysql-wso2.com:3306/REGISTRY_DB"


def hosts(cluster_file: ClusterFile, source: dict[str, Any], **cluster: Any) -> Path:
    return cluster_file(cluster={"datasources": {"WSO2_REGISTRY_DB": source}, **cluster})


def pids(*workers: Host) -> list[str]:
    return [host.sh("cat /opt/wso2/as/wso2carbon.pid").strip("\0\n") for host in workers]


FAULTS = {
    "database-login": {"password": FromEnvironment("DB_PASSWORD")},
    "database-connection": {"url": URL.replace("3306", "3307")},
    "database-url": {"url": URL.replace("mariadb:", "mysq:")},
    "driver": {"driverClassName": "com.mysql.jdbc.Driver"},
}


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
def test_a_deploy_with_a_faulty_datasource_ends_before_anything_is_stopped(
    deployed: tuple[Host, Host],
    fab: Fab,
    cluster_file: ClusterFile,
    fault: dict[str, Any],
    lab: Lab,
) -> None:
    before = pids(*deployed)
    inventory = hosts(cluster_file, fault)
    ran = fab.fails("deploy", hosts=inventory, DB_PASSWORD=WRONG)
    assert ran.err.count("error: ") == 1
    assert "datasources: " in ran.err
    assert "WSO2_REGISTRY_DB" in ran.err
    assert "(the same from worker2)" in ran.err
    assert "stop" not in ran.out
    assert pids(*deployed) == before
    assert all(host.is_member() for host in deployed)
    for secret in (WRONG, lab.db_password):
        assert secret not in ran.said
    said = fab.fails("-H", "worker1", "doctor", hosts=inventory, status=2, DB_PASSWORD=WRONG)
    assert "WSO2_REGISTRY_DB" in said.out


@pytest.mark.usefixtures("deployed")
def test_a_database_host_that_drops_everything_is_known_within_the_limit(
    fab: Fab, cluster_file: ClusterFile, worker1: Host
) -> None:
    silent = hosts(cluster_file, {"url": "jdbc:mariadb://10.255.255.1:3306/REGISTRY_DB"})
    worker1.sh("iptables -A OUTPUT -d 10.255.255.1 -j DROP")
    try:
        ran = fab.fails("-H", "worker1", "deploy", hosts=silent)
    finally:
        worker1.sh("iptables -D OUTPUT -d 10.255.255.1 -j DROP")
    assert "the datasource WSO2_REGISTRY_DB did not answer a login within 10 s" in ran.err
    assert 10 < ran.seconds < 15


@pytest.mark.usefixtures("stock_workers")
def test_check_databases_false_leaves_the_trial_out(
    fab: Fab, cluster_file: ClusterFile, worker1: Host
) -> None:
    """The server starts, since nothing of it uses this datasource."""
    inventory = hosts(cluster_file, FAULTS["database-login"], check_databases=False)
    fab.succeeds("-H", "worker1", "deploy", hosts=inventory, DB_PASSWORD=WRONG)
    assert worker1.is_member()
    ran = fab("-H", "worker1", "doctor", hosts=inventory, DB_PASSWORD=WRONG)
    assert "not checked: datasources (check_databases: false)" in ran.out
