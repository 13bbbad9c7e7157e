"""Boot: what keeps a worker from coming back, and the proof that it does."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.lab.cli import Fab
from tests.lab.hosts import HOME, Host, untouched
from tests.lab.inventory import LIMITS, ClusterFile
from tests.waiting import wait_for

UNIT = "wso2as"
WORKER = ("-H", "systemd")
COMMANDS = {
    "take_out": "echo out > rotation; date +%s%N > out-at",
    "put_back": "echo in > rotation",
    "state": "cat rotation",
}


@pytest.fixture
def host(hosts: dict[str, Host], stock: Callable[..., None]) -> Host:
    """The host with systemd, stock and without a unit."""
    stock("systemd")
    return hosts["systemd"]


@pytest.fixture
def named(cluster_file: ClusterFile, tmp_path: Path) -> Callable[..., Path]:
    """Write a hosts.yaml whose only worker is on that host, and has a unit."""
    (tmp_path / "rotation").write_text("in\n")

    def write(*, service: bool = True, **more: Any) -> Path:
        unit = {"service": {"systemd": UNIT}} if service else {}
        worker = {**cluster_file.worker("systemd"), **unit, **more.pop("worker", {})}
        return cluster_file(workers=[], systemd=worker, **more)

    return write


def test_what_would_keep_it_from_coming_back_is_told_beforehand(
    host: Host, named: Callable[..., Path], fab: Fab
) -> None:
    without = named(service=False)
    fab.succeeds(*WORKER, "deploy", hosts=without)
    ran = fab.fails(*WORKER, "boot", hosts=without, status=2)
    assert "nothing starts it after a reboot: hosts.yaml names no unit" in ran.out
    fab.succeeds(*WORKER, "deploy", hosts=named())
    ran = fab.succeeds(*WORKER, "boot", hosts=named())
    assert "comes back after a reboot, as far as can be seen" in ran.out
    host.sh(f"systemctl disable --quiet {UNIT}")
    with untouched(host):
        ran = fab.fails(*WORKER, "boot", hosts=named(), status=2)
        assert f"{UNIT}.service is not enabled" in ran.out
        ran = fab.fails(*WORKER, "boot", "--reboot", hosts=named(), status=1)
        assert f"{UNIT}.service is not enabled" in ran.said
    fab.succeeds(*WORKER, "stop", hosts=named())
    ran = fab.fails(*WORKER, "boot", hosts=named(), status=2)
    assert "it does not run now" in ran.out


@pytest.mark.usefixtures("reboots")
def test_a_reboot_proves_that_it_starts_by_itself_and_joins(
    host: Host, named: Callable[..., Path], fab: Fab, manager: Host, tmp_path: Path
) -> None:
    """Out of rotation before, back in after; sudo allows what `sudoers` prints, and no more."""
    hosts = named(
        load_balancer=COMMANDS,
        cluster={
            "health": {"path": "/", "status": 200},
            "hooks": {"before_stop": "cat rotation", "after_join": "cat rotation"},
        },
    )
    fab.succeeds(*WORKER, "deploy", hosts=hosts)
    printed = fab.succeeds(*WORKER, "sudoers", hosts=hosts).out
    installed = host.read("/etc/sudoers.d/deploy")
    host.write("/etc/sudoers.d/deploy", printed)
    before = host.read("/proc/1/stat").split()[21], host.running()
    joins = manager.log().count(f"/{host.address}:4000")
    try:
        ran = fab.succeeds(*WORKER, "boot", "--reboot", hosts=hosts)
    finally:
        host.write("/etc/sudoers.d/deploy", installed)
    assert (host.read("/proc/1/stat").split()[21] != before[0]) and host.running() != before[1]
    assert manager.log().count(f"/{host.address}:4000") > joins
    told = [line.partition("  ")[2] for line in ran.out.splitlines() if line.startswith("systemd ")]
    order = (
        "before_stop | in",
        "out of rotation: drained",
        "rebooting",
        "rebooted: sshd is back after ",
        "started by itself",
        "after_join | out",
        "back in rotation",
    )
    at = [next(n for n, line in enumerate(told) if line.startswith(text)) for text in order]
    assert at == sorted(at)
    assert "Member joined, after" in ran.row("systemd")
    assert (tmp_path / "rotation").read_text() == "in\n"
    again = fab.succeeds(*WORKER, "deploy", hosts=hosts)
    assert again.row("systemd").split()[1] == "nothing"


@pytest.mark.usefixtures("reboots")
def test_a_worker_that_does_not_start_again_is_one_finding_and_stays_out(
    host: Host, named: Callable[..., Path], fab: Fab, tmp_path: Path
) -> None:
    hosts = named(load_balancer=COMMANDS, cluster={"limits": LIMITS | {"start": 8}})
    fab.succeeds(*WORKER, "deploy", hosts=hosts)
    host.sh(f"sed -i '2i echo no luck today; exit 1' {HOME}/bin/wso2server.sh")
    ran = fab.fails(*WORKER, "boot", "--reboot", hosts=hosts, status=1)
    assert "after the reboot nothing has started it within" in ran.said
    assert f"{UNIT}.service waits to start it again" in ran.said
    assert ran.said.count("error: ") == 1
    assert (tmp_path / "rotation").read_text() == "out\n"
    host.sh(f"sed -i 2d {HOME}/bin/wso2server.sh")
    wait_for("systemd starts it", lambda: host.jvm() is not None, seconds=30)
    fab.succeeds(*WORKER, "restart", hosts=hosts)
    assert (tmp_path / "rotation").read_text() == "in\n"


def test_a_server_that_ignores_the_reboot_is_told_at_the_limit(
    host: Host, named: Callable[..., Path], fab: Fab
) -> None:
    """And what was out of rotation stays so until somebody has looked."""
    fab.succeeds(*WORKER, "deploy", hosts=named())
    path = "/usr/local/sbin/systemctl"
    host.write(path, '#!/bin/sh\n[ "$1" = reboot ] || exec /usr/bin/systemctl "$@"\n')
    host.sh(f"chmod 755 {path}")
    allowed = f"deploy ALL=(root) NOPASSWD: {path} reboot\n"
    host.write(
        "/etc/sudoers.d/ignores", f"Defaults:deploy secure_path=/usr/local/sbin:/usr/bin\n{allowed}"
    )
    try:
        ran = fab.fails(*WORKER, "boot", "--reboot", "--timeout", "3", hosts=named(), status=1)
    finally:
        host.sh(f"rm {path} /etc/sudoers.d/ignores")
    assert "it did not reboot within 3 s: it answers, in the same boot" in ran.said
    assert host.running()
