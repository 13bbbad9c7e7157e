"""Watch another node's log: from an exact place in it, line by line, as they are written."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from queue import Empty, SimpleQueue

from carbon.cluster import Cluster, Node
from carbon.errors import ScriptError
from carbon.home import layout
from carbon.join import loglines
from remote.host.fleet import Fleet
from remote.host.script import Script
from remote.host.server import Sink, Stream


def follow(
    fleet: Fleet, watcher: Node, node: Node, *, sink: Sink, stack: ExitStack, since: str = ""
) -> None:
    """Send what the manager or the ELB writes about a node's address to `sink`.

    Returns once the log is open: nothing that is written after that is missed, and nothing older
    is sent. `since` is a place (inode and offset) of an earlier run, to send what came after it.
    Raises ScriptError where the log cannot be read.
    """
    opened = _FirstLine(sink)
    script = follow_script(watcher, _pattern(fleet.cluster, [node]), since=since)
    stream = fleet.server(watcher).stream(script, sink=opened)
    stack.callback(stream.close)
    _place(opened.wait(fleet.cluster.limits.command_seconds), "from", watcher)


class Followed:
    """The log of the manager or the ELB, followed once for several nodes that take turns."""

    def __init__(self, fleet: Fleet, watcher: Node, nodes: Sequence[Node]) -> None:
        self._fleet = fleet
        self._watcher = watcher
        self._pattern = _pattern(fleet.cluster, nodes)
        self._seconds = fleet.cluster.limits.command_seconds
        self._stream: Stream | None = None
        self._taker = _Taker()

    def begin(self, sink: Sink) -> str:
        """Send what is written from now on to `sink`, None at the end; return from which place.

        A place is inode and offset. Raises ScriptError where the log cannot be read.
        """
        if self._stream is not None and not self._taker.ended:
            self._taker.expect(sink)
            self._stream.tell("end")
            place = _place(self._taker.wait(self._seconds), "at", self._watcher)
            if self._taker.goes_on(place):
                return place
        self.close()  # rotated or truncated since: offsets mean something else now
        self._taker = _Taker()
        self._taker.expect(sink)
        script = follow_script(self._watcher, self._pattern, placed=True)
        self._stream = self._fleet.server(self._watcher).stream(script, sink=self._taker)
        return _place(self._taker.wait(self._seconds), "from", self._watcher)

    def end(self) -> None:
        """Send nothing more to who took it last."""
        self._taker.leave()

    def close(self) -> None:
        """End it on the server; safe to call twice."""
        self._taker.leave()
        if self._stream is not None:
            self._stream.close()
            self._stream = None


class _Taker:
    """Takes the lines of a followed log and passes those on that are newer than the last place."""

    def __init__(self) -> None:
        self.ended = False
        self._sink: Sink | None = None
        self._next: Sink | None = None
        self._answers: SimpleQueue[str | None] = SimpleQueue()
        self._opened = ("", 0)
        """Inode and offset at which reading began."""
        self._read = 0
        """How far at least it has been read since, in bytes."""
        self._since = 0

    def expect(self, sink: Sink) -> None:
        """Let a sink have what comes after the next place that is told."""
        self._sink, self._next = None, sink

    def leave(self) -> None:
        """Pass on nothing more."""
        self._sink = self._next = None

    def wait(self, timeout_seconds: float) -> str | None:
        """Return the place that is told next; None where the stream ended, or none came."""
        try:
            return self._answers.get(timeout=timeout_seconds)
        except Empty:
            return None

    def goes_on(self, place: str) -> bool:
        """Tell whether the log is still the file that is read, and only grew."""
        inode, offset = place.split(" ")
        return inode == self._opened[0] and int(offset) >= self._opened[1] + self._read

    def __call__(self, line: str | None) -> None:
        if line is None:
            self.ended = True
            self._answers.put(None)
            if self._sink is not None:
                self._sink(None)
            return
        word, _, rest = line.partition(" ")
        if word in ("from", "at"):
            self._take_place(word, rest)
            self._answers.put(line)
        else:
            self._take(line)

    def _take_place(self, word: str, place: str) -> None:
        inode, _, offset = place.partition(" ")
        if not offset.isdigit():
            return
        if word == "from":
            self._opened = (inode, int(offset))
        self._since = int(offset) - self._opened[1]
        self._sink, self._next = self._next, None

    def _take(self, line: str) -> None:
        offset, _, text = line.partition(":")
        if not offset.isdigit():
            return
        self._read = max(self._read, int(offset))
        sink = self._sink
        if int(offset) >= self._since and sink is not None:
            sink(text)


class Watchers:
    """The logs of the manager and, where there is one, the ELB, for nodes that take turns."""

    def __init__(self, fleet: Fleet, nodes: Sequence[Node]) -> None:
        cluster = fleet.cluster
        self.manager = Followed(fleet, cluster.manager, nodes)
        self.elb = (
            Followed(fleet, cluster.group_manager, nodes)
            if cluster.group_manager is not None
            else None
        )

    def __enter__(self) -> Watchers:
        return self

    def __exit__(self, *_: object) -> None:
        self.manager.close()
        if self.elb is not None:
            self.elb.close()


def follow_script(node: Node, pattern: str, *, since: str = "", placed: bool = False) -> Script:
    """Return the script that follows a node's log for lines that match `pattern`."""
    inode, _, offset = since.partition(" ")
    return Script(
        name="follow",
        values={
            "log": str(node.home / layout.LOG),
            "pattern": pattern,
            "inode": inode,
            "offset": offset,
            "placed": "yes" if placed else "no",
        },
        run_as=node.run_as,
    )


def _pattern(cluster: Cluster, nodes: Sequence[Node]) -> str:
    addresses = [node.local_member_host for node in nodes]
    return loglines.grep_pattern(addresses, extra_patterns=cluster.join_patterns)


def _place(answer: str | None, word: str, watcher: Node) -> str:
    place = (answer or "").removeprefix(f"{word} ")
    if len(place.split()) != 2 or place == answer:
        raise ScriptError(
            f"its log {layout.LOG} cannot be followed",
            host=watcher.name,
            step="verify",
            action=f"let the login (or run_as) of {watcher.name} read it",
        )
    return place


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
