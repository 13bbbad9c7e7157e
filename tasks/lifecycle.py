"""Day two: restart, stop, history, rollback, remove."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tasks.deploy import BREAK_LOCK
from tasks.verb import verb

if TYPE_CHECKING:
    from tasks.session import Session

TIMEOUT = "Seconds of patience for this run, instead of the limits in hosts.yaml."


@verb(
    connects="hosts and watchers",
    every_worker=False,
    help={"timeout": TIMEOUT, "break_lock": BREAK_LOCK},
)
def restart(session: Session, *, timeout: int = 0, break_lock: bool = False) -> int:
    """Restart one worker after the other, each drained before and seen joining after."""
    from carbon.plan.plan import Step, Wishes
    from tasks.rollout import roll_out

    wishes = Wishes(steps=frozenset({Step.START}), restart="always")
    return roll_out(session.patient(timeout), "restart", wishes, break_lock=break_lock)


@verb(every_worker=False, help={"timeout": TIMEOUT, "break_lock": BREAK_LOCK})
def stop(session: Session, *, timeout: int = 0, break_lock: bool = False) -> int:
    """Stop one worker after the other, each drained before and seen leaving after."""
    from tasks.departure import stop_all

    return stop_all(session.patient(timeout), break_lock=break_lock)


@verb(every_worker=False, help={"timeout": TIMEOUT, "break_lock": BREAK_LOCK})
def remove(session: Session, *, timeout: int = 0, break_lock: bool = False) -> int:
    """Take a worker out: drained, stopped, seen leaving, unmapped; its AS_HOME stays."""
    from tasks.departure import remove_all

    return remove_all(session.patient(timeout), break_lock=break_lock)


@verb(connects="hosts")
def history(session: Session) -> int:
    """List what deploys replaced and kept on each worker, newest first."""
    from tasks.departure import show_history

    return show_history(session)


@verb(
    connects="hosts and watchers",
    every_worker=False,
    help={
        "to": "Return to what was before this generation (see history).",
        "break_lock": BREAK_LOCK,
    },
)
def rollback(session: Session, *, to: str = "", break_lock: bool = False) -> int:
    """Return to what was before the last deploy: files, driver, deployment; restart, verify."""
    from carbon.plan.plan import Step, Wishes, plan_rollback
    from tasks.rollout import roll_out

    return roll_out(
        session,
        "rollback",
        Wishes(steps=frozenset({Step.START})),
        break_lock=break_lock,
        planner=lambda node, facts: plan_rollback(node, facts, to=to or None),
    )
