"""Secrets show nowhere: not on the screen, not in a process list, not in what is kept."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from lab import Lab
from tests.lab.cli import Fab
from tests.lab.hosts import HOME, STATE, Host, spoiled
from tests.lab.inventory import ClusterFile, FromEnvironment
from tests.waiting import wait_for

SAMPLES = "/run/lab-samples"
SAMPLER = (
    f": > {SAMPLES}; (while [ -e {SAMPLES} ]; do"
    f" cat /proc/[0-9]*/cmdline /proc/[0-9]*/environ 2> /dev/null | tr '\\0' '\\n'"
    f" | grep -v '^LAB_' | sort -u >> {SAMPLES}.seen; echo sample >> {SAMPLES}.count;"
    f" sleep 0.05; done) > /dev/null 2>&1 &"
)
"""Samples all processes of a host until its file is removed."""


@contextmanager
def sampled_here() -> Iterator[set[bytes]]:
    """Collect the command lines of this machine, the operator's, for the length of a block."""
    seen: set[bytes] = set()
    over = threading.Event()

    def sample() -> None:
        while not over.wait(0.02):
            for process in Path("/proc").iterdir():
                with suppress(OSError):  # it is no process, or ended meanwhile
                    seen.add((process / "cmdline").read_bytes())

    sampler = threading.Thread(target=sample)
    sampler.start()
    try:
        yield seen
    finally:
        over.set()
        sampler.join()


@pytest.mark.usefixtures("stock_workers")
def test_no_secret_shows_on_the_screen_or_in_any_process_list_during_a_deploy(
    fab: Fab, cluster_file: ClusterFile, lab: Lab, worker1: Host, worker2: Host, manager: Host
) -> None:
    """Command lines and environments of all processes, sampled over and over by root."""
    watched = (worker1, worker2, manager)
    with ExitStack() as samplers:
        for host in watched:
            samplers.enter_context(spoiled(host, SAMPLER, mend=f"rm {SAMPLES}"))
        wait_for("they sample", lambda: all(host.exists(f"{SAMPLES}.seen") for host in watched))
        with sampled_here() as here:
            ran = fab.succeeds("deploy", hosts=cluster_file(), PROVISION_DEBUG="1")
    assert lab.db_password not in ran.said
    assert any(b"fab\0deploy\0" in line for line in here), "the operator's process was not sampled"
    assert not any(lab.db_password.encode() in line for line in here)
    for host in watched:
        seen = host.read(f"{SAMPLES}.seen")
        assert "provision:" in seen, "nothing of the run itself was sampled"
        assert lab.db_password not in seen
        assert int(host.sh(f"wc -l < {SAMPLES}.count")) > 20, "too few samples to mean anything"
        if host is not manager:
            assert "TryDatasources" in seen, "the trial of the datasources was not sampled"
        wait_for("the sampler has ended", lambda host=host: not host.leftovers())
        host.sh(f"rm {SAMPLES}.*")


def test_what_is_kept_of_a_run_holds_no_secret_that_others_can_read(
    deployed: tuple[Host, Host], fab: Fab, cluster_file: ClusterFile, lab: Lab
) -> None:
    """The password stands in the product's own file and in private copies of it, only."""
    worker1, _ = deployed
    fab.succeeds("-H", "worker1", "deploy", "--force", hosts=cluster_file(worker1={"Offset": 0}))
    found = worker1.sh(
        f"grep -rlF -e '{lab.db_password}' {HOME} /tmp /home/deploy /var/log || true"
    ).split()
    datasources = "repository/conf/datasources/master-datasources.xml"
    assert f"{HOME}/{datasources}" in found
    for path in found:
        assert path.endswith(datasources)
        if path.startswith(STATE):
            assert worker1.sh(f"stat -c %a {path}").strip() == "600"


PLANTED = {
    "PLANTED_PROPERTY": "planted-property<&",
    "PLANTED_SVN": "planted-svn'$(x)",
    "PLANTED_EDIT": 'planted-edit"]]>',
    "PLANTED_KEYSTORE": "planted-keystore",
}
OTHERS = {name: f"{value}-another" for name, value in PLANTED.items()}


def holding_secrets(cluster_file: ClusterFile, **changes: Any) -> Path:
    """Write a hosts.yaml with a secret in each place that can have one."""
    synchronizer = {
        "Enabled": True,
        "RepositoryType": "svn",
        "SvnUrl": "https://svn.example.com/repos/as/",
        "SvnUser": "wso2",
        "SvnPassword": FromEnvironment("PLANTED_SVN"),
    }
    edit = {"file": "user-mgt.xml", "xpath": "/UserManager/Realm/Configuration"}
    cluster = {
        "datasources": {
            "WSO2_REGISTRY_DB": {
                "properties": {"connectionProperties": FromEnvironment("PLANTED_PROPERTY")}
            }
        },
        "keystore_password": FromEnvironment("PLANTED_KEYSTORE"),
        "DeploymentSynchronizer": synchronizer,
        "files": [
            edit | {"fragment": '<Property name="planted"/>'},
            {
                "file": "user-mgt.xml",
                "xpath": '/UserManager/Realm/Configuration/Property[@name="planted"]',
                "value": FromEnvironment("PLANTED_EDIT"),
            },
        ],
    }
    return cluster_file(cluster=cluster, **changes)


@pytest.mark.usefixtures("stock_workers")
def test_no_verb_shows_a_secret_of_any_kind(
    fab: Fab, cluster_file: ClusterFile, lab: Lab, worker1: Host
) -> None:
    """Nor the one that it takes the place of; not in plans, JSON, refusals or findings either."""
    hosts = holding_secrets(cluster_file)
    refused = holding_secrets(cluster_file, worker1={"java_home": "/opt/no-java"})
    runs = [
        fab("-H", "worker1", "plan", hosts=hosts, **PLANTED),
        fab.succeeds("-H", "worker1", "config", hosts=hosts, **PLANTED),
        fab("-H", "worker1", "plan", hosts=hosts, **OTHERS),
        fab.fails("-H", "worker1", "deploy", hosts=refused, **OTHERS),
        fab("-H", "worker1", "status", "--json", hosts=hosts, **OTHERS),
        fab("-H", "worker1", "doctor", hosts=hosts, **OTHERS),
        fab.succeeds("-H", "worker1", "history", hosts=hosts, **OTHERS),
    ]
    assert "********" in runs[0].out
    assert "********" in runs[2].out
    users = worker1.read(f"{HOME}/repository/conf/user-mgt.xml")
    assert "planted-edit" in users, "nothing was there to be shown"
    for ran in runs:
        assert lab.db_password not in ran.said
        assert not re.search(r"planted-(property|svn|edit|keystore)", ran.said), ran


@pytest.mark.usefixtures("stock_workers")
def test_what_is_staged_is_private_before_it_is_swapped_in_and_what_it_becomes_is_no_wider(
    fab: Fab, cluster_file: ClusterFile, lab: Lab, worker1: Host
) -> None:
    """Seen in the moment before the swap, when the whole of it is there."""
    datasources = f"{HOME}/repository/conf/datasources/master-datasources.xml"
    worker1.sh(f"chmod 640 {datasources}")
    seen = "/run/lab-modes"
    look = f"find {STATE} -printf '%y %m %P\\n' > {seen}"
    hook = f'docker exec {lab.hosts["worker1"].container} sh -c "{look}"'
    fault = {"PROVISION_FAULT": f"worker1:run:swap:1 hook-before {hook}"}
    fab.succeeds("-H", "worker1", "config", hosts=cluster_file(), **fault)
    modes = worker1.read(seen).splitlines()
    assert any(line.endswith("staged/files/repository/conf/carbon.xml") for line in modes)
    assert {"".join(line.split()[:2]) for line in modes} == {"d700", "f600"}
    kept = worker1.sh(f"find {STATE} -printf '%y%m\\n' | sort -u").split()
    assert kept == ["d700", "f600"]
    assert worker1.sh(f"stat -c %a {datasources}").strip() == "640"
