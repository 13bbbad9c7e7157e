"""What all rolling verbs share: preflight, plan, rollout, table."""

from __future__ import annotations

from typing import TYPE_CHECKING

from carbon import exits
from carbon.errors import Interrupted, refuse
from carbon.plan.model import Options, Step
from remote.rollout.preflight import Planner, preflight
from remote.rollout.request import Request, Rollout
from remote.rollout.rollout import roll_out
from remote.run.interrupt import deferred
from tasks.report import commands_of_rollout, details, finished, planned, stopped

if TYPE_CHECKING:
    from tasks.session import Session


def run_rollout(
    session: Session,
    verb: str,
    options: Options,
    *,
    rollback: bool = False,
    planner: Planner | None = None,
) -> int:
    """Do what a verb asks for on all its nodes, one after another; return the exit status."""
    request = Request(
        nodes=session.nodes,
        options=options,
        verb=verb,
        break_lock=session.break_lock,
        rollback=rollback,
    )
    rollout = _roll_out(session, request, planner)
    rest = _rest(request, rollout)
    status = finished(session.screen, rollout)
    if rest:
        session.screen.line(f"  → for the rest: {rest}")
    return status


def run_stop(session: Session, verb: str, planner: Planner) -> int:
    """Stop all nodes of a verb, one after another; return the exit status."""
    options = Options(steps=frozenset())
    request = Request(
        nodes=session.nodes, options=options, verb=verb, break_lock=session.break_lock
    )
    rollout = _roll_out(session, request, planner)
    status = stopped(session.screen, rollout)
    for result in rollout.results:
        if result.plan.remove and result.reached and result.error is None:
            node = result.plan.node
            what = (
                "name another manager in" if node.role == "manager" else f"delete {node.name} from"
            )
            text = f"{what} hosts.yaml: until then `status` reports it as removed"
            session.screen.say(node.name, text)
    return status


def _roll_out(session: Session, request: Request, planner: Planner | None) -> Rollout:
    screen = session.screen
    with deferred(screen.ending):
        balancer = session.load_balancer()
        asked = balancer if planner is None and request.options.steps >= {Step.START} else None
        checked = preflight(
            session.fleet, request, progress=screen, planner=planner, balancer=asked
        )
        if checked.absent:
            refuse(checked.errors)
            from tasks.installing import install_absent

            install_absent(session, checked.absent)
            checked = preflight(session.fleet, request, progress=screen, balancer=asked)
        plans = checked.demand()
        planned(screen, plans)
        return roll_out(session.fleet, request, plans, progress=screen, balancer=balancer)


def _rest(request: Request, rollout: Rollout) -> str:
    """Return the command for the nodes that are left, if the same one would do all of them again.

    `deploy` finds by itself what is left. An error that sends to the same command gets this one.
    """
    left = [
        result.plan.node.name for result in rollout.results if result.error or not result.reached
    ]
    repeats = request.options.restart == "always" or request.verb == "rollback"
    if not repeats or not left or len(left) == len(rollout.results):
        return ""
    force = " --force" if request.verb == "deploy" else ""
    command = f"fab -H {','.join(left)} {request.verb}{force}"
    for result in rollout.results:
        if isinstance(result.error, Interrupted):
            result.error.action = f"go on from here with `{command}`"
            return ""
    return command


def show_plan(session: Session, options: Options) -> int:
    """Print what deploy would do on each node; return 2 if it is anything."""
    request = Request(nodes=session.nodes, options=options, verb="plan")
    balancer = session.load_balancer()
    checked = preflight(session.fleet, request, progress=session.screen, balancer=balancer)
    session.screen.close()
    for plan in checked.plans:
        details(session.screen, plan)
    if checked.absent:
        from tasks.installing import show_absent

        show_absent(session, checked.absent)
    if not all(plan.empty for plan in checked.plans):
        commands_of_rollout(session.screen, session.cluster, checked.plans)
    refuse(checked.errors)
    is_done = not checked.absent and all(plan.empty for plan in checked.plans)
    return exits.DONE if is_done else exits.ATTENTION
