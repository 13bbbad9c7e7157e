"""A cluster that was configured by hand is described so that the next plan has nothing to do."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
import yaml

from lab import Lab
from tests.lab.cli import Fab
from tests.lab.hosts import HOME, STATE, Host, untouched
from tests.lab.test_hostkeys import fingerprints

AXIS2 = f"{HOME}/repository/conf/axis2/axis2.xml"
CARBON_XML = f"{HOME}/repository/conf/carbon.xml"
MEMBER = "<!-- ours --><member><port>4100</port><hostName>10.9.9.9</hostName></member>"
BY_HAND = rf"""
sed -i -e 's#<members>#<members>{MEMBER}#' \
    -e 's#</clustering>#<!-- <parameter name="domain">old</parameter> --></clustering>#' {AXIS2}
sed -i 's#</Server>#<!-- changed by hand --></Server>#' {CARBON_XML}
touch -d 2020-01-01 {AXIS2} {CARBON_XML}
rm -rf {STATE}
"""
"""An extra member with its elements in another order, look-alikes in comments, no trace of us."""

WITHOUT_BLOCK = """
sed '/^# carbon-provision: begin/,/^# carbon-provision: end/d' /etc/hosts > /tmp/hosts
cat /tmp/hosts > /etc/hosts # a bind mount
rm /tmp/hosts
"""
"""An earlier test may have deployed the manager, whose block is no hand's work."""


VHOST = "/etc/nginx/conf.d/by-hand.conf"
NGINX = """\
upstream by_hand {{ ip_hash; server {0}:9763; server {1}:9763; server 10.9.9.9:9763 backup; }}
server {{ listen 8088; server_name as.wso2.com;
    location / {{ proxy_pass http://by_hand; }} }}
"""


@pytest.fixture
def by_hand(
    deployed: tuple[Host, Host], manager: Host, hosts: Mapping[str, Host]
) -> Iterator[Host]:
    """A cluster that was configured and started by hand, with its nginx; worker1 has JAVA_OPTS."""
    worker1, worker2 = deployed
    for worker in deployed:
        worker.kill_jvm()
        worker.sh(BY_HAND)
    worker1.start_by_hand("-DworkerNode=true", JAVA_OPTS="-Dby=hand -Dx=y", CARBON_TOKEN="hunter2")
    worker2.start_by_hand("-DworkerNode=true", user="wso2")
    manager.sh(WITHOUT_BLOCK)
    nginx = hosts["lb"]
    nginx.write(VHOST, NGINX.format(worker1.address, worker2.address))
    yield nginx
    nginx.sh(f"rm {VHOST}")


@pytest.fixture
def words(lab: Lab) -> tuple[str, ...]:
    """The words of `adopt` for the lab's cluster."""
    place = {name: f"127.0.0.1:{lab.hosts[name].ssh_port}" for name in lab.hosts}
    return (
        *("adopt", "--manager", place["manager"], "--run-as", "wso2", "--user", "deploy"),
        *("--workers", f"{place['worker1']},{place['worker2']}", "--load-balancer", place["lb"]),
        *("--key", str(lab.identity), "--known-hosts", str(lab.known_hosts)),
    )


def test_environment_and_nginx_of_an_adopted_cluster_are_described(
    by_hand: Host, words: tuple[str, ...], lab: Lab, fab: Fab, tmp_path: Path, worker2: Host
) -> None:
    hosts = tmp_path / "hosts.yaml"
    adopted = fab.succeeds(*words, hosts=hosts)
    assert "hunter2" not in adopted.out
    assert "# worker1: CARBON_TOKEN of its environment may hold a secret" in adopted.out
    assert f"# {VHOST}, line 2: as.wso2.com on port 8088 serves worker1, worker2" in adopted.out
    assert "server 10.9.9.9:9763: it is none of these workers" in adopted.out
    cluster = yaml.safe_load(re.sub("!env ", "", adopted.out))
    assert cluster["load_balancer"] == {
        "ssh": {"host": "127.0.0.1", "port": by_hand.ssh_port},
        "conf_dir": "/etc/nginx/conf.d",
        "http_port": 8088,
        "stickiness": "ip_hash",
    }
    assert cluster["workers"]["worker1"]["environment"] == {"JAVA_OPTS": "-Dby=hand -Dx=y"}
    assert cluster["cluster"]["java_home"] == "/opt/java"
    hosts.write_text(adopted.out)
    password = (lab.run_dir / "db_password").read_text().strip()
    planned = fab(
        *("-H", "manager,worker1,worker2", "plan"), hosts=hosts, WSO2_REGISTRY_DB_PASSWORD=password
    )
    assert planned.status == 0, planned
    assert planned.out.count("nothing to do") == 3

    worker2.kill_jvm()
    adopted = fab.succeeds(*words, hosts=hosts)
    assert "differ in java_home" not in adopted.out
    assert "# worker2: it is down: its java_home, environment, service cannot" in adopted.out
    cluster = yaml.safe_load(re.sub("!env ", "", adopted.out))
    assert not {"java_home", "environment"} & cluster["workers"]["worker2"].keys()


def test_the_plan_of_an_adopted_cluster_has_nothing_to_do(
    deployed: tuple[Host, Host], manager: Host, lab: Lab, fab: Fab, tmp_path: Path
) -> None:
    for worker in deployed:
        worker.sh(BY_HAND)
    manager.sh(WITHOUT_BLOCK)
    place = {name: f"127.0.0.1:{lab.hosts[name].ssh_port}" for name in lab.hosts}
    hosts = tmp_path / "hosts.yaml"
    with untouched(*deployed, manager):
        adopted = fab.succeeds(
            *("adopt", "--manager", place["manager"], "--run-as", "wso2", "--user", "deploy"),
            *("--workers", f"{place['worker1']},{place['worker2']}"),
            *("--key", str(lab.identity), "--known-hosts", str(lab.known_hosts)),
            hosts=hosts,
        )
    password = (lab.run_dir / "db_password").read_text().strip()
    assert password not in adopted.out
    hosts.write_text(adopted.out)
    planned = fab(
        *("-H", "manager,worker1,worker2", "plan"), hosts=hosts, WSO2_REGISTRY_DB_PASSWORD=password
    )
    assert planned.status == 0, planned
    assert planned.out.count("nothing to do") == 3
    assert "10.9.9.9:4100" in adopted.out
    jar = lab.driver.resolve().name
    assert f"driver: {{jar: {jar}, class: org.mariadb.jdbc.Driver}}" in adopted.out


def test_adopt_trusts_servers_that_no_hosts_yaml_names_yet(
    manager: Host, lab: Lab, fab: Fab, tmp_path: Path
) -> None:
    known = tmp_path / "known_hosts"
    words = (
        *("adopt", "--manager", f"127.0.0.1:{manager.ssh_port}", "--run-as", "wso2"),
        *("--user", "deploy", "--key", str(lab.identity), "--known-hosts", str(known)),
    )
    refused = fab(*words, hosts=tmp_path / "hosts.yaml")
    assert refused.status == 1
    assert refused.out == ""
    assert "adopt --trust" in refused.err
    assert "manager trust" not in refused.err
    unconfirmed = fab(*words, "--trust", hosts=tmp_path / "hosts.yaml")
    assert unconfirmed.status == 1
    assert unconfirmed.out == ""
    assert "--yes" in unconfirmed.err
    adopted = fab.succeeds(
        *words, "--yes", ",".join(fingerprints(manager)), hosts=tmp_path / "hosts.yaml"
    )
    assert adopted.out.startswith("# ")
    assert known.read_text().count(f"[127.0.0.1]:{manager.ssh_port} ") == len(fingerprints(manager))
