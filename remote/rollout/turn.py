"""One node's turn in a rollout."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future
from contextlib import suppress
from functools import partial
from itertools import chain
from typing import Literal

from carbon.cluster import Node
from carbon.errors import JoinError, ProvisionError, StartError, WatchError, refuse
from carbon.plan.logs import only_console_tells
from carbon.plan.model import Plan
from carbon.plan.plan import plan_rollback
from carbon.value import replace
from remote.host.audit import outcome_of
from remote.host.host import Host
from remote.host.script import Script
from remote.observe.facts import gather_facts
from remote.rollout.generation import new_generation
from remote.rollout.hosts import clear_hosts, edit_hosts
from remote.rollout.record import Record, Unfinished
from remote.rollout.request import Context, LoadBalancer, Result
from remote.rollout.stage import stage, unstage
from remote.rollout.start import Start
from remote.rollout.stop import RESTART_SECONDS, Stop, demand_down
from remote.rollout.swap import swap, swap_script, swapped_parts
from remote.rollout.unit import install_unit
from remote.run.interrupt import safe_point
from remote.run.threads import Background, all_or_errors, begun, or_error, parallel


class Turn:
    """One node's turn, with its result so far."""

    def __init__(self, context: Context, plan: Plan, *, returns: bool = False) -> None:
        """`returns`: it takes back a turn that failed, and no hook can refuse that."""
        fleet, verb = context.fleet, context.request.verb
        self.plan = plan
        self.generation = new_generation(plan, cluster=fleet.cluster, verb=verb, run=fleet.run)
        self.result = Result(plan=plan, reached=False)
        self._context = context
        self._host: Host[Node] = fleet.host(plan.node)
        self._returns = returns
        self._unfinished: Unfinished | None = None
        """What has still to follow the join; None if nothing is to be written down of that."""
        self._early_start: Future[Start] | None = None
        """Brought to the server before the turn."""
        self._audit_begun: Future[None] | None = None
        """Writes the first line of the turn."""
        self._start: Start | None = None
        """The start that the record goes to."""

    def run(self, *, meanwhile: Callable[[], None]) -> None:
        """Do all that is planned; `meanwhile` is called once, while the server starts.

        Each step does nothing if the plan does not want it. The first failure ends the turn.
        """
        safe_point()
        self._begin_audit()
        self._leave()
        self._switch()
        self._await_join(meanwhile)
        self._verify()
        self._after_join()
        self._undrain()
        self._leave_for_good()

    def take(self, *, meanwhile: Callable[[], None] = lambda: None) -> Result:
        """Take the turn, explain a failure, write the record, and return the result."""
        self.result = replace(self.result, reached=True)
        try:
            self.run(meanwhile=meanwhile)
        except ProvisionError as failure:
            error = failure.at(host=self.plan.node.name)
            self.result = replace(self.result, error=error, pid=self._start and self._start.pid)
            self._end_start()
            self._after_failure(failure)
        self._record()
        self._context.progress.now(self.plan.node.name, "")
        return self.result

    def prepare(self) -> None:
        """Begin to bring the start of a server that is down, while the one before still starts.

        It waits there and touches nothing. What fails here fails again in the turn, with its error.
        """
        if self.plan.start and not self.plan.restart:
            self._early_start = begun(self._prepared_start)

    def close(self) -> None:
        """End what was prepared; safe to call twice."""
        early, self._early_start = self._early_start, None
        if early is not None:
            early.add_done_callback(_close_start)

    @property
    def _balancer(self) -> LoadBalancer | None:
        return self._context.balancer if self.plan.rotates else None

    def _begin_audit(self) -> None:
        """Let the line be written that a killed run leaves; the turn does not wait for it."""
        write = partial(self._write_audit, self._context.audit("begin"))
        self._audit_begun = self._context.background.begin(write)

    def _write_audit(self, line: str) -> None:
        with suppress(ProvisionError):  # the record says it if nothing can be written
            self._host.run(self._host.script("audit", audit=line), step="audit")

    def _leave(self) -> None:
        """Let the operator's hook refuse; then keep requests away, and stop the server."""
        if self.plan.stops and not self._returns:
            self._context.hooks.before_stop(self.plan.node)
        self._drain()
        self._stop()

    def _drain(self) -> None:
        if self._balancer and (self.plan.start or self.plan.stops):
            self._balancer.take_out(self.plan.node)

    def _stop(self) -> None:
        if not self.plan.stops:
            return
        if self._audit_begun is not None:
            self._audit_begun.result()  # it must not be in the lock's shell: the stop has to
        limits = self._host.limits
        stop = Stop(
            self._context.fleet,
            self.plan.as_running,
            followers=self._context.followers,
            progress=self._context.progress,
        )
        # A killed server is missed seconds later, however short the patience before was.
        leave_seconds = 0.0 if self.plan.start else limits.stop_seconds
        stopped = stop.run(leave_seconds=max(leave_seconds, RESTART_SECONDS))
        self.result = replace(self.result, stopped=stopped)
        if self.plan.stop and stopped.was_running:
            demand_down(self._host)
        if stopped.killed:
            self._say(f"killed: it did not end within {limits.stop_seconds:g} s (limits: stop)")

    def _switch(self) -> None:
        """Swap files, edit /etc/hosts, follow the others' logs and bring the start: all at once.

        As soon as all else is done, the node may start: it does when its files are swapped.
        """
        if self.plan.swaps:
            self._context.progress.now(self.plan.node.name, "swapping files")
        self._start = start = self._new_or_early_start() if self.plan.start else None
        steps: list[Callable[[], Iterable[str] | None]] = []
        if start:
            steps.append(partial(self._bring_start, start))
        elif self.plan.swaps:
            steps.append(self._swap_alone)
        if self.plan.unstages:
            steps.append(self._unstage)
        if self.plan.edits_hosts:
            steps.append(self._edit_hosts)
        if self.plan.installs_unit:
            steps.append(self._install_unit)
        if start:
            steps.append(start.follow_others)
        results = parallel(steps, lambda step: list(step() or ()))
        if start and not all_or_errors(results)[1]:
            start.start()
        if start and start.state == "swapping":
            results.insert(0, or_error(partial(self._await_swap, start)))
        done, errors = all_or_errors(results)
        for text in chain(*done):
            self._say(text)
        refuse(errors)

    def _bring_start(self, start: Start) -> None:
        self._prepare(start)
        if self.plan.swaps:
            start.swap()

    def _await_swap(self, start: Start) -> list[str]:
        start.await_swap()
        return self._swapped()

    def _swap_alone(self) -> list[str]:
        swap(self._host, self._swap_script())
        return self._swapped()

    def _swapped(self) -> list[str]:
        self.result = replace(self.result, swapped=True)
        return list(swapped_parts(self.plan))

    def _unstage(self) -> Iterator[str]:
        unstage(self._host)
        yield "cleared what an interrupted run had staged"

    def _edit_hosts(self) -> Iterator[str]:
        if self.plan.hosts is None:
            clear_hosts(self._host)
            yield "cleared what an interrupted run had left beside /etc/hosts"
            return
        edited = edit_hosts(self._host, self.plan)
        if edited == "in place":
            yield "hosts (in place: a bind mount; the old one is /etc/hosts.provision-kept)"
        elif edited == "replaced":
            yield "/etc/hosts block removed" if self.plan.remove else "hosts"

    def _install_unit(self) -> Iterator[str]:
        install_unit(self._host, self.plan)
        if self.plan.unit:
            yield f"unit {self.plan.unit.unit}"

    def _await_join(self, meanwhile: Callable[[], None]) -> None:
        if self._start is None:
            return
        self._context.progress.now(self.plan.node.name, "starting")
        meanwhile()
        try:
            joined = self._start.await_join()
        finally:
            self._start.detach()
        self.result = replace(self.result, joined=joined)
        self._say("restarted" if self.plan.restart else "started")

    def _verify(self) -> None:
        """See a start of an earlier run through; if that start failed, start the node again.

        A server that never said that it started serves nobody, and does not come up by waiting:
        its disk was full, or its database was away.
        """
        if not self.plan.verify:
            return
        try:
            joined = self._new_start().verify(self.plan.facts)
        except StartError as error:
            if self._context.request.options.restart == "never":
                raise
            self._say(
                f"the earlier start failed ({error.seen.partition(';')[0]}); starting it again"
            )
            self._start_again()
        else:
            self.result = replace(self.result, joined=joined)
            self._say(f"joined: {joined.evidence}")

    def _start_again(self) -> None:
        self.plan = replace(self.plan, start=True, verify=False)
        self._leave()
        self._start = start = self._new_start()
        start.follow_others()
        self._prepare(start)
        start.start()
        self._await_join(lambda: None)

    def _after_join(self) -> None:
        """Run the operator's hook; until it has ended well, no request reaches the node."""
        if not self.plan.joins:
            return
        if self.plan.node.hooks.after_join:
            self._note("after_join")
            self._context.hooks.after_join(self.plan.node)
        self._note("rotation" if self._balancer else "")

    def _note(self, what: Literal["", "after_join", "rotation"]) -> None:
        """Remember what has still to follow the join, for the record."""
        facts, joined = self.plan.facts, self.result.joined
        pid = joined.pid if joined else facts.process.pid if facts.process else 0
        self._unfinished = Unfinished(what=what, pid=pid) if what or facts.unfinished else None

    def _undrain(self) -> None:
        """Let requests reach the node again. Without a load balancer the manager asks for them."""
        context, node = self._context, self.plan.node
        if context.balancer is None and self.result.joined:
            context.await_answer(node)
        if self._balancer and not self.plan.stop:
            self._balancer.put_back(node)
        if self.plan.joins:
            self._note("")
        if self.plan.undrain or self.plan.finish:
            done = "back in rotation" if self._balancer else "after_join"
            self.result = replace(self.result, changed=(done,))

    def _leave_for_good(self) -> None:
        if self._balancer and self.plan.remove:
            self._balancer.remove(self.plan.node)

    def _after_failure(self, error: ProvisionError) -> None:
        if not isinstance(error, StartError | JoinError | WatchError):
            return
        from remote.observe.doctor import explain  # only needed here, and slow to load

        fleet, node, progress = self._context.fleet, self.plan.node, self._context.progress
        error.action += explain(fleet, node, said=error.seen, progress=progress)
        if self._context.request.rollback and not isinstance(error, WatchError):
            self._roll_back(error)

    def _roll_back(self, error: ProvisionError) -> None:
        """Return this node to what it was before its turn; the error stays the outcome."""
        if not self.plan.swaps:
            error.action = f"{error.action}; nothing was swapped, so nothing was rolled back"
            return
        self._say("rolling back")
        try:
            with Background() as background:  # its record comes before that of this turn
                result = self._turn_back(background).take()
        except ProvisionError as failure:
            error.action = f"{error.action}\n  and the rollback failed: {failure}"
            return
        self.result = replace(self.result, joined=result.joined)
        if result.error:
            error.action = f"{error.action}\n  and the rollback failed: {result.error}"
        else:
            self._say("rolled back to what it was before")

    def _turn_back(self, background: Background) -> Turn:
        verb = f"{self._context.request.verb} --rollback"
        request = replace(self._context.request, rollback=False, verb=verb)
        context = replace(self._context, request=request, background=background)
        plan = plan_rollback(self.plan.node, gather_facts(self._host))
        turn = Turn(context, plan, returns=True)
        stage(self._host, plan, generation=turn.generation, progress=context.progress)
        return turn

    def _new_or_early_start(self) -> Start:
        early, self._early_start = self._early_start, None
        if early is not None and early.exception() is None:
            start = early.result()
            if start.waits:
                return start
            start.close()
        return self._new_start()

    def _prepared_start(self) -> Start:
        start = self._new_start()
        self._prepare(start)
        return start

    def _prepare(self, start: Start) -> None:
        swaps = self.plan.swaps and not self.result.swapped
        script = self._swap_script() if swaps else None
        setup, by_console = self.plan.facts.lacks_tables, only_console_tells(self.plan)
        start.prepare(setup=setup, swap=script, by_console=by_console)

    def _swap_script(self) -> Script:
        return swap_script(
            self._host,
            self.plan,
            generation=self.generation,
            keep_generations=self._context.fleet.cluster.keep_generations,
            down=self.plan.start or self.plan.reset,
        )

    def _end_start(self) -> None:
        start, self._start = self._start, None
        if start is not None:
            start.close()

    def _new_start(self) -> Start:
        context = self._context
        return Start(
            context.fleet,
            self.plan.node,
            followers=context.followers,
            progress=context.progress,
        )

    def _record(self) -> None:
        """Let the record and the audit line be written; a failure to do so ends nothing else."""
        context, error = self._context, self.result.error
        record = Record(
            host=self._host,
            joined=self.result.joined,
            audit=context.audit(outcome_of(error)),
            failed=isinstance(error, StartError | JoinError),
            unfinished=self._unfinished,
            removed=self.plan.remove and error is None,
            start=self._start,
        )
        record.begin()
        context.background.begin(partial(self._finish_record, record))

    def _finish_record(self, record: Record) -> None:
        if self._audit_begun is not None:
            self._audit_begun.result()  # the first line comes first
        record.finish_quietly(self._context.progress)

    def _say(self, text: str) -> None:
        self.result = replace(self.result, changed=(*self.result.changed, text))
        self._context.progress.say(self.plan.node.name, text)


def _close_start(early: Future[Start]) -> None:
    if early.exception() is None:
        early.result().close()
