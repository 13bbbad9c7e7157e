"""What a run is asked to do, what it does it with, and what became of it."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Protocol

from carbon.cluster import Node
from carbon.errors import ProvisionError
from carbon.plan.plan import Plan, Wishes
from carbon.value import Value
from remote.rollout.start import Joined


class Order(Value, kw_only=True):
    """What is to be done, to whom, and how."""

    nodes: tuple[Node, ...]
    wishes: Wishes
    verb: str
    break_lock: bool = False
    rollback: bool = False
    """Take a node that fails to join back to what it was before, by itself."""


class Done(Value, kw_only=True):
    """What became of one server."""

    plan: Plan
    changed: tuple[str, ...] = ()
    """What was done, a few words each."""
    joined: Joined | None = None
    error: ProvisionError | None = None
    swapped: bool = False
    """What was staged is in place, whatever came after it."""
    reached: bool = True
    """Its turn came: False where an earlier server failed."""


class Rotation(Protocol):
    """The load balancer's side of a rolling change."""

    def hold(
        self, nodes: Sequence[Node], *, verb: str, break_lock: bool
    ) -> AbstractContextManager[None]:
        """Keep the load balancer for the length of a rolling change of these nodes."""
        ...

    def take_out(self, node: Node) -> None:
        """Let no new request reach a worker, and those in flight finish."""
        ...

    def put_back(self, node: Node) -> None:
        """Let requests reach a worker that has joined."""
        ...

    def remove(self, node: Node) -> None:
        """Take a worker's lines out for good."""
        ...
