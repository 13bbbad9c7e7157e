"""Stop a server and see it leave the cluster."""

from __future__ import annotations

import time
from queue import Empty, SimpleQueue

from carbon.cluster import Node
from carbon.errors import ProvisionError, ScriptError
from carbon.join.lines import Left, parse
from carbon.join.membership import MEMBERS
from carbon.join.proof import has_left, was_member
from carbon.value import Value
from remote.host.fleet import Fleet
from remote.host.host import Host
from remote.observe.facts import gather_facts
from remote.observe.follow import Followers, member_pattern
from remote.run.progress import Progress

RESTART_SECONDS = 10.0
"""How long a restart waits for the manager's word; a clean stop is logged at once, a lost
connection after minutes (Hazelcast's heartbeat), and a new start proves itself anyway."""

PROMPT_SECONDS = 1.0
"""A leave is logged before the process is gone, or soon after; later than that it is asked whether
the server was a member at all."""


class Stopped(Value, kw_only=True):
    """How a stop ended."""

    was_running: bool
    killed: bool = False
    seen_leaving: bool | None = None
    """None: nobody could see it (the manager is down, or it is the manager itself), or it was no
    member."""
    seconds: float = 0.0


class Stop:
    """One stop of one node, watched in the manager's log, too."""

    def __init__(
        self, fleet: Fleet, node: Node, *, followers: Followers, progress: Progress
    ) -> None:
        """`node` is as it announced itself at its start: what it leaves the cluster as."""
        self._fleet = fleet
        self._node = node
        self._followers = followers
        self._progress = progress
        self._lines: SimpleQueue[str | None] = SimpleQueue()

    def run(self, *, leave_seconds: float) -> Stopped:
        """End the server, wait until its process is gone and the manager saw it leave.

        Raises ScriptError.
        """
        began = time.monotonic()
        followed = self._follow_manager()
        try:
            self._progress.now(self._node.name, "stopping")
            word = self._end_process()
            if word == "undone":
                raise undone(self._node)
            if word == "down":
                return Stopped(was_running=False)
            self._progress.now(self._node.name, "leaving")
            seen = self._await_leave(leave_seconds) if followed else None
        finally:
            self._followers.manager.detach()
        seconds = time.monotonic() - began
        return Stopped(
            was_running=True, killed=word == "killed", seen_leaving=seen, seconds=seconds
        )

    def _follow_manager(self) -> bool:
        """Follow the manager's log; a manager that cannot be followed does not hinder a stop."""
        if self._node.name == self._fleet.cluster.manager.name:
            return False
        try:
            self._followers.manager.attach(self._lines.put)
        except ProvisionError:
            return False
        return True

    def _end_process(self) -> str:
        host: Host[Node] = self._fleet.host(self._node)
        patience_seconds = host.limits.stop_seconds
        outcome = host.run(
            host.script(
                "stop",
                limited=False,
                calls_sudo=self._node.service is not None and self._node.run_as is None,
                patience_seconds=int(patience_seconds),
                unit=self._node.service.unit if self._node.service else "",
            ),
            step="stop",
            remedy="check the process on the server; `limits: stop` in hosts.yaml is the patience"
            " before SIGKILL",
            more_seconds=patience_seconds,
        )
        return outcome.out.decode().strip().partition("\n")[0].partition(" ")[0]

    def _await_leave(self, leave_seconds: float) -> bool | None:
        """Tell whether it was seen leaving; None: nobody could see it, or it was no member."""
        prompt_seconds = min(PROMPT_SECONDS, leave_seconds)
        seen = self._sees_leave(prompt_seconds)
        if seen is False and leave_seconds > prompt_seconds:
            if self._was_member() is False:
                return None
            seen = self._sees_leave(leave_seconds - prompt_seconds)
        return seen

    def _sees_leave(self, within_seconds: float) -> bool | None:
        deadline = time.monotonic() + within_seconds
        while (left := deadline - time.monotonic()) > 0:
            try:
                line = self._lines.get(timeout=left)
            except Empty:
                return False
            if line is None:
                return None
            event = parse(line)
            if isinstance(event, Left) and has_left(event, node=self._node):
                return True
        return False

    def _was_member(self) -> bool | None:
        """Ask the manager's log whether it joined at all; None: it has no line about it."""
        cluster = self._fleet.cluster
        asked = {MEMBERS: member_pattern(cluster, [self._node])}
        try:
            facts = gather_facts(self._fleet.host(cluster.manager), asked=asked)
        except ProvisionError:
            return None
        lines = facts.said.get(MEMBERS, ())
        return was_member(lines, node=self._node, patterns=cluster.join_patterns)


def demand_down(host: Host[Node]) -> None:
    """See that nobody else has started it again after the stop. Raises ScriptError."""
    unit = host.node.service.unit if host.node.service else ""
    outcome = host.run(host.script("down", unit=unit), step="stop")
    word, _, pid = outcome.out.decode(errors="replace").strip().partition(" ")
    if word == "runs":
        raise undone(host.node, pid=pid)


def undone(node: Node, *, pid: str = "0") -> ScriptError:
    """Return the error for a stop that somebody else's start or restart took back."""
    which = "" if pid == "0" else f" (pid {pid})"
    unit = f" (`systemctl status {node.service.unit}` there)" if node.service else ""
    return ScriptError(
        f"it runs again{which}: somebody else started it after the stop",
        host=node.name,
        step="stop",
        action=f"find out who starts it (fab -H {node.name} doctor){unit}, end that, and run the"
        " same command again",
        code="stop-undone",
    )
