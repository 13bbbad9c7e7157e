"""One run at a time for each server: who holds it is told, and a dead holder is no obstacle."""

from __future__ import annotations

import signal
from collections.abc import Callable

import pytest

from tests.lab.cli import Fab
from tests.lab.hosts import LOCK, Host, untouched, wait_for
from tests.lab.inventory import ClusterFile


@pytest.mark.usefixtures("stock_workers")
def test_a_server_that_a_live_run_works_on_is_refused_and_its_holder_told(
    fab: Fab, cluster_file: ClusterFile, worker1: Host, worker2: Host
) -> None:
    """All or none: the second run names worker2, too, and leaves it alone."""
    worker1.knob("start-seconds", "3")
    hosts = cluster_file()
    first = fab.begin("-H", "worker1", "deploy", hosts=hosts)
    wait_for("the first run has started worker1", worker1.jvm)
    with untouched(worker2):
        second = fab.fails("-H", "worker2,worker1", "deploy", hosts=hosts)
    assert "worker1: lock: another run works on it: " in second.said
    assert "for `deploy`" in second.said
    assert "--break-lock" in second.said
    out, err = first.communicate()
    assert first.returncode == 0, out + err


@pytest.mark.usefixtures("stock_workers")
def test_the_lock_goes_with_its_run_even_if_that_is_killed(
    fab: Fab, cluster_file: ClusterFile, worker1: Host
) -> None:
    worker1.knob("start-seconds", "3")
    first = fab.begin("-H", "worker1", "deploy", hosts=cluster_file())
    wait_for("the run has started worker1", worker1.jvm)
    assert worker1.exists(LOCK)
    first.send_signal(signal.SIGKILL)
    first.communicate()
    wait_for("the lock is gone", lambda: not worker1.exists(LOCK))
    fab.succeeds("-H", "worker1", "deploy", hosts=cluster_file())


@pytest.mark.usefixtures("stock_workers")
@pytest.mark.parametrize(
    "text",
    [
        pytest.param("op@desk since 2014 for `deploy` run=dead pid=999999 ticks=1", id="gone"),
        pytest.param("op@desk since 2014 for `deploy` run=dead pid=1 ticks=1", id="pid reused"),
        pytest.param("whatever", id="not understood"),
    ],
)
def test_a_lock_whose_holder_is_gone_is_cleared(
    fab: Fab, cluster_file: ClusterFile, worker2: Host, text: str
) -> None:
    """As a reboot in the middle of a run leaves it: its pid may be another's by now."""
    worker2.sh(f"ln -s '{text}' {LOCK}; chown -h wso2 {LOCK}")
    fab.succeeds("-H", "worker2", "driver", hosts=cluster_file())
    assert not worker2.exists(LOCK)


@pytest.mark.usefixtures("stock_workers")
def test_a_live_lock_gives_way_to_break_lock(
    fab: Fab, cluster_file: ClusterFile, worker1: Host
) -> None:
    holder = worker1.sh("sleep 60 > /dev/null 2>&1 & echo $!", user="deploy").strip()
    ticks = worker1.sh(f"sed 's/.*) //' /proc/{holder}/stat | cut -d ' ' -f 20").strip()
    text = f"op@desk since 2014 for `deploy` run=other pid={holder} ticks={ticks}"
    worker1.sh('ln -s "$1" "$2"', text, LOCK, user="deploy")
    hosts = cluster_file()
    with untouched(worker1):
        ran = fab.fails("-H", "worker1", "driver", hosts=hosts)
    assert "op@desk since 2014 for `deploy`" in ran.said
    fab.succeeds("-H", "worker1", "driver", "--break-lock", hosts=hosts)
    worker1.sh(f"kill {holder}")


@pytest.mark.usefixtures("stock_workers")
def test_what_is_no_lock_is_not_cleared_but_named(
    fab: Fab, cluster_file: ClusterFile, stock: Callable[..., None], worker1: Host
) -> None:
    worker1.sh(f"echo data > {LOCK}")
    with untouched(worker1):
        ran = fab.fails("-H", "worker1", "driver", hosts=cluster_file())
    assert f"remove {LOCK} on the server" in ran.said
    assert worker1.read(LOCK) == "data\n"
    stock("worker1")


@pytest.mark.usefixtures("stock_workers")
def test_two_deploys_at_once_do_not_disturb_each_other(
    fab: Fab, cluster_file: ClusterFile, worker1: Host, worker2: Host
) -> None:
    """One of them does the whole work, the other is refused and changes nothing."""
    hosts = cluster_file()
    both = [fab.begin("deploy", hosts=hosts) for _ in range(2)]
    ended = [(run.communicate(), run.returncode) for run in both]
    statuses = sorted(status for _, status in ended)
    assert statuses == [0, 1], ended
    said = next(out + err for (out, err), status in ended if status == 1)
    assert "another run works on it" in said or "changed by somebody else" in said
    assert worker1.is_member()
    assert worker2.is_member()
