"""Hung and slow things: each ends with a clear outcome within the limits of hosts.yaml."""

from __future__ import annotations

import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from lab import Lab
from tests.lab.cli import Fab, Ran
from tests.lab.hosts import HOME, LOG, Host, spoiled, sshd_settings, untouched
from tests.lab.inventory import ClusterFile
from tests.waiting import wait_for

LIMITS = {"connect": 2, "command": 3, "start": 4, "join": 3, "stop": 2, "drain": 2}
ONE_LIMIT_SECONDS = 12.0
"""The longest of the limits, and what a run takes anyway on a busy machine."""
ALL_LIMITS_SECONDS = 35.0
"""Several in a row: what failed, and then what is asked and written down about it."""

Impatient = Callable[..., Path]
Freeze = Callable[[str], None]
Freezing = Callable[[str, str], dict[str, str]]


@pytest.fixture
def impatient(cluster_file: ClusterFile) -> Impatient:
    """Write a hosts.yaml whose limits are a few seconds."""
    return lambda **changes: cluster_file(cluster={"limits": LIMITS}, **changes)


def at(point: str, command: str) -> dict[str, str]:
    """Return the environment in which a run goes past a point only after this command."""
    return {"PROVISION_FAULT": f"{point} hook-before {command}"}


def ended(run: subprocess.Popen[str], *, began: float) -> Ran:
    """Wait for a run that was begun."""
    out, err = run.communicate(timeout=ALL_LIMITS_SECONDS)
    assert "Traceback" not in out + err, out + err
    return Ran(status=run.returncode, out=out, err=err, seconds=time.monotonic() - began)


# ---- Frozen: the kernel takes connections and acknowledges what is sent, and nobody answers


@pytest.fixture
def frozen(lab: Lab) -> Iterator[list[str]]:
    """The names of frozen hosts, which go on after the test."""
    names: list[str] = []
    yield names
    for name in names:
        lab.unpause(name)


@pytest.fixture
def freeze(lab: Lab, frozen: list[str]) -> Freeze:
    """Freeze a host, as a hung machine is."""

    def now(name: str) -> None:
        frozen.append(name)
        lab.pause(name)

    return now


@pytest.fixture
def freezing(lab: Lab, frozen: list[str]) -> Freezing:
    """Return the environment in which a host freezes when a run comes to a point."""

    def at_point(name: str, point: str) -> dict[str, str]:
        frozen.append(name)
        return at(point, f"docker pause {lab.hosts[name].container}")

    return at_point


@pytest.mark.usefixtures("stock_workers")
def test_one_frozen_server_of_many_is_found_before_any_change(
    fab: Fab, impatient: Impatient, freeze: Freeze, worker1: Host, manager: Host
) -> None:
    freeze("worker2")
    with untouched(worker1, manager):
        ran = fab.fails("deploy", hosts=impatient())
    assert "error: worker2: 127.0.0.1:" in ran.err
    assert "no answer within 2 s" in ran.err
    assert "worker1" not in ran.err
    assert ran.seconds < ONE_LIMIT_SECONDS


@pytest.mark.usefixtures("stock_workers")
def test_a_server_that_freezes_while_it_is_looked_at_is_told_at_the_limit(
    fab: Fab,
    impatient: Impatient,
    freezing: Freezing,
    worker1: Host,
    manager: Host,
) -> None:
    """Its connection is open by then; another limit counts: command."""
    with untouched(worker1, manager):
        ran = fab.fails("deploy", hosts=impatient(), **freezing("worker2", "worker2:run:facts:1"))
    assert "error: worker2: facts: no answer within 3 s" in ran.err
    assert ran.seconds < ONE_LIMIT_SECONDS


@pytest.mark.usefixtures("stock_workers")
def test_a_server_that_freezes_while_it_starts_is_given_up_at_the_limit(
    fab: Fab, impatient: Impatient, freeze: Freeze, worker1: Host, worker2: Host
) -> None:
    """What was done is told, and that it does not answer; the next worker is as it was."""
    worker1.knob("start-seconds", "60")
    began = time.monotonic()
    with untouched(worker2):
        run = fab.begin("-H", "worker1,worker2", "deploy", hosts=impatient())
        wait_for("worker1 is starting", worker1.jvm)
        freeze("worker1")
        ran = ended(run, began=began)
    assert ran.status == 1
    assert "FAILED after driver, config" in ran.row("worker1")
    assert "skipped, unchanged" in ran.row("worker2")
    assert "did not say that it started within 4 s (limits: start)" in ran.out
    assert "doctor: no answer within 3 s\n    → check whether the server hangs" in ran.out


@pytest.mark.usefixtures("stock_workers")
def test_a_server_that_freezes_while_it_stops_is_given_up_at_the_limit(
    fab: Fab,
    impatient: Impatient,
    freezing: Freezing,
    worker1: Host,
    worker2: Host,
) -> None:
    worker1.start_by_hand()
    with untouched(worker2):
        ran = fab.fails(
            "-H",
            "worker1,worker2",
            "stop",
            hosts=impatient(),
            **freezing("worker1", "worker1:run:stop:1"),
        )
    assert "error: worker1: stop: no answer within 5 s" in ran.out
    assert "skipped, unchanged" in ran.row("worker2")
    assert ran.seconds < ONE_LIMIT_SECONDS


# ---- A firewall that drops packets: not even the kernel answers

DROP = "iptables -I INPUT -p tcp --dport 22 -j DROP; iptables -I OUTPUT -p tcp --sport 22 -j DROP"
LET_PASS = "iptables -F"


def past_docker(host: Host) -> dict[str, object]:
    """Return the `ssh` of a host at its own address: Docker's proxy would take connections."""
    return {"ssh": {"host": host.address, "port": 22}}


@pytest.mark.usefixtures("stock_workers")
def test_one_server_of_many_behind_a_firewall_is_found_before_any_change(
    fab: Fab, impatient: Impatient, worker1: Host, worker2: Host, manager: Host
) -> None:
    hosts = impatient(worker2=past_docker(worker2))
    with spoiled(worker2, DROP, mend=LET_PASS), untouched(worker1, worker2, manager):
        ran = fab.fails("deploy", hosts=hosts)
    assert f"error: worker2: {worker2.address}:22: no answer within 2 s" in ran.err
    assert ran.seconds < ONE_LIMIT_SECONDS


@pytest.mark.usefixtures("stock_workers")
def test_a_manager_that_vanishes_behind_a_firewall_ends_the_wait_for_the_join(
    fab: Fab, impatient: Impatient, worker1: Host, worker2: Host, manager: Host
) -> None:
    """worker1 joins and cannot be seen: that is no success. The next run sees it."""
    worker1.knob("start-seconds", "1")
    hosts = impatient(manager=past_docker(manager))
    began = time.monotonic()
    with untouched(worker2):
        run = fab.begin("-H", "worker1,worker2", "deploy", hosts=hosts)
        wait_for("worker1 is starting", worker1.jvm)
        with spoiled(manager, DROP, mend=LET_PASS):
            ran = ended(run, began=began)
    assert ran.status == 1
    assert "it started, but the manager logged no join within 3 s (limits: join)" in ran.out
    assert "skipped, unchanged" in ran.row("worker2")
    again = fab.succeeds("-H", "worker1", "deploy", hosts=hosts)
    assert "joined: " in again.out
    manager_is_rid_of_it = 20.0  # the first run's farewell has to get through
    wait_for("nothing is left", lambda: not manager.leftovers(), seconds=manager_is_rid_of_it)


# ---- sshd at MaxStartups: it closes connections without a word


@pytest.fixture
def crowd(worker2: Host) -> Iterator[ExitStack]:
    """Have as many half-open connections at worker2's sshd as it takes; they go with the stack.

    That is five here: by default it begins to drop at random from ten on.
    """
    with (
        sshd_settings(worker2, "MaxStartups 5\nLogLevel VERBOSE\n"),
        ExitStack() as crowd,
    ):
        while crowd.enter_context(half_open(worker2)).recv(64).startswith(b"SSH-"):
            pass
        yield crowd


def half_open(host: Host) -> socket.socket:
    """Connect, and then say nothing."""
    return socket.create_connection((host.address, 22), timeout=10.0)


@pytest.mark.usefixtures("stock_workers", "crowd")
def test_an_sshd_that_takes_no_more_logins_is_told_as_such_before_any_change(
    fab: Fab, impatient: Impatient, worker1: Host, worker2: Host, manager: Host
) -> None:
    with untouched(worker1, worker2, manager):
        ran = fab.fails("deploy", hosts=impatient())
    assert "error: worker2: 127.0.0.1:" in ran.err
    assert "its sshd closed the connection before its banner" in ran.err
    assert "MaxStartups" in ran.err
    assert ran.seconds < ONE_LIMIT_SECONDS * 2


@pytest.mark.usefixtures("stock_workers")
def test_a_run_waits_a_little_for_an_sshd_that_takes_no_more_logins(
    fab: Fab, cluster_file: ClusterFile, crowd: ExitStack, lab: Lab
) -> None:
    def dropped() -> int:
        logs = ["docker", "logs", lab.hosts["worker2"].container]
        return subprocess.run(logs, capture_output=True, check=True).stderr.count(
            b"drop connection"
        )

    before = dropped()
    began = time.monotonic()
    run = fab.begin("-H", "worker2", "driver", hosts=cluster_file())
    wait_for("sshd has dropped a connection of the run", lambda: dropped() > before)
    crowd.close()
    ran = ended(run, began=began)
    assert ran.status == 0, ran


# ---- sshd with few sessions for each connection: a turn needs several, after its stop


@pytest.fixture
def few_sessions(request: pytest.FixtureRequest) -> Iterator[str]:
    """A server whose sshd opens only so many sessions on a connection; its name."""
    name, most = request.param
    with sshd_settings(request.getfixturevalue(name), f"MaxSessions {most}\n"):
        yield name


@pytest.mark.parametrize(
    "few_sessions", [("worker1", 1), ("worker1", 2), ("worker1", 3), ("manager", 2)], indirect=True
)
def test_too_few_sessions_are_said_before_a_worker_is_stopped(
    fab: Fab, cluster_file: ClusterFile, deployed: tuple[Host, Host], few_sessions: str
) -> None:
    worker1, _ = deployed
    before = worker1.running().pid
    for verb in ("restart", "stop"):
        ran = fab.fails("-H", "worker1", verb, hosts=cluster_file())
        assert ran.err.count(f"error: {few_sessions}: ") == 1, ran
        assert "its sshd opens no further session on this connection" in ran.err
        assert "set MaxSessions to 10" in ran.err
        assert worker1.running().pid == before


# ---- A manager whose log grows by 200 MB during the wait


@pytest.mark.usefixtures("stock_workers")
def test_a_manager_log_that_grows_by_200_mb_costs_a_few_kb(
    fab: Fab, cluster_file: ClusterFile, worker1: Host, changed_manager: Host
) -> None:
    """Counted by the manager's kernel: all bytes that its sshd sends, to the join and beyond."""
    noise = "TID: [0] [AS]  INFO {Noise} -  Member 10.11.12.13:4000 is still a member of /10.1.2.3"
    worker1.knob("start-seconds", "2")
    manager = changed_manager
    count = "iptables -I OUTPUT -p tcp --sport 22"
    with spoiled(manager, count, mend=LET_PASS):
        began = time.monotonic()
        run = fab.begin("-H", "worker1", "deploy", hosts=cluster_file())
        wait_for("worker1 is starting", worker1.jvm)
        manager.sh(f"yes '{noise}' | head -c 200000000 >> {LOG}; echo >> {LOG}")
        ran = ended(run, began=began)
        counted = manager.sh("iptables -nvxL OUTPUT | awk '/spt:22/ { print $2 }'")
    assert ran.status == 0, ran
    assert "Member joined" in ran.row("worker1")
    assert 1_000 < int(counted) < 500_000


# ---- A disk that fills

SMALL = "/opt/wso2/small"


@pytest.fixture
def small(worker1: Host, stock: Callable[..., None]) -> Iterator[str]:
    """An AS_HOME of worker1 on a disk of its own, which is small."""
    stock()
    worker1.sh(
        f"mkdir {SMALL}; mount -t tmpfs -o size=64m tmpfs {SMALL}; cp -a {HOME} {SMALL}/as;"
        f" chown deploy: {SMALL}"
    )
    yield f"{SMALL}/as"
    worker1.restore()


FILL = f"dd if=/dev/zero of={SMALL}/filling bs=1M status=none 2> /dev/null || true"


def test_a_disk_that_fills_before_anything_is_staged_stops_all_before_any_change(
    fab: Fab, impatient: Impatient, lab: Lab, small: str, worker1: Host, worker2: Host
) -> None:
    """The look had seen room enough."""
    fill = f'docker exec {lab.hosts["worker1"].container} sh -c "{FILL}"'
    before = worker1.contents(home=small)
    with untouched(worker2):
        ran = fab.fails(
            "deploy", hosts=impatient(worker1={"home": small}), **at("worker1:run:stage:1", fill)
        )
    assert "error: worker1: stage: only 0 kB are free, " in ran.err
    assert worker1.contents(home=small) == before
    assert ran.seconds < ONE_LIMIT_SECONDS


def test_a_disk_that_fills_while_the_server_starts_is_named_as_the_cause(
    fab: Fab, impatient: Impatient, small: str, worker1: Host, worker2: Host
) -> None:
    """The audit log has the failure, in the block of its first line, or it is said that it has not.

    With room again the same command goes on.
    """
    hosts = impatient(worker1={"home": small})
    worker1.knob("start-seconds", "1", home=small)
    began = time.monotonic()
    with untouched(worker2):
        run = fab.begin("-H", "worker1,worker2", "deploy", hosts=hosts)
        wait_for("worker1 is starting", lambda: worker1.jvm(home=small))
        worker1.sh(FILL)
        ran = ended(run, began=began)
    assert ran.status == 1
    assert f"doctor: only 0 kB are free at {small}" in ran.out, (
        "its log may have had no room to say so"
    )
    logged = "failed: its process ended" in worker1.read(f"{small}/.provision/audit.log")
    assert logged or "worker1  not recorded: cannot write the audit line" in ran.out
    worker1.sh(f"rm {SMALL}/filling")
    fab.succeeds("-H", "worker1", "deploy", hosts=hosts)
    assert worker1.is_member(home=small)
