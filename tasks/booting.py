"""How `fab boot` runs and looks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.text import Text

from carbon import exits
from carbon.errors import Interrupted, refuse
from remote.rollout.boot import BootCheck, check_boot, refusals
from remote.rollout.reboot import reboot
from remote.rollout.request import refuse_elb
from remote.run.interrupt import deferred
from remote.run.threads import all_or_errors
from tasks.report import finished

if TYPE_CHECKING:
    from tasks.session import Session


def run_boot(session: Session, *, reboots: bool, patience_seconds: int, break_lock: bool) -> int:
    """Check, and reboot if that is asked for; return the exit status."""
    refuse_elb(session.nodes)
    session = session.booting_within(patience_seconds)
    if not reboots:
        return _check(session)
    screen = session.screen
    with deferred(screen.ending):
        checks, errors = all_or_errors(check_boot(session.fleet, session.nodes, progress=screen))
        refuse([*errors, *refusals(checks, session.fleet)])
        rollout = reboot(
            session.fleet,
            checks,
            progress=screen,
            balancer=session.load_balancer(),
            break_lock=break_lock,
        )
    status = finished(screen, rollout)
    return Interrupted.exit_status if rollout.interrupted else status


def _check(session: Session) -> int:
    checks, errors = all_or_errors(
        check_boot(session.fleet, session.nodes, progress=session.screen)
    )
    session.screen.close()
    _show(session, checks)
    refuse(errors)
    return exits.ATTENTION if any(check.findings for check in checks) else exits.DONE


def _show(session: Session, checks: Sequence[BootCheck]) -> None:
    screen = session.screen
    for check in checks:
        verdict = (
            ("would not come back after a reboot:", "red")
            if check.findings
            else ("comes back after a reboot, as far as can be seen (--reboot proves it)", "green")
        )
        screen.line(Text.assemble((f"{check.node.name} ", "bold"), verdict))
        for finding in check.findings:
            screen.line(f"  {finding.seen}")
            screen.line(f"  → {finding.remedy}")
