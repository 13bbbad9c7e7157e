"""Both clustering agents, in their own words, and both generations of the start script."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from tests.lab.cli import Fab
from tests.lab.conftest import restore_manager
from tests.lab.hosts import HOME, Host, untouched
from tests.lab.inventory import ClusterFile

AXIS2 = f"{HOME}/repository/conf/axis2/axis2.xml"
TRIBES = 'class="org.apache.axis2.clustering.tribes.TribesClusteringAgent"'


def test_both_generations_of_the_script_start_as_workers(
    stock: Callable[..., None], fab: Fab, cluster_file: ClusterFile, worker1: Host, worker2: Host
) -> None:
    """Kernel 4.2.0's `start` drops its arguments; the guide's foreground form does not."""
    stock()
    for worker, kernel in ((worker1, "4.2.0"), (worker2, "4.4.1")):
        worker.sh(f"carbon-kernel {HOME} {kernel}")
    fab.succeeds("deploy", hosts=cluster_file())
    for worker in (worker1, worker2):
        assert worker.get(9763).endswith("workerNode true\n")
        assert worker.is_member()


def test_strict_evidence_accepts_the_one_line_that_hazelcast_has(
    stock: Callable[..., None], fab: Fab, cluster_file: ClusterFile
) -> None:
    stock()
    ran = fab.succeeds(
        "-H", "worker1", "deploy", hosts=cluster_file(cluster={"evidence": "strict"})
    )
    assert "Member joined, after" in ran.row("worker1")


@pytest.fixture(scope="module")
def tribes_manager(manager: Host) -> Iterator[Host]:
    restore_manager(manager, agent="tribes")
    yield manager
    restore_manager(manager)


@pytest.fixture
def tribes(
    tribes_manager: Host, stock: Callable[..., None], worker1: Host, worker2: Host
) -> tuple[Host, Host]:
    """A cluster whose packs have the Tribes agent, both workers stock."""
    tribes_manager.running()
    stock()
    for worker in (worker1, worker2):
        worker.sh(f"carbon-agent {HOME} tribes")
    return worker1, worker2


def test_tribes_members_are_seen_by_the_guides_own_line(
    tribes: tuple[Host, Host], fab: Fab, cluster_file: ClusterFile, tribes_manager: Host
) -> None:
    """GetConfigurationCommand goes to the longest-living member: the manager, here.

    The pack's own agent is kept, so hosts.yaml needs no word about it.
    """
    ran = fab.succeeds("deploy", hosts=cluster_file())
    for worker in tribes:
        assert TRIBES in worker.read(AXIS2)
        assert "GetConfigurationCommand, after" in ran.row(worker.name)
        assert (
            "Received GetConfigurationCommand initialization request message from "
            f"{worker.address}:4000(wso2.as.domain)"
        ) in tribes_manager.log()


def test_tribes_without_node_management_is_seen_by_its_JOIN_and_the_result_says_so(
    tribes: tuple[Host, Host], fab: Fab, cluster_file: ClusterFile
) -> None:
    worker1, _ = tribes
    worker1.knob("no-configuration-command", "yes")
    ran = fab.succeeds("-H", "worker1", "deploy", hosts=cluster_file())
    assert "JOIN, after" in ran.row("worker1")


def test_strict_evidence_insists_on_the_guides_own_line(
    tribes: tuple[Host, Host], fab: Fab, cluster_file: ClusterFile
) -> None:
    worker1, worker2 = tribes
    worker1.knob("no-configuration-command", "yes")
    hosts = cluster_file(cluster={"evidence": "strict", "limits": {"join": 2}})
    with untouched(worker2):
        ran = fab.fails("deploy", hosts=hosts)
    assert "the manager logged only 'JOIN' (evidence: strict) within 2 s" in ran.out
    assert "set `evidence: any`" in ran.out
    ran = fab.succeeds("-H", "worker2", "deploy", hosts=hosts)
    assert "GetConfigurationCommand, after" in ran.row("worker2")


def test_an_agent_of_hosts_yaml_replaces_that_of_the_pack(
    tribes: tuple[Host, Host], fab: Fab, cluster_file: ClusterFile
) -> None:
    worker1, _ = tribes
    agent = "org.wso2.carbon.core.clustering.hazelcast.HazelcastClusteringAgent"
    fab.succeeds("-H", "worker1", "config", hosts=cluster_file(cluster={"agent": agent}))
    assert f'class="{agent}"' in worker1.read(AXIS2)
