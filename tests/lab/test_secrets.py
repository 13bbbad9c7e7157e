"""Secrets show nowhere: not on the screen, not in a process list, not in what is kept."""

from __future__ import annotations

import pytest

from lab import Lab
from tests.lab.cli import Fab
from tests.lab.hosts import HOME, STATE, Host, wait_for
from tests.lab.inventory import ClusterFile

SAMPLES = "/run/lab-samples"


@pytest.mark.usefixtures("stock_workers")
def test_no_secret_shows_on_the_screen_or_in_any_process_list_during_a_deploy(
    fab: Fab, cluster_file: ClusterFile, lab: Lab, worker1: Host, worker2: Host, manager: Host
) -> None:
    """Command lines and environments of all processes, sampled over and over by root."""
    watched = (worker1, worker2, manager)
    for host in watched:
        host.sh(
            f": > {SAMPLES}; (while [ -e {SAMPLES} ]; do"
            f" cat /proc/[0-9]*/cmdline /proc/[0-9]*/environ 2> /dev/null | tr '\\0' '\\n'"
            f" | grep -v '^LAB_' | sort -u >> {SAMPLES}.seen; echo sample >> {SAMPLES}.count;"
            f" sleep 0.05; done) > /dev/null 2>&1 &"
        )
    wait_for("the samplers run", lambda: all(host.exists(f"{SAMPLES}.seen") for host in watched))
    ran = fab.succeeds("deploy", hosts=cluster_file(), PROVISION_DEBUG="1")
    for host in watched:
        host.sh(f"rm {SAMPLES}")
    assert lab.db_password not in ran.said
    for host in watched:
        seen = host.read(f"{SAMPLES}.seen")
        assert "provision:" in seen, "nothing of the run itself was sampled"
        assert lab.db_password not in seen
        assert int(host.sh(f"wc -l < {SAMPLES}.count")) > 20, "too few samples to mean anything"
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
