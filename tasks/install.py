"""The product's pack, brought to servers that have none."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tasks.deploy import BREAK_LOCK
from tasks.verb import verb

if TYPE_CHECKING:
    from tasks.session import Session


@verb(
    audited="install",
    connects="hosts",
    every_worker=False,
    help={
        "replace": "Keep an AS_HOME that is there already aside, as NAME.provision-kept.",
        "break_lock": BREAK_LOCK,
    },
)
def install(session: Session, *, replace: bool = False, break_lock: bool = False) -> int:
    """Bring the pack of hosts.yaml to servers without an AS_HOME: unpacked, compared, in place.

    All servers at once. The pack grows beside AS_HOME and is renamed when it is whole; an AS_HOME
    that is there is never overwritten. Neither unzip nor Python is needed there.
    """
    from tasks.installing import install_packs

    return install_packs(session, session.nodes, replace=replace, break_lock=break_lock)
