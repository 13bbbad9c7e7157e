"""What the turns of a rollout share."""

from __future__ import annotations

from carbon.value import Value
from remote.host.fleet import Fleet
from remote.observe.follow import Followers
from remote.rollout.hooks import HookRunner
from remote.rollout.request import LoadBalancer, Request
from remote.run.progress import Progress
from remote.run.threads import Background


class Context(Value, kw_only=True):
    """What all turns of a rollout share."""

    fleet: Fleet
    request: Request
    progress: Progress
    balancer: LoadBalancer | None
    followers: Followers
    background: Background
    """Writes records: the next turn need not wait for them."""
    hooks: HookRunner
