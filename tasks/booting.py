"""How `fab boot` runs and looks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.text import Text

from carbon import exits
from carbon.errors import refuse
from remote.rollout.boot import check_boot, refusals
from remote.rollout.reboot import reboot
from remote.rollout.request import refuse_elb
from remote.run.interrupt import deferred
from remote.run.threads import all_or_errors
from tasks.report import finished

if TYPE_CHECKING:
    from tasks.session import Session


def run_boot(session: Session, *, reboots: bool, patience_seconds: int) -> int:
    """Check, and reboot if that is asked for; return the exit status."""
    refuse_elb(session.nodes)
    session = session.patient(patience_seconds, ("boot_seconds",))
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
            break_lock=session.break_lock,
        )
    return finished(screen, rollout)


def _check(session: Session) -> int:
    screen = session.screen
    checks, errors = all_or_errors(check_boot(session.fleet, session.nodes, progress=screen))
    screen.close()
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
    refuse(errors)
    return exits.ATTENTION if any(check.findings for check in checks) else exits.DONE
