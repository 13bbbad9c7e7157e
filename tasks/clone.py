"""The guide's last step: another worker, made from one that works."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tasks.deploy import BREAK_LOCK
from tasks.verb import verb

if TYPE_CHECKING:
    from tasks.session import Session


@verb(
    audited="clone",
    help={
        "source": "The worker whose AS_HOME is copied; it may run, and is not changed.",
        "replace": "Keep an AS_HOME that is there already aside, as NAME.provision-kept.",
        "break_lock": BREAK_LOCK,
    },
    every_worker=False,
)
def clone(
    session: Session, *, source: str = "", replace: bool = False, break_lock: bool = False
) -> int:
    """Add a worker: copy the AS_HOME of another, make it its own, start it, see it join.

    What belongs to the source alone stays there: logs, pid, local databases, caches, deployed
    artifacts. The copy streams through this process, lands beside AS_HOME, is compared with
    the source by content, becomes the worker that hosts.yaml describes, and only then is
    renamed into place.
    """
    from tasks.cloning import clone_all

    return clone_all(session, source, replace=replace, break_lock=break_lock)
