"""Do what was planned: lock and stage everywhere at once, then roll, one server after another."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from itertools import zip_longest
from typing import TypeAlias

from carbon.errors import LockedError, ProvisionError, refuse
from carbon.plan.plan import Plan
from remote.host.fleet import Fleet
from remote.host.lock import locked
from remote.observe.follow import Followers
from remote.rollout import activation
from remote.rollout.activation import NewGeneration
from remote.rollout.request import Done, Order, Rotation
from remote.rollout.turn import Turn
from remote.run.interrupt import safe_point
from remote.run.progress import Progress
from remote.run.threads import Background, all_or_errors, parallel

Generations: TypeAlias = Mapping[str, NewGeneration]
"""By the names of the nodes."""
MET_SECONDS = 2.0
"""How long a run that another one met half-way may take to give up."""


def apply(
    fleet: Fleet,
    order: Order,
    plans: Sequence[Plan],
    *,
    progress: Progress,
    rotation: Rotation | None = None,
) -> list[Done]:
    """Do what was planned: lock and stage all, then give each server its turn.

    The first failure ends the roll; servers after it are as they were. Errors are in the
    result, so that what was done is told, too.
    """
    todo = [made for made in plans if not made.empty]
    locked_ones = [made for made in plans if not made.empty or made.facts.lock_dead]
    if not locked_ones:
        return [Done(plan=made) for made in plans]
    done: dict[str, Done] = {}
    with (
        _all_locked(fleet, order, locked_ones),
        _held(rotation, order, todo),
        _unstaged_after(fleet, todo, done, progress=progress),
    ):
        generations = _new_generations(fleet, order, todo)
        _stage_all(fleet, todo, generations, progress=progress)
        safe_point()
        done.update(_roll(fleet, order, todo, generations, progress=progress, rotation=rotation))
    idle = {made.node.name: _idle(made, done) for made in plans if made.empty}
    late = {
        made.node.name: Done(plan=made, reached=False)
        for made in todo
        if made.node.name not in done
    }
    by_name = {**idle, **late, **done}
    return [by_name[made.node.name] for made in plans]


def _idle(made: Plan, done: Mapping[str, Done]) -> Done:
    """Return what became of a node without a turn: of its /etc/hosts another one may decide."""
    if not made.hosts_by:
        return Done(plan=made)
    by = done.get(made.hosts_by)
    if by is None or by.error is not None:
        return Done(plan=made, reached=False)
    return Done(plan=made, changed=(f"hosts (by {made.hosts_by})",))


def _held(
    rotation: Rotation | None, order: Order, todo: Sequence[Plan]
) -> AbstractContextManager[None]:
    """Keep the load balancer while servers are started or seen joining."""
    turned = [made.node for made in todo if made.start or made.verify]
    if rotation is None or not turned:
        return nullcontext()
    return rotation.hold(turned, verb=order.verb, break_lock=order.break_lock)


@contextmanager
def _all_locked(fleet: Fleet, order: Order, todo: Sequence[Plan]) -> Iterator[None]:
    """Lock every server that will change, or holds the lock of a dead run; all or none."""
    held: list[ExitStack] = []

    def lock(made: Plan) -> None:
        stack = ExitStack()
        stack.enter_context(
            locked(
                fleet.server(made.node),
                run=fleet.run,
                verb=order.verb,
                run_as=made.node.run_as,
                break_lock=order.break_lock,
                timeout_seconds=fleet.cluster.limits.command_seconds,
            )
        )
        held.append(stack)

    try:
        failed = _failed(todo, lock)
        deadline = time.monotonic() + MET_SECONDS
        while held and failed and _give_way(failed, fleet.run) and time.monotonic() < deadline:
            time.sleep(0.05)
            failed = _failed([made for made, _ in failed], lock)
        refuse([error for _, error in failed])
        yield
    finally:
        parallel(held, ExitStack.close)


def _failed(
    todo: Sequence[Plan], lock: Callable[[Plan], None]
) -> list[tuple[Plan, ProvisionError]]:
    results = zip(todo, parallel(todo, lock), strict=True)
    return [(made, result) for made, result in results if isinstance(result, ProvisionError)]


def _give_way(failed: Sequence[tuple[Plan, ProvisionError]], run: str) -> bool:
    """Tell whether all these servers are held by runs that give way to this one.

    Two runs that begin in the same moment may each hold some servers that the other wants. The
    one with the higher name gives up then, and the other one waits for that.
    """
    return all(isinstance(error, LockedError) and error.holder > run for _, error in failed)


def _new_generations(fleet: Fleet, order: Order, todo: Sequence[Plan]) -> Generations:
    return {
        made.node.name: activation.new_generation(
            made, cluster=fleet.cluster, verb=order.verb, run=fleet.run
        )
        for made in todo
    }


def _stage_all(
    fleet: Fleet, todo: Sequence[Plan], generations: Generations, *, progress: Progress
) -> None:
    seconds = fleet.cluster.limits.command_seconds
    alone = _alone(todo)

    def stage(made: Plan) -> None:
        progress.now(made.node.name, "staging")
        server = fleet.server(made.node)
        jar = made.node.driver.jar if made.node.driver else None
        activation.stage(
            server,
            made,
            generation=generations[made.node.name],
            jar=jar,
            hosts_too=made.node.server in alone,
            timeout_seconds=seconds,
        )

    refuse(all_or_errors(parallel(todo, stage))[1])


def _alone(todo: Sequence[Plan]) -> frozenset[str]:
    """Return the servers on which one node only is to edit /etc/hosts."""
    edited = Counter(made.node.server for made in todo if made.edits_hosts)
    return frozenset(server for server, nodes in edited.items() if nodes == 1)


@contextmanager
def _unstaged_after(
    fleet: Fleet, todo: Sequence[Plan], done: Mapping[str, Done], *, progress: Progress
) -> Iterator[None]:
    """Leave nothing staged on servers whose turn did not come, or did not come to the swap."""

    def clear() -> None:
        left = [made for made in todo if made.swaps and not _swapped(done.get(made.node.name))]
        for failure in all_or_errors(parallel(left, unstage))[1]:
            progress.say(failure.host or "", f"staged files are left: {failure.seen}")

    def unstage(made: Plan) -> None:
        seconds = fleet.cluster.limits.command_seconds
        server = fleet.server(made.node)
        activation.unstage(server, made, timeout_seconds=seconds)
        if made.hosts is not None and made.edits_hosts and made.node.run_as is None:
            activation.clear_hosts(server, timeout_seconds=seconds)

    try:
        yield
    except ProvisionError:
        clear()
        raise
    clear()


def _swapped(done: Done | None) -> bool:
    return done is not None and done.swapped


def _roll(
    fleet: Fleet,
    order: Order,
    todo: Sequence[Plan],
    generations: Generations,
    *,
    progress: Progress,
    rotation: Rotation | None,
) -> Iterator[tuple[str, Done]]:
    following = Followers(fleet, [made.node for made in todo])
    with following as followers, Background() as background, ExitStack() as prepared:
        turns = [
            Turn(
                fleet,
                order,
                made,
                generation=generations[made.node.name],
                progress=progress,
                rotation=rotation,
                followers=followers,
                recorder=background.begin,
            )
            for made in todo
        ]
        for turn in turns:
            prepared.callback(turn.close)
        for turn, after in zip_longest(turns, turns[1:]):
            done = turn.take(meanwhile=after.prepare if after else None)
            yield done.plan.node.name, done
            if done.error is not None:
                return
