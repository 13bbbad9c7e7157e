"""The lab's host with systemd: a unit owns the worker, and a reboot brings it back."""

from __future__ import annotations

import tarfile
import zipfile
from collections.abc import Callable

import pytest

from lab import Lab
from tests.lab.hosts import HOME, Host
from tests.waiting import wait_for

UNIT = "wso2as"


@pytest.fixture
def owned(hosts: dict[str, Host], stock: Callable[..., None], lab: Lab) -> Host:
    """A host whose worker a unit has started."""
    host = hosts["systemd"]
    stock("systemd")
    manager = lab.hosts["manager"].address
    host.sh(f'carbon-join {HOME} "$(hostname -i)" worker {manager}')
    host.sh(f"carbon-unit {UNIT}; systemctl start {UNIT}")
    wait_for("the unit's worker is up", host.jvm)
    return host


def test_systemd_is_its_first_process_and_the_unit_owns_the_jvm(owned: Host) -> None:
    assert owned.read("/proc/1/comm").strip() == "systemd"
    jvm = owned.running()
    assert owned.sh(f"systemctl show -P MainPID {UNIT}").strip() == str(jvm.pid)
    assert f"/system.slice/{UNIT}.service" in owned.read(f"/proc/{jvm.pid}/cgroup")


def test_a_worker_that_was_killed_comes_back(owned: Host) -> None:
    before = owned.running()
    owned.sh(f"sed -i s/RestartSec=5/RestartSec=1/ /etc/systemd/system/{UNIT}.service")
    owned.sh("systemctl daemon-reload")
    owned.kill_jvm()
    wait_for("another process runs", lambda: owned.jvm() not in (None, before))


def test_a_reboot_brings_the_worker_back(owned: Host, lab: Lab) -> None:
    booted = owned.read("/proc/1/stat").split()[21]
    lab.reboot("systemd")
    assert owned.read("/proc/1/stat").split()[21] != booted
    wait_for("the unit's worker is up again", owned.jvm)


@pytest.mark.parametrize("kind", ["zip", "tar.gz"])
def test_the_pack_comes_as_an_archive(lab: Lab, kind: str) -> None:
    archive = lab.pack("zip" if kind == "zip" else "tar.gz")
    script = "wso2as-5.3.0/bin/wso2server.sh"
    if kind == "zip":
        with zipfile.ZipFile(archive) as whole:
            assert whole.getinfo(script).external_attr >> 16 & 0o777 == 0o755
    else:
        with tarfile.open(archive) as members:
            assert members.getmember(script).mode == 0o755
