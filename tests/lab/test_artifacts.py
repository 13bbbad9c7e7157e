"""Artifacts on real servers: keystore, dropin, WAR, template and a removal, there and back."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from lab import Lab
from tests.lab.cli import Fab
from tests.lab.hosts import HOME, Host, untouched
from tests.lab.inventory import ClusterFile, FromEnvironment

JKS = "repository/resources/security/truststore.jks"
LOG4J = "repository/conf/log4j.properties"
WAR = "repository/deployment/server/webapps/shop.war"
DROPIN = "repository/components/dropins/new_1.0.0.jar"
OLD = "repository/components/dropins/old_1.0.0.jar"


@pytest.fixture
def workers(worker1: Host, worker2: Host) -> tuple[Host, Host]:
    """Both workers as unpacked, each with a keystore, a dropin and a log4j.properties."""
    for host in (worker1, worker2):
        host.restore()
        host.sh(
            f"cd {HOME} && mkdir -p {OLD.rpartition('/')[0]} {JKS.rpartition('/')[0]} &&"
            f" chown -R --reference=bin {OLD.rpartition('/')[0]} {JKS.rpartition('/')[0]} &&"
            f" echo old > {OLD} && echo keys > {JKS} && chmod 600 {JKS} &&"
            f" printf 'level=INFO\npw=elder' > {LOG4J}"
            f" && chown --reference=bin {OLD} {JKS} {LOG4J}"
        )
    return worker1, worker2


@pytest.fixture
def local(tmp_path: Path) -> Path:
    """The operator's files."""
    (tmp_path / "dropins").mkdir()
    (tmp_path / "dropins" / DROPIN.rpartition("/")[2]).write_bytes(b"PK\0dropin")
    (tmp_path / "new.jks").write_bytes(b"\xfe\xed keys")
    (tmp_path / "shop.war").write_bytes(b"PK\0war" * 500_000)
    (tmp_path / "log4j.in").write_text("level=DEBUG\nnode=${name} ${carbon.home}\npw=${pw}\n")
    return tmp_path


@pytest.fixture
def bare(lab: Lab, stock: Callable[..., None]) -> Iterator[Host]:
    """worker3, with nothing on it; so again afterwards."""
    stock("worker3")
    yield Host(lab, "worker3")
    stock("worker3")


def artifacts(local: Path) -> list[dict[str, Any]]:
    return [
        {"from": str(local / "new.jks"), "to": JKS, "secret": True},
        {"from": str(local / "dropins"), "to": "repository/components/dropins/"},
        {"from": str(local / "shop.war"), "to": WAR},
        {"to": OLD, "absent": True},
        {
            "from": str(local / "log4j.in"),
            "to": LOG4J,
            "template": True,
            "values": {"pw": FromEnvironment("LOG_PASSWORD")},
        },
    ]


def files(host: Host) -> str:
    """Return mode, owner and hash of all that the test is about; nothing of what is not there."""
    paths = " ".join((JKS, LOG4J, WAR, DROPIN, OLD))
    return host.sh(
        f"cd {HOME} && for f in {paths}; do"
        " [ ! -f $f ] || { stat -c '%a %U' $f; sha256sum $f; }; done"
    )


def test_files_come_with_a_deploy_and_go_with_a_rollback(
    fab: Fab, workers: tuple[Host, Host], cluster_file: ClusterFile, local: Path
) -> None:
    """A second deploy does nothing, a WAR alone restarts nobody, a rollback restores each byte."""
    names = ("-H", "worker1,worker2")
    secret = {"LOG_PASSWORD": "hush-hush"}
    no_svn = {"DeploymentSynchronizer": None}
    fab.succeeds(*names, "deploy", hosts=cluster_file(cluster=no_svn))
    before = [files(host) for host in workers]
    hosts = cluster_file(cluster={**no_svn, "artifacts": artifacts(local)})

    planned = fab(*names, "plan", hosts=hosts, **secret)
    assert planned.status == 2
    assert "+level=DEBUG" in planned.out
    assert "hush-hush" not in planned.said
    assert "elder" not in planned.said
    fab.succeeds(*names, "deploy", hosts=hosts, **secret)
    for host, owner in zip(workers, ("deploy", "wso2"), strict=True):
        lines = host.read(f"{HOME}/{LOG4J}").splitlines()
        assert lines == ["level=DEBUG", f"node={host.name} ${{carbon.home}}", "pw=hush-hush"]
        assert files(host).startswith(f"600 {owner}\n")
        assert not host.exists(f"{HOME}/{OLD}")
    with untouched(*workers):
        again = fab.succeeds(*names, "deploy", hosts=hosts, **secret)
    assert again.row("worker1").split()[1] == "nothing"

    first = [files(host) for host in workers]
    jvms = [host.running() for host in workers]
    (local / "shop.war").write_bytes(b"PK\0another war")
    brought = fab.succeeds(*names, "deploy", hosts=hosts, **secret)
    assert "artifacts: ~shop.war" in brought.row("worker1")
    assert [host.running() for host in workers] == jvms
    assert all(host.read(f"{HOME}/{WAR}") == "PK\0another war" for host in workers)

    fab.succeeds(*names, "rollback", hosts=hosts, **secret)
    assert [files(host) for host in workers] == first
    for host in workers:
        kept = host.sh(f"ls {HOME}/.provision/generations").split()
        fab.succeeds("-H", host.name, "rollback", "--to", kept[1], hosts=hosts, **secret)
    assert [files(host) for host in workers] == before


def test_a_clone_has_the_artifacts_of_its_own_node(
    fab: Fab, workers: tuple[Host, Host], bare: Host, cluster_file: ClusterFile, local: Path
) -> None:
    """Also those in the deployment directory, which does not travel."""
    hosts = cluster_file(
        workers=["worker1", "worker3"],
        cluster={"DeploymentSynchronizer": None, "artifacts": artifacts(local)},
    )
    secret = {"LOG_PASSWORD": "hush-hush"}
    fab.succeeds("-H", "worker1", "deploy", hosts=hosts, **secret)
    fab.succeeds("-H", "worker3", "clone", "--source", "worker1", hosts=hosts, **secret)
    assert "node=worker3" in bare.read(f"{HOME}/{LOG4J}")
    assert bare.sha256(f"{HOME}/{WAR}") == workers[0].sha256(f"{HOME}/{WAR}")
    assert not bare.exists(f"{HOME}/{OLD}")
    again = fab.succeeds("-H", "worker3", "deploy", hosts=hosts, **secret)
    assert again.row("worker3").split()[1] == "nothing"
