"""How `lb.config` runs and looks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from carbon.errors import UsageError
from remote.balancer.vhost_plan import VhostPlan, plan_vhosts, push_vhosts
from tasks.report import diff_lines

if TYPE_CHECKING:
    from tasks.session import Session


def push(session: Session, *, all_in: bool, break_lock: bool) -> int:
    """Bring nginx's files up to date; return the exit status."""
    balancer = session.cluster.load_balancer
    if session.cluster.balancer_commands is not None:
        raise UsageError(
            "load_balancer in hosts.yaml has commands of its own, and lb.config is for nginx",
            action="configure that load balancer by its own means",
        )
    if balancer is not None and balancer not in session.hosts:
        raise UsageError(
            f"lb.config is for {balancer.name} as a whole, not for single workers",
            action="leave -H away",
        )
    plan = plan_vhosts(session.fleet, all_in=all_in)
    _show(session, plan)
    if plan.empty:
        session.screen.say(plan.balancer.name, "nothing to do")
        return 0
    loaded = push_vhosts(session.fleet, plan, break_lock=break_lock)
    for warning in loaded.warnings:
        session.screen.say(plan.balancer.name, f"nginx warns: {warning}")
    session.screen.say(plan.balancer.name, f"nginx runs with {_named(plan)}")
    return 0


def _show(session: Session, plan: VhostPlan) -> None:
    folder = plan.balancer.conf_dir
    for path, old, new in plan.changes:
        for line in diff_lines(folder / path, old, new):
            session.screen.quote(line)
    for worker, note in plan.notes:
        session.screen.say(worker, note)


def _named(plan: VhostPlan) -> str:
    names = ", ".join(path for path, _, _ in plan.changes)
    return names or "the files that an interrupted push had left untested"
