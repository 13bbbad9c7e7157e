"""Who would start a server again after a stop: by its control group, and by what is above it."""

from __future__ import annotations

import pytest

from carbon.checks.case import Case
from carbon.checks.registry import refusals
from carbon.checks.service import owner
from carbon.home import layout
from carbon.plan.model import Plan
from carbon.plan.plan import plan_stop
from carbon.value import replace
from tests.unit.carbon.looks import RECORD, make_facts, running
from tests.unit.carbon.nodes import make_cluster

CLUSTER = make_cluster()
WORKER = CLUSTER.workers[0]
SHELL = (700, "sh")


def started_below(above: list[str]) -> Case:
    """Return a server whose start script was started by these, the nearest first."""
    facts = make_facts(process=running(parents=(SHELL, *enumerate(above, 701))))
    return Case(node=WORKER, cluster=CLUSTER, facts=facts)


@pytest.mark.parametrize(
    ("above", "keeper"),
    [
        (["runsv", "runsvdir"], "runsv"),
        (["supervisord"], "supervisord"),
        (["s6-supervise", "s6-svscan"], "s6-supervise"),
        (["python3", "circusd"], "circusd"),
        (["wrapper"], "wrapper"),  # a loop of one's own: known by nothing but that it is there
        (["bash"], "bash"),
    ],
)
def test_what_starts_a_server_again_is_known_by_what_is_above_its_script(
    above: list[str], keeper: str
) -> None:
    (finding,) = owner(started_below(above))
    assert f"is kept by {keeper} (pid " in finding.seen


@pytest.mark.parametrize(
    "above",
    [
        [],
        ["bash", "sshd", "sshd"],
        ["bash", "sshd-session"],  # OpenSSH 9.8, started by a socket
        ["bash", "dropbear"],
        ["bash", "script", "bash", "mosh-server"],
        ["bash", "dtach"],
        ["bash", "tmux: server"],
        ["sh", "cron"],
        ["bash", "sudo"],
    ],
    ids=" < ".join,
)
def test_a_server_that_was_started_by_hand_or_once_has_no_keeper(above: list[str]) -> None:
    """The advice to stop `dropbear` first would lock the operator out."""
    assert list(owner(started_below(above))) == []


@pytest.mark.parametrize(
    ("cgroup", "unit"),
    [
        ("/system.slice/wso2as.service", "wso2as.service"),
        ("/system.slice/system-wso2.slice/wso2@as.service", "wso2@as.service"),
        ("/user.slice/user-1000.slice/session-4.scope", None),
        ("/user.slice/user-1000.slice/user@1000.service", None),
        ("/user.slice/user-1000.slice/user@1000.service/app.slice/wso2.service", "wso2.service"),
        # Without pam_systemd what a login starts stays in the unit that let it in.
        ("/system.slice/ssh.service", None),
        ("/system.slice/sshd.service", None),
        ("/system.slice/system-sshd.slice/sshd@0-10.0.0.4:22-10.0.0.9:5555.service", None),
        ("/system.slice/dropbear.service", None),
        ("/system.slice/cron.service", None),
        ("/system.slice/crond.service", None),
        ("/system.slice/atd.service", None),
        ("/system.slice/system-getty.slice/getty@tty1.service", None),
        ("/system.slice/rc-local.service", None),
        ("/system.slice/docker.service", None),
        ("", None),
    ],
)
def test_a_unit_owns_a_server_if_it_was_made_for_it(cgroup: str, unit: str | None) -> None:
    assert running(cgroup=cgroup).unit == unit


def test_a_server_that_somebody_keeps_is_not_stopped_and_its_keeper_is_named() -> None:
    """Stopped, it ran again within seconds; restarted, there were two."""
    kept = make_facts(process=running(parents=(SHELL, (701, "runsv"))))
    for plan, blocks in ((Plan(node=WORKER, facts=kept, stop=True), True), (None, False)):
        case = Case(node=WORKER, cluster=CLUSTER, facts=kept, plan=plan)
        (finding,) = owner(case)
        assert (finding.code, finding.blocks) == ("service-supervised", blocks)
        assert "runsv (pid 701)" in finding.seen
        assert "stop it with runsv on" in finding.remedy
    owned = replace(kept, process=running(cgroup="/system.slice/wso2as.service"))
    stop = Plan(node=WORKER, facts=owned, stop=True)
    (error,) = refusals(Case(node=WORKER, cluster=CLUSTER, facts=owned, plan=stop))
    assert error.code == "service-not-named"
    assert "service: {systemd: wso2as}" in error.action
    assert "systemctl disable --now wso2as" in error.action


def test_a_server_that_somebody_keeps_is_not_stopped_wherever_its_configuration_is() -> None:
    facts = make_facts(
        process=running(cgroup="/system.slice/mi.service"),
        present=frozenset({str(layout.SCRIPT), str(layout.CONF_AT_ROOT)}),
        files={},
    )
    stop = plan_stop(WORKER, facts)
    (error,) = refusals(Case(node=WORKER, cluster=CLUSTER, facts=facts, plan=stop))
    assert error.code == "service-not-named"
    assert "mi.service" in error.seen


def test_what_this_tool_started_is_kept_by_nobody() -> None:
    ours = make_facts(process=running(parents=(SHELL, (701, "sh"))), record=RECORD)
    assert list(owner(Case(node=WORKER, cluster=CLUSTER, facts=ours))) == []
