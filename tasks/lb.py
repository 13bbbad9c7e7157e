"""The load balancer: nginx's vhosts and upstreams, from hosts.yaml."""

from __future__ import annotations

from typing import TYPE_CHECKING

from invoke import Collection

from tasks.deploy import BREAK_LOCK
from tasks.verb import verb

if TYPE_CHECKING:
    from tasks.session import Session


@verb(
    audited="lb.config",
    every_host=True,
    help={
        "all_in": "Put every worker that answers into rotation, removed ones, too.",
        "break_lock": BREAK_LOCK,
    },
)
def config(session: Session, *, all_in: bool = False, break_lock: bool = False) -> int:
    """Push nginx's vhosts and upstreams: diff, nginx -t, reload; the old ones back if it fails.

    Workers that are out of rotation stay out, and new ones get in once they answer over HTTP.
    """
    from tasks.vhosts import push

    return push(session, all_in=all_in, break_lock=break_lock)


namespace = Collection("lb", config)
