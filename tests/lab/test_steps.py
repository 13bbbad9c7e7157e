"""Each step of the guide on its own: it does its part and nothing else, and nothing again."""

from __future__ import annotations

import pytest

from lab import Lab
from tests.lab.cli import Fab, Ran
from tests.lab.hosts import HOME, STATE, Host, untouched
from tests.lab.inventory import ClusterFile
from tests.waiting import wait_for

LIB = f"{HOME}/repository/components/lib"
DROPINS = f"{HOME}/repository/components/dropins"
SERVER = f"{HOME}/repository/deployment/server"


@pytest.fixture
def worker(worker1: Host) -> Host:
    """worker1, as unpacked."""
    worker1.restore()
    return worker1


def twice(fab: Fab, worker: Host, step: str, *words: str, cluster_file: ClusterFile) -> Ran:
    """Run a step, then once more and see that it writes nothing; return the first run."""
    hosts = cluster_file()
    first = fab.succeeds("-H", worker.name, step, *words, hosts=hosts)
    with untouched(worker):
        second = fab.succeeds("-H", worker.name, step, *words, hosts=hosts)
    assert second.row(worker.name).split()[1] == "nothing"
    return first


def changed(before: str, after: str) -> set[str]:
    """Return the files whose lines differ between two looks at a home's contents."""
    lines = set(before.splitlines()) ^ set(after.splitlines())
    return {line.split(" ")[-1].removeprefix(f"{HOME}/") for line in lines}


def test_driver_copies_the_jar_and_nothing_else(
    fab: Fab, worker: Host, cluster_file: ClusterFile, lab: Lab
) -> None:
    before = worker.contents()
    ran = twice(fab, worker, "driver", cluster_file=cluster_file)
    jar = lab.driver.name
    assert worker.sha256(f"{LIB}/{jar}") == worker.sha256(f"/opt/driver/{jar}")
    assert changed(before, worker.contents()) == {f"repository/components/lib/{jar}"}
    assert "driver" in ran.row("worker1")
    assert worker.jvm() is None


def test_driver_replaces_an_older_version_and_the_bundle_that_carbon_made_of_it(
    fab: Fab, worker: Host, cluster_file: ClusterFile, lab: Lab
) -> None:
    """By name or by driver class; a JAR that only sounds alike stays, and so does its bundle."""
    older = "mariadb-java-client-2.5.0.jar"
    renamed = "database-driver.jar"
    alike = "mariadb-java-client-extras-2.5.0.jar"
    worker.sh(
        f"""cd {LIB}; echo old > {older}; echo other > {alike}
        cp /opt/driver/{lab.driver.name} {renamed}; echo more >> {renamed}
        cd {DROPINS}; touch mariadb_java_client_2.5.0_1.0.0.jar database_driver_1.0.0.jar \
            mariadb_java_client_extras_2.5.0_1.0.0.jar mysql_thing_1.0.0.jar""",
        user="deploy",
    )
    twice(fab, worker, "driver", cluster_file=cluster_file)
    assert worker.sh(f"cd {LIB}; ls").split() == sorted([lab.driver.name, alike])
    bundles = worker.sh(f"cd {DROPINS}; ls").split()
    assert bundles == ["mariadb_java_client_extras_2.5.0_1.0.0.jar", "mysql_thing_1.0.0.jar"]


def test_driver_says_that_a_running_server_still_has_the_old_one(
    deployed: tuple[Host, Host], fab: Fab, cluster_file: ClusterFile, lab: Lab
) -> None:
    worker1, _ = deployed
    before = worker1.running()
    worker1.sh(f"echo other >> {LIB}/{lab.driver.name}")
    ran = fab.succeeds("-H", "worker1", "driver", hosts=cluster_file())
    assert worker1.running() == before
    assert "restart pending" in ran.out
    assert "restarted" in fab.succeeds("deploy", hosts=cluster_file()).row("worker1")


def test_config_changes_the_four_files_of_the_guide_and_no_other(
    fab: Fab, worker: Host, cluster_file: ClusterFile
) -> None:
    before = worker.contents()
    twice(fab, worker, "config", cluster_file=cluster_file)
    assert changed(before, worker.contents()) == {
        "repository/conf/axis2/axis2.xml",
        "repository/conf/carbon.xml",
        "repository/conf/datasources/master-datasources.xml",
        "repository/conf/tomcat/catalina-server.xml",
    }
    assert worker.jvm() is None


def test_config_edits_any_other_file_that_hosts_yaml_lists(
    fab: Fab, worker: Host, cluster_file: ClusterFile
) -> None:
    fragment = '<dbConfig name="shared"><dataSource>jdbc/WSO2RegistryDB</dataSource></dbConfig>'
    hosts = cluster_file(
        cluster={
            "files": [
                {
                    "file": "user-mgt.xml",
                    "xpath": '/UserManager/Realm/Configuration/Property[@name="dataSource"]',
                    "value": "jdbc/WSO2UMDB",
                },
                {"file": "registry.xml", "xpath": "/wso2registry", "fragment": fragment},
                {
                    "file": "carbon.xml",
                    "namespaces": {"c": "http://wso2.org/projects/carbon/carbon.xml"},
                    "xpath": "/c:Server/c:ServerKey",
                    "value": "AS2",
                },
            ]
        }
    )
    fab.succeeds("-H", "worker1", "config", hosts=hosts)
    conf = f"{HOME}/repository/conf"
    assert '"dataSource">jdbc/WSO2UMDB<' in worker.read(f"{conf}/user-mgt.xml")
    assert worker.read(f"{conf}/registry.xml").count('<dbConfig name="shared">') == 1
    assert "<ServerKey>AS2</ServerKey>" in worker.read(f"{conf}/carbon.xml")
    with untouched(worker):
        fab.succeeds("-H", "worker1", "config", hosts=hosts)


def test_hosts_adds_one_block_and_leaves_the_lines_of_others_alone(
    fab: Fab, worker: Host, cluster_file: ClusterFile
) -> None:
    before, home = worker.read("/etc/hosts"), worker.contents()
    owner_and_mode, inode = (worker.sh(f"stat -c {what} /etc/hosts") for what in ("%U:%G:%a", "%i"))
    twice(fab, worker, "hosts", cluster_file=cluster_file)
    after = worker.read("/etc/hosts")
    assert after.startswith(before)
    assert after.removeprefix(before).count("\n") == 5
    assert worker.sh("stat -c %U:%G:%a /etc/hosts") == owner_and_mode
    assert worker.sh("stat -c %i /etc/hosts") != inode, "not replaced by a rename"
    assert changed(home, worker.contents()) == {"/etc/hosts"}
    assert "carbondb.mysql-wso2.com" in worker.sh("getent hosts carbondb.mysql-wso2.com")


def test_hosts_takes_a_name_back_that_hosts_yaml_no_longer_has(
    fab: Fab, worker: Host, cluster_file: ClusterFile
) -> None:
    before = worker.read("/etc/hosts")
    more = cluster_file(cluster={"hosts": {"svn.example.com": "10.9.8.7"}})
    fab.succeeds("-H", "worker1", "hosts", hosts=more)
    assert "10.9.8.7\tsvn.example.com" in worker.read("/etc/hosts")
    worker.append("/etc/hosts", "10.0.0.77 added-after-the-block\n")
    fab.succeeds("-H", "worker1", "hosts", hosts=cluster_file())
    after = worker.read("/etc/hosts")
    assert "svn.example.com" not in after
    assert after.startswith(before)
    assert after.endswith("10.0.0.77 added-after-the-block\n")


def test_hosts_clears_away_what_an_interrupted_run_left_beside_the_file(
    fab: Fab, worker: Host, cluster_file: ClusterFile
) -> None:
    fab.succeeds("-H", "worker1", "hosts", hosts=cluster_file())
    worker.sh("echo half > /etc/hosts.provision-new")
    fab.succeeds("-H", "worker1", "hosts", hosts=cluster_file())
    assert not worker.exists("/etc/hosts.provision-new")


def test_reset_empties_the_deployment_directory_and_keeps_what_was_there(
    fab: Fab, worker: Host, cluster_file: ClusterFile
) -> None:
    worker.sh(f"mkdir {SERVER}/.svn; echo entry > {SERVER}/.svn/entries", user="deploy")
    mode = worker.sh(f"stat -c '%U:%G %a' {SERVER}")
    before = worker.sh(f"cd {SERVER}; find . -type f | sort | xargs sha256sum")
    twice(fab, worker, "reset", cluster_file=cluster_file)
    assert worker.sh(f"ls -A {SERVER}") == ""
    assert worker.sh(f"stat -c '%U:%G %a' {SERVER}") == mode
    kept = f"{STATE}/generations/*/deployment-server"
    assert worker.sh(f"cd {kept}; find . -type f | sort | xargs sha256sum") == before


def test_reset_keeps_only_so_many_of_what_it_took_away(
    fab: Fab, worker: Host, cluster_file: ClusterFile
) -> None:
    hosts = cluster_file(cluster={"keep_generations": 2})
    for number in range(3):
        worker.sh(f"echo {number} > {SERVER}/number", user="deploy")
        fab.succeeds("-H", "worker1", "reset", hosts=hosts)
        wait_for_next_second(worker)
    assert worker.sh(f"cat {STATE}/generations/*/deployment-server/number").split() == ["1", "2"]


def wait_for_next_second(worker: Host) -> None:
    """Generations have the time in their names; within one second their order is by chance."""
    now = worker.sh("date +%s")
    wait_for("the next second", lambda: worker.sh("date +%s") != now)


def test_with_a_deployment_synchronizer_a_start_resets_and_without_one_only_if_asked(
    fab: Fab, worker: Host, cluster_file: ClusterFile
) -> None:
    synchronizer = {
        "Enabled": True,
        "RepositoryType": "svn",
        "SvnUrl": "http://svn.example.com/as/",
        "SvnUser": "wso2",
        "SvnPassword": "!env SVN_PASSWORD",
        "SvnUrlAppendTenantId": True,
    }
    text = cluster_file(cluster={"DeploymentSynchronizer": synchronizer}).read_text()
    synchronized = cluster_file.write(text.replace("'!env SVN_PASSWORD'", "!env SVN_PASSWORD"))
    left = fab.succeeds("-H", "worker1", "deploy", hosts=cluster_file())
    assert "filled and left alone" in left.out
    assert worker.sh(f"ls -A {SERVER}") != ""
    fab.succeeds("-H", "worker1", "deploy", hosts=synchronized, SVN_PASSWORD="tops&cret")
    assert worker.sh(f"ls -A {SERVER}") == ""
    carbon = worker.read(f"{HOME}/repository/conf/carbon.xml")
    assert "<SvnPassword>tops&amp;cret</SvnPassword>" in carbon
    assert "<AutoCommit>false</AutoCommit>" in carbon


def test_start_does_not_start_a_running_server_a_second_time(
    deployed: tuple[Host, Host], fab: Fab, cluster_file: ClusterFile
) -> None:
    worker1, _ = deployed
    with untouched(worker1):
        ran = fab.succeeds("-H", "worker1", "start", hosts=cluster_file())
    assert "Member joined (recorded)" in ran.row("worker1")
    assert worker1.sh("pgrep -c java || true").strip() == "1"


def test_start_takes_no_notice_of_a_stale_pid_file_or_a_foreign_carbon_home(
    deployed: tuple[Host, Host], fab: Fab, cluster_file: ClusterFile
) -> None:
    """The pid of a stranger in wso2carbon.pid is neither signalled nor taken for the server."""
    worker1, _ = deployed
    worker1.kill_jvm()
    worker1.sh(f"printf '7\\n' > {HOME}/wso2carbon.pid; truncate -s 100 {HOME}/wso2carbon.pid")
    worker1.write("/home/deploy/.ssh/environment", "CARBON_HOME=/somewhere/else\n")
    ran = fab.succeeds("-H", "worker1", "start", hosts=cluster_file())
    assert str(worker1.running().pid) in ran.row("worker1")
    assert worker1.sh(f"tr -d '\\0' < {HOME}/wso2carbon.pid").split() == [
        str(worker1.running().pid)
    ]
    assert worker1.sh(f"stat -c %s {HOME}/wso2carbon.pid").strip() == "100"
    worker1.sh("rm /home/deploy/.ssh/environment")


def test_verify_starts_nothing_and_says_what_it_saw(
    deployed: tuple[Host, Host], fab: Fab, cluster_file: ClusterFile
) -> None:
    worker1, worker2 = deployed
    with untouched(worker1, worker2):
        ran = fab.succeeds("verify", hosts=cluster_file())
    assert "Member joined" in ran.row("worker1")
    assert "Member joined" in ran.row("worker2")
    worker2.kill_jvm()
    with untouched(worker1, worker2):
        ran = fab("verify", hosts=cluster_file())
    assert ran.status == 1
    assert "not running" in ran.row("worker2")


def test_deploy_is_the_composition_of_the_steps(
    fab: Fab, worker: Host, cluster_file: ClusterFile
) -> None:
    hosts = cluster_file()
    for step in ("driver", "config", "hosts", "reset"):
        fab.succeeds("-H", "worker1", step, hosts=hosts)
    fab.succeeds("-H", "worker1", "start", hosts=hosts)
    with untouched(worker):
        ran = fab.succeeds("-H", "worker1", "deploy", hosts=hosts)
    assert ran.row("worker1").split()[1] == "nothing"
    fab.succeeds("-H", "worker1", "verify", hosts=hosts)
