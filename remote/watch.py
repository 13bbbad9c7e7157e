"""Watch another node's log: from an exact place in it, line by line, as they are written."""

from __future__ import annotations

from contextlib import ExitStack
from queue import Empty, SimpleQueue

from carbon import layout, loglines
from carbon.cluster import Node
from carbon.errors import ScriptError
from remote.fleet import Fleet
from remote.script import Script
from remote.seam import Sink


def follow_manager(
    fleet: Fleet, node: Node, *, sink: Sink, stack: ExitStack, since: str = ""
) -> str:
    """Send what the manager writes about a node's address to `sink`, until the stack closes.

    Raises ScriptError where the log cannot be read.
    """
    return follow(fleet, fleet.cluster.manager, node, sink=sink, stack=stack, since=since)


def follow(
    fleet: Fleet, watcher: Node, node: Node, *, sink: Sink, stack: ExitStack, since: str = ""
) -> str:
    """Send what the manager or the ELB writes about a node's address to `sink`.

    Returns from which place (inode and offset) once the log is open: nothing that is written
    after that is missed, and nothing older is sent. `since` is such a place of an earlier run.
    Raises ScriptError where the log cannot be read.
    """
    pattern = loglines.grep_pattern(
        [node.local_member_host], extra_patterns=fleet.cluster.join_patterns
    )
    opened = _FirstLine(sink)
    stream = fleet.server(watcher).stream(follow_script(watcher, pattern, since=since), sink=opened)
    stack.callback(stream.close)
    answer = opened.wait(fleet.cluster.limits.command_seconds)
    if answer is None or not answer.startswith("from "):
        raise ScriptError(
            f"its log {layout.LOG} cannot be followed",
            host=watcher.name,
            step="verify",
            action=f"let the login (or run_as) of {watcher.name} read it",
        )
    return answer.removeprefix("from ")


def follow_script(node: Node, pattern: str, *, since: str = "") -> Script:
    """Return the script that follows a node's log for lines that match `pattern`."""
    inode, _, offset = since.partition(" ")
    return Script(
        name="follow",
        values={
            "log": str(node.home / layout.LOG),
            "pattern": pattern,
            "inode": inode,
            "offset": offset,
        },
        run_as=node.run_as,
    )


class _FirstLine:
    """Keeps the first line of a stream for a waiter and passes the others on."""

    def __init__(self, sink: Sink) -> None:
        self._sink = sink
        self._first: SimpleQueue[str | None] = SimpleQueue()
        self._came = False

    def __call__(self, line: str | None) -> None:
        if self._came:
            self._sink(line)
        else:
            self._came = True
            self._first.put(line)

    def wait(self, timeout_seconds: float) -> str | None:
        try:
            return self._first.get(timeout=timeout_seconds)
        except Empty:
            return None
