"""The guide, step by step, and all of it: driver, config, hosts, reset, start, verify, deploy."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tasks.verb import verb

if TYPE_CHECKING:
    from carbon.plan import Step
    from tasks.session import Session

BREAK_LOCK = "Take over the lock of a run that you know is dead."
FORCE = "Restart although nothing that the server reads at start has changed."
RESET = "Empty the deployment directory although no DeploymentSynchronizer would refill it."
RENUMBER = "Let Offset and localMemberPort of a deployed worker change."


@verb(
    help={
        "force": FORCE,
        "reset": RESET,
        "renumber": RENUMBER,
        "break_lock": BREAK_LOCK,
    }
)
def deploy(
    session: Session,
    *,
    force: bool = False,
    reset: bool = False,
    renumber: bool = False,
    break_lock: bool = False,
) -> int:
    """Turn stock servers into verified members: all steps, one worker after another.

    Looks at all servers first and stops before any change if one is unfit; stages everything;
    then each worker in its turn is stopped, swapped, reset, started and seen joining. What is
    right already is left alone: a second deploy changes nothing and restarts nothing.
    """
    from carbon.plan import ALL_STEPS

    return _apply(
        session,
        "deploy",
        ALL_STEPS,
        force=force,
        reset=reset,
        renumber=renumber,
        break_lock=break_lock,
    )


@verb(help={"break_lock": BREAK_LOCK})
def driver(session: Session, *, break_lock: bool = False) -> int:
    """Step 1: copy the JDBC driver JAR, replacing an older version and its bundle."""
    from carbon.plan import Step

    return _apply(session, "driver", {Step.DRIVER}, break_lock=break_lock)


@verb(help={"renumber": RENUMBER, "break_lock": BREAK_LOCK})
def config(session: Session, *, renumber: bool = False, break_lock: bool = False) -> int:
    """Step 2: push the patched clustering, offset, host name, proxy ports and datasources."""
    from carbon.plan import Step

    return _apply(session, "config", {Step.CONFIG}, renumber=renumber, break_lock=break_lock)


@verb(help={"break_lock": BREAK_LOCK})
def hosts(session: Session, *, break_lock: bool = False) -> int:
    """Step 3: map the database's, the manager's and the ELB's names in /etc/hosts."""
    from carbon.plan import Step

    return _apply(session, "hosts", {Step.HOSTS}, break_lock=break_lock)


@verb(help={"break_lock": BREAK_LOCK})
def reset(session: Session, *, break_lock: bool = False) -> int:
    """Step 4: empty the deployment directory of a stopped worker, keeping what was there."""
    from carbon.plan import Step

    return _apply(session, "reset", {Step.RESET}, reset=True, break_lock=break_lock)


@verb(help={"break_lock": BREAK_LOCK})
def start(session: Session, *, break_lock: bool = False) -> int:
    """Step 5: start as a worker node and wait until the manager saw it join."""
    from carbon.plan import Step

    return _apply(session, "start", {Step.START}, break_lock=break_lock)


@verb()
def verify(session: Session) -> int:
    """Step 6: look for the proof that each worker joined; nothing is started."""
    from remote.verify import verify as look_for_proof
    from tasks.report import verified

    return verified(session.screen, look_for_proof(session.fleet, session.nodes, session.screen))


def _apply(
    session: Session,
    name: str,
    steps: set[Step] | frozenset[Step],
    *,
    force: bool = False,
    reset: bool = False,
    renumber: bool = False,
    break_lock: bool = False,
) -> int:
    from carbon.plan import Wishes
    from remote.deploy import Order, apply, look
    from tasks.report import finished, planned

    wishes = Wishes(steps=frozenset(steps), force=force, reset=reset, renumber=renumber)
    order = Order(nodes=session.nodes, wishes=wishes, verb=name, break_lock=break_lock)
    plans = look(session.fleet, order, progress=session.screen)
    planned(session.screen, plans)
    return finished(session.screen, apply(session.fleet, order, plans, progress=session.screen))
