"""Faults in a deploy to a server that systemd starts: at each point, and what the next run mends.

PROVISION_ALL_FAULTS=1 injects every one; by default a sample, as in test_faults.py.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.faults.injector import SERVER_FOLDER
from tests.faults.points import Fault, faults, points, spread
from tests.lab.cli import Fab
from tests.lab.hosts import Host
from tests.lab.inventory import ClusterFile
from tests.lab.test_service import UNIT, owner
from tests.waiting import wait_for

WORKER = ("-H", "systemd")
SCRIPTS = ("unit", "stop", "swap", "start", "stage")
SAMPLE = 6


@pytest.fixture
def host(hosts: dict[str, Host], stock: Callable[..., None]) -> Iterator[Host]:
    """The host with systemd, stock, with the folder that faults need."""
    stock("systemd")
    systemd = hosts["systemd"]
    systemd.sh(f"rm -rf {SERVER_FOLDER}; mkdir -p -m 777 {SERVER_FOLDER}")
    yield systemd
    systemd.sh(f"rm -rf {SERVER_FOLDER}")


@pytest.fixture
def inventories(cluster_file: ClusterFile) -> tuple[Path, Path]:
    """Two files that differ in what the unit gives the server, and in its configuration."""

    def write(memory: str, name: str) -> Path:
        worker = {
            **cluster_file.worker("systemd"),
            "service": {"systemd": UNIT},
            "environment": {"JVM_MEM_OPTS": memory},
            "HostName": name,
        }
        return cluster_file(workers=[], systemd=worker)

    return write("-Xmx64m", "one.wso2.com"), write("-Xmx65m", "two.wso2.com")


def test_a_fault_at_any_point_of_the_service_path_is_mended_by_the_next_run(
    host: Host, inventories: tuple[Path, Path], fab: Fab, tmp_path: Path
) -> None:
    """One server runs then, by its unit, which is enabled, and it was seen joining."""
    first, second = inventories
    fab.succeeds(*WORKER, "deploy", hosts=first)
    log = tmp_path / "operations"
    host.sh(f"systemctl disable --quiet {UNIT}")
    fab.succeeds(*WORKER, "deploy", hosts=second, PROVISION_FAULT_LOG=str(log))
    steps = host.read(f"{SERVER_FOLDER}/steps").splitlines()
    reached = points(log.read_text().splitlines(), steps)
    possible = [fault for fault in faults(reached) if concerns_the_service(fault)]
    assert {"unit-write", "unit-rename", "unit-reload", "unit-enable", "unit-stop", "start"} <= {
        fault.point.step for fault in possible
    }
    chosen = possible if os.environ.get("PROVISION_ALL_FAULTS") else spread(possible, SAMPLE)
    broken = []
    for number, fault in enumerate(chosen):
        hosts = inventories[number % 2]
        host.sh(f"systemctl disable --quiet {UNIT}")
        ran = fab(*WORKER, "deploy", hosts=hosts, PROVISION_FAULT=fault.asked)
        again = fab(*WORKER, "deploy", hosts=hosts)
        if seen := what_is_wrong(host, again.status):
            broken.append(f"{fault}: {seen}\n{ran}\n--- again\n{again}")
    print(f"{len(reached)} points, {len(chosen)} of {len(possible)} faults, {len(broken)} broken")
    assert not broken, "\n".join(broken)
    done = fab.succeeds(*WORKER, "deploy", hosts=hosts)
    assert done.row("systemd").split()[1] == "nothing"


@pytest.mark.usefixtures("reboots")
@pytest.mark.parametrize(
    "fault",
    [
        "systemd:run:reboot:1 kill-before",
        "systemd:run:boot:2 kill-after",
        "systemd:stream:follow:2 kill-after",
        "systemd:stream:follow:2 cut-after",
        "systemd:run:record:1 kill-before",
    ],
)
def test_a_boot_that_is_broken_is_done_by_the_next(
    host: Host, inventories: tuple[Path, Path], fab: Fab, fault: str
) -> None:
    """Wherever it ended, the server comes back, and no lock or file is in the way."""
    hosts, _ = inventories
    fab.succeeds(*WORKER, "deploy", hosts=hosts)
    started = host.log().count("WSO2 Carbon started")
    ran = fab(*WORKER, "boot", "--reboot", hosts=hosts, PROVISION_FAULT=fault)
    assert ran.status != 0 or "cut" in fault, "the fault came"
    if "kill-before" not in fault or "record" in fault:
        back = "WSO2 Carbon started"
        wait_for("the server is back", lambda: host.log().count(back) > started, seconds=60)
    again = fab.succeeds(*WORKER, "boot", "--reboot", hosts=hosts)
    assert "started by itself" in again.row("systemd")
    assert what_is_wrong(host, again.status) == ""


def concerns_the_service(fault: Fault) -> bool:
    """Tell whether it breaks a script that has to do with the unit; disks are another matter."""
    words = fault.point.name.split(":")
    return words[0] == "systemd" and len(words) > 3 and words[2] in SCRIPTS and not fault.disk


def what_is_wrong(host: Host, status: int) -> str:
    """Return which promise does not hold after the run again; empty if all do."""
    if status != 0:
        return f"the run again ended with status {status}"
    if owner(host) != f"{UNIT}.service":
        return f"the server belongs to {owner(host)}"
    if host.sh("pgrep -fc '[o]rg.wso2.carbon.bootstrap.Bootstrap'").strip() != "1":
        return "more than one server runs"
    if not host.is_member():
        return f"not recorded as seen joining: {host.record()}"
    enabled = host.sh(f"systemctl is-enabled {UNIT} || true").strip()
    stale = host.sh(f"systemctl show -P NeedDaemonReload {UNIT}").strip()
    return "" if (enabled, stale) == ("enabled", "no") else f"{enabled}, reload: {stale}"
