"""Deploy: look at every server, stage everywhere at once, then roll, one worker after another."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Protocol

from carbon import driver
from carbon.cluster import Cluster, Node
from carbon.driver import WantedDriver
from carbon.errors import JoinError, ProvisionError, StartError, UnfitError, UsageError
from carbon.facts import ServerFacts
from carbon.fitness import unfit, unfit_elb, unfit_home, unfit_manager
from carbon.plan import Plan, Step, Wishes, plan, plan_rollback
from remote import activation, lifecycle
from remote.audit import audit_line
from remote.fleet import Fleet
from remote.interrupt import safe_point
from remote.leave import leave
from remote.lifecycle import Attempt, Joined
from remote.lock import locked
from remote.progress import Progress
from remote.runners import Background, all_or_errors, or_error, parallel
from remote.survey import survey


class Failures(ProvisionError):
    """Several servers failed, each for a reason of its own."""

    def __init__(self, errors: Sequence[ProvisionError]) -> None:
        super().__init__("\n".join(str(error) for error in errors))
        self.errors = tuple(errors)
        self.exit_status = max(error.exit_status for error in errors)


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What is to be done, to whom, and how."""

    nodes: tuple[Node, ...]
    wishes: Wishes
    verb: str
    break_lock: bool = False
    rollback: bool = False
    """Take a node that fails to join back to what it was before, by itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
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


Planner = Callable[[Node, ServerFacts], Plan]
Forecast = Callable[[Node, ServerFacts], ServerFacts]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Looked:
    """What was read of one server, and what was planned on it."""

    node: Node
    facts: ServerFacts
    unreached: Sequence[UnfitError] = ()
    missing: Sequence[UnfitError] = ()
    plan: Plan | ProvisionError | None = None


def look(
    fleet: Fleet,
    order: Order,
    *,
    progress: Progress,
    planner: Planner | None = None,
    forecast: Forecast | None = None,
) -> list[Plan]:
    """Read every server, the manager and the ELB at once, and plan; nothing is changed.

    `planner` stands in for the comparison with hosts.yaml where a verb plans otherwise;
    `forecast` turns what a node is into what it will be, where its AS_HOME is yet to come.
    Raises Failures with the reasons of all servers that are not fit.
    """
    _refuse_elb(order.nodes)
    planner = planner or _compare_with_inventory(order)
    watchers = fleet.cluster.watchers if Step.START in order.wishes.steps else ()
    asked = tuple({node.name: node for node in (*order.nodes, *watchers)}.values())

    planned = {node.name for node in order.nodes}

    def look_at(node: Node) -> _Looked:
        progress.now(node.name, "looking")
        seconds = fleet.cluster.limits.command_seconds
        facts = survey(fleet.server(node), node, timeout_seconds=seconds)
        unreached = _unreached_database(fleet, node, order)
        progress.now(node.name, "")
        if node.name not in planned:
            return _Looked(node=node, facts=facts)
        if forecast is not None:
            facts = forecast(node, facts)
        missing = unfit_home(node, facts)
        # Planned at once: the other servers are still being read.
        made = None if missing else or_error(lambda: planner(node, facts))
        return _Looked(node=node, facts=facts, unreached=unreached, missing=missing, plan=made)

    looked, errors = all_or_errors(parallel(asked, look_at))
    refuse(errors)
    refuse([reason for one in looked for reason in one.missing])
    plans, errors = all_or_errors([one.plan for one in looked if one.plan])
    refuse(errors)
    starts = [made for made in plans if made.start]
    facts = {one.node.name: one.facts for one in looked}
    unreached = {one.node.name: one.unreached for one in looked}
    reasons: list[ProvisionError] = [reason for made in plans for reason in unfit(made)]
    reasons += [reason for made in starts for reason in unreached[made.node.name]]
    reasons += _unfit_watchers(fleet.cluster, facts, plans)
    refuse(reasons)
    safe_point()
    return plans


def _refuse_elb(nodes: Sequence[Node]) -> None:
    for node in nodes:
        if node.role == "elb":
            raise UsageError(
                f"{node.name} is only looked at, never configured or started",
                action="name workers or the manager",
            )


def _compare_with_inventory(order: Order) -> Planner:
    wanted = read_drivers(order)

    def planner(node: Node, facts: ServerFacts) -> Plan:
        jar = wanted.get(node.driver.jar) if node.driver else None
        return plan(node, facts, wishes=order.wishes, wanted=jar)

    return planner


def refuse(errors: Sequence[ProvisionError]) -> None:
    """Raise what there is to raise: the one error, or all of them together."""
    if len(errors) == 1:
        raise errors[0]
    if errors:
        raise Failures(errors)


def read_drivers(order: Order) -> dict[Path, WantedDriver]:
    """Read each driver JAR of the inventory once, on the operator's side."""
    if Step.DRIVER not in order.wishes.steps:
        return {}
    drivers = {node.driver.jar: node.driver for node in order.nodes if node.driver}
    return {
        jar: driver.read_jar(jar, driver_class=one.driver_class) for jar, one in drivers.items()
    }


def _unreached_database(fleet: Fleet, node: Node, order: Order) -> list[UnfitError]:
    database = fleet.cluster.database
    if database is None or not node.datasources or Step.START not in order.wishes.steps:
        return []
    reach = fleet.server(node).reach(
        database.address, database.port, timeout_seconds=fleet.cluster.limits.connect_seconds
    )
    if reach in ("open", "forbidden"):
        return []
    seen = "refuses connections" if reach == "refused" else "does not answer"
    return [
        UnfitError(
            f"the database {database.address}:{database.port} {seen} when tried from it",
            host=node.name,
            step="look",
            action="start the database, correct `database` in hosts.yaml, or open the firewall",
        )
    ]


def _unfit_watchers(
    cluster: Cluster, facts: dict[str, ServerFacts], plans: Sequence[Plan]
) -> list[UnfitError]:
    manager, elb = cluster.manager, cluster.group_manager
    joining = [made for made in plans if made.start or made.verify]
    if all(made.node.name == manager.name for made in joining):
        return []
    found = unfit_manager(manager, facts[manager.name])
    return [*found, *(unfit_elb(elb, facts[elb.name]) if elb else ())]


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
        _stage_all(fleet, todo, progress=progress)
        safe_point()
        done.update(_roll(fleet, order, todo, progress=progress, rotation=rotation))
    idle = {made.node.name: Done(plan=made) for made in plans if made.empty}
    late = {
        made.node.name: Done(plan=made, reached=False)
        for made in todo
        if made.node.name not in done
    }
    by_name = {**idle, **late, **done}
    return [by_name[made.node.name] for made in plans]


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
    with ExitStack() as stack:

        def lock(made: Plan) -> None:
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

        refuse(all_or_errors(parallel(todo, lock))[1])
        yield


def _stage_all(fleet: Fleet, todo: Sequence[Plan], *, progress: Progress) -> None:
    seconds = fleet.cluster.limits.command_seconds

    def stage(made: Plan) -> None:
        progress.now(made.node.name, "staging")
        server = fleet.server(made.node)
        jar = made.node.driver.jar if made.node.driver else None
        activation.stage(server, made, jar=jar, timeout_seconds=seconds)

    refuse(all_or_errors(parallel(todo, stage))[1])


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
        activation.unstage(fleet.server(made.node), made, timeout_seconds=seconds)

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
    *,
    progress: Progress,
    rotation: Rotation | None,
) -> Iterator[tuple[str, Done]]:
    with Background() as background:
        for made in todo:
            turn = _Turn(
                fleet,
                order,
                made,
                progress=progress,
                rotation=rotation,
                recorder=background.begin,
            )
            done = turn.take()
            yield made.node.name, done
            if done.error is not None:
                return


class _Turn:
    """One server's turn: out of rotation, stop, swap, hosts, start, verify, back, record."""

    def __init__(
        self,
        fleet: Fleet,
        order: Order,
        made: Plan,
        *,
        progress: Progress,
        rotation: Rotation | None,
        recorder: Callable[[Callable[[], None]], None],
    ) -> None:
        self._fleet = fleet
        self._order = order
        self._plan = made
        self._node = made.node
        self._progress = progress
        self._rotation = rotation if made.start or made.verify else None
        self._recorder = recorder
        """Does the writing down: the next turn need not wait for it."""
        self._limits = fleet.cluster.limits
        self._changed: list[str] = []
        self._swapped = False
        self._joined: Joined | None = None

    def take(self) -> Done:
        error: ProvisionError | None = None
        try:
            self._do()
        except ProvisionError as failure:
            error = failure.at(host=self._node.name)
        if isinstance(error, StartError | JoinError):
            from remote.doctor import explain  # only needed here, and dear to load

            error.action += explain(
                self._fleet, self._node, said=error.seen, progress=self._progress
            )
            if self._order.rollback:
                self._take_back(error)
        self._recorder(lambda: self._record(error))
        self._progress.now(self._node.name, "")
        return Done(
            plan=self._plan,
            changed=tuple(self._changed),
            joined=self._joined,
            error=error,
            swapped=self._swapped,
        )

    def _do(self) -> None:
        safe_point()
        if self._rotation and self._plan.start:
            self._rotation.take_out(self._node)
        if self._plan.restart:
            self._leave()
        with self._attempt() as attempt:
            self._put_in_place(attempt)
            if self._plan.start:
                self._start(attempt)
        if self._plan.verify:
            self._verify()
        if self._rotation:
            self._rotation.put_back(self._node)

    def _leave(self) -> None:
        stopped = leave(
            self._fleet,
            self._plan.as_running,
            patience_seconds=self._limits.stop_seconds,
            progress=self._progress,
        )
        if stopped.killed:
            self._tell(f"killed: it did not end within {self._limits.stop_seconds:g} s")

    def _put_in_place(self, attempt: Attempt) -> None:
        """Swap files, edit /etc/hosts and open the manager's log: neither waits for the other."""
        self._progress.now(self._node.name, "swapping files")
        steps = (
            (self._plan.swaps, self._swap),
            (self._plan.unstages, self._unstage),
            (self._plan.edits_hosts, self._edit_hosts),
            (self._plan.start, partial(self._watch, attempt)),
        )
        todo: list[Callable[[], Iterable[str]]] = [step for planned, step in steps if planned]
        done, errors = all_or_errors(parallel(todo, lambda step: list(step())))
        for text in (text for texts in done for text in texts):
            self._tell(text)
        refuse(errors)

    def _swap(self) -> Iterator[str]:
        activation.swap(
            self._fleet.server(self._node),
            self._plan,
            cluster=self._fleet.cluster,
            verb=self._order.verb,
            generation=activation.generation_id(self._fleet.run, self._plan.facts.generations),
            down=self._plan.start or self._plan.reset,
            timeout_seconds=self._limits.command_seconds,
        )
        self._swapped = True
        if self._plan.driver:
            yield "driver"
        if self._plan.files:
            yield "config: " + ", ".join(change.path.name for change in self._plan.files)
        if self._plan.reset:
            yield "deployment directory reset"
        if self._plan.undo:
            yield f"took back {' '.join(self._plan.undo)}"
        if self._plan.finish_swap and not (self._plan.files or self._plan.driver):
            yield "interrupted run completed"

    def _unstage(self) -> Iterator[str]:
        activation.unstage(
            self._fleet.server(self._node),
            self._plan,
            timeout_seconds=self._limits.command_seconds,
        )
        yield "cleared what an interrupted run had staged"

    def _edit_hosts(self) -> Iterator[str]:
        edited = activation.edit_hosts(
            self._fleet.server(self._node),
            self._node,
            self._plan.facts,
            timeout_seconds=self._limits.command_seconds,
        )
        if edited.in_place:
            yield "hosts (in place: a bind mount; the old one is /etc/hosts.provision-kept)"
        elif edited.changed:
            yield "hosts"

    def _watch(self, attempt: Attempt) -> tuple[()]:
        attempt.watch()
        return ()

    def _start(self, attempt: Attempt) -> None:
        self._progress.now(self._node.name, "starting")
        self._joined = attempt.start(setup=self._plan.facts.lacks_tables)
        self._tell("restarted" if self._plan.restart else "started")

    def _verify(self) -> None:
        """See a start of an earlier run through; one that came to nothing is made again.

        A server that never said that it started serves nobody, and will not come up by waiting:
        its disk was full, or its database was away.
        """
        try:
            with self._attempt() as attempt:
                self._joined = attempt.verify(self._plan.facts)
        except StartError as error:
            if self._order.wishes.restart == "never":
                raise
            self._tell(f"its start came to nothing ({error.seen.partition(';')[0]}): once more")
            if self._rotation:
                self._rotation.take_out(self._node)
            self._leave()
            with self._attempt() as attempt:
                self._start(attempt)
        else:
            self._tell(f"joined: {self._joined.evidence}")

    def _take_back(self, error: ProvisionError) -> None:
        """Return this one node to what it was before its turn; the error stays the outcome."""
        if not self._plan.swaps:
            error.action = f"{error.action}; nothing was swapped, so nothing was rolled back"
            return
        self._tell("rolling back")
        order = replace(self._order, rollback=False, verb=f"{self._order.verb} --rollback")
        try:
            facts = survey(
                self._fleet.server(self._node),
                self._node,
                timeout_seconds=self._limits.command_seconds,
            )
            back = plan_rollback(self._node, facts)
            activation.stage(
                self._fleet.server(self._node),
                back,
                jar=None,
                timeout_seconds=self._limits.command_seconds,
            )
        except ProvisionError as failure:
            error.action = f"{error.action}\n  and the rollback failed: {failure}"
            return
        turn = _Turn(
            self._fleet,
            order,
            back,
            progress=self._progress,
            rotation=self._rotation,
            recorder=lambda work: work(),
        ).take()
        self._joined = turn.joined
        if turn.error:
            error.action = f"{error.action}\n  and the rollback failed: {turn.error}"
        else:
            self._tell("rolled back to what it was before")

    def _attempt(self) -> Attempt:
        return Attempt(self._fleet, self._node, progress=self._progress)

    def _record(self, error: ProvisionError | None) -> None:
        """Write the record and the audit line; a failure to write them ends nothing else."""
        audit = audit_line(self._fleet.cluster, self._order.verb, error=error)
        try:
            lifecycle.record(
                self._fleet,
                self._node,
                evidence=self._joined,
                audit=audit,
                timeout_seconds=self._limits.command_seconds,
            )
        except ProvisionError as failure:
            self._progress.say(self._node.name, f"not recorded: {failure.seen}")

    def _tell(self, text: str) -> None:
        self._changed.append(text)
        self._progress.say(self._node.name, text)
