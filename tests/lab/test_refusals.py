"""What deploy refuses: before the first change, by name, with a remedy, all reasons at once."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.lab.cli import Fab, Ran
from tests.lab.hosts import HOME, LOG, Host, spoiled, untouched
from tests.lab.inventory import ClusterFile
from tests.waiting import wait_for

CONF = f"{HOME}/repository/conf"


@pytest.fixture
def refused(
    fab: Fab, cluster_file: ClusterFile, worker1: Host, worker2: Host, manager: Host
) -> Callable[..., Ran]:
    """Run deploy, see it refuse without a change on any server, and return what it said."""

    def deploy(*options: str, status: int = 1, verb: str = "deploy", **changes: Any) -> Ran:
        hosts = cluster_file(**changes)
        with untouched(worker1, worker2, manager):
            return fab.fails("-H", "worker1,worker2", verb, *options, hosts=hosts, status=status)

    return deploy


# ---- Before any server is touched


def test_an_unknown_name_is_refused_and_the_known_ones_are_listed(
    fab: Fab, cluster_file: ClusterFile
) -> None:
    ran = fab.fails("-H", "worker1,worekr2", "deploy", hosts=cluster_file())
    assert "has no 'worekr2'" in ran.err
    assert "did you mean 'worker2'" in ran.err
    assert "known: worker1, worker2, manager" in ran.err


def test_a_mistake_in_hosts_yaml_is_told_with_file_line_and_suggestion(
    fab: Fab, cluster_file: ClusterFile
) -> None:
    hosts = cluster_file()
    text = hosts.read_text().replace("  HostName: as.wso2.com", "  HostNmae: as.wso2.com")
    broken = cluster_file.write(text)
    line = next(n for n, one in enumerate(text.splitlines(), start=1) if "HostNmae" in one)
    ran = fab.fails("deploy", hosts=broken)
    assert f"{broken}:{line}: " in ran.err
    assert "did you mean 'HostName'" in ran.err


def test_a_driver_that_is_no_jar_is_refused(
    refused: Callable[..., Ran], cluster_file: ClusterFile
) -> None:
    text = cluster_file.write("not an archive")
    jar = text.rename(text.with_name("driver-1.0.jar"))
    ran = refused(cluster={"driver": {"jar": str(jar)}})
    assert f"the driver {jar} is not a whole JAR" in ran.err


def test_a_driver_without_the_driver_class_is_refused(refused: Callable[..., Ran]) -> None:
    ran = refused(cluster={"driver": {"class": "com.mysql.jdbc.Driver"}})
    assert "does not hold the class com.mysql.jdbc.Driver" in ran.err


# ---- Servers that are not fit


@pytest.mark.usefixtures("stock_workers")
def test_all_reasons_of_all_servers_are_told_at_once(
    refused: Callable[..., Ran], worker1: Host, worker2: Host
) -> None:
    """JAVA_HOME, worker profile, ports and addresses; nothing is changed on any of them."""
    worker1.sh(f"mv {HOME}/repository/components/worker {HOME}/repository/components/elsewhere")
    ran = refused(
        worker1={"java_home": "/opt/no-java", "localMemberHost": "10.1.2.3"},
        worker2={"localMemberPort": 22},
    )
    for said in (
        "worker1: preflight: JAVA_HOME /opt/no-java has no bin/java",
        "worker1: preflight: its pack has no worker profile (repository/components/worker)",
        "worker1: preflight: localMemberHost 10.1.2.3 is not an address of its server"
        f" ({worker1.address})",
        "worker2: preflight: its localMemberPort 22 is taken by another process",
    ):
        assert said in ran.said
    worker2.restore()


@pytest.mark.usefixtures("stock_workers")
def test_a_missing_home_is_refused_and_the_way_to_one_is_told(refused: Callable[..., Ran]) -> None:
    ran = refused(worker1={"home": "/opt/wso2/nowhere"})
    assert "worker1: preflight: AS_HOME /opt/wso2/nowhere does not exist" in ran.said
    assert "fab -H worker1 clone --source" in ran.said


@pytest.mark.usefixtures("stock_workers")
def test_a_home_that_the_login_may_not_write_in_is_refused(refused: Callable[..., Ran]) -> None:
    ran = refused(worker2={"run_as": None})
    assert f"worker2: preflight: deploy may not enter {HOME}" in ran.said
    assert "set `run_as: OWNER` for worker2 in hosts.yaml" in ran.said


@pytest.mark.usefixtures("stock_workers")
def test_a_port_that_a_stranger_took_is_refused(refused: Callable[..., Ran], worker1: Host) -> None:
    listen = "use IO::Socket::INET; $s = IO::Socket::INET->new(Listen => 1, LocalPort => 9764);"
    pid = worker1.sh(f"perl -e '{listen} sleep 60' > /dev/null 2>&1 & echo $!").strip()
    wait_for("the port is taken", lambda: worker1.sh("ss -ltn | grep -c :9764 || true") != "0\n")
    ran = refused(worker1={"Offset": 1})
    worker1.sh(f"kill {pid}")
    assert "worker1: preflight: its HTTP port 9764 is taken by another process" in ran.said


@pytest.mark.usefixtures("stock_workers")
def test_a_database_that_cannot_be_reached_from_the_worker_is_refused(
    refused: Callable[..., Ran],
) -> None:
    ran = refused(database={"port": 3399})
    for worker in ("worker1", "worker2"):
        assert f"{worker}: preflight: the database " in ran.said
    assert ":3399 refuses connections when tried from it" in ran.said


@pytest.mark.usefixtures("stock_workers")
def test_a_login_whose_sudo_does_not_allow_the_hosts_step_is_refused(
    refused: Callable[..., Ran], worker1: Host
) -> None:
    ours, aside = "/etc/sudoers.d/deploy", "/root/sudoers"
    with spoiled(worker1, f"mv {ours} {aside}", mend=f"mv {aside} {ours}"):
        ran = refused()
    assert "worker1: " in ran.said
    assert "sudo" in ran.said
    assert "worker2" not in ran.err


@pytest.mark.usefixtures("stock_workers")
def test_a_disk_that_is_nearly_full_is_refused(refused: Callable[..., Ran], worker1: Host) -> None:
    tiny = "/opt/wso2/tiny"
    mount = f"mkdir {tiny}; mount -t tmpfs -o size=8m tmpfs {tiny}; cp -a {HOME} {tiny}/as"
    with spoiled(worker1, mount, mend=f"umount {tiny}; rmdir {tiny}"):
        ran = refused(worker1={"home": f"{tiny}/as"})
    assert f"kB are free at {tiny}/as" in ran.said


def test_a_server_that_cannot_be_reached_is_refused_without_touching_the_others(
    refused: Callable[..., Ran],
) -> None:
    ran = refused(worker2={"ssh": {"port": 1}})
    assert "worker2" in ran.said
    assert "check that the server is up" in ran.said


def test_a_host_key_that_is_not_known_is_refused(
    refused: Callable[..., Ran], cluster_file: ClusterFile
) -> None:
    empty = cluster_file.write("")
    ran = refused(worker1={"ssh": {"known_hosts": str(empty)}})
    assert "worker1: its host key is in no known_hosts file" in ran.said


# ---- The manager


@pytest.mark.usefixtures("stock_workers")
def test_a_manager_of_another_domain_or_address_is_refused(refused: Callable[..., Ran]) -> None:
    ran = refused(cluster={"domain": "other.domain"}, manager={"localMemberPort": 4005})
    assert (
        "manager: preflight: it is in the domain wso2.as.domain, hosts.yaml says other.domain"
        in ran.said
    )
    assert "manager: preflight: its localMemberPort is 4000, hosts.yaml says 4005" in ran.said


@pytest.mark.usefixtures("stock_workers")
def test_a_manager_whose_log_cannot_be_read_is_refused(
    refused: Callable[..., Ran], manager: Host
) -> None:
    with spoiled(manager, f"chmod 000 {LOG}", mend=f"chmod 644 {LOG}"):
        ran = refused()
    assert "manager: preflight: its log repository/logs/wso2carbon.log is unreadable" in ran.said


@pytest.mark.usefixtures("stock_workers")
def test_a_manager_that_is_down_is_refused(
    refused: Callable[..., Ran], changed_manager: Host
) -> None:
    changed_manager.kill_jvm()
    ran = refused()
    assert "manager: preflight: it is not running" in ran.said
    assert "fab -H manager start" in ran.said


# ---- Files that cannot be patched


@pytest.fixture
def broken_pack(worker1: Host) -> Iterator[Host]:
    """worker1 as unpacked, for a test that breaks its pack."""
    worker1.restore()
    yield worker1
    worker1.restore()


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        pytest.param(
            f"mv {CONF}/carbon.xml /opt/wso2/real.xml; ln -s /opt/wso2/real.xml {CONF}/carbon.xml",
            "repository/conf/carbon.xml: it is a symbolic link",
            id="a symbolic link",
        ),
        pytest.param(
            f"mkdir -p {CONF}/etc; touch {CONF}/etc/hazelcast.xml",
            "hazelcast.xml",
            id="hazelcast.xml overrides the clustering section",
        ),
        pytest.param(
            f"mkdir -p {HOME}/repository/resources/conf/templates; touch {CONF}/deployment.toml",
            "deployment.toml",
            id="files are generated from deployment.toml",
        ),
        pytest.param(
            f"echo '</broken>' >> {CONF}/axis2/axis2.xml",
            "repository/conf/axis2/axis2.xml",
            id="not well-formed",
        ),
        pytest.param(
            f"rm {CONF}/tomcat/catalina-server.xml",
            "repository/conf/tomcat/catalina-server.xml: it is not there",
            id="missing",
        ),
        pytest.param(
            f"chown root {CONF}/carbon.xml; chmod 600 {CONF}/carbon.xml",
            "repository/conf/carbon.xml: it cannot be read",
            id="unreadable",
        ),
    ],
)
def test_a_file_that_cannot_be_patched_is_refused_by_name(
    refused: Callable[..., Ran], broken_pack: Host, spoil: str, said: str
) -> None:
    broken_pack.sh(spoil)
    ran = refused()
    assert re.search(r"worker1: (config|preflight): ", ran.said), ran
    assert said in ran.said


# ---- /etc/hosts


@pytest.mark.usefixtures("stock_workers")
@pytest.mark.parametrize("verb", ["deploy", "hosts"])
def test_a_name_that_is_mapped_elsewhere_is_refused_and_the_line_is_shown(
    refused: Callable[..., Ran], worker2: Host, verb: str
) -> None:
    line = "192.0.2.7 somebody CarbonDB.mysql-wso2.com # since 2014"
    worker2.append("/etc/hosts", f"{line}\n")
    number = len(worker2.read("/etc/hosts").splitlines())
    ran = refused(verb=verb)
    assert f"worker2: hosts: /etc/hosts:{number} maps carbondb.mysql-wso2.com" in ran.said
    assert line in ran.said
    worker2.restore()


# ---- reset


def test_reset_is_refused_while_the_server_runs(
    deployed: tuple[Host, Host], fab: Fab, cluster_file: ClusterFile
) -> None:
    with untouched(*deployed):
        ran = fab.fails("-H", "worker1", "reset", hosts=cluster_file())
    pid = deployed[0].running().pid
    assert f"worker1: preflight: it runs (pid {pid})" in ran.said


@pytest.mark.usefixtures("stock_workers")
@pytest.mark.parametrize("verb", [("reset",), ("deploy", "--reset")])
def test_reset_is_refused_for_a_link_and_for_a_mount_point(
    fab: Fab, cluster_file: ClusterFile, worker1: Host, verb: tuple[str, ...]
) -> None:
    server = f"{HOME}/repository/deployment/server"
    worker1.sh(f"mv {server} /opt/wso2/shared; ln -s /opt/wso2/shared {server}")
    shared = worker1.sh("find /opt/wso2/shared")
    with untouched(worker1):
        ran = fab.fails("-H", "worker1", *verb, hosts=cluster_file())
    assert "repository/deployment/server is behind a link to /opt/wso2/shared" in ran.said
    worker1.sh(f"rm {server}; mkdir {server}; mount --bind /opt/wso2/shared {server}")
    with untouched(worker1):
        ran = fab.fails("-H", "worker1", *verb, hosts=cluster_file())
    assert "repository/deployment/server is on a mount point" in ran.said
    assert worker1.sh("find /opt/wso2/shared") == shared
    above = f"{HOME}/repository/deployment"
    worker1.sh(f"umount {server}; mount --bind {above} {above}")
    with untouched(worker1):
        ran = fab.fails("-H", "worker1", *verb, hosts=cluster_file())
    assert "repository/deployment/server is on a mount point" in ran.said, "or a directory above it"
    worker1.sh(f"umount {above}")


# ---- Numbers of a deployed worker


def test_an_edit_that_would_renumber_a_deployed_worker_wants_renumber(
    deployed: tuple[Host, Host], refused: Callable[..., Ran], fab: Fab, cluster_file: ClusterFile
) -> None:
    worker1, worker2 = deployed
    numbers = {"Offset": 1, "localMemberPort": 4001}
    for verb in ("deploy", "plan", "config"):
        ran = refused(verb=verb, worker1=numbers)
        assert "localMemberPort 4000 → 4001, Offset 0 → 1" in ran.said
        assert "--renumber" in ran.said
    with untouched(worker2):
        ran = fab.succeeds(
            "-H", "worker1", "deploy", "--renumber", hosts=cluster_file(worker1=numbers)
        )
    assert "4001 9764 9444" in ran.row("worker1")
    assert "worker1:9764\n" in worker1.get(9764)
