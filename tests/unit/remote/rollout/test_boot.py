"""A reboot as a run has it: what is done in which order, and how each failure is told."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from carbon.cluster import Limits, Service
from carbon.errors import ConnectError, ProvisionError
from carbon.home.boot import Boot
from carbon.home.facts import ServerFacts
from carbon.home.unit import UnitState
from carbon.service.unit import HEADER
from carbon.value import replace
from remote.host.fleet import Fleet
from remote.host.mock import Log, MockOpener, MockServer
from remote.host.server import Outcome
from remote.rollout import reboot
from remote.rollout.boot import BootCheck, read_boot, refusals
from remote.rollout.request import Rollout
from tests.unit.carbon.looks import make_facts, running
from tests.unit.carbon.nodes import make_cluster, make_manager, make_node
from tests.unit.remote.local_server import LocalServer, local_host
from tests.unit.remote.rollout.test_order import Balancer
from tests.unit.remote.silent import Silent

UNIT = "wso2as.service"
WORKER = make_node(service=Service(unit=UNIT))
OTHER = make_node("worker2", local_member_host="10.0.0.5", service=Service(unit=UNIT))
STATE = UnitState(
    name=UNIT, loaded="loaded", active="active", enabled="enabled", text=HEADER.encode()
)
BEFORE = Boot(boot_id="a", init_ticks=1)
LIMITS = Limits(boot_seconds=0.5, start_seconds=0.5, join_seconds=0.5)


def facts(*, cgroup: str = f"/system.slice/{UNIT}", **own: Any) -> ServerFacts:
    return make_facts(**{"systemd": True, "unit": STATE, "process": running(cgroup=cgroup), **own})


def test_this_machine_tells_its_boot(tmp_path: Path) -> None:
    node = replace(WORKER, home=tmp_path)
    told = read_boot(local_host(node, LocalServer("worker1")))
    assert told.boot_id == Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    assert told.init_ticks == int(Path("/proc/1/stat").read_text().rpartition(")")[2].split()[19])
    assert not told.has_password
    assert len(told.mount) == 3


class Site:
    """Two workers whose servers reboot, or do not."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, **own: Any) -> None:
        self.log: Log = []
        self.nodes = (WORKER, OTHER)
        self.boots: dict[str, list[Boot | ProvisionError]] = {}
        self.after = {node.name: facts(name=node.name) for node in self.nodes}
        cluster = make_cluster(
            *self.nodes, manager=make_manager(), load_balancer=None, limits=LIMITS, **own
        )
        servers = [
            MockServer(name=node.name, log=self.log, lines={"follow": self._follow})
            for node in (*self.nodes, make_manager())
        ]
        self.fleet = Fleet(cluster, MockOpener(servers))
        monkeypatch.setattr(reboot, "POLL_SECONDS", 0.01)
        monkeypatch.setattr(reboot, "read_boot", self._read_boot)
        monkeypatch.setattr(reboot, "gather_facts", lambda host: self.after[host.name])
        monkeypatch.setattr(reboot.sudo, "check", lambda *_, **__: None)

    def reboot(self) -> Rollout:
        checks = [
            BootCheck(node=node, facts=facts(name=node.name), boot=BEFORE, findings=())
            for node in self.nodes
        ]
        return reboot.reboot(
            self.fleet,
            checks,
            progress=Silent(),
            balancer=Balancer(self.log),
            break_lock=False,
        )

    def events(self) -> list[str]:
        """Return what was done, but for locks and logs."""
        words = ("follow", "lock", "release")
        return [f"{name} {what}" for name, what in self.log if not what.startswith(words)]

    def _read_boot(self, host: Any) -> Boot:
        told = self.boots.get(host.name, [Boot(boot_id="b", init_ticks=1)])
        now = told.pop(0) if len(told) > 1 else told[0]
        if isinstance(now, ProvisionError):
            raise now
        return now

    def _follow(self, lines: tuple[str, ...]) -> Iterable[str]:
        yield "at 7 70" if lines else "from 7 70"


def test_a_server_that_answers_in_the_same_boot_did_not_reboot(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The next one is not begun, and this one stays out: nobody knows what it is about to do."""
    site = Site(monkeypatch)
    site.boots["worker1"] = [BEFORE]
    first, second = site.reboot().results
    assert first.error is not None
    assert (first.error.code, first.error.host) == ("boot-not-begun", "worker1")
    assert not second.reached
    assert site.events() == ["lb out worker1", "worker1 reboot"]


def test_a_server_that_does_not_come_back_is_told_with_what_it_answers_last(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    site = Site(monkeypatch)
    site.boots["worker1"] = [ConnectError("connection refused", host="worker1")]
    first, _ = site.reboot().results
    assert first.error is not None
    assert first.error.code == "boot-not-back"
    assert first.error.seen.endswith("(limits: boot): connection refused")


@pytest.mark.parametrize(
    ("state", "words"),
    [
        (replace(STATE, active="failed", result="exit-code"), "has failed (exit-code)"),
        (replace(STATE, active="activating", sub="auto-restart"), "waits to start it again"),
    ],
)
def test_a_unit_that_does_not_start_it_is_one_finding(
    monkeypatch: pytest.MonkeyPatch, state: UnitState, words: str
) -> None:
    site = Site(monkeypatch)
    site.after["worker1"] = facts(name="worker1", process=None, unit=state)
    first, _ = site.reboot().results
    assert first.error is not None
    assert first.error.code == "boot-not-started"
    assert words in first.error.seen
    assert "lb in worker1" not in site.events()


@pytest.mark.parametrize("cgroup", ["/system.slice/cron.service", ""])
def test_a_start_by_something_else_than_its_unit_is_no_proof(
    monkeypatch: pytest.MonkeyPatch, cgroup: str
) -> None:
    site = Site(monkeypatch)
    site.after["worker1"] = facts(name="worker1", cgroup=cgroup)
    first, _ = site.reboot().results
    assert first.error is not None
    assert first.error.code == "boot-other-owner"


def test_a_reboot_that_sudo_refuses_leaves_the_worker_where_it_was(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    site = Site(monkeypatch)
    refused = Outcome(1, b"", b"systemctl refuses to reboot\n")
    site.fleet.host(WORKER).server.answers["reboot"] = refused  # type: ignore[attr-defined]
    site.boots["worker1"] = [BEFORE]
    first, second = site.reboot().results
    assert first.error is not None
    assert "refuses to reboot" in first.error.seen
    assert not second.reached
    assert site.events() == ["lb out worker1", "worker1 reboot", "lb in worker1"]


def test_a_server_that_others_live_on_is_not_rebooted() -> None:
    shared = [replace(node, server="big") for node in (WORKER, OTHER)]
    fleet = Fleet(make_cluster(*shared), MockOpener([]))
    check = BootCheck(node=shared[0], facts=facts(), boot=BEFORE, findings=())
    (error,) = refusals([check], fleet)
    assert error.code == "boot-shared-server"
    assert "worker2 would be rebooted with it" in error.seen
