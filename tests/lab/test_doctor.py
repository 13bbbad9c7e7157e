"""`fab doctor` on the lab: a ward of workers, each with one misconfiguration, and its diagnosis.

The patients share worker1's server, so that they start at the same time and one run of the
doctor sees them all.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest

from lab import Lab
from tests.lab.cli import Fab, Ran
from tests.lab.conftest import restore
from tests.lab.hosts import LOG, Host, sshd_settings
from tests.lab.inventory import ClusterFile
from tests.waiting import wait_for

FOUND = 2
STARTED = "WSO2 Carbon started"
AXIS2 = "repository/conf/axis2/axis2.xml"
START_SECONDS = 60.0


@dataclass(frozen=True, kw_only=True)
class Patient:
    """A worker with one fault, and what the doctor is to say first."""

    says: str
    fault: str = ":"
    """Shell commands, in its AS_HOME, with the address of worker2 in $1 and its port in $2."""
    until: str | None = STARTED
    """What its log says when it is ready to be looked at; None: it is not started."""
    arguments: str = "-DworkerNode=true"
    entry: Mapping[str, Any] = field(default_factory=dict)
    """Its own lines in hosts.yaml."""


def _parameter(name: str, value: str) -> str:
    return f"sed -i 's|\\(<parameter name=\"{name}\">\\)[^<]*|\\1{value}|' {AXIS2}"


def _knob(name: str, value: str) -> str:
    return f"mkdir -p standin; echo {value} > standin/{name}"


_DATASOURCE = (
    "sed -i -e 's|jdbc:h2:[^<]*|jdbc:mariadb://db:3306/REGISTRY_DB|'"
    " -e 's|org.h2.Driver|org.mariadb.jdbc.Driver|'"
    " repository/conf/datasources/master-datasources.xml"
)
_AGENT = "org.wso2.carbon.hazelcast.HazelcastClusteringAgent"

WARD = {
    "well": Patient(says="has joined, but it differs from hosts.yaml"),
    "loopback": Patient(
        fault=_parameter("localMemberHost", "127.0.0.1"),
        says="its localMemberHost is 127.0.0.1: nobody else can connect to it there",
    ),
    "clone": Patient(
        fault=_parameter("localMemberHost", "'\"$1\"'"),
        says="which is worker2's: a clone that kept it",
    ),
    "named": Patient(
        fault=_parameter("localMemberHost", "worker1"),
        says="its localMemberHost is worker1, which is not an address of its server",
    ),
    "domain": Patient(
        fault=_parameter("domain", "wso2.other.domain"),
        says="it is in the domain wso2.other.domain, and manager in wso2.as.domain",
    ),
    "multicast": Patient(
        fault=_parameter("membershipScheme", "multicast"),
        says="its membershipScheme is multicast",
    ),
    "typo": Patient(
        fault=_parameter("membershipScheme", "wak"),
        until="Cannot initialize cluster",
        says="axis2.xml of typo names the membership scheme wak, which does not exist",
    ),
    "alone": Patient(
        fault=f"sed -i '/<member>/,/<.member>/ s|<hostName>[^<]*|<hostName>10.9.9.9|' {AXIS2}",
        says="its <members> do not list manager at",
    ),
    "agent": Patient(
        fault=f'sed -i \'s|<clustering class="[^"]*|<clustering class="{_AGENT}|\' {AXIS2}',
        until="Cannot initialize cluster",
        says=f"the clustering class {_AGENT} is not in this pack",
    ),
    "tribes": Patient(
        fault='carbon-agent "$PWD" tribes',
        until="Cluster domain",
        says="its clustering class is TribesClusteringAgent, manager's is HazelcastClustering",
    ),
    "override": Patient(
        fault="echo '<hazelcast/>' > repository/conf/etc/hazelcast.xml;"
        " echo 'WSO2 Carbon Framework v4.4.8' > bin/wso2carbon-version.txt",
        says="its hazelcast.xml overrides the whole clustering section",
    ),
    "counted": Patient(
        fault=_knob("port", "4990"),
        says="it came up at localMemberPort 4990, not",
    ),
    "login": Patient(
        fault=_DATASOURCE,
        until="Access denied for user",
        says="the database refuses the user wso2carbon of login",
    ),
    "driver": Patient(
        fault=f"{_DATASOURCE}; rm repository/components/lib/*",
        until="cannot be found by",
        says="JDBC driver org.mariadb.jdbc.Driver",
    ),
    "profile": Patient(
        fault="mv repository/components/worker repository/components/elsewhere",
        until="profile not found",
        says="its pack has no worker profile",
    ),
    "vault": Patient(
        fault="echo carbon.secretProvider=org.wso2.Handler"
        " > repository/conf/security/secret-conf.properties; echo wrong > password-persist",
        until="IOError loading keyStore",
        says="vault was given a wrong password for its keystore",
    ),
    "role": Patient(
        fault='carbon-kernel "$PWD" 4.2.0',
        arguments="-DworkerNode=true start",
        says="has joined, but it runs as a manager, not as a worker",
    ),
    "blocked": Patient(
        fault='iptables -A INPUT -p tcp --dport "$2" ! -s 127.0.0.1 -j DROP',
        says="does not answer manager",
    ),
    "down": Patient(until=None, says="has not joined: it is not running"),
    "java": Patient(
        until=None,
        entry={"java_home": "/opt/none"},
        says="JAVA_HOME /opt/none has no bin/java",
    ),
}


@pytest.fixture(scope="module")
def visit(
    lab: Lab, worker1: Host, worker2: Host, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Ran]:
    """Admit all patients, start them, and send the doctor once."""
    restore(worker1)
    folder = tmp_path_factory.mktemp("ward")
    cluster_file = ClusterFile(lab, folder)
    entries = {
        name: cluster_file.worker("worker1")
        | {
            "server": "worker1",
            "home": f"/opt/wso2/{name}",
            "Offset": number,
            "localMemberPort": 4000 + number,
        }
        | dict(patient.entry)
        for number, (name, patient) in enumerate(WARD.items(), start=1)
    }
    inventory = cluster_file(workers=["worker2"], **entries)
    for name, patient in WARD.items():
        port = entries[name]["localMemberPort"]
        _admit(worker1, lab, name, patient, port=port, address=worker2.address)
    _start_all(worker1)
    fab = Fab(folder)
    yield fab("-H", ",".join(WARD), "doctor", hosts=inventory)
    fab.close()
    worker1.sh("iptables -F INPUT")
    restore(worker1)


def _admit(host: Host, lab: Lab, name: str, patient: Patient, *, port: int, address: str) -> None:
    """Make a stock home a worker that would join, but for its fault."""
    manager = lab.hosts["manager"].address
    script = f"""
        cp -a /opt/pack /opt/wso2/{name}; cd /opt/wso2/{name}
        carbon-agent "$PWD" hazelcast
        carbon-join "$PWD" {host.address} worker {manager}
        {_parameter("localMemberPort", str(port))}
        sed -i 's|<Offset>0|<Offset>{port - 4000}|' repository/conf/carbon.xml
        cp /opt/driver/*.jar repository/components/lib/
        {patient.fault}
        chown -R deploy: "$PWD"
    """
    host.sh(script, address, str(port))


def _start_all(host: Host) -> None:
    for name, patient in WARD.items():
        if patient.until:
            command = f"sh /opt/wso2/{name}/bin/wso2server.sh {patient.arguments}"
            host.sh(f"JAVA_HOME=/opt/java setsid {command} > /dev/null 2>&1 &", user="deploy")
    for name, patient in WARD.items():
        if patient.until:
            log = f"/opt/wso2/{name}/repository/logs/wso2carbon.log"
            look = f"grep -qs '{patient.until}' {log} && echo yes || true"
            wait_for(f"{name}: {patient.until}", _asker(host, look), seconds=START_SECONDS)


def _asker(host: Host, look: str) -> Callable[[], object]:
    return lambda: host.sh(look)


def section(ran: Ran, name: str) -> list[str]:
    """Return what was said of one patient."""
    blocks = [block.splitlines() for block in ran.out.split("\n\n")]
    return next(block for block in blocks if re.match(rf"{name} (has|is|cannot)", block[0]))


@pytest.mark.parametrize("name", WARD)
def test_each_fault_is_named_first_with_a_remedy(visit: Ran, name: str) -> None:
    block = section(visit, name)
    assert WARD[name].says in block[0], "\n".join(block)
    remedies = [line for line in block if line.startswith("  → ")]
    assert len(remedies) == 1, "\n".join(block)


def test_the_doctor_is_quick_and_its_exit_status_says_that_it_found_something(visit: Ran) -> None:
    assert visit.status == FOUND
    assert visit.seconds < 40
    assert visit.err == ""


# ---- Visits of their own


@pytest.mark.usefixtures("deployed")
def test_a_healthy_worker_has_nothing_wrong(fab: Fab, cluster_file: ClusterFile) -> None:
    ran = fab.succeeds("-H", "worker1,worker2", "doctor", hosts=cluster_file())
    for name in ("worker1", "worker2"):
        assert section(ran, name)[0] == f"{name} has joined: nothing is wrong"
    assert "connection from the manager" in section(ran, "worker1")[1]


@pytest.fixture
def forbidding(worker1: Host) -> Iterator[None]:
    """worker1's sshd forwards no connections."""
    with sshd_settings(worker1, "AllowTcpForwarding no\n"):
        yield


@pytest.mark.usefixtures("deployed", "forbidding")
def test_what_sshd_forbids_to_try_is_not_called_right(fab: Fab, cluster_file: ClusterFile) -> None:
    ran = fab.succeeds("-H", "worker1", "doctor", hosts=cluster_file())
    lines = section(ran, "worker1")
    (unchecked,) = [line for line in lines if line.startswith("not checked: ")]
    assert "connection to the manager (sshd of worker1 forbids" in unchecked
    (right,) = [line for line in lines if line.startswith("ok: ")]
    assert "connection to the manager" not in right


def test_an_unreachable_worker_has_that_for_its_diagnosis(
    fab: Fab, cluster_file: ClusterFile
) -> None:
    hosts = cluster_file(worker1={"ssh": {"port": 1}})
    ran = fab("-H", "worker1", "doctor", hosts=hosts)
    assert ran.status == FOUND
    assert ran.out.startswith("worker1 cannot be inspected: the connection failed")


@pytest.fixture
def firewalled(worker1: Host, manager: Host, lab: Lab) -> Iterator[Host]:
    """A stock worker1 that the manager has forgotten and that cannot reach its member port."""
    restore(worker1)
    last = f"$(grep -F '/{worker1.address}:4000' {LOG} | tail -n 1)"
    gone = f'case {last} in *"Member joined"*) ;; *) echo yes ;; esac'
    wait_for("the manager has seen worker1 leave", lambda: manager.sh(gone))
    rule = f"OUTPUT -p tcp -d {lab.hosts['manager'].address} --dport 4000 -j DROP"
    worker1.sh(f"iptables -A {rule}")
    yield worker1
    worker1.sh(f"iptables -D {rule}")


@pytest.mark.usefixtures("firewalled")
def test_deploy_tells_the_same_when_a_worker_fails_to_join(
    fab: Fab, cluster_file: ClusterFile, lab: Lab
) -> None:
    hosts = cluster_file(cluster={"limits": {"connect": 2, "start": 40, "join": 2}})
    address = lab.hosts["manager"].address
    ran = fab.fails("-H", "worker1", "deploy", hosts=hosts)
    assert "it started, but the manager logged no join within 2 s" in ran.said
    said = f"{address}:4000 of manager does not answer worker1"
    assert f"\n  doctor: {said}\n    → open port 4000 from worker1" in ran.said
    alone = fab("-H", "worker1", "doctor", hosts=hosts)
    assert section(alone, "worker1")[0] == f"worker1 has not joined: {said}"


@pytest.mark.usefixtures("deployed")
def test_a_manager_that_is_down_is_the_first_thing_told(
    fab: Fab, cluster_file: ClusterFile, changed_manager: Host
) -> None:
    changed_manager.sh("carbon-manager stop")
    ran = fab("-H", "worker1,manager", "doctor", hosts=cluster_file())
    assert ran.status == FOUND
    assert "manager is not running" in section(ran, "worker1")[0]
    assert section(ran, "manager")[0].startswith("manager is the manager: it is not running")
