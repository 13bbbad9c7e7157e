"""What all rolling verbs share: look, show the plan, apply it, print the table."""

from __future__ import annotations

from typing import TYPE_CHECKING

from carbon import exits
from carbon.errors import Interrupted, refuse
from carbon.plan.plan import Wishes
from remote.rollout.preflight import Planner, look, preflight
from remote.rollout.request import Order
from remote.rollout.rollout import apply
from remote.run.interrupt import deferred
from tasks.report import details, finished, planned

if TYPE_CHECKING:
    from tasks.session import Session


def roll_out(
    session: Session,
    name: str,
    wishes: Wishes,
    *,
    break_lock: bool = False,
    rollback: bool = False,
    planner: Planner | None = None,
) -> int:
    """Do what a verb wishes for on all its nodes, one after another; return the exit status."""
    order = Order(
        nodes=session.nodes, wishes=wishes, verb=name, break_lock=break_lock, rollback=rollback
    )
    screen = session.screen
    with deferred(screen.ending):
        plans = look(session.fleet, order, progress=screen, planner=planner)
        planned(screen, plans)
        results = apply(session.fleet, order, plans, progress=screen, rotation=session.rotation())
    status = finished(screen, results)
    stopped = any(isinstance(done.error, Interrupted) for done in results)
    return Interrupted.exit_status if stopped else status


def show_plan(session: Session, wishes: Wishes) -> int:
    """Print what deploy would do on each node; return 2 if it is anything."""
    order = Order(nodes=session.nodes, wishes=wishes, verb="plan")
    found = preflight(session.fleet, order, progress=session.screen)
    session.screen.close()
    for made in found.plans:
        details(session.screen, made)
    refuse(found.errors)
    return 0 if all(made.empty for made in found.plans) else exits.ATTENTION
