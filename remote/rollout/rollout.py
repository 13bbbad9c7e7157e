"""The rollout: lock and stage everywhere at once, then one node after another takes its turn."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial

from carbon.errors import LockedError, ProvisionError, refuse
from carbon.plan.model import Plan
from remote.host.fleet import Fleet
from remote.rollout.datasources import DatasourceTrial, Refusals, planned_trials, told_once
from remote.rollout.hosts import clear_hosts
from remote.rollout.request import (
    Context,
    LoadBalancer,
    Request,
    Result,
    Rollout,
    concluded,
    context_of,
)
from remote.rollout.stage import stage, unstage
from remote.rollout.turn import Turn
from remote.run.interrupt import safe_point
from remote.run.progress import Progress
from remote.run.threads import all_or_errors, begun, parallel

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
    context = context_of(fleet, request, nodes, progress=progress, balancer=balancer)
    return concluded(context.hooks, partial(_roll_out, context, plans))


def _roll_out(context: Context, plans: Sequence[Plan]) -> list[Result]:
    todo = [plan for plan in plans if not plan.empty]
    to_lock = [plan for plan in plans if not plan.empty or plan.facts.lock_dead]
    if not to_lock:
        return [Result(plan=plan) for plan in plans]
    context.hooks.demand_allowed()
    rotating = [plan.node for plan in todo if plan.rotates]
    with _all_locked(context, to_lock), context.hold_balancer(rotating):
        if todo and not context.request.within:
            context.hooks.before_rollout()
        with _turns(context, todo) as turns:
            _stage_all(context, turns)
            safe_point()
            for turn, following in zip(turns, [*turns[1:], None], strict=False):
                result = turn.take(meanwhile=following.prepare if following else lambda: None)
                if result.error is not None:
                    break
    results = {turn.plan.node.name: turn.result for turn in turns}
    return [_result(plan, results) for plan in plans]


@contextmanager
def _turns(context: Context, todo: Sequence[Plan]) -> Iterator[list[Turn]]:
    """Return the turns; what they began is ended or waited for.

    Nothing is left staged on servers whose turn did not come, or did not come to the swap.
    """
    turns = [Turn(context, plan) for plan in todo]
    try:
        with context.followers, context.background, ExitStack() as stack:
            for turn in turns:
                stack.callback(turn.close)
            yield turns
    except ProvisionError:
        _unstage_all(context, turns)
        raise
    _unstage_all(context, turns)


def _result(plan: Plan, results: Mapping[str, Result]) -> Result:
    """Return what became of a node, whether it had a turn or not."""
    if plan.node.name in results:
        return results[plan.node.name]
    if not plan.hosts_by:
        return Result(plan=plan)
    other = results.get(plan.hosts_by)
    if other is None or other.error is not None or not other.reached:
        return Result(plan=plan, reached=False)
    return Result(plan=plan, changed=(f"hosts (by {plan.hosts_by})",))


@contextmanager
def _all_locked(context: Context, to_lock: Sequence[Plan]) -> Iterator[None]:
    """Lock every server that will change, or holds the lock of a dead run; all or none."""
    fleet, request = context.fleet, context.request
    held: list[ExitStack] = []

    def lock(plan: Plan) -> None:
        stack = ExitStack()
        host, audit = fleet.host(plan.node), context.audit("begin")
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


def _stage_all(context: Context, turns: Sequence[Turn]) -> None:
    """Stage everywhere, and try the datasources from everywhere, before the first turn."""
    fleet, progress = context.fleet, context.progress
    todo = [turn.plan for turn in turns]
    editors = Counter(plan.node.server for plan in todo if plan.edits_hosts)
    trials = planned_trials(todo)

    def stage_on(turn: Turn) -> Refusals:
        node = turn.plan.node
        trial = DatasourceTrial(fleet, turn.plan, trials)
        progress.now(node.name, "staging")
        try:
            stage(
                fleet.host(node),
                turn.plan,
                generation=turn.generation,
                early_hosts=editors[node.server] == 1,
                progress=progress,
            )
        finally:
            trial.wait()
        refusals = trial.refusals(progress)
        progress.now(node.name, "waiting for its turn")
        return refusals

    checking = begun(partial(_check_sessions, fleet, todo))
    refusals, errors = all_or_errors(parallel(turns, stage_on))
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


def _unstage_all(context: Context, turns: Sequence[Turn]) -> None:
    def clear(plan: Plan) -> None:
        host = context.fleet.host(plan.node)
        unstage(host)
        if plan.hosts is not None and plan.edits_hosts and plan.node.run_as is None:
            clear_hosts(host)

    left = [turn.plan for turn in turns if turn.plan.swaps and not turn.result.swapped]
    for failure in all_or_errors(parallel(left, clear))[1]:
        context.progress.say(failure.host or "", f"staged files are left: {failure.seen}")
