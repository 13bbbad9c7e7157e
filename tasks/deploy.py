"""The guide, step by step, and all of it: driver, config, hosts, reset, start, verify, deploy."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tasks.verb import verb

if TYPE_CHECKING:
    from tasks.session import Session

BREAK_LOCK = "Take over the lock of a run that you know is dead."
FORCE = "Restart although nothing that the server reads at start has changed."
RESET = "Empty the deployment directory although no DeploymentSynchronizer would refill it."
RENUMBER = "Let Offset and localMemberPort of a deployed worker change."


@verb(
    audited="deploy",
    connects="hosts and watchers",
    help={
        "force": FORCE,
        "reset": RESET,
        "renumber": RENUMBER,
        "rollback": "Return a worker that fails to join to what it was before, by itself.",
        "break_lock": BREAK_LOCK,
    },
)
def deploy(
    session: Session,
    *,
    force: bool = False,
    reset: bool = False,
    renumber: bool = False,
    rollback: bool = False,
    break_lock: bool = False,
) -> int:
    """Turn stock servers into verified members: all steps, one worker after another.

    Looks at all servers first and stops before any change if one is unfit; stages everything;
    then each worker in its turn is stopped, swapped, reset, started and seen joining. What is
    right already is left alone: a second deploy changes nothing and restarts nothing.
    """
    from carbon.plan.model import Options
    from tasks.rollout import run_rollout

    options = Options(restart="always" if force else "needed", reset=reset, renumber=renumber)
    return run_rollout(session, "deploy", options, break_lock=break_lock, rollback=rollback)


@verb(connects="hosts and watchers", help={"force": FORCE, "reset": RESET, "renumber": RENUMBER})
def plan(
    session: Session, *, force: bool = False, reset: bool = False, renumber: bool = False
) -> int:
    """Show what deploy would do, and do nothing; exit status 2 if there is something to do.

    Every file's unified diff, with secrets masked on both sides; /etc/hosts lines, driver,
    deployment directory, and whether a restart would follow and why. What is shown is what
    deploy then does.
    """
    from carbon.plan.model import Options
    from tasks.rollout import show_plan

    options = Options(restart="always" if force else "needed", reset=reset, renumber=renumber)
    return show_plan(session, options)


@verb(audited="driver", connects="hosts", help={"break_lock": BREAK_LOCK})
def driver(session: Session, *, break_lock: bool = False) -> int:
    """Step 1: copy the JDBC driver JAR, replacing an older version and its bundle."""
    from carbon.plan.model import Options, Step
    from tasks.rollout import run_rollout

    options = Options(steps=frozenset({Step.DRIVER}))
    return run_rollout(session, "driver", options, break_lock=break_lock)


@verb(audited="config", connects="hosts", help={"renumber": RENUMBER, "break_lock": BREAK_LOCK})
def config(session: Session, *, renumber: bool = False, break_lock: bool = False) -> int:
    """Step 2: push clustering, offset, host name, proxy ports, datasources; and `artifacts:`."""
    from carbon.plan.model import Options, Step
    from tasks.rollout import run_rollout

    options = Options(steps=frozenset({Step.CONFIG}), renumber=renumber)
    return run_rollout(session, "config", options, break_lock=break_lock)


@verb(audited="hosts", connects="hosts", help={"break_lock": BREAK_LOCK})
def hosts(session: Session, *, break_lock: bool = False) -> int:
    """Step 3: map the database's, the manager's and the ELB's names in /etc/hosts."""
    from carbon.plan.model import Options, Step
    from tasks.rollout import run_rollout

    options = Options(steps=frozenset({Step.HOSTS}))
    return run_rollout(session, "hosts", options, break_lock=break_lock)


@verb(audited="reset", connects="hosts", help={"break_lock": BREAK_LOCK})
def reset(session: Session, *, break_lock: bool = False) -> int:
    """Step 4: empty the deployment directory of a stopped worker, keeping what was there."""
    from carbon.plan.model import Options, Step
    from tasks.rollout import run_rollout

    options = Options(steps=frozenset({Step.RESET}), reset=True)
    return run_rollout(session, "reset", options, break_lock=break_lock)


@verb(audited="start", connects="hosts and watchers", help={"break_lock": BREAK_LOCK})
def start(session: Session, *, break_lock: bool = False) -> int:
    """Step 5: start as a worker node and wait until the manager saw it join."""
    from carbon.plan.model import Options, Step
    from tasks.rollout import run_rollout

    options = Options(steps=frozenset({Step.START}), restart="never")
    return run_rollout(session, "start", options, break_lock=break_lock)


@verb()
def verify(session: Session) -> int:
    """Step 6: look for the proof that each worker joined; nothing is started."""
    from remote.rollout.verify import verify as look_for_proof
    from tasks.report import verified

    results = look_for_proof(session.fleet, session.nodes, session.screen)
    return verified(session.screen, session.nodes, results)
