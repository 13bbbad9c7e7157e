"""The rollout: lock and stage everywhere at once, then one node after another takes its turn."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from functools import partial
from typing import TypeAlias

from carbon.errors import LockedError, ProvisionError, refuse
from carbon.plan.model import Plan
from remote.host.audit import audit_line
from remote.host.fleet import Fleet
from remote.observe.follow import Followers
from remote.rollout.context import Context
from remote.rollout.datasources import DatasourceTrial, Refusals, planned_trials, told_once
from remote.rollout.generation import NewGeneration, new_generation
from remote.rollout.hooks import HookRunner
from remote.rollout.hosts import clear_hosts
from remote.rollout.request import LoadBalancer, Request, Result, Rollout
from remote.rollout.stage import stage, unstage
from remote.rollout.turn import Turn
from remote.run.interrupt import safe_point
from remote.run.progress import Progress
from remote.run.threads import Background, all_or_errors, begun, parallel

Generations: TypeAlias = Mapping[str, NewGeneration]
"""By the names of the nodes."""
SESSIONS = 3
"""That a server opens beside the shell which holds its lock: a start, a log that is followed, and a
shell of another account or a script of its own. MaxSessions of sshd is 10 by default."""
YIELD_SECONDS = 2.0
"""How long a run that this one met half-way may take to give up."""


def roll_out(
    fleet: Fleet,
    request: Request,
    plans: Sequence[Plan],
    *,
    progress: Progress,
    balancer: LoadBalancer | None = None,
) -> Rollout:
    """Do what was planned: lock and stage all, then give each node its turn.

    The first failure ends the rollout; nodes after it are as they were. Errors are in the
    results, so that what was done is shown, too. The operator's hooks run if anything is done.
    """
    nodes = [plan.node for plan in plans if not plan.empty]
    hooks = HookRunner(fleet.cluster, nodes, verb=request.verb, run=fleet.run, progress=progress)
    try:
        results = _roll_out(fleet, request, plans, hooks, progress=progress, balancer=balancer)
    except ProvisionError as failure:
        if not request.within:
            hooks.conclude(failure)
        raise
    first = next((result.error for result in results if result.error), None)
    error = None if request.within else hooks.conclude(first)
    return Rollout(results=tuple(results), error=error)


def _roll_out(
    fleet: Fleet,
    request: Request,
    plans: Sequence[Plan],
    hooks: HookRunner,
    *,
    progress: Progress,
    balancer: LoadBalancer | None,
) -> list[Result]:
    todo = [plan for plan in plans if not plan.empty]
    to_lock = [plan for plan in plans if not plan.empty or plan.facts.lock_dead]
    if not to_lock:
        return [Result(plan=plan) for plan in plans]
    hooks.demand_allowed()
    results: dict[str, Result] = {}
    with _all_locked(fleet, request, to_lock), _balancer_held(balancer, request, todo):
        if todo and not request.within:
            hooks.before_rollout()
        with _unstaged_after(fleet, todo, results, progress=progress):
            generations = _new_generations(fleet, request, todo)
            _stage_all(fleet, todo, generations, progress=progress)
            safe_point()
            with _turns(
                fleet, request, todo, generations, hooks, progress=progress, balancer=balancer
            ) as turns:
                _take_turns(turns, todo, results)
    return [_result(plan, results) for plan in plans]


def _take_turns(turns: Sequence[Turn], todo: Sequence[Plan], results: dict[str, Result]) -> None:
    """Give each node its turn, until one fails."""
    for at, turn in enumerate(turns):
        following = turns[at + 1].prepare if at + 1 < len(turns) else lambda: None
        result = turn.take(meanwhile=following)
        results[todo[at].node.name] = result
        if result.error is not None:
            return


@contextmanager
def _turns(
    fleet: Fleet,
    request: Request,
    todo: Sequence[Plan],
    generations: Generations,
    hooks: HookRunner,
    *,
    progress: Progress,
    balancer: LoadBalancer | None,
) -> Iterator[list[Turn]]:
    """Return the turns, with what they share; what they began is ended or waited for."""
    followers = Followers(fleet, [plan.node for plan in todo])
    with followers, Background() as background, ExitStack() as stack:
        context = Context(
            fleet=fleet,
            request=request,
            progress=progress,
            balancer=balancer,
            followers=followers,
            background=background,
            hooks=hooks,
        )
        turns = [Turn(context, plan, generations[plan.node.name]) for plan in todo]
        for turn in turns:
            stack.callback(turn.close)
        yield turns


def _result(plan: Plan, results: Mapping[str, Result]) -> Result:
    """Return what became of a node, whether it had a turn or not."""
    if plan.node.name in results:
        return results[plan.node.name]
    if not plan.empty:
        return Result(plan=plan, reached=False)
    if not plan.hosts_by:
        return Result(plan=plan)
    other = results.get(plan.hosts_by)
    if other is None or other.error is not None:
        return Result(plan=plan, reached=False)
    return Result(plan=plan, changed=(f"hosts (by {plan.hosts_by})",))


def _balancer_held(
    balancer: LoadBalancer | None, request: Request, todo: Sequence[Plan]
) -> AbstractContextManager[None]:
    nodes = [plan.node for plan in todo if plan.rotates]
    if balancer is None or not nodes:
        return nullcontext()
    return balancer.hold(nodes, verb=request.verb, break_lock=request.break_lock)


@contextmanager
def _all_locked(fleet: Fleet, request: Request, to_lock: Sequence[Plan]) -> Iterator[None]:
    """Lock every server that will change, or holds the lock of a dead run; all or none."""
    held: list[ExitStack] = []

    def lock(plan: Plan) -> None:
        stack = ExitStack()
        host = fleet.host(plan.node)
        audit = audit_line(fleet.cluster, request.verb, outcome="begin")
        lock_of_host = host.lock(verb=request.verb, break_lock=request.break_lock, audit=audit)
        stack.enter_context(lock_of_host)
        held.append(stack)

    try:
        failed = _failed(to_lock, lock)
        deadline = time.monotonic() + YIELD_SECONDS
        while held and failed and _others_yield(failed, fleet.run) and time.monotonic() < deadline:
            time.sleep(0.05)
            failed = _failed([plan for plan, _ in failed], lock)
        refuse([error for _, error in failed])
        yield
    finally:
        parallel(held, ExitStack.close)


def _failed(
    plans: Sequence[Plan], lock: Callable[[Plan], None]
) -> list[tuple[Plan, ProvisionError]]:
    results = zip(plans, parallel(plans, lock), strict=True)
    return [(plan, result) for plan, result in results if isinstance(result, ProvisionError)]


def _others_yield(failed: Sequence[tuple[Plan, ProvisionError]], run: str) -> bool:
    """Tell whether all these servers are held by runs that yield to this one.

    Two runs that begin in the same moment may each hold some servers that the other wants. The
    one with the higher name gives up then, and the other one waits for that.
    """
    return all(isinstance(error, LockedError) and error.holder > run for _, error in failed)


def _new_generations(fleet: Fleet, request: Request, todo: Sequence[Plan]) -> Generations:
    return {
        plan.node.name: new_generation(
            plan, cluster=fleet.cluster, verb=request.verb, run=fleet.run
        )
        for plan in todo
    }


def _stage_all(
    fleet: Fleet, todo: Sequence[Plan], generations: Generations, *, progress: Progress
) -> None:
    """Stage everywhere, and try the datasources from everywhere, before the first turn."""
    alone = _alone(todo)
    trials = planned_trials(todo)

    def stage_on(plan: Plan) -> Refusals:
        trial = DatasourceTrial(fleet, plan, trials)
        progress.now(plan.node.name, "staging")
        try:
            stage(
                fleet.host(plan.node),
                plan,
                generation=generations[plan.node.name],
                early_hosts=plan.node.server in alone,
                progress=progress,
            )
        finally:
            trial.wait()
        refusals = trial.refusals(progress)
        progress.now(plan.node.name, "waiting for its turn")
        return refusals

    checking = begun(partial(_check_sessions, fleet, todo))
    refusals, errors = all_or_errors(parallel(todo, stage_on))
    refuse(_once([*errors, *checking.result(), *told_once(refusals)]))


def _check_sessions(fleet: Fleet, todo: Sequence[Plan]) -> list[ProvisionError]:
    """Return which servers could not open, in a turn, all sessions that it needs at once.

    A turn stops its server first: what MaxSessions of sshd forbids is to be known before. What
    else is wrong with a connection, the step that uses it will say.
    """
    nodes = {plan.node.name: plan.node for plan in todo if plan.start or plan.stops}
    if nodes:
        cluster = fleet.cluster
        watchers = [node for node in (cluster.manager, cluster.group_manager) if node]
        nodes.update({node.name: node for node in watchers})
    checks = parallel(nodes.values(), lambda node: fleet.host(node).demand_sessions(SESSIONS))
    return [error for error in all_or_errors(checks)[1] if error.code == "sessions"]


def _once(errors: Sequence[ProvisionError]) -> list[ProvisionError]:
    """Return the errors without a second one of the same host about its sessions."""
    seen: dict[tuple[str | None, object], ProvisionError] = {}
    for error in errors:
        key = error.code if error.code == "sessions" else error
        seen.setdefault((error.host, key), error)
    return list(seen.values())


def _alone(todo: Sequence[Plan]) -> frozenset[str]:
    """Return the servers on which only one node is to edit /etc/hosts."""
    edited = Counter(plan.node.server for plan in todo if plan.edits_hosts)
    return frozenset(server for server, nodes in edited.items() if nodes == 1)


@contextmanager
def _unstaged_after(
    fleet: Fleet, todo: Sequence[Plan], results: Mapping[str, Result], *, progress: Progress
) -> Iterator[None]:
    """Leave nothing staged on servers whose turn did not come, or did not come to the swap."""

    def clear() -> None:
        left = [plan for plan in todo if plan.swaps and not _swapped(results, plan)]
        for failure in all_or_errors(parallel(left, clear_one))[1]:
            progress.say(failure.host or "", f"staged files are left: {failure.seen}")

    def clear_one(plan: Plan) -> None:
        host = fleet.host(plan.node)
        unstage(host)
        if plan.hosts is not None and plan.edits_hosts and plan.node.run_as is None:
            clear_hosts(host)

    try:
        yield
    except ProvisionError:
        clear()
        raise
    clear()


def _swapped(results: Mapping[str, Result], plan: Plan) -> bool:
    result = results.get(plan.node.name)
    return result is not None and result.swapped
