"""Day two: restart, stop, history, rollback, remove."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from tasks.deploy import BREAK_LOCK
from tasks.verb import verb

if TYPE_CHECKING:
    from tasks.session import Session

TIMEOUT = "Seconds of patience for this run, instead of the limits in hosts.yaml."


@verb(
    audited="restart",
    connects="hosts and watchers",
    every_worker=False,
    help={"timeout": TIMEOUT, "break_lock": BREAK_LOCK},
)
def restart(session: Session, *, timeout: int = 0, break_lock: bool = False) -> int:
    """Restart one worker after the other, each drained before and seen joining after."""
    from carbon.plan.model import Options, Step
    from tasks.rollout import run_rollout

    options = Options(steps=frozenset({Step.START}), restart="always")
    return run_rollout(session.patient(timeout), "restart", options, break_lock=break_lock)


@verb(audited="stop", every_worker=False, help={"timeout": TIMEOUT, "break_lock": BREAK_LOCK})
def stop(session: Session, *, timeout: int = 0, break_lock: bool = False) -> int:
    """Stop one worker after the other, each drained before and seen leaving after."""
    from carbon.plan.plan import plan_stop
    from tasks.rollout import run_stop

    return run_stop(session.patient(timeout), "stop", plan_stop, break_lock=break_lock)


@verb(audited="remove", every_worker=False, help={"timeout": TIMEOUT, "break_lock": BREAK_LOCK})
def remove(session: Session, *, timeout: int = 0, break_lock: bool = False) -> int:
    """Take a worker out: drained, stopped, seen leaving, unmapped; its AS_HOME stays."""
    from carbon.plan.plan import plan_remove
    from tasks.rollout import run_stop

    removed = {node.name for node in session.nodes}
    planner = partial(plan_remove, cluster=session.cluster, removed=removed)
    return run_stop(session.patient(timeout), "remove", planner, break_lock=break_lock)


@verb(connects="hosts")
def history(session: Session) -> int:
    """List what deploys replaced and kept on each worker, newest first."""
    from tasks.history import show_history

    return show_history(session)


@verb(
    audited="rollback",
    connects="hosts and watchers",
    every_worker=False,
    help={
        "to": "Return to what was before this generation (see history).",
        "break_lock": BREAK_LOCK,
    },
)
def rollback(session: Session, *, to: str = "", break_lock: bool = False) -> int:
    """Return to what was before the last deploy: files, driver, deployment; restart, verify."""
    from carbon.plan.model import Options, Step
    from carbon.plan.plan import plan_rollback
    from tasks.rollout import run_rollout

    return run_rollout(
        session,
        "rollback",
        Options(steps=frozenset({Step.START})),
        break_lock=break_lock,
        planner=lambda node, facts: plan_rollback(node, facts, to=to or None),
    )
