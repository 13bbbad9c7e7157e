"""Boot: does a server come back by itself?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tasks.deploy import BREAK_LOCK
from tasks.verb import verb

if TYPE_CHECKING:
    from tasks.session import Session


@verb(
    audited="boot",
    connects="hosts and watchers",
    every_worker=False,
    help={
        "reboot": "Reboot, one server after the other, and see each join again by itself.",
        "timeout": "Seconds that a reboot may take, instead of `limits: boot` (600).",
        "break_lock": BREAK_LOCK,
    },
)
def boot(
    session: Session, *, reboot: bool = False, timeout: int = 0, break_lock: bool = False
) -> int:
    """Say whether servers come back after a reboot (exit status 2 if not); --reboot proves it.

    Without --reboot nothing is changed: the unit of systemd is enabled and starts the right server,
    the server runs under it, AS_HOME is mounted at boot. With it each server is taken out of
    rotation, rebooted, seen starting by itself and joining, and put back.
    """
    from tasks.booting import run_boot

    return run_boot(session, reboots=reboot, patience_seconds=timeout, break_lock=break_lock)
