"""The stand-in tells the truth: what the real product was seen to do, it does, in the same words.

What the product does not do is what these tests are about: it keeps silent members, it does not
heal a split, and it serves on after it has said that it does not.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pytest

from carbon.join.columns import take_apart
from carbon.join.lines import parse
from tests.lab.cli import Fab
from tests.lab.conftest import restore_manager
from tests.lab.hosts import HOME, Host
from tests.lab.inventory import ClusterFile
from tests.waiting import wait_for

REAL = Path(__file__).resolve().parents[2].parent / "shared/stock/logs"
MILESTONES = {
    "StartBegan": "CarbonCoreActivator",
    "ClusterDomain": "HazelcastClusteringAgent",
    "LocalMember": "HazelcastClusteringAgent",
    "ClusterInitialized": "HazelcastClusteringAgent",
    "Started": "StartupFinalizerServiceComponent",
}
KEYSTORE = "default keystore (wso2carbon.jks)"
COLUMNS = {
    "4.2.0": r"TID: \[0\] \[AS\] \[.{23}\] +(INFO|WARN) \{(\S+)\} -  .* \{\2\}",
    "4.4.8": r"TID: \[-1(234)?\] \[\] \[.{23}\] +(INFO|WARN) \{(\S+)\} -  .*(?<!\})",
}


def last_start(log: str) -> list[str]:
    """Return the entries of the last start, without lines that go on with the one before."""
    lines = [line.rstrip() for line in log.splitlines() if line.startswith("TID:")]
    begins = [at for at, line in enumerate(lines) if "Starting WSO2 Carbon" in line]
    return lines[begins[-1] :]


def milestones(lines: list[str]) -> dict[str, str]:
    """Return the milestones of a start in their order, each with the class that logged it."""
    came: dict[str, str] = {}
    for line in lines:
        name = type(parse(line)).__name__
        if name in MILESTONES:
            came.setdefault(name, take_apart(line).logger.rpartition(".")[2])
    return came


@pytest.mark.parametrize("kernel", ["4.2.0", "4.4.8"])
def test_a_start_is_logged_as_by_the_product(
    stock: Callable[..., None], fab: Fab, cluster_file: ClusterFile, worker1: Host, kernel: str
) -> None:
    """In its order and by its loggers, in the columns of its kernel, with the keystore's WARN."""
    stock("worker1")
    worker1.sh(f"carbon-kernel {HOME} {kernel}")
    fab.succeeds("-H", "worker1", "deploy", hosts=cluster_file())
    lines = last_start(worker1.log())
    assert list(milestones(lines).items()) == list(MILESTONES.items())
    assert sum(KEYSTORE in line for line in lines) == 1
    odd = [line for line in lines if not re.fullmatch(COLUMNS[kernel], line)]
    assert not odd
    if REAL.exists():
        real = last_start((REAL / f"kernel-{kernel}/deploy-worker1.log").read_text())
        assert list(milestones(real).items()) == list(MILESTONES.items())


def moment(log: str, text: str) -> float:
    """Return when the last line with this text was written, in seconds."""
    (line,) = [line for line in log.splitlines() if text in line][-1:]
    at = take_apart(line).at
    assert at is not None
    return (at - datetime(1970, 1, 1)).total_seconds()


def test_a_start_takes_the_products_time_if_that_is_asked_for(
    stock: Callable[..., None], fab: Fab, cluster_file: ClusterFile, worker1: Host, manager: Host
) -> None:
    """The product: 11 to 20 s to its join, once 28, and 2.2 to 3.3 s from there to `started`."""
    stock("worker1")
    pace = 0.2
    worker1.knob("pace", str(pace))
    fab.succeeds("-H", "worker1", "deploy", hosts=cluster_file())
    began = moment(worker1.log(), "Starting WSO2 Carbon")
    joined = moment(manager.log(), f"/{worker1.address}:4000")
    started = moment(worker1.log(), "WSO2 Carbon started in")
    spare_seconds = 3.0  # for what a loaded machine adds
    assert 11 * pace < joined - began < 28 * pace + spare_seconds
    assert 2.2 * pace < started - joined < 3.3 * pace + spare_seconds


def test_a_killed_member_is_missed_after_two_seconds_and_a_silent_one_stays(
    deployed: tuple[Host, Host], manager: Host
) -> None:
    """The product: 2.2 s, and not in 11 minutes."""
    worker1, worker2 = deployed
    silent, killed = worker1.running().pid, worker2.running().pid
    left = [f"Member left [{uuid(manager, worker)}]" for worker in (worker1, worker2)]
    worker1.sh(f"kill -STOP {silent}")
    try:
        at = float(worker2.sh(f"date +%s.%N; kill -KILL {killed}"))
        wait_for("the killed one is missed", lambda: left[1] in manager.log())
        zone = float(manager.sh("date +%z")) * 36
        assert 2.0 < moment(manager.log(), left[1]) - zone - at < 8.0
        assert left[0] not in manager.log()
    finally:
        worker1.sh(f"kill -CONT {silent}")


def uuid(manager: Host, worker: Host) -> str:
    """Return the name of a worker's present start, as the manager knows it."""
    joins = re.findall(rf"Member joined \[(\S+)\]: /{re.escape(worker.address)}:", manager.log())
    return str(joins[-1])


@pytest.fixture
def split(deployed: tuple[Host, Host], manager: Host) -> tuple[Host, Host]:
    """Two workers that are a cluster without the manager, which restarted and knows itself alone.

    They look for it each second, where the product's took 33 to 43 s.
    """
    for worker in deployed:
        worker.knob("rejoin-seconds", "1")
    restore_manager(manager)
    return deployed


def test_a_split_of_two_against_one_does_not_heal(split: tuple[Host, Host], manager: Host) -> None:
    """The product: not in 8 minutes."""
    lost = f"/{manager.address}:4000"  # a joiner's log names no member that was there before
    wait_for("both have lost it", lambda: all(lost in each.log() for each in split), seconds=40)
    split[0].sh("sleep 4")  # several looks of each
    assert "Member joined" not in manager.log()


def test_a_shutdown_goes_on_serving_whatever_the_log_says(deployed: tuple[Host, Host]) -> None:
    """New requests are answered while one is in flight, after `Stopped all transport listeners`."""
    worker, _ = deployed
    pid = worker.running().pid
    stopped = "Stopped all transport listeners"
    ask = """perl -MIO::Socket::INET -e '$s = IO::Socket::INET->new("127.0.0.1:9763") or exit 1;
        print $s "GET /$ARGV[0] HTTP/1.0\\r\\n\\r\\n"; print <$s>' """
    worker.sh(f"rm -f /tmp/slow; ({ask} 'sleep?seconds=4' > /tmp/slow 2>&1 &); sleep 0.3")
    before = worker.log().count(stopped)
    worker.sh(f"kill -TERM {pid}")
    wait_for("it says so", lambda: worker.log().count(stopped) > before)
    assert " 200 " in worker.sh(f"{ask} x").splitlines()[0]
    wait_for("its process is gone", lambda: worker.jvm() is None)
    assert " 200 " in worker.read("/tmp/slow").splitlines()[0]
    assert "Halting JVM" in worker.log().splitlines()[-1]
