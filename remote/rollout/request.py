"""What a run is asked to do, what its steps share, and what became of each node."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Protocol

from carbon.cluster import Node
from carbon.errors import ProvisionError, UsageError
from carbon.plan.model import Options, Plan
from carbon.value import Value
from remote.balancer.http import await_answer
from remote.host.audit import audit_line
from remote.host.fleet import Fleet
from remote.observe.follow import Followers
from remote.rollout.hooks import HookRunner
from remote.rollout.start import Joined
from remote.rollout.stop import Stopped
from remote.run.progress import Progress
from remote.run.threads import Background


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


def refuse_elb(nodes: Sequence[Node]) -> None:
    """Raise UsageError if an ELB is among the nodes that are to be changed."""
    for node in nodes:
        if node.role == "elb":
            raise UsageError(
                f"{node.name} is only looked at, never configured or started",
                action="name workers or the manager",
            )


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


class Context(Value, kw_only=True):
    """What all steps of a rollout share; see `context_of`."""

    fleet: Fleet
    request: Request
    progress: Progress
    balancer: LoadBalancer | None
    hooks: HookRunner
    followers: Followers
    background: Background
    """Writes records: the next turn need not wait for them."""

    def audit(self, outcome: str) -> str:
        """Return the audit line of this run with an outcome."""
        return audit_line(self.fleet.cluster, self.request.verb, outcome=outcome)

    def hold_balancer(self, nodes: Sequence[Node]) -> AbstractContextManager[None]:
        """Keep the load balancer for a block, if there is one and it is to do with any node."""
        if self.balancer is None or not nodes:
            return nullcontext()
        request = self.request
        return self.balancer.hold(nodes, verb=request.verb, break_lock=request.break_lock)

    def await_answer(self, node: Node) -> None:
        """Let the manager ask a node over HTTP until it answers, if hosts.yaml says how."""
        if node.health is not None:
            asking = self.fleet.host(self.fleet.cluster.manager)
            await_answer(asking, node, progress=self.progress)


def concluded(hooks: HookRunner, work: Callable[[], Sequence[Result]]) -> Rollout:
    """Do the work, and run the last hook of the rollout, by what became of it."""
    try:
        results = tuple(work())
    except ProvisionError as failure:
        hooks.conclude(failure)
        raise
    first = next((result.error for result in results if result.error), None)
    return Rollout(results=results, error=hooks.conclude(first))


def context_of(
    fleet: Fleet,
    request: Request,
    nodes: Sequence[Node],
    *,
    progress: Progress,
    balancer: LoadBalancer | None,
) -> Context:
    """Return what the steps share of a rollout that changes these nodes; nothing is begun yet."""
    return Context(
        fleet=fleet,
        request=request,
        progress=progress,
        balancer=balancer,
        hooks=HookRunner(fleet.cluster, nodes, verb=request.verb, run=fleet.run, progress=progress),
        followers=Followers(fleet, nodes),
        background=Background(),
    )
