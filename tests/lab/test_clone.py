"""clone: another worker, made from one that works; whole and its own, or not there at all."""

from __future__ import annotations

import shlex
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from lab import Lab
from tests.lab.cli import Fab, Ran
from tests.lab.hosts import HOME, STATE, Host, untouched
from tests.lab.inventory import ClusterFile
from tests.waiting import wait_for

SECOND = "/opt/wso2/as-2"
PARTIAL = "/opt/wso2/.as.provision-clone"
KEPT = f"{HOME}.provision-kept"
LARGE = f"{HOME}/repository/resources/large.bin"
LARGE_MB = 40
"""More than all buffers between the servers hold: what breaks then breaks in the middle."""


@pytest.fixture
def source(deployed: tuple[Host, Host]) -> Host:
    """worker1, deployed and running."""
    return deployed[0]


@pytest.fixture
def large(source: Host) -> Iterator[Host]:
    """The source with a home that takes a while to copy."""
    source.sh(f"head -c {LARGE_MB}000000 /dev/urandom > {LARGE}", user="deploy")
    yield source
    source.sh(f"rm {LARGE}")


class Cloner:
    """Runs `fab -H worker3 clone --source worker1`."""

    def __init__(self, fab: Fab, cluster_file: ClusterFile) -> None:
        self.fab = fab
        self.file = cluster_file
        self._hosts: Path | None = None

    def hosts(self, **changes: Any) -> Path:
        """Return the inventory with worker3: the same file for the runs of one test."""
        if self._hosts is None or changes:
            self._hosts = self.file(workers=["worker1", "worker2", "worker3"], **changes)
        return self._hosts

    def words(self, *options: str, node: str) -> tuple[str, ...]:
        return ("-H", node, "clone", "--source", "worker1", *options)

    def succeeds(self, *options: str, node: str = "worker3", **changes: Any) -> Ran:
        return self.fab.succeeds(*self.words(*options, node=node), hosts=self.hosts(**changes))

    def fails(
        self, *options: str, node: str = "worker3", fault: str = "", status: int = 1, **changes: Any
    ) -> Ran:
        environment = {"PROVISION_FAULT": fault} if fault else {}
        return self.fab.fails(
            *self.words(*options, node=node),
            hosts=self.hosts(**changes),
            status=status,
            **environment,
        )

    def dies(self, fault: str) -> None:
        """Run until the fault ends the operator's process with SIGKILL."""
        words = self.words(node="worker3")
        run = self.fab.begin(*words, hosts=self.hosts(), PROVISION_FAULT=fault)
        run.communicate(timeout=60)
        assert run.returncode == -signal.SIGKILL


@pytest.fixture
def cloner(fab: Fab, cluster_file: ClusterFile) -> Cloner:
    return Cloner(fab, cluster_file)


def arguments(host: Host, *, home: str = HOME) -> list[str]:
    """Return the command line of the server that runs from a home."""
    pid = host.running(home=home).pid
    return host.sh(f"tr '\\0' '\\n' < /proc/{pid}/cmdline").splitlines()


# ---- Onto another server


def test_a_clone_of_a_running_worker_becomes_the_worker_of_hosts_yaml_and_joins(
    cloner: Cloner, source: Host, bare: Host, manager: Host
) -> None:
    source.sh(
        f"mkdir {HOME}/repository/resources/mine; ln -s ../mine {HOME}/repository/resources/mine/l"
    )
    with untouched(source):
        ran = cloner.succeeds()
    source.sh(f"rm -r {HOME}/repository/resources/mine")
    assert "cloned from worker1" in ran.row("worker3")
    assert "Member joined, after" in ran.row("worker3")
    assert str(bare.running().pid) in ran.row("worker3")
    assert f"/{bare.address}:4000" in manager.log()
    axis2 = bare.read(f"{HOME}/repository/conf/axis2/axis2.xml")
    assert f'<parameter name="localMemberHost">{bare.address}</parameter>' in axis2
    assert source.address not in axis2
    assert f"{manager.address}\tmgt.as.wso2.com" in bare.read("/etc/hosts")
    assert "worker3:9763" in bare.get(9763)
    assert bare.sh(f"readlink {HOME}/repository/resources/mine/l").strip() == "../mine"
    assert "." not in bare.sh("ls -A /opt/wso2 | grep -v '^as$' || true")


def test_what_belongs_to_the_source_alone_stays_there(
    cloner: Cloner, source: Host, bare: Host
) -> None:
    source.sh(f"echo left > {HOME}/password-persist; echo x > {HOME}/repository/logs/old.log")
    cloner.succeeds()
    source.sh(f"rm {HOME}/password-persist {HOME}/repository/logs/old.log")
    gone = [
        "password-persist",
        "repository/logs/old.log",
        "repository/deployment/server/webapps",
        "repository/components/default/configuration/org.eclipse.osgi",
        "lib/tomcat/work/example_jsp.class",
        ".provision/generations",
    ]
    assert [path for path in gone if bare.exists(f"{HOME}/{path}")] == []
    kept = "repository/components/worker/configuration/org.eclipse.equinox.simpleconfigurator"
    assert bare.exists(f"{HOME}/{kept}/bundles.info")
    assert "worker1" not in bare.log()
    modes = "cd /opt/wso2/as && stat -c '%a %n' . bin bin/wso2server.sh repository/conf/carbon.xml"
    assert bare.sh(modes) == source.sh(modes)
    assert bare.sh(f"find {HOME} ! -user deploy") == ""


def test_a_local_database_gets_its_tables_at_the_first_start_and_only_then(
    cloner: Cloner, bare: Host
) -> None:
    """The stand-in fails without them, as the product does."""
    ran = cloner.succeeds()
    assert "-Dsetup" in ran.out
    assert arguments(bare)[-2:] == ["-DworkerNode=true", "-Dsetup"]
    cloner.fab.succeeds("-H", "worker3", "restart", hosts=cloner.hosts())
    assert arguments(bare)[-1] == "-DworkerNode=true"


@pytest.mark.usefixtures("source")
def test_a_second_clone_copies_nothing_and_changes_nothing(cloner: Cloner, bare: Host) -> None:
    cloner.succeeds()
    with untouched(bare):
        ran = cloner.succeeds()
    assert "it is a clone of worker1 since" in ran.out
    assert ran.row("worker3").split()[1] == "nothing"


def test_the_clone_belongs_to_the_account_that_runs_it(
    cloner: Cloner, source: Host, lab: Lab, stock: Callable[..., None]
) -> None:
    worker2 = Host(lab, "worker2")
    stock("worker2")
    worker2.sh(f"rm -rf {HOME}")
    with untouched(source):
        cloner.succeeds(node="worker2")
    assert worker2.sh(f"find {HOME} ! -user wso2") == ""
    assert worker2.is_member()


# ---- Onto a server where one runs already


def test_a_clone_beside_its_own_source_has_numbers_of_its_own(
    cloner: Cloner, source: Host, cluster_file: ClusterFile
) -> None:
    worker4 = cluster_file.worker("worker1") | {"server": "worker1", "home": SECOND}
    hosts = cloner.file(workers=["worker1", "worker2"], worker4=worker4)
    before = source.running()
    ran = cloner.fab.succeeds("-H", "worker4", "clone", "--source", "worker1", hosts=hosts)
    assert "4001 9764 9444" in ran.row("worker4")
    assert source.running() == before
    assert source.is_member(home=SECOND)
    assert "worker1:9763" in source.get(9763)
    assert "worker1:9764" in source.get(9764)
    cloner.fab.succeeds("-H", "worker4", "stop", hosts=hosts)
    source.sh(f"rm -rf {SECOND}")


def test_taken_ports_are_refused_before_anything_is_copied_and_free_ones_are_told(
    cloner: Cloner, source: Host, bare: Host, manager: Host
) -> None:
    """Another product runs there, of which hosts.yaml knows nothing."""
    other = "/opt/wso2/other"
    bare.sh(f"cp -a /opt/pack {other} && carbon-join {other} {bare.address} esb {manager.address}")
    start = f"JAVA_HOME=/opt/java setsid sh {other}/bin/wso2server.sh"
    bare.sh(f"{start} > /dev/null 2>&1 < /dev/null &")
    log = f"{other}/repository/logs/wso2carbon.log"
    started = f"grep -s 'Carbon started' {log} || true"
    wait_for("it has started", lambda: bare.sh(started), seconds=30)
    with untouched(source, bare):
        ran = cloner.fails()
    assert "localMemberPort 4000, HTTP port 9763, HTTPS port 9443" in ran.err
    assert "      Offset: 1\n      localMemberPort: 4001\n" in ran.err
    assert not bare.exists(HOME)
    ran = cloner.succeeds(worker3={"Offset": 1, "localMemberPort": 4001})
    assert "4001 9764 9444" in ran.row("worker3")


# ---- Onto an existing home


def test_an_existing_home_is_refused_and_with_replace_kept_aside(
    cloner: Cloner, source: Host, bare: Host
) -> None:
    bare.write(f"{HOME}/theirs", "precious\n")
    bare.sh(f"chown -R deploy {HOME}")
    with untouched(source, bare):
        refused = cloner.fails()
    assert f"there is an AS_HOME at {HOME} already" in refused.err
    assert "--replace" in refused.err
    ran = cloner.succeeds("--replace")
    assert f"the old AS_HOME is kept as {KEPT}" in ran.row("worker3")
    assert bare.read(f"{KEPT}/theirs") == "precious\n"
    assert not bare.exists(f"{HOME}/theirs")


@pytest.mark.usefixtures("source")
def test_a_running_server_is_never_replaced(cloner: Cloner, bare: Host) -> None:
    cloner.succeeds()
    with untouched(bare):
        ran = cloner.fails("--replace")
    assert f"a server runs from {HOME} (pid {bare.running().pid})" in ran.err
    assert "fab -H worker3 stop" in ran.err


# ---- A copy that breaks


def at_piece(command: str) -> str:
    """Return the fault that runs a command here in the middle of the stream."""
    return f"worker1:piece:clone_send:5 hook-before {command}"


def on(lab: Lab, host: str, script: str) -> str:
    container = lab.hosts[host].container
    return f"docker exec {container} sh -c {shlex.quote(script)}"


def test_a_source_whose_tar_dies_leaves_the_target_as_it_was(
    cloner: Cloner, large: Host, bare: Host, lab: Lab
) -> None:
    kill = on(lab, "worker1", "kill -KILL $(pgrep -x tar)")
    with untouched(large, bare):
        ran = cloner.fails(fault=at_piece(kill))
    assert "worker1: " in ran.out
    assert bare.sh("ls -A /opt/wso2") == ""
    cloner.succeeds()


@pytest.mark.parametrize("side", ["worker1", "worker3"])
def test_a_lost_connection_is_told_and_the_next_run_begins_anew(
    cloner: Cloner, large: Host, bare: Host, lab: Lab, side: str
) -> None:
    """A partial directory that could not be removed is cleared by the next run."""
    cut = on(lab, side, "kill -KILL $(pgrep -u deploy -x sshd)")
    with untouched(large, bare):
        ran = cloner.fails(fault=at_piece(cut))
    assert f"{side}: " in ran.out
    assert not bare.exists(HOME)
    cloner.succeeds()
    assert not bare.exists(PARTIAL)


@pytest.mark.usefixtures("large")
def test_what_an_operator_leaves_that_dies_goes_away_by_itself_or_with_the_next_run(
    cloner: Cloner, bare: Host
) -> None:
    cloner.dies("worker1:piece:clone_send:5 kill-before")
    wait_for("nothing is left", lambda: bare.sh("ls -A /opt/wso2") == "")
    bare.sh(f"mkdir -p {PARTIAL}/closed/inner && chmod 500 {PARTIAL}/closed", user="deploy")
    cloner.succeeds()
    assert bare.sh("ls -A /opt/wso2") == "as\n"


def test_ctrl_c_in_the_middle_of_the_stream_leaves_the_target_as_it_was(
    cloner: Cloner, large: Host, bare: Host
) -> None:
    interrupt = f"sh -c {shlex.quote('kill -INT $PPID')}"
    with untouched(large, bare):
        ran = cloner.fails(fault=at_piece(interrupt), status=130)
    assert "stopped here, as asked" in ran.out
    assert bare.sh("ls -A /opt/wso2") == ""


@pytest.mark.usefixtures("source")
@pytest.mark.parametrize("verb", ["clone", "deploy"])
def test_a_run_that_ends_after_the_landing_is_completed_by_clone_and_by_deploy(
    cloner: Cloner, bare: Host, verb: str
) -> None:
    """The tables of its local database are still made at its first start."""
    cloner.dies("worker3:run:home_land:1 kill-after")
    assert bare.jvm() is None
    axis2 = bare.read(f"{HOME}/repository/conf/axis2/axis2.xml")
    assert f'<parameter name="localMemberHost">{bare.address}</parameter>' in axis2
    if verb == "clone":
        ran = cloner.succeeds()
        assert "nothing is copied" in ran.out
    else:
        cloner.fab.succeeds("-H", "worker3", "deploy", hosts=cloner.hosts())
    assert bare.is_member()
    assert "-Dsetup" in arguments(bare)


def test_a_disk_that_is_too_small_is_refused_before_anything_is_copied(
    cloner: Cloner, source: Host, bare: Host
) -> None:
    bare.sh("mkdir /opt/wso2/small && mount -t tmpfs -o size=20m,mode=777 none /opt/wso2/small")
    home = "/opt/wso2/small/as"
    with untouched(source, bare):
        ran = cloner.fails(worker3={"home": home})
    assert "20 MB are free at /opt/wso2/small" in ran.err
    assert bare.sh("ls -A /opt/wso2/small") == ""


@pytest.mark.usefixtures("large")
def test_a_disk_that_fills_up_meanwhile_leaves_the_home_that_is_there(
    cloner: Cloner, bare: Host, lab: Lab
) -> None:
    bare.sh("mkdir /opt/wso2/small && mount -t tmpfs -o size=120m,mode=777 none /opt/wso2/small")
    home = "/opt/wso2/small/as"
    bare.write(f"{home}/theirs", "precious\n")
    bare.sh(f"chown -R deploy {home}")
    fill = on(lab, "worker3", "head -c 200m /dev/zero > /opt/wso2/small/filler || true")
    ran = cloner.fails("--replace", fault=at_piece(fill), worker3={"home": home})
    assert "No space left on device" in ran.out
    assert bare.sh("ls -A /opt/wso2/small").split() == ["as", "filler"]
    assert bare.read(f"{home}/theirs") == "precious\n"


# ---- A source that is not fit, or not to be trusted


def test_links_out_of_the_home_are_refused_by_name(
    cloner: Cloner, source: Host, bare: Host
) -> None:
    source.sh(f"ln -s /etc {HOME}/repository/resources/etc", user="deploy")
    source.sh(f"ln -s ../../../../x {HOME}/repository/resources/up", user="deploy")
    with untouched(source, bare):
        ran = cloner.fails()
    source.sh(f"rm {HOME}/repository/resources/etc {HOME}/repository/resources/up")
    assert "repository/resources/etc -> /etc" in ran.err
    assert "repository/resources/up -> ../../../../x" in ran.err


HOSTILE_TAR = """#!/bin/sh
# A tar that sends what nobody asked for, through a link of its own making.
case $* in *--create*) ;; *) exec /usr/bin/tar "$@" ;; esac
cat > /dev/null
cd /tmp/lab-test-evil
exec /usr/bin/tar --create --format=gnu -P --file=- --no-recursion ./bin ./bin/planted ../evil
"""


def test_a_source_that_sends_something_else_writes_nothing_outside(
    cloner: Cloner, source: Host, bare: Host
) -> None:
    source.sh(
        "mkdir /tmp/lab-test-evil && cd /tmp/lab-test-evil && ln -s ../../../tmp bin"
        " && echo evil > ../evil && echo evil > bin/planted"
    )
    source.write("/usr/local/bin/tar", HOSTILE_TAR)
    source.sh("chmod 755 /usr/local/bin/tar")
    ran = cloner.fails()
    source.sh("rm -r /usr/local/bin/tar /tmp/lab-test-evil /tmp/evil /tmp/planted")
    assert "worker1: copy: its stream of files holds" in ran.out
    assert bare.sh("ls -A /opt/wso2") == ""
    assert not bare.exists("/tmp/planted")
    assert not bare.exists("/tmp/evil")


def test_a_source_that_another_run_left_half_changed_is_refused(
    cloner: Cloner, source: Host, bare: Host
) -> None:
    source.write(f"{STATE}/journal", "20261122T000000Z-0123abcd\n")
    with untouched(bare):
        ran = cloner.fails()
    source.sh(f"rm {STATE}/journal")
    assert "an interrupted run left its journal open" in ran.err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("-H", "worker3", "clone"), "clone does not know what to copy"),
        (("clone", "--source", "worker1"), "no host is named"),
        (("-H", "worker1", "clone", "--source", "worker1"), "cannot be a clone of itself"),
        (("-H", "manager", "clone", "--source", "worker1"), "manager is not a worker"),
        (("-H", "worker3", "clone", "--source", "manager"), "manager is not a worker"),
        (("-H", "worker3", "clone", "--source", "wroker1"), "did you mean 'worker1'"),
    ],
)
def test_what_makes_no_sense_is_refused_before_any_server_is_touched(
    cloner: Cloner, words: tuple[str, ...], said: str
) -> None:
    ran = cloner.fab.fails(*words, hosts=cloner.hosts())
    assert said in ran.err
