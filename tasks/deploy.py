"""The guide, step by step, and all of it: from the pack to another worker made from one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tasks.verb import verb

if TYPE_CHECKING:
    from carbon.plan.model import Restarts
    from tasks.session import Session

FORCE = "Restart although nothing that the server reads at start has changed."
RESET = "Empty the deployment directory although no DeploymentSynchronizer would refill it."
RENUMBER = "Let Offset and localMemberPort of a deployed worker change."
REPLACE = "Keep an AS_HOME that is there already aside, as NAME.provision-kept."


@verb(audited="install", connects="hosts", every_worker=False, help={"replace": REPLACE})
def install(session: Session, *, replace: bool = False) -> int:
    """Bring the pack of hosts.yaml to servers without an AS_HOME: unpacked, compared, in place.

    All servers at once. The pack grows beside AS_HOME and is renamed when it is whole; an AS_HOME
    that is there is never overwritten. Neither unzip nor Python is needed there.
    """
    from tasks.installing import install_packs

    return install_packs(session, replace=replace)


@verb(
    audited="deploy",
    connects="hosts and watchers",
    help={
        "force": FORCE,
        "reset": RESET,
        "renumber": RENUMBER,
        "rollback": "Return a worker that fails to join to what it was before, by itself.",
    },
)
def deploy(
    session: Session,
    *,
    force: bool = False,
    reset: bool = False,
    renumber: bool = False,
    rollback: bool = False,
) -> int:
    """Turn stock servers into verified members: all steps, one worker after another.

    Looks at all servers first and stops before any change if one is unfit; stages everything;
    then each worker in its turn is stopped, swapped, reset, started and seen joining. What is
    right already is left alone: a second deploy changes nothing and restarts nothing.
    """
    from carbon.plan.model import Options
    from tasks.rollout import run_rollout

    options = Options(restart="always" if force else "needed", reset=reset, renumber=renumber)
    return run_rollout(session, "deploy", options, rollback=rollback)


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


@verb(audited="driver", connects="hosts")
def driver(session: Session) -> int:
    """Step 1: copy the JDBC driver JAR, replacing an older version and its bundle."""
    return _one_step(session, "driver")


@verb(audited="config", connects="hosts", help={"renumber": RENUMBER})
def config(session: Session, *, renumber: bool = False) -> int:
    """Step 2: push clustering, offset, host name, proxy ports, datasources; and `artifacts:`."""
    return _one_step(session, "config", renumber=renumber)


@verb(audited="hosts", connects="hosts")
def hosts(session: Session) -> int:
    """Step 3: map the database's, the manager's and the ELB's names in /etc/hosts."""
    return _one_step(session, "hosts")


@verb(audited="reset", connects="hosts")
def reset(session: Session) -> int:
    """Step 4: empty the deployment directory of a stopped worker, keeping what was there."""
    return _one_step(session, "reset", reset=True)


@verb(audited="start", connects="hosts and watchers")
def start(session: Session) -> int:
    """Step 5: start as a worker node and wait until the manager saw it join."""
    return _one_step(session, "start", restart="never")


def _one_step(
    session: Session,
    step: str,
    *,
    reset: bool = False,
    renumber: bool = False,
    restart: Restarts = "needed",
) -> int:
    """Roll out one step alone; its verb has its name."""
    from carbon.plan.model import Options, Step
    from tasks.rollout import run_rollout

    steps = frozenset({Step(step)})
    options = Options(steps=steps, reset=reset, renumber=renumber, restart=restart)
    return run_rollout(session, step, options)


@verb()
def verify(session: Session) -> int:
    """Step 6: look for the proof that each worker joined; nothing is started."""
    from remote.rollout.verify import verify as look_for_proof
    from tasks.report import verified

    results = look_for_proof(session.fleet, session.nodes, session.screen)
    return verified(session.screen, session.nodes, results)


@verb(
    audited="clone",
    help={
        "source": "The worker whose AS_HOME is copied; it may run, and is not changed.",
        "replace": REPLACE,
    },
    every_worker=False,
)
def clone(session: Session, *, source: str = "", replace: bool = False) -> int:
    """Add a worker: copy the AS_HOME of another, make it its own, start it, see it join.

    What belongs to the source alone stays there: logs, pid, local databases, caches, deployed
    artifacts. The copy streams through this process, lands beside AS_HOME, is compared with
    the source by content, becomes the worker that hosts.yaml describes, and only then is
    renamed into place.
    """
    from tasks.cloning import clone_all

    return clone_all(session, source, replace=replace)
