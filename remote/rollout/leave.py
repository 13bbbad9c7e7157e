"""Stop a server and see it leave the cluster."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from queue import Empty, SimpleQueue

from carbon.cluster import Node
from carbon.errors import ProvisionError, ScriptError
from carbon.join.lines import Left, parse
from carbon.join.proof import has_left
from carbon.value import Value
from remote.host.fleet import Fleet
from remote.host.script import Script
from remote.observe.follow import LogFollower, member_pattern
from remote.run.progress import Progress

SEEN_LEAVING_SECONDS = 10.0
"""How long a restart waits for the manager's word; a clean stop is logged at once, a lost
connection after minutes (Hazelcast's heartbeat), and a new start proves itself anyway."""


class Stopped(Value, kw_only=True):
    """What a stop came to."""

    node: Node
    was_running: bool
    killed: bool = False
    seen_leaving: bool | None = None
    """None: nobody was watching (the manager is down, or it is the manager itself)."""
    seconds: float = 0.0
    error: ProvisionError | None = None

    @property
    def text(self) -> str:
        """What happened, in a few words."""
        if self.error:
            return "FAILED"
        if not self.was_running:
            return "was not running"
        how = "killed" if self.killed else "stopped"
        match self.seen_leaving:
            case True:
                return f"{how}, seen leaving, after {self.seconds:.1f} s"
            case False:
                return f"{how} after {self.seconds:.1f} s, NOT seen leaving by the manager"
            case None:
                return f"{how} after {self.seconds:.1f} s"


def leave(
    fleet: Fleet,
    node: Node,
    *,
    patience_seconds: float,
    seen_seconds: float = SEEN_LEAVING_SECONDS,
    progress: Progress,
) -> Stopped:
    """End a node's server, wait until its process is gone and the manager saw it leave.

    Raises ScriptError.
    """
    began = time.monotonic()
    with _departures(fleet, node) as departures:
        progress.now(node.name, "stopping")
        said = _stop(fleet, node, patience_seconds=patience_seconds)
        if said == "down":
            return Stopped(node=node, was_running=False)
        progress.now(node.name, "leaving")
        seen = None if departures is None else _seen(departures, node, seen_seconds)
    return Stopped(
        node=node,
        was_running=True,
        killed=said.startswith("killed"),
        seen_leaving=seen,
        seconds=time.monotonic() - began,
    )


@contextmanager
def _departures(fleet: Fleet, node: Node) -> Iterator[SimpleQueue[str | None] | None]:
    """Follow the manager's log; a manager that cannot be followed does not hinder a stop."""
    with ExitStack() as stack:
        lines: SimpleQueue[str | None] = SimpleQueue()
        watching = node.name != fleet.cluster.manager.name
        if watching:
            try:
                pattern = member_pattern(fleet.cluster, [node])
                follower = LogFollower(fleet, fleet.cluster.manager, pattern)
                stack.enter_context(follower).attach(lines.put)
            except ProvisionError:
                watching = False
        yield lines if watching else None


def _seen(lines: SimpleQueue[str | None], node: Node, seconds: float) -> bool | None:
    deadline = time.monotonic() + seconds
    while (left := deadline - time.monotonic()) > 0:
        try:
            line = lines.get(timeout=left)
        except Empty:
            return False
        if line is None:
            return None
        event = parse(line)
        if isinstance(event, Left) and has_left(event, node=node):
            return True
    return False


def _stop(fleet: Fleet, node: Node, *, patience_seconds: float) -> str:
    script = Script(
        name="stop",
        values={
            "home_dir": str(node.home),
            "patience_seconds": int(patience_seconds),
            "kill": "yes",
        },
        run_as=node.run_as,
    )
    seconds = patience_seconds + fleet.cluster.limits.command_seconds
    outcome = fleet.server(node).run(script, timeout_seconds=seconds)
    if outcome.status != 0:
        raise ScriptError(
            outcome.complaint,
            host=node.name,
            step="stop",
            action="look at the process on the server; `limits: stop` in hosts.yaml is the"
            " patience before SIGKILL",
        )
    return outcome.out.decode().strip().partition("\n")[0]
