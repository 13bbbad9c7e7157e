"""The load balancer: nginx's vhosts and upstreams, from hosts.yaml."""

from __future__ import annotations

from typing import TYPE_CHECKING

from invoke import Collection

from carbon.errors import UsageError
from tasks.verb import verb

if TYPE_CHECKING:
    from remote.balancer.vhost_plan import VhostPlan
    from tasks.session import Session


@verb(
    audited="lb.config",
    every_host=True,
    help={"all_in": "Put every worker that answers into rotation, removed ones, too."},
)
def config(session: Session, *, all_in: bool = False) -> None:
    """Push nginx's vhosts and upstreams: diff, nginx -t, reload; the old ones back if it fails.

    Workers that are out of rotation stay out, and new ones get in once they answer over HTTP.
    """
    from remote.balancer.vhost_plan import plan_vhosts, push_vhosts

    _refuse_other_balancers(session)
    plan = plan_vhosts(session.fleet, all_in=all_in)
    _show(session, plan)
    if plan.empty:
        session.screen.say(plan.balancer.name, "nothing to do")
        return
    loaded = push_vhosts(session.fleet, plan, break_lock=session.break_lock)
    for warning in loaded.warnings:
        session.screen.say(plan.balancer.name, f"nginx warns: {warning}")
    names = ", ".join(path for path, _, _ in plan.changes)
    files = names or "the files that an interrupted push had left untested"
    session.screen.say(plan.balancer.name, f"nginx runs with {files}")


def _refuse_other_balancers(session: Session) -> None:
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


def _show(session: Session, plan: VhostPlan) -> None:
    from tasks.report import diff_lines

    for path, old, new in plan.changes:
        session.screen.quote(*diff_lines(plan.balancer.conf_dir / path, old, new))
    for worker, note in plan.notes:
        session.screen.say(worker, note)


namespace = Collection("lb", config)
