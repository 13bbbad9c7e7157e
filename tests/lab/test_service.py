"""A server that systemd starts: installed, proved, rebooted, and left alone if nobody named it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lab import Lab
from tests.lab.cli import Fab
from tests.lab.hosts import HOME, Host, untouched
from tests.lab.inventory import ClusterFile, FromFile
from tests.waiting import wait_for

UNIT = "wso2as"
FILE = f"/etc/systemd/system/{UNIT}.service"


@pytest.fixture
def host(hosts: dict[str, Host], stock: Callable[..., None]) -> Host:
    """The host with systemd, stock and without a unit."""
    stock("systemd")
    return hosts["systemd"]


@pytest.fixture
def named(cluster_file: ClusterFile) -> Callable[..., Path]:
    """Write a hosts.yaml whose only worker is on that host, and has a unit."""

    def write(*, service: bool = True, unit: str = UNIT, **more: Any) -> Path:
        owner = {"service": {"systemd": unit}} if service else {}
        worker = {**cluster_file.worker("systemd"), **owner, **more}
        return cluster_file(workers=[], systemd=worker)

    return write


def owner(host: Host) -> str:
    """Return the unit that the server belongs to, by its control group."""
    groups = host.read(f"/proc/{host.running().pid}/cgroup").splitlines()
    paths = [line.split(":", 2)[2] for line in groups if ":name=systemd:" in line or "0::" in line]
    return paths[0].rpartition("/")[2]


def joined(manager: Host, host: Host) -> int:
    """Return how often the manager has seen the host's worker join."""
    lines = manager.log().splitlines()
    return sum("Member joined [" in line and f"/{host.address}:4000" in line for line in lines)


def test_a_deploy_installs_the_unit_and_a_reboot_brings_the_worker_back(
    host: Host, named: Callable[..., Path], fab: Fab, lab: Lab, manager: Host
) -> None:
    hosts = named()
    plan = fab("-H", "systemd", "plan", hosts=hosts)
    assert plan.status == 2
    assert f"unit (install {UNIT}.service)" in plan.out
    assert "+ExecStart=/bin/sh -c" in plan.out
    ran = fab.succeeds("-H", "systemd", "deploy", hosts=hosts)
    assert f"unit {UNIT}.service" in ran.row("systemd")
    assert "Member joined, after" in ran.row("systemd")
    assert owner(host) == f"{UNIT}.service"
    assert host.sh(f"systemctl is-enabled {UNIT}").strip() == "enabled"
    assert host.is_member()
    with untouched(host):
        again = fab.succeeds("-H", "systemd", "deploy", hosts=hosts)
    assert again.row("systemd").split()[1] == "nothing"
    joins = manager.log().count(f"/{host.address}:4000")
    lab.reboot("systemd")
    wait_for(
        "it has joined again", lambda: manager.log().count(f"/{host.address}:4000") > joins + 1
    )
    wait_for("it has started", lambda: host.answers(9763))
    status = fab.succeeds("-H", "systemd,manager", "status", hosts=hosts)
    assert "not enabled" not in status.said


def test_stop_start_and_restart_go_through_systemd(
    host: Host, named: Callable[..., Path], fab: Fab
) -> None:
    hosts = named()
    fab.succeeds("-H", "systemd", "deploy", hosts=hosts)
    stopped = fab.succeeds("-H", "systemd", "stop", hosts=hosts)
    assert "stopped, seen leaving" in stopped.out
    assert host.sh(f"systemctl is-active {UNIT} || true").strip() == "inactive"
    fab.succeeds("-H", "systemd", "start", hosts=hosts)
    assert owner(host) == f"{UNIT}.service"
    before = host.running()
    fab.succeeds("-H", "systemd", "restart", hosts=hosts)
    assert host.running() != before
    assert owner(host) == f"{UNIT}.service"
    before = host.running()
    host.kill_jvm()
    wait_for("systemd has started it again", lambda: host.jvm() not in (None, before), seconds=15)


def test_a_unit_that_waits_to_start_it_again_is_not_down(
    host: Host, named: Callable[..., Path], fab: Fab
) -> None:
    """In between it has no process, and will have one by itself."""
    hosts = named()
    fab.succeeds("-H", "systemd", "deploy", hosts=hosts)
    host.sh(f"sed -i s/RestartSec=5/RestartSec=60/ {FILE}; systemctl daemon-reload")
    host.kill_jvm()
    waiting = f"systemctl show -P SubState {UNIT}"
    wait_for("it waits", lambda: host.sh(waiting).strip() == "auto-restart")
    status = fab("-H", "systemd", "status", hosts=hosts)
    assert f"{UNIT}.service waits to start it again" in status.said
    fab.succeeds("-H", "systemd", "stop", hosts=hosts)
    assert host.sh(f"systemctl is-active {UNIT} || true").strip() == "inactive"


def test_a_server_of_a_unit_that_nobody_named_is_not_touched(
    host: Host, named: Callable[..., Path], fab: Fab
) -> None:
    fab.succeeds("-H", "systemd", "deploy", hosts=named())
    without = named(service=False)
    line = f"add `service: {{systemd: {UNIT}}}` to systemd in hosts.yaml"
    with untouched(host):
        for words in (["restart"], ["deploy", "--force"], ["stop"]):
            ran = fab.fails("-H", "systemd", *words, hosts=without)
            assert f"belongs to the unit {UNIT}.service" in ran.said
            assert line in ran.said
    assert line in fab("-H", "systemd", "status", hosts=without).said


def test_a_server_outside_of_its_unit_is_a_finding_and_a_restart_brings_it_in(
    host: Host, named: Callable[..., Path], fab: Fab
) -> None:
    without, hosts = named(service=False), named()
    ran = fab.succeeds("-H", "systemd", "deploy", hosts=without)
    assert "not enabled at boot" in fab("-H", "systemd", "status", hosts=without).said
    ran = fab.succeeds("-H", "systemd", "deploy", hosts=hosts)
    assert f"restart (it does not run under {UNIT}.service)" in ran.out
    assert owner(host) == f"{UNIT}.service"
    fab.succeeds("-H", "systemd", "stop", hosts=hosts)
    host.start_by_hand("-DworkerNode=true")
    assert f"it runs outside of {UNIT}.service" in fab("-H", "systemd", "status", hosts=hosts).said
    fab.succeeds("-H", "systemd", "restart", hosts=hosts)
    assert owner(host) == f"{UNIT}.service"


def test_a_unit_of_somebody_else_is_used_as_it_is_and_its_faults_are_told(
    host: Host, named: Callable[..., Path], fab: Fab
) -> None:
    host.sh(f"carbon-unit {UNIT} KillMode=process ExecRestart=/bin/true; systemctl disable {UNIT}")
    text = host.read(FILE)
    hosts = named()
    fab.succeeds("-H", "systemd", "deploy", hosts=hosts)
    assert host.read(FILE) == text
    assert owner(host) == f"{UNIT}.service"
    assert host.sh(f"systemctl is-enabled {UNIT}").strip() == "enabled"
    said = fab("-H", "systemd", "status", hosts=hosts).said
    assert f"{UNIT}.service has KillMode=process" in said
    assert f"{UNIT}.service has ExecRestart, which systemd does not know" in said


@pytest.mark.parametrize(
    ("spoil", "seen"),
    [
        (f"carbon-unit {UNIT} Type=forking", "is of Type=forking"),
        (
            f"carbon-unit {UNIT} 'ExecStart=/bin/sh {HOME}/bin/wso2server.sh test'",
            "does not start it as a worker",
        ),
        (
            f"carbon-unit {UNIT} 'ExecStart=/bin/sh /opt/other/bin/wso2server.sh test'",
            f"does not start {HOME}/bin/wso2server.sh",
        ),
        (f"systemctl mask --quiet {UNIT}", "is masked"),
    ],
)
def test_a_unit_that_cannot_work_is_refused_before_anything_is_touched(
    host: Host, named: Callable[..., Path], fab: Fab, spoil: str, seen: str
) -> None:
    host.sh(spoil)
    with untouched(host):
        ran = fab.fails("-H", "systemd", "deploy", hosts=named())
    assert f"{UNIT}.service {seen}" in ran.said


def test_a_unit_whose_command_fails_ends_in_one_finding(
    host: Host, named: Callable[..., Path], fab: Fab
) -> None:
    host.sh(f"sed -i '2i echo no luck today; exit 1' {HOME}/bin/wso2server.sh")
    ran = fab.fails("-H", "systemd", "deploy", hosts=named(), status=1)
    assert "no luck today" in ran.said
    fab.succeeds("-H", "systemd", "stop", hosts=named())


def test_the_keystore_password_reaches_starts_that_nobody_asked_for(
    host: Host, named: Callable[..., Path], fab: Fab, tmp_path: Path, lab: Lab
) -> None:
    (tmp_path / "keystore").write_text("wso2carbon")
    conf = f"{HOME}/repository/conf/security/secret-conf.properties"
    host.write(conf, "carbon.secretProvider=org.wso2.Handler\n")
    host.sh(f"chown deploy: {conf}")
    hosts = named(keystore_password=FromFile(tmp_path / "keystore"))
    fab.succeeds("-H", "systemd", "deploy", hosts=hosts)
    assert host.sh(f"stat -c %a:%U /etc/{UNIT}.service.password").strip() == "600:root"
    started = host.log().count("WSO2 Carbon started")
    lab.reboot("systemd")
    wait_for("it has started", lambda: host.log().count("WSO2 Carbon started") > started)
    host.sh(f"rm /etc/{UNIT}.service.password {HOME}/password-tmp")


def test_where_logind_ends_what_a_login_leaves_a_start_needs_a_service(
    host: Host, named: Callable[..., Path], fab: Fab
) -> None:
    conf = "/etc/systemd/logind.conf.d/kill.conf"
    host.write(conf, "[Login]\nKillUserProcesses=yes\n")
    try:
        with untouched(host):
            ran = fab.fails("-H", "systemd", "deploy", hosts=named(service=False))
        assert "KillUserProcesses=yes" in ran.said
        fab.succeeds("-H", "systemd", "deploy", hosts=named())
    finally:
        host.sh(f"rm -r {conf}")


def test_a_loop_that_starts_the_server_again_is_named_before_a_stop(
    host: Host, named: Callable[..., Path], fab: Fab
) -> None:
    """runit, supervisord and loops of one's own: two processes of one AS_HOME would come of it."""
    hosts = named(service=False)
    fab.succeeds("-H", "systemd", "deploy", hosts=hosts)
    fab.succeeds("-H", "systemd", "stop", hosts=hosts)
    loop = f"""while [ -e /run/loop ]; do
        runuser -u deploy -- env JAVA_HOME=/opt/java sh {HOME}/bin/wso2server.sh -DworkerNode=true
        sleep 1
    done"""
    host.write("/run/loop", loop)
    host.sh("setsid sh /run/loop > /dev/null 2>&1 < /dev/null &")
    wait_for("the loop has started it", host.jvm)
    with untouched(host):
        for verb in ("restart", "stop"):
            ran = fab.fails("-H", "systemd", verb, hosts=hosts)
            assert "its server is kept by" in ran.said
    host.sh("rm /run/loop")
    host.kill_jvm()


def test_a_restart_by_somebody_else_in_the_middle_of_a_stop_is_one_error(
    host: Host, named: Callable[..., Path], fab: Fab
) -> None:
    """And no stop that never ends: the unit is never seen down."""
    fab.succeeds("-H", "systemd", "deploy", hosts=named())
    host.knob("pace", "0.5")
    fab.succeeds("-H", "systemd", "restart", hosts=named())
    run = fab.begin("-H", "systemd", "stop", hosts=named())
    stopping = f"systemctl show -P ActiveState {UNIT}"
    wait_for("it is being stopped", lambda: host.sh(stopping).strip() == "deactivating")
    host.sh(f"systemctl restart --no-block {UNIT}")
    out, err = run.communicate(timeout=60)
    assert run.returncode == 1, out + err
    said = out + err
    assert "it runs again" in said
    assert "somebody else started it after the stop" in said
    assert said.count("error: ") == 1
    wait_for("it runs", lambda: host.jvm() is not None)


def test_a_server_of_another_unit_than_the_named_one_has_two_owners_and_is_not_touched(
    host: Host, named: Callable[..., Path], fab: Fab
) -> None:
    fab.succeeds("-H", "systemd", "deploy", hosts=named())
    other = named(unit="other")
    with untouched(host):
        for verb in ("restart", "stop", "deploy"):
            ran = fab.fails(
                "-H", "systemd", verb, *(["--force"] if verb == "deploy" else []), hosts=other
            )
            assert f"belongs to the unit {UNIT}.service" in ran.said
            assert ran.said.count("error: ") == 1
