"""What a run is asked to do, and what became of each node."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Protocol

from carbon.cluster import Node
from carbon.errors import Interrupted, ProvisionError
from carbon.plan.model import Options, Plan
from carbon.value import Value
from remote.rollout.start import Joined
from remote.rollout.stop import Stopped


class Request(Value, kw_only=True):
    """What is to be done, to which nodes, and how."""

    nodes: tuple[Node, ...]
    options: Options
    verb: str
    break_lock: bool = False
    rollback: bool = False
    """Return a node that fails to join to what it was before, by itself."""
    within: bool = False
    """A part of a larger change, around which the hooks of the rollout run."""


class Result(Value, kw_only=True):
    """What became of one node."""

    plan: Plan
    changed: tuple[str, ...] = ()
    """What was done, a few words each."""
    stopped: Stopped | None = None
    joined: Joined | None = None
    error: ProvisionError | None = None
    pid: int | None = None
    """Of a start that failed, the process that still runs; 0: there is none."""
    swapped: bool = False
    """The staged files are in place, whatever came after."""
    reached: bool = True
    """Its turn came: False if an earlier node failed."""


class Rollout(Value, kw_only=True):
    """What became of all nodes."""

    results: tuple[Result, ...]
    error: ProvisionError | None = None
    """What failed when all nodes were done: the hook after_rollout."""

    @property
    def errors(self) -> tuple[ProvisionError, ...]:
        """All that failed, in the order of the nodes."""
        errors = (*(result.error for result in self.results), self.error)
        return tuple(error for error in errors if error)

    @property
    def interrupted(self) -> bool:
        """It was ended at a safe point, as the operator asked."""
        return any(isinstance(error, Interrupted) for error in self.errors)


class LoadBalancer(Protocol):
    """The load balancer's side of a rollout: nginx, or whatever keeps the same promises."""

    def hold(
        self, nodes: Sequence[Node], *, verb: str, break_lock: bool
    ) -> AbstractContextManager[None]:
        """Keep the load balancer for the length of a rollout of these nodes."""
        ...

    def out_of_rotation(self, nodes: Sequence[Node]) -> frozenset[str]:
        """Return which of these workers get no requests. Nothing is locked or changed."""
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
