"""One server's turn in a roll."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future
from functools import partial

from carbon.errors import JoinError, ProvisionError, StartError, refuse
from carbon.plan.plan import Plan, plan_rollback
from carbon.value import replace
from remote.host.audit import audit_line
from remote.host.fleet import Fleet
from remote.host.script import Script
from remote.observe.facts import gather_facts
from remote.observe.follow import Followers
from remote.rollout import activation, start
from remote.rollout.activation import NewGeneration
from remote.rollout.leave import leave
from remote.rollout.request import Done, Order, Rotation
from remote.rollout.start import Attempt, Joined, Started
from remote.run.interrupt import safe_point
from remote.run.progress import Progress
from remote.run.threads import all_or_errors, begun, or_error, parallel


class Turn:
    """One server's turn: out of rotation, stop, swap, hosts, start, verify, back, record."""

    def __init__(
        self,
        fleet: Fleet,
        order: Order,
        made: Plan,
        *,
        generation: NewGeneration,
        progress: Progress,
        rotation: Rotation | None,
        followers: Followers,
        recorder: Callable[[Callable[[], None]], None],
    ) -> None:
        self._fleet = fleet
        self._order = order
        self._plan = made
        self._generation = generation
        self._node = made.node
        self._progress = progress
        self._rotation = rotation if made.start or made.verify else None
        self._followers = followers
        self._recorder = recorder
        """Does the writing down: the next turn need not wait for it."""
        self._limits = fleet.cluster.limits
        self._changed: list[str] = []
        self._swapped = False
        self._joined: Joined | None = None
        self._started: Started | None = None
        """What writes down that it joined."""
        self._early: Future[Attempt] | None = None
        """The start that was brought before the turn."""

    def prepare(self) -> None:
        """Begin to bring the start of a server that is down, while the one before still starts.

        It waits there and touches nothing. What fails here fails again in the turn, and is told
        then.
        """
        if self._plan.start and not self._plan.restart and self._early is None:
            self._early = begun(self._prepared)

    def close(self) -> None:
        """End what was prepared; safe to call twice."""
        early, self._early = self._early, None
        if early is not None:
            early.add_done_callback(_close_prepared)

    def take(self, *, meanwhile: Callable[[], None] | None = None) -> Done:
        """Do it all; `meanwhile` is called once while the server starts."""
        error: ProvisionError | None = None
        try:
            self._do(meanwhile)
        except ProvisionError as failure:
            error = failure.at(host=self._node.name)
        if isinstance(error, StartError | JoinError):
            from remote.observe.doctor import explain  # only needed here, and dear to load

            error.action += explain(
                self._fleet, self._node, said=error.seen, progress=self._progress
            )
            if self._order.rollback:
                self._take_back(error)
        self._recorder(self._begin_record(error))
        self._progress.now(self._node.name, "")
        return Done(
            plan=self._plan,
            changed=tuple(self._changed),
            joined=self._joined,
            error=error,
            swapped=self._swapped,
        )

    def _do(self, meanwhile: Callable[[], None] | None) -> None:
        safe_point()
        if self._rotation and self._plan.start:
            self._rotation.take_out(self._node)
        if self._plan.restart:
            self._leave()
        with self._attempt() as attempt:
            self._put_in_place(attempt)
            if self._plan.start:
                self._see_start(attempt, meanwhile)
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
        """Swap files, edit /etc/hosts, open the manager's log and bring the start: all at once.

        Once all else is done, the node is told to start as soon as its files are swapped.
        """
        self._progress.now(self._node.name, "swapping files")
        steps = (
            (self._plan.start, partial(self._prepare_and_swap, attempt)),
            (self._plan.swaps and not self._plan.start, self._swap_alone),
            (self._plan.unstages, self._unstage),
            (self._plan.edits_hosts, self._edit_hosts),
            (self._plan.start, partial(self._watch, attempt)),
        )
        todo: list[Callable[[], Iterable[str]]] = [step for planned, step in steps if planned]
        results = parallel(todo, lambda step: list(step()))
        if self._plan.start and not all_or_errors(results)[1]:
            attempt.start()
        if attempt.swaps:
            results.insert(0, or_error(partial(self._see_swapped, attempt)))
        done, errors = all_or_errors(results)
        for text in (text for texts in done for text in texts):
            self._tell(text)
        refuse(errors)

    def _prepare_and_swap(self, attempt: Attempt) -> tuple[()]:
        self._prepare(attempt)
        if self._plan.swaps:
            attempt.swap()
        return ()

    def _see_swapped(self, attempt: Attempt) -> list[str]:
        attempt.swapped()
        return list(self._after_swap())

    def _prepare(self, attempt: Attempt) -> None:
        swap = self._swap_script() if self._plan.swaps else None
        attempt.prepare(setup=self._plan.facts.lacks_tables, swap=swap)

    def _swap_alone(self) -> Iterator[str]:
        activation.swap(
            self._fleet.server(self._node),
            self._swap_script(),
            timeout_seconds=self._limits.command_seconds,
        )
        yield from self._after_swap()

    def _swap_script(self) -> Script:
        return activation.swap_script(
            self._plan,
            generation=self._generation,
            keep_generations=self._fleet.cluster.keep_generations,
            down=self._plan.start or self._plan.reset,
        )

    def _after_swap(self) -> Iterator[str]:
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
        if self._plan.hosts is None:
            activation.clear_hosts(
                self._fleet.server(self._node), timeout_seconds=self._limits.command_seconds
            )
            yield "cleared what an interrupted run had left beside /etc/hosts"
            return
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

    def _see_start(self, attempt: Attempt, meanwhile: Callable[[], None] | None = None) -> None:
        self._progress.now(self._node.name, "starting")
        if meanwhile is not None:
            meanwhile()
        self._joined = attempt.outcome()
        self._started = attempt.hand_over()
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
                attempt.start(setup=self._plan.facts.lacks_tables)
                self._see_start(attempt)
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
            facts = gather_facts(
                self._fleet.server(self._node),
                self._node,
                timeout_seconds=self._limits.command_seconds,
            )
            back = plan_rollback(self._node, facts)
            generation = activation.new_generation(
                back, cluster=self._fleet.cluster, verb=order.verb, run=self._fleet.run
            )
            activation.stage(
                self._fleet.server(self._node),
                back,
                generation=generation,
                jar=None,
                timeout_seconds=self._limits.command_seconds,
            )
        except ProvisionError as failure:
            error.action = f"{error.action}\n  and the rollback failed: {failure}"
            return
        turn = Turn(
            self._fleet,
            order,
            back,
            generation=generation,
            progress=self._progress,
            rotation=self._rotation,
            followers=self._followers,
            recorder=lambda work: work(),
        ).take()
        self._joined = turn.joined
        if turn.error:
            error.action = f"{error.action}\n  and the rollback failed: {turn.error}"
        else:
            self._tell("rolled back to what it was before")

    def _attempt(self) -> Attempt:
        """Return the attempt that was prepared, or a new one."""
        early, self._early = self._early, None
        if early is not None and early.exception() is None:
            attempt = early.result()
            if attempt.waits:
                return attempt
            attempt.close()
        return self._new_attempt()

    def _prepared(self) -> Attempt:
        attempt = self._new_attempt()
        self._prepare(attempt)
        return attempt

    def _new_attempt(self) -> Attempt:
        return Attempt(self._fleet, self._node, progress=self._progress, followers=self._followers)

    def _begin_record(self, error: ProvisionError | None) -> Callable[[], None]:
        """Let the record and the audit line be written, and return what waits for it.

        A failure to write them ends nothing else.
        """
        wait = start.begin_record(
            self._fleet,
            self._node,
            evidence=self._joined,
            audit=audit_line(self._fleet.cluster, self._order.verb, error=error),
            started=self._started,
            timeout_seconds=self._limits.command_seconds,
        )

        def see_recorded() -> None:
            try:
                wait()
            except ProvisionError as failure:
                self._progress.say(self._node.name, f"not recorded: {failure.seen}")
            finally:
                if self._started is not None:
                    self._started.close()

        return see_recorded

    def _tell(self, text: str) -> None:
        self._changed.append(text)
        self._progress.say(self._node.name, text)


def _close_prepared(early: Future[Attempt]) -> None:
    if early.exception() is None:
        early.result().close()
