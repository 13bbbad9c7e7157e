"""A load balancer that is not nginx: the operator's commands take workers out and put them back."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager

from carbon.cluster import BalancerCommands, LocalCommand, Node
from carbon.errors import ConnectError, ProvisionError, ScriptError, TimeLimitError
from remote.balancer.http import await_answer, http_problem
from remote.host.fleet import Fleet
from remote.local.environment import node_variables
from remote.local.failure import refuse_forbidden
from remote.local.runner import Runner, error_of
from remote.run.interrupt import safe_point
from remote.run.progress import Progress
from remote.run.threads import parallel

POLL_SECONDS = 0.2
UNSEEN = "without `state:` under `load_balancer` in hosts.yaml"


class CommandBalancer:
    """Takes workers out and puts them back by the operator's commands.

    What they did is proved by the command `state` if there is one, and said to be unproved
    otherwise. The manager's server asks whether a worker answers.
    """

    def __init__(self, fleet: Fleet, commands: BalancerCommands, *, progress: Progress) -> None:
        self._fleet = fleet
        self._commands = commands
        self._progress = progress
        self._runner = Runner(fleet.cluster, verb="", run=fleet.run, progress=progress)
        self._out: set[str] = set()
        """Whom this run took out and did not put back."""

    @contextmanager
    def hold(self, nodes: Sequence[Node], *, verb: str, break_lock: bool) -> Iterator[None]:
        """Keep two runs from taking workers out at once, by the manager's lock.

        Raises UsageError if `--no-commands` was given, and LockedError.
        """
        with ExitStack() as stack:
            if any(node.role == "worker" for node in nodes):
                self._runner.verb = verb
                refuse_forbidden("load_balancer: take_out", self._commands.take_out)
                self._lock(stack, verb=verb, break_lock=break_lock)
            stack.callback(self._let_go)
            yield

    def _lock(self, stack: ExitStack, *, verb: str, break_lock: bool) -> None:
        manager = self._fleet.cluster.manager
        try:
            host = self._fleet.host(manager)
        except ConnectError:
            text = "not reached, so no lock keeps another run from taking workers out meanwhile"
            self._progress.say(manager.name, text)
            return
        stack.enter_context(host.lock(verb=verb, break_lock=break_lock))

    def _let_go(self) -> None:
        for name in sorted(self._out):
            text = "stays out of rotation until a start or deploy sees it join"
            self._progress.say(name, text)

    def out_of_rotation(self, nodes: Sequence[Node]) -> frozenset[str]:
        """Return which of these workers `state` calls `out`; without it none is known to be."""
        if self._commands.state is None:
            return frozenset()
        refuse_forbidden("load_balancer: state", self._commands.state)
        workers = [node for node in nodes if node.role == "worker"]
        out = set()
        for node, state in zip(workers, parallel(workers, self._state), strict=True):
            if isinstance(state, ProvisionError):
                seen = f"whether it is out of rotation is not known: {state.seen}"
                self._progress.say(node.name, seen)
            elif state == "out":
                out.add(node.name)
        return frozenset(out)

    def take_out(self, node: Node) -> None:
        """Run `take_out`, and wait until `state` says `out`, if there is one.

        At the limit (limits: drain) it goes on if the worker is at least not `in` any more. If it
        fails, or the operator asks for an end, the worker is put back: nothing has been done to it.
        Raises ScriptError, TimeLimitError, Interrupted.
        """
        if node.role != "worker":
            return
        before = self._state(node)
        self._out.add(node.name)
        if before == "out":
            return
        began = time.monotonic()
        self._progress.now(node.name, "taking out of rotation")
        if before == "in" and self._is_alone(node):
            text = "is the only one in rotation: requests fail until it is back"
            self._progress.say(node.name, text)
        try:
            self._demand("take_out", self._commands.take_out, node)
            drained = self._await_out(node)
        except ProvisionError as error:
            self._bring_back(node, error, before=before)
            raise
        seconds = time.monotonic() - began
        self._progress.say(node.name, f"out of rotation: {drained}, after {seconds:.1f} s")

    def put_back(self, node: Node) -> None:
        """Run `put_back` once a worker that has joined answers; see that `state` prints `in`.

        Raises TimeLimitError if it does not answer, or is not `in` then (limits: join), ScriptError
        and Interrupted, and what the connection raises.
        """
        if node.role != "worker":
            return
        if self._state(node) == "in":
            self._out.discard(node.name)
            return
        manager = self._fleet.host(self._fleet.cluster.manager)
        await_answer(manager, node, progress=self._progress)
        self._demand("put_back", self._commands.put_back, node)
        proved = self._await_in(node)
        self._out.discard(node.name)
        self._progress.say(node.name, f"back in rotation{proved}")

    def remove(self, node: Node) -> None:
        """Say what the commands cannot do."""
        if node.role == "worker":
            self._out.discard(node.name)
            text = "is out of rotation; take it out of the load balancer's configuration yourself"
            self._progress.say(node.name, text)

    def _demand(
        self, point: str, command: LocalCommand, node: Node, *, heeds_interrupt: bool = True
    ) -> None:
        is_out = point == "take_out"
        again = f"`fab -H {node.name} deploy` does it again"
        what = "its server was not touched" if is_out else f"it runs and has joined: {again}"
        self._runner.demand(
            point,
            command,
            name=node.name,
            variables=node_variables(node),
            action=f"mend `load_balancer: {point}` in hosts.yaml, or what it meets; {what}",
            code=point.replace("_", "-"),
            heeds_interrupt=heeds_interrupt,
        )

    def _state(self, node: Node, *, heeds_interrupt: bool = True) -> str:
        """Return the word that `state` prints; empty without that command.

        Raises ScriptError, TimeLimitError, Interrupted.
        """
        command = self._commands.state
        if command is None:
            return ""
        finished = self._runner.finish(
            "state",
            command,
            name=node.name,
            variables=node_variables(node),
            shows=False,
            heeds_interrupt=heeds_interrupt,
        )
        words = " ".join(finished.last).split()
        if finished.succeeded and words:
            return words[0]
        action = "mend `load_balancer: state` in hosts.yaml: it prints `in` or `out`"
        raise error_of("state", command, finished, host=node.name, action=action, code="state")

    def _await_out(self, node: Node) -> str:
        """Return how it is known that no request is in flight, or that it is not."""
        if self._commands.state is None:
            return f"take_out ended well; {UNSEEN} requests in flight are not seen"
        limit_seconds = self._fleet.cluster.limits.drain_seconds
        state = self._await_state("out", node, limit_seconds=limit_seconds, doing="draining")
        if state == "in":
            raise ScriptError(
                f"take_out ended well, and `state` still prints `in` after {limit_seconds:g} s",
                host=node.name,
                step="rotation",
                action="try both commands by hand; its server was not touched",
                code="still-in-rotation",
            )
        is_out = state == "out"
        return "drained" if is_out else f"`state` still prints {state}, going on (limits: drain)"

    def _await_in(self, node: Node) -> str:
        """Return what is to be said of the proof that it is in."""
        if self._commands.state is None:
            return f": put_back ended well; {UNSEEN} that is not proved"
        limit_seconds = self._fleet.cluster.limits.join_seconds
        state = self._await_state("in", node, limit_seconds=limit_seconds, doing="coming back")
        if state != "in":
            raise TimeLimitError(
                f"put_back ended well, and `state` prints {state} after {limit_seconds:g} s"
                " (limits: join)",
                host=node.name,
                step="rotation",
                action=f"see what the load balancer says of it; `fab -H {node.name} deploy`"
                " tries again",
                code="not-in-rotation",
            )
        return ""

    def _await_state(self, wanted: str, node: Node, *, limit_seconds: float, doing: str) -> str:
        """Wait until `state` prints this word; return what it prints then, or at the limit."""
        deadline = time.monotonic() + limit_seconds
        while (state := self._state(node)) != wanted:
            safe_point()
            if time.monotonic() >= deadline:
                break
            self._progress.now(node.name, f"{doing}: `state` prints {state}")
            time.sleep(POLL_SECONDS)
        return state

    def _bring_back(self, node: Node, error: ProvisionError, *, before: str) -> None:
        """Put a worker back that could not be taken out, if it was in or answers."""
        try:
            manager = self._fleet.host(self._fleet.cluster.manager)
            if before != "in" and http_problem(manager, node):
                return
            self._demand("put_back", self._commands.put_back, node, heeds_interrupt=False)
        except ProvisionError as failure:
            error.action += f"\n  and put_back failed, too, so it may be out: {failure.seen}"
            return
        self._out.discard(node.name)
        self._progress.say(node.name, "put back into rotation: nothing was done to it")

    def _is_alone(self, node: Node) -> bool:
        others = [other for other in self._fleet.cluster.workers if other.name != node.name]
        return "in" not in parallel(others, self._state)
