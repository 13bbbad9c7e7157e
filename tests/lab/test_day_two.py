"""Plan, start, stop, restart, history, rollback, remove: the verbs after the first deploy."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.lab.cli import Fab
from tests.lab.hosts import HOME, LOG, STATE, Host, untouched
from tests.lab.inventory import LIMITS, ClusterFile, FromFile

DATASOURCES = f"{HOME}/repository/conf/datasources/master-datasources.xml"
FAILING_SOON = {**LIMITS, "start": 5, "join": 3}
WRONG = "wrong-pass-4711"


@pytest.fixture
def wrong_password(cluster_file: ClusterFile, tmp_path: Path) -> Path:
    """Return an inventory with a password that the database refuses, and that nobody tries."""
    (tmp_path / "wrong").write_text(WRONG)
    source = {"WSO2_REGISTRY_DB": {"password": FromFile(tmp_path / "wrong")}}
    users = {
        "file": "user-mgt.xml",
        "xpath": '/UserManager/Realm/Configuration/Property[@name="dataSource"]',
        "value": "jdbc/WSO2RegistryDB",
    }
    cluster = {"limits": FAILING_SOON, "datasources": source, "files": [users]}
    return cluster_file(cluster={**cluster, "check_databases": False})


# ---- plan


def test_plan_shows_what_deploy_then_does_and_touches_nothing(
    deployed: tuple[Host, Host], fab: Fab, cluster_file: ClusterFile, manager: Host
) -> None:
    """Secrets are masked on both sides of the diff."""
    hosts = cluster_file(
        cluster={"datasources": {"WSO2_REGISTRY_DB": {"username": "root"}}},
        worker1={"datasources": {"WSO2_REGISTRY_DB": {"username": "regadmin"}}},
    )
    with untouched(*deployed, manager):
        planned = fab("-H", "worker1,worker2", "plan", hosts=hosts)
    assert planned.status == 2, planned
    assert "worker1: nothing to do" in planned.out
    assert "worker2: config (master-datasources.xml), restart" in planned.out
    assert "-                    <username>regadmin</username>" in planned.out
    assert "+                    <username>root</username>" in planned.out
    assert "<password>********</password>" in planned.out


@pytest.mark.usefixtures("deployed")
def test_plan_of_what_is_right_is_0_and_of_a_stock_server_shows_all_of_it(
    fab: Fab, cluster_file: ClusterFile, stock: Callable[..., None]
) -> None:
    hosts = cluster_file()
    assert fab("plan", hosts=hosts).status == 0
    stock("worker1")
    planned = fab("-H", "worker1", "plan", hosts=hosts)
    assert planned.status == 2
    for text in (
        "driver (",
        "hosts (+2 -0)",
        "start (it is not running)",
        "carbondb.mysql-wso2.com",
    ):
        assert text in planned.out, text


def test_what_plan_shows_is_what_deploy_says_and_does(
    deployed: tuple[Host, Host], fab: Fab, cluster_file: ClusterFile
) -> None:
    hosts = cluster_file(worker1={"HostName": "other.wso2.com"})
    promised = fab("plan", hosts=hosts).out.splitlines()[0].removeprefix("worker1: ")
    ran = fab.succeeds("deploy", hosts=hosts)
    assert f"worker1  plan: {promised}\n" in ran.out
    assert ran.row("worker1").split("  ")[1:2] == ["config: carbon.xml, restarted"]
    assert fab("plan", hosts=hosts).status == 0
    assert deployed[0].is_member()


def test_dry_is_refused_with_a_pointer_to_plan(fab: Fab, cluster_file: ClusterFile) -> None:
    ran = fab.fails("--dry", "-H", "worker1", "deploy", hosts=cluster_file())
    assert "--dry is not safe for remote work" in ran.err
    assert "fab plan" in ran.err


# ---- start, stop, restart


def test_restart_rolls_in_order_and_each_is_seen_joining_anew(
    deployed: tuple[Host, Host], fab: Fab, cluster_file: ClusterFile
) -> None:
    worker1, worker2 = deployed
    before = [worker.running() for worker in deployed]
    ran = fab.succeeds("-H", "worker2,worker1", "restart", hosts=cluster_file())
    assert ran.out.index("worker2  restarted") < ran.out.index("worker1  restarted")
    assert worker2.running().ticks < worker1.running().ticks
    for worker, old in zip(deployed, before, strict=True):
        assert worker.running() != old
        assert "Member joined, after" in ran.row(worker.name)
        assert worker.is_member()


def test_a_hung_server_is_killed_after_its_patience_and_restarted(
    deployed: tuple[Host, Host], fab: Fab, cluster_file: ClusterFile
) -> None:
    worker, other = deployed
    worker.knob("ignore-term", "yes")
    hosts = cluster_file(cluster={"limits": {**LIMITS, "stop": 2}})
    fab.succeeds("-H", "worker1", "restart", hosts=hosts)  # from now on it ignores SIGTERM
    hung = worker.running()
    worker.sh(f"rm -r {HOME}/standin")
    with untouched(other):
        ran = fab.succeeds("-H", "worker1", "restart", hosts=hosts)
    assert "killed: it did not end within 2 s" in ran.out
    assert worker.running() != hung
    assert worker.is_member()


def test_timeout_is_the_patience_of_this_run(
    deployed: tuple[Host, Host], fab: Fab, cluster_file: ClusterFile
) -> None:
    worker = deployed[0]
    worker.knob("ignore-term", "yes")
    hosts = cluster_file(cluster={"limits": {**LIMITS, "stop": 60}})
    fab.succeeds("-H", "worker1", "restart", hosts=hosts)
    ran = fab.succeeds("-H", "worker1", "stop", "--timeout", "1", hosts=hosts)
    worker.sh(f"rm -r {HOME}/standin")
    assert "killed" in ran.out
    assert ran.seconds < 20
    assert worker.jvm() is None


def test_stop_waits_until_the_manager_saw_it_leave_and_start_until_it_saw_it_join(
    deployed: tuple[Host, Host], fab: Fab, cluster_file: ClusterFile, manager: Host
) -> None:
    worker, other = deployed
    lines = int(manager.sh(f"wc -l < {LOG}"))
    with untouched(other):
        stopped = fab.succeeds("-H", "worker1", "stop", hosts=cluster_file())
        assert "stopped, seen leaving" in stopped.row("worker1")
        assert worker.jvm() is None
        fresh = manager.sh(f"tail -n +{lines + 1} {LOG}")
        assert f"/{worker.address}:4000" in fresh
        assert "Member left" in fresh
        again = fab.succeeds("-H", "worker1", "stop", hosts=cluster_file())
        assert "was not running" in again.row("worker1")
        ran = fab.succeeds("-H", "worker1", "start", hosts=cluster_file())
    assert "Member joined, after" in ran.row("worker1")
    assert worker.is_member()


@pytest.mark.parametrize("verb", ["stop", "restart", "rollback", "remove"])
def test_what_stops_or_removes_wants_names_or_all(
    fab: Fab, cluster_file: ClusterFile, verb: str
) -> None:
    ran = fab.fails(verb, hosts=cluster_file())
    assert "-H" in ran.err
    assert "--all" in ran.err


# ---- history and rollback


@pytest.fixture
def failed_deploy(
    deployed: tuple[Host, Host], fab: Fab, wrong_password: Path
) -> Iterator[tuple[Host, str]]:
    """Worker1 after a deploy with a password that the database refuses, and what it had before."""
    worker, other = deployed
    before = worker.sha256(DATASOURCES)
    with untouched(other):
        ran = fab.fails("deploy", hosts=wrong_password)
        assert "FAILED" in ran.row("worker1")
        assert worker.sha256(DATASOURCES) != before
        yield worker, before


def test_rollback_after_a_bad_datasource_password(
    failed_deploy: tuple[Host, str], fab: Fab, cluster_file: ClusterFile
) -> None:
    worker, before = failed_deploy
    hosts = cluster_file()
    listed = fab.succeeds("-H", "worker1", "history", hosts=hosts)
    newest = listed.out.splitlines()[1].split()
    assert newest[0] == "worker1"
    assert newest[2:4] == ["deploy", "FAILED"]
    ran = fab.succeeds("-H", "worker1", "rollback", hosts=hosts)
    assert f"took back {newest[1]}" in ran.out
    assert "Member joined, after" in ran.row("worker1")
    assert worker.sha256(DATASOURCES) == before
    assert worker.is_member()
    assert "rolled back" in fab.succeeds("-H", "worker1", "history", hosts=hosts).out
    assert fab("plan", hosts=hosts).status == 0


def test_deploy_rollback_takes_back_the_worker_that_failed_and_leaves_the_rest(
    deployed: tuple[Host, Host], fab: Fab, cluster_file: ClusterFile, wrong_password: Path
) -> None:
    worker, other = deployed
    before = worker.sha256(DATASOURCES)
    with untouched(other):
        ran = fab.fails("deploy", "--rollback", hosts=wrong_password)
    assert "worker1  rolled back to what it was before" in ran.out
    assert WRONG not in ran.said
    assert worker.sha256(DATASOURCES) == before
    assert worker.is_member()
    assert fab("plan", hosts=cluster_file()).status == 0


@pytest.mark.usefixtures("stock_workers")
def test_without_a_generation_there_is_nothing_to_go_back_to(
    fab: Fab, cluster_file: ClusterFile, worker1: Host
) -> None:
    with untouched(worker1):
        ran = fab.fails("-H", "worker1", "rollback", hosts=cluster_file())
    assert "worker1: no generation is kept that a rollback could return to" in ran.err


# ---- remove


def test_remove_takes_it_out_and_leaves_as_home(
    deployed: tuple[Host, Host], fab: Fab, cluster_file: ClusterFile
) -> None:
    worker, other = deployed
    home = worker.sha256(DATASOURCES)
    with untouched(other):
        ran = fab.succeeds("-H", "worker1", "remove", hosts=cluster_file())
    assert "stopped, seen leaving" in ran.row("worker1")
    assert "delete worker1 from hosts.yaml" in ran.said
    status = fab("-H", "worker1", "status", hosts=cluster_file())
    assert "delete worker1 from hosts.yaml" in status.said
    assert "fab -H worker1 start" not in status.said, "it was taken out on purpose"
    assert worker.jvm() is None
    assert "carbondb.mysql-wso2.com" not in worker.read("/etc/hosts")
    assert "localhost" in worker.read("/etc/hosts")
    assert worker.sha256(DATASOURCES) == home
    again = fab.succeeds("-H", "worker1", "remove", hosts=cluster_file())
    assert "Traceback" not in again.said


# ---- The keystore's password


@pytest.mark.usefixtures("stock_workers")
def test_a_server_with_a_vault_gets_its_password_before_each_start_and_keeps_none(
    fab: Fab, cluster_file: ClusterFile, worker1: Host, tmp_path: Path
) -> None:
    """The stand-in, as the product, takes password-tmp away once it has read it."""
    (tmp_path / "keystore").write_text("planted-keystore\n")
    worker1.sh(
        "sed -i '/<KeyStore>/,/<.KeyStore>/s|<Password>.*<|<Password>planted-keystore<|' "
        f"{HOME}/repository/conf/carbon.xml"
    )
    worker1.write(
        f"{HOME}/repository/conf/security/secret-conf.properties",
        "carbon.secretProvider=org.wso2.securevault.secret.handler.SecretManagerSecretCallbackHandler\n",
    )
    with_password = cluster_file(cluster={"keystore_password": FromFile(tmp_path / "keystore")})
    first = fab.succeeds("-H", "worker1", "deploy", hosts=with_password)
    assert "Member joined, after" in first.row("worker1")
    fab.succeeds("-H", "worker1", "restart", hosts=with_password)
    assert worker1.is_member()
    assert not worker1.exists(f"{HOME}/password-tmp")
    said = worker1.sh(f"grep -rl planted-keystore --exclude=carbon.xml {STATE} {LOG} || true")
    assert said == ""
