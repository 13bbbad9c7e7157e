"""Day two: restart, stop, history, rollback, remove, boot."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from tasks.verb import verb

if TYPE_CHECKING:
    from tasks.session import Session

TIMEOUT = "Seconds of patience for this run, instead of the limits in hosts.yaml."


@verb(
    audited="restart", connects="hosts and watchers", every_worker=False, help={"timeout": TIMEOUT}
)
def restart(session: Session, *, timeout: int = 0) -> int:
    """Restart one worker after the other, each drained before and seen joining after."""
    from carbon.plan.model import Options, Step
    from tasks.rollout import run_rollout

    options = Options(steps=frozenset({Step.START}), restart="always")
    return run_rollout(session.patient(timeout), "restart", options)


@verb(audited="stop", every_worker=False, help={"timeout": TIMEOUT})
def stop(session: Session, *, timeout: int = 0) -> int:
    """Stop one worker after the other, each drained before and seen leaving after."""
    from carbon.plan.plan import plan_stop
    from tasks.rollout import run_stop

    return run_stop(session.patient(timeout), "stop", plan_stop)


@verb(audited="remove", every_worker=False, help={"timeout": TIMEOUT})
def remove(session: Session, *, timeout: int = 0) -> int:
    """Take a worker out: drained, stopped, seen leaving, unmapped; its AS_HOME stays."""
    from carbon.plan.plan import plan_remove
    from tasks.rollout import run_stop

    removed = {node.name for node in session.nodes}
    planner = partial(plan_remove, cluster=session.cluster, removed=removed)
    return run_stop(session.patient(timeout), "remove", planner)


@verb(connects="hosts")
def history(session: Session) -> int:
    """List what deploys replaced and kept on each worker, newest first."""
    from tasks.history import show_history

    return show_history(session)


@verb(
    audited="rollback",
    connects="hosts and watchers",
    every_worker=False,
    help={"to": "Return to what was before this generation (see history)."},
)
def rollback(session: Session, *, to: str = "") -> int:
    """Return to what was before the last deploy: files, driver, deployment; restart, verify."""
    from carbon.plan.model import Options, Step
    from carbon.plan.plan import plan_rollback
    from tasks.rollout import run_rollout

    return run_rollout(
        session,
        "rollback",
        Options(steps=frozenset({Step.START})),
        planner=lambda node, facts: plan_rollback(node, facts, to=to or None),
    )


@verb(
    audited="boot",
    connects="hosts and watchers",
    every_worker=False,
    help={
        "reboot": "Reboot, one server after the other, and see each join again by itself.",
        "timeout": "Seconds that a reboot may take, instead of `limits: boot` (600).",
    },
)
def boot(session: Session, *, reboot: bool = False, timeout: int = 0) -> int:
    """Say whether servers come back after a reboot (exit status 2 if not); --reboot proves it.

    Without --reboot nothing is changed: the unit of systemd is enabled and starts the right server,
    the server runs under it, AS_HOME is mounted at boot. With it each server is taken out of
    rotation, rebooted, seen starting by itself and joining, and put back.
    """
    from tasks.booting import run_boot

    return run_boot(session, reboots=reboot, patience_seconds=timeout)
