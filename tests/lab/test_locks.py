"""Two operators, and one who changes his mind: locks, Ctrl-C, and what is written down of a run."""

from __future__ import annotations

import hashlib
import re
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from lab import Lab
from tests.lab.cli import Fab
from tests.lab.hosts import LOCK, STATE, WSO2_LOCK, Host, plant_lock, untouched
from tests.lab.inventory import ClusterFile
from tests.waiting import wait_for


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
    holder = r"\S+@\S+ since \d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ for `deploy`"
    assert re.search(f"worker1: lock: another run works on it: {holder}\n", second.said)
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
    """As a reboot in the middle of a run leaves it: its pid may be another's by now.

    The second run has nothing else to do.
    """
    for _ in range(2):
        plant_lock(worker2, text, lock=WSO2_LOCK)
        fab.succeeds("-H", "worker2", "driver", hosts=cluster_file())
        wait_for("the lock is gone", lambda: not worker2.exists(WSO2_LOCK))


@pytest.mark.usefixtures("stock_workers")
def test_a_live_lock_gives_way_to_break_lock(
    fab: Fab, cluster_file: ClusterFile, worker1: Host
) -> None:
    holder = worker1.sh("sleep 60 > /dev/null 2>&1 & echo $!", user="deploy").strip()
    ticks = worker1.sh(f"sed 's/.*) //' /proc/{holder}/stat | cut -d ' ' -f 20").strip()
    text = f"op@desk since 2014 for `deploy` run=other pid={holder} ticks={ticks}"
    plant_lock(worker1, text)
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
    folder = LOCK.rpartition("/")[0]
    worker1.sh(f"mkdir -p -m 700 {folder}; echo data > {LOCK}; chown -R deploy {folder}")
    with untouched(worker1):
        ran = fab.fails("-H", "worker1", "driver", hosts=cluster_file())
    assert "remove /tmp/carbon-provision.lock.* on the server" in ran.said
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


# ---- Ctrl-C

ENDS_SECONDS = 30.0
QUICK = {"command": 2}
AT_ONCE_SECONDS = 6.0


def interrupt(run: subprocess.Popen[str]) -> None:
    """Press Ctrl-C, and see that it was heard."""
    run.send_signal(signal.SIGINT)
    assert run.stdout
    assert any(line.startswith("stopping at the next safe point") for line in run.stdout)


def ends_at_once(run: subprocess.Popen[str]) -> None:
    """Press Ctrl-C for a second time, and see it work."""
    began = time.monotonic()
    run.send_signal(signal.SIGINT)
    assert run.wait(ENDS_SECONDS) == 130
    assert time.monotonic() - began < AT_ONCE_SECONDS


@pytest.mark.usefixtures("stock_workers")
def test_ctrl_c_ends_at_a_safe_point_and_says_what_was_done_and_what_was_not(
    fab: Fab, cluster_file: ClusterFile, worker1: Host, worker2: Host
) -> None:
    """Locks are released, the next worker is as it was, and the same command goes on."""
    worker1.knob("start-seconds", "3")
    hosts = cluster_file()
    with untouched(worker2):
        run = fab.begin("-H", "worker1,worker2", "deploy", hosts=hosts)
        wait_for("worker1 is starting", worker1.jvm)
        run.send_signal(signal.SIGINT)
        out, err = run.communicate(timeout=ENDS_SECONDS)
    assert run.returncode == 130, out + err
    assert "stopped here after driver, config: axis2.xml" in out
    assert "worker2  skipped, unchanged" in out
    assert "error: worker1: stopped here, as asked" in out
    assert "→ run the same command again to go on from here" in out
    assert not worker1.exists(LOCK)
    assert not worker2.exists(WSO2_LOCK)
    ran = fab.succeeds("-H", "worker1", "deploy", hosts=hosts)
    assert "joined: " in ran.row("worker1")


@pytest.mark.usefixtures("stock_workers")
def test_ctrl_c_waits_for_a_safe_point_and_a_second_one_ends_at_once(
    fab: Fab, cluster_file: ClusterFile, worker1: Host
) -> None:
    """A stop is under way, and there is no safe point in it; its server is left to end.

    Who comes next waits for what still goes on, as long as it may.
    """
    worker1.knob("ignore-term", "yes")
    worker1.start_by_hand()
    hosts = cluster_file(cluster={"limits": {"stop": 60}})
    run = fab.begin("-H", "worker1", "restart", hosts=hosts)
    wait_for("it stops", lambda: "provision:stop" in worker1.sh("ps -eo args"))
    interrupt(run)
    client = worker1.sh(f"readlink {LOCK}").partition(" client=")[2].partition(".")[0]
    assert worker1.exists(f"/proc/{client}")
    assert run.poll() is None
    ends_at_once(run)
    wait_for("the client is gone", lambda: not worker1.exists(f"/proc/{client}"))
    assert worker1.exists(LOCK)
    error = fab.fails("-H", "worker1", "restart", hosts=cluster_file(cluster={"limits": QUICK}))
    assert "its script stop is still at work" in error.said
    worker1.kill_jvm()
    wait_for("the lock is gone", lambda: not worker1.exists(LOCK))


@pytest.mark.usefixtures("hosts")
def test_a_second_ctrl_c_does_not_wait_for_a_server_that_hangs(
    fab: Fab, cluster_file: ClusterFile, lab: Lab, tmp_path: Path
) -> None:
    """Of many that are looked at at once."""
    hosts = cluster_file(cluster={"limits": {"connect": 60, "command": 60}})
    looking = tmp_path / "looking"
    fault = f"worker1:run:facts:1 hook-before touch {looking}"
    lab.pause("worker2")
    try:
        run = fab.begin("deploy", hosts=hosts, PROVISION_FAULT=fault)
        wait_for("the look is under way", looking.exists)
        interrupt(run)
        ends_at_once(run)
    finally:
        lab.unpause("worker2")


# ---- The audit log


@pytest.mark.usefixtures("stock_workers")
def test_each_run_leaves_lines_that_say_when_who_what_by_which_file_and_how_it_ended(
    fab: Fab, cluster_file: ClusterFile, worker1: Host, worker2: Host
) -> None:
    """A run that changes nothing leaves none; one that fails says why."""
    hosts = cluster_file()
    fab.succeeds("-H", "worker1,worker2", "config", hosts=hosts)
    fab.succeeds("-H", "worker1,worker2", "config", hosts=hosts)
    worker1.start_by_hand(user="root")  # nobody else may end it
    fab.fails("-H", "worker1", "stop", hosts=hosts)
    digest = hashlib.sha256(hosts.read_bytes()).hexdigest()[:12]
    who = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ \S+@\S+ uid=\d+"
    ok = f"{who} config inventory={digest} begin\n{who} config inventory={digest} ok"
    begin = f"{who} stop inventory={digest} begin"
    failed = rf"{who} stop inventory={digest} failed: cannot signal pid \d+.*"
    assert re.fullmatch(f"{ok}\n{begin}\n{failed}\n", worker1.read(f"{STATE}/audit.log"))
    assert re.fullmatch(f"{ok}\n", worker2.read(f"{STATE}/audit.log"))
