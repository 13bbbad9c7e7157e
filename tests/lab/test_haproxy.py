"""A load balancer that is not nginx: HAProxy, by the commands that docs/hooks.md shows."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from lab import Lab
from lab.load import Forwarded, Load, absences, timed
from tests.lab.cli import Fab
from tests.lab.hosts import Host
from tests.lab.inventory import LIMITS, ClusterFile, merged
from tests.lab.test_balancer import assert_steady, count_posts
from tests.waiting import wait_for

PAGE = Path(__file__).parents[2] / "docs/hooks.md"
CONF, LOG = "/etc/haproxy/haproxy.cfg", "/run/haproxy/log"
SOCKET = "/run/haproxy/admin.sock"
SETTINGS = """\
    retries 0
    log stdout format raw local0
    log-format "%Ts.%ms %Tt %ST %s %HP"
"""
"""A request that meets an absent worker fails, and each is logged: when, how long, to whom."""
COMMANDS = {
    "take_out": './haproxy "set server workers/$PROVISION_HOST state drain"',
    "put_back": './haproxy "set server workers/$PROVISION_HOST state ready"',
    "state": './haproxy-state "$PROVISION_HOST"',
}


class HAProxy:
    """The lab's HAProxy, its log, and hosts.yaml files that know it."""

    def __init__(self, lab: Lab, cluster_file: ClusterFile, folder: Path) -> None:
        self._lab = lab
        self._cluster_file = cluster_file
        ssh = shlex.join(
            (
                *("ssh", "-p", str(lab.hosts["haproxy"].ssh_port), "-i", str(lab.identity)),
                *("-o", f"UserKnownHostsFile={lab.known_hosts}", "-o", "BatchMode=yes"),
                "deploy@127.0.0.1",
            )
        )
        for name, script in zip(("haproxy", "haproxy-state"), _scripts(), strict=True):
            (folder / name).write_text(script.replace("ssh lb sudo", ssh))
            (folder / name).chmod(0o755)

    def inventory(self, *, balancer: Mapping[str, Any] | None = None, **changes: Any) -> Path:
        """Write a hosts.yaml whose load balancer it is."""
        return self._cluster_file(load_balancer=merged(COMMANDS, balancer or {}), **changes)

    def restart(self) -> None:
        """Let it begin anew, with every worker in and an empty log."""
        self._lab.exec("haproxy", "sh", "-c", "kill $(pidof haproxy)", check=False)
        config = self._lab.exec("haproxy", "cat", "/usr/local/share/lab/haproxy.cfg").stdout
        config = config.replace("defaults\n", f"defaults\n{SETTINGS}", 1)
        self._lab.exec("haproxy", "tee", CONF, input=config)
        start = f"setsid haproxy -db -f {CONF} > {LOG} 2>&1 < /dev/null &"
        self._lab.exec("haproxy", "sh", "-c", start)
        wait_for("HAProxy runs", lambda: self.states().keys() == {"worker1", "worker2"})

    def say(self, command: str) -> str:
        """Send a command to its socket."""
        told = f"echo '{command}' | socat stdio {SOCKET}"
        return self._lab.exec("haproxy", "sh", "-c", told, check=False).stdout

    def states(self) -> dict[str, str]:
        """Return the status of each worker, as it shows it itself."""
        rows = [line.split(",") for line in self.say("show stat").splitlines()]
        return {row[1]: row[17] for row in rows if row[0] == "workers" and row[1] != "BACKEND"}

    def forwarded(self) -> list[Forwarded]:
        """Return what it logged."""
        text = self._lab.exec("haproxy", "cat", LOG).stdout
        lines = [line.split(" ") for line in text.splitlines() if re.match(r"\d+\.\d+ ", line)]
        return [
            Forwarded(
                began=float(began),
                ended=float(began) + int(milliseconds) / 1000,
                status=status,
                upstream=worker,
                path=path,
            )
            for began, milliseconds, status, worker, path in lines
        ]


def _scripts() -> list[str]:
    """Return the scripts of the page."""
    return re.findall(r"^```sh\n(#!/bin/sh\n.*?)^```$", PAGE.read_text(), re.DOTALL | re.MULTILINE)


@pytest.fixture
def haproxy(
    lab: Lab, cluster_file: ClusterFile, tmp_path: Path, deployed: tuple[Host, Host]
) -> Iterator[HAProxy]:
    """HAProxy before worker1 and worker2, both in rotation."""
    assert deployed
    before = HAProxy(lab, cluster_file, tmp_path)
    before.restart()
    yield before
    before.restart()


def test_a_rolling_deploy_through_haproxy_fails_no_request(
    haproxy: HAProxy, fab: Fab, lab: Lab, deployed: tuple[Host, Host]
) -> None:
    """POSTs, a 10-second one always in flight, no second try; none meets an absent worker."""
    inventory = haproxy.inventory(cluster={"limits": LIMITS | {"drain": 30}})
    counted = [count_posts(worker) for worker in deployed]
    with Load(lab, balancer="haproxy") as load:
        run = fab.begin("deploy", "--force", hosts=inventory)
        assert run.stdout
        lines = timed(run.stdout)
        assert run.wait() == 0, lines
    log = haproxy.forwarded()
    assert load.failures == []
    assert {request.status for request in log} == {"200"}
    out = {absence.worker: absence for absence in absences(lines)}
    assert list(out) == ["worker1", "worker2"]
    assert_steady(load, out["worker1"].began, out["worker2"].ended)
    for absence in out.values():
        assert absence.ended - absence.began > 0.5, "a restart takes longer than that"
        met = [
            request
            for request in log
            if request.upstream == absence.worker
            and request.began < absence.ended
            and request.ended > absence.began
        ]
        assert met == []
    answered = sum(
        count_posts(worker) - before for worker, before in zip(deployed, counted, strict=True)
    )
    assert answered == len(load.requests) == len(log)
    print(f"{len(load.requests)} POSTs, {len(load.long)} of them long, no failure")


@pytest.mark.usefixtures("haproxy")
def test_the_same_load_shows_requests_that_fail_without_commands(
    fab: Fab, lab: Lab, cluster_file: ClusterFile
) -> None:
    """The proof above can fail: this is what it looks like."""
    with Load(lab, balancer="haproxy", long_seconds=1) as load:
        fab.succeeds("-H", "worker1", "deploy", "--force", hosts=cluster_file())
    assert {request.outcome for request in load.failures} == {"503"}


def test_a_worker_that_does_not_come_back_stays_out_and_the_next_deploy_puts_it_back(
    haproxy: HAProxy, fab: Fab
) -> None:
    wrong = {"health": {"path": "/", "status": 418, "within": 1}}
    ran = fab.fails("-H", "worker1", "restart", hosts=haproxy.inventory(cluster=wrong))
    assert "it joined, but port 9763 answers 200, not 418" in ran.said
    assert "worker1  stays out of rotation" in ran.out
    assert haproxy.states()["worker1"] == "DRAIN"
    status = fab("-H", "worker1", "status", hosts=haproxy.inventory())
    assert "worker1: it is out of rotation: `load_balancer: state` prints `out`" in status.out
    plan = fab("-H", "worker1", "plan", hosts=haproxy.inventory())
    assert "put back into rotation" in plan.out
    fab.succeeds("-H", "worker1", "deploy", hosts=haproxy.inventory())
    assert haproxy.states()["worker1"] == "UP" or haproxy.states()["worker1"] == "no check"


def test_a_worker_that_cannot_be_taken_out_is_not_touched(
    haproxy: HAProxy, fab: Fab, worker1: Host
) -> None:
    broken = haproxy.inventory(balancer={"take_out": "echo no such backend; exit 1"})
    before = worker1.running()
    ran = fab.fails("-H", "worker1", "restart", hosts=broken)
    assert worker1.running() == before
    assert "worker1: take_out: the command ended with exit status 1" in ran.said
    assert "| no such backend" in ran.said
    assert "put back into rotation: nothing was done to it" in ran.out


def test_what_is_not_proved_is_said(haproxy: HAProxy, fab: Fab) -> None:
    ran = fab.succeeds(
        "-H", "worker1", "restart", hosts=haproxy.inventory(balancer={"state": None})
    )
    assert "without `state:` under `load_balancer` in hosts.yaml requests in flight are" in ran.out
    assert "back in rotation: put_back ended well" in ran.out


def test_a_worker_that_was_not_put_back_is_remembered_without_state(
    haproxy: HAProxy, fab: Fab, worker1: Host
) -> None:
    """The server's own record knows it: nobody else could say."""
    blind = {"state": None}
    broken = haproxy.inventory(balancer=blind | {"put_back": "exit 1"})
    ran = fab.fails("-H", "worker1", "restart", hosts=broken)
    assert "put_back: the command ended with exit status 1" in ran.said
    assert haproxy.states()["worker1"] == "DRAIN"
    before = worker1.running()
    whole = haproxy.inventory(balancer=blind)
    assert "did not put it back" in fab("-H", "worker1", "status", hosts=whole).said
    assert "put back into rotation (an earlier run" in fab("plan", hosts=whole).out
    fab.succeeds("deploy", hosts=whole)
    assert haproxy.states()["worker1"] != "DRAIN"
    assert worker1.running() == before
    assert fab.succeeds("deploy", hosts=whole).row("worker1").split()[1] == "nothing"


def test_two_runs_do_not_take_workers_out_at_once(haproxy: HAProxy, fab: Fab) -> None:
    slow = haproxy.inventory(balancer={"take_out": "echo begun; sleep 20"})
    first = fab.begin("-H", "worker1", "restart", hosts=slow)
    assert first.stdout
    assert any("take_out | begun" in line for line in first.stdout)
    ran = fab.fails("-H", "worker2", "restart", hosts=haproxy.inventory())
    assert "manager: lock: another run works on it" in ran.err
    first.terminate()
    assert first.wait() == 130
