"""Whether a server comes back after a reboot, as far as that is seen beforehand."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from carbon.checks.boot import boot_findings
from carbon.checks.case import Case
from carbon.cluster import Service
from carbon.home.boot import Boot, parse_boot
from carbon.home.unit import UnitState
from carbon.secret import Secret
from carbon.service.unit import HEADER
from carbon.value import replace
from tests.unit.carbon.looks import make_facts, running
from tests.unit.carbon.nodes import make_cluster, make_node

UNIT = "wso2as.service"
BOOT = Boot(boot_id="a", init_ticks=1, mount=("/", "/dev/vda1", "ext4"), has_password=True)
STATE = UnitState(
    name=UNIT, loaded="loaded", active="active", enabled="enabled", text=HEADER.encode()
)
OWNED = running(cgroup=f"/system.slice/{UNIT}")
FACTS: dict[str, Any] = {"systemd": True, "unit": STATE, "process": OWNED}


def codes(boot: Boot = BOOT, *, node: dict[str, Any] | None = None, **facts: Any) -> list[str]:
    worker = make_node(**{"service": Service(unit=UNIT), **(node or {})})
    case = Case(node=worker, cluster=make_cluster(worker), facts=make_facts(**FACTS | facts))
    return [finding.code for finding in boot_findings(case, boot)]


def test_a_server_that_runs_under_its_enabled_unit_comes_back() -> None:
    assert codes() == []


@pytest.mark.parametrize(
    ("facts", "code"),
    [
        ({"home_real": None, "process": None, "present": frozenset()}, "home-missing"),
        ({"present": frozenset(), "process": None}, "home-not-carbon"),
    ],
)
def test_a_wrong_home_is_the_one_finding(facts: dict[str, Any], code: str) -> None:
    """All else would be the consequence: no process, no unit, no password."""
    assert codes(**facts) == [code]


def test_without_a_unit_nothing_starts_it() -> None:
    process = running(cgroup="/user.slice/session-1.scope")
    assert codes(node={"service": None}, unit=None, process=process) == ["boot-no-service"]


def test_a_unit_that_hosts_yaml_does_not_name_is_one_finding() -> None:
    assert codes(node={"service": None}, unit=None) == ["service-not-named"]


@pytest.mark.parametrize(
    ("state", "code"),
    [
        (replace(STATE, enabled="disabled"), "service-not-enabled"),
        (replace(STATE, loaded="masked"), "service-masked"),
        (replace(STATE, loaded="bad-setting"), "service-bad-unit"),
        (replace(STATE, loaded="not-found"), "service-missing"),
        (replace(STATE, stale=True), "boot-stale-unit"),
    ],
)
def test_what_is_wrong_with_its_unit_is_one_finding(state: UnitState, code: str) -> None:
    assert codes(unit=state) == [code]


def test_a_jvm_outside_of_its_unit_shows_nothing_of_a_boot() -> None:
    assert codes(process=running()) == ["service-outside"]


def test_a_server_that_is_down_proves_nothing() -> None:
    down = replace(STATE, active="inactive")
    assert codes(process=None, unit=down) == ["boot-not-running"]


def test_a_keystore_password_has_to_reach_a_start_that_nobody_asked_for() -> None:
    node = {"keystore_password": Secret("env", "KEYSTORE", "hosts.yaml", 1, Path())}
    assert codes(node=node) == []
    assert codes(replace(BOOT, has_password=False), node=node) == ["boot-no-password"]


def test_a_home_that_is_not_mounted_at_boot_is_named() -> None:
    boot = replace(BOOT, mount=("/opt", "nas:/opt", "nfs"), mounted_at_boot=False)
    assert codes(boot) == ["boot-not-mounted"]


def test_a_new_boot_is_known_by_the_kernel_or_in_a_container_by_process_1() -> None:
    assert BOOT.is_another_than(BOOT) == ""
    assert "boot id" in replace(BOOT, boot_id="b").is_another_than(BOOT)
    assert "process 1" in replace(BOOT, init_ticks=2).is_another_than(BOOT)


def test_what_the_script_says_is_read() -> None:
    lines = ["boot 1-2", "init 42", "up 7.5", "password present", "mount /opt nas:/opt nfs4"]
    assert parse_boot(lines) == Boot(
        boot_id="1-2",
        init_ticks=42,
        mount=("/opt", "nas:/opt", "nfs4"),
        mounted_at_boot=False,
        has_password=True,
    )
    assert parse_boot([*lines, "mounted-at-boot"]).mounted_at_boot
    with pytest.raises(ValueError, match="boot id"):
        parse_boot(["up 7.5"])
