"""Follow a server's log: from an exact place in it, line by line, as they are written."""

from __future__ import annotations

from collections.abc import Sequence
from queue import Empty, SimpleQueue

from carbon.cluster import Cluster, Node
from carbon.errors import ScriptError
from carbon.home import layout
from carbon.join.grep import grep_pattern
from remote.host.fleet import Fleet
from remote.host.host import Host
from remote.host.script import Script
from remote.host.server import Sink, Stream


class LogFollower:
    """One log, followed once on its server, for one reader after another."""

    def __init__(self, fleet: Fleet, node: Node, pattern: str) -> None:
        """`pattern` is for grep on the server: other lines stay there."""
        self._fleet = fleet
        self._node = node
        self._pattern = pattern
        self._feed: _Feed | None = None

    def attach(self, sink: Sink, *, since: str = "") -> str:
        """Send what is written from now on to `sink`, None at the end; return from which place.

        A place is inode and offset; with that of an earlier run as `since`, what was written
        after it comes first. Nothing older is sent and nothing newer is lost.
        Raises ScriptError if the log cannot be read.
        """
        seconds = self._fleet.cluster.limits.command_seconds
        place = self._feed.switch(sink, within_seconds=seconds) if self._feed else None
        if place is None:
            self.close()  # not begun, ended, rotated or truncated: its offsets mean nothing now
            host = self._fleet.host(self._node)
            self._feed = _Feed(sink)
            script = follow_script(host, self._pattern, since=since)
            self._feed.stream = host.stream(script, sink=self._feed)
            place = self._feed.place(within_seconds=seconds)
        if place is None:
            raise ScriptError(
                f"its log {layout.LOG} cannot be followed",
                host=self._node.name,
                step="verify",
                action=f"let the login (or run_as) of {self._node.name} read it",
            )
        return place

    def detach(self) -> None:
        """Detach the current sink: it gets nothing more."""
        if self._feed is not None:
            self._feed.detach()

    def close(self) -> None:
        """End it on the server; safe to call twice."""
        if self._feed is not None:
            self._feed.close()
            self._feed = None

    def __enter__(self) -> LogFollower:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class _Feed:
    """What one run of the script says: places, and lines with their offset."""

    def __init__(self, sink: Sink) -> None:
        self.stream: Stream | None = None
        self._sink: Sink | None = None
        self._next: Sink | None = sink
        """Has what comes after the next place."""
        self._places: SimpleQueue[str | None] = SimpleQueue()
        self._inode = ""
        self._opened_at = 0
        self._read = 0
        """How far at least it has been read since, in bytes."""
        self._since = 0
        self._ended = False

    def switch(self, sink: Sink, *, within_seconds: float) -> str | None:
        """Let another sink have what is written from now on; None if the log cannot go on."""
        if self._ended or self.stream is None:
            return None
        self._sink, self._next = None, sink
        self.stream.tell("end")
        place = self.place(within_seconds=within_seconds)
        if place is None:
            return None
        inode, _, offset = place.partition(" ")
        grown = int(offset) >= self._opened_at + self._read
        return place if inode == self._inode and grown else None

    def place(self, *, within_seconds: float) -> str | None:
        """Return the next place; None if the stream ended, or none came."""
        try:
            return self._places.get(timeout=within_seconds)
        except Empty:
            return None

    def detach(self) -> None:
        self._sink = self._next = None

    def close(self) -> None:
        self.detach()
        if self.stream is not None:
            self.stream.close()

    def __call__(self, line: str | None) -> None:
        if line is None:
            self._ended = True
            self._places.put(None)
            if self._sink is not None:
                self._sink(None)
            return
        word, _, rest = line.partition(" ")
        if word in ("from", "at"):
            self._take_place(word, rest)
        else:
            self._take(line)

    def _take_place(self, word: str, place: str) -> None:
        inode, _, offset = place.partition(" ")
        if not offset.isdigit():
            self._places.put(None)
            return
        if word == "from":
            self._inode, self._opened_at = inode, int(offset)
        else:
            self._since = int(offset) - self._opened_at
        self._sink, self._next = self._next, None
        self._places.put(place)

    def _take(self, line: str) -> None:
        offset, _, text = line.partition(":")
        if not offset.isdigit():
            return
        self._read = max(self._read, int(offset))
        sink = self._sink
        if int(offset) >= self._since and sink is not None:
            sink(text)


class Followers:
    """The logs of the manager and, if there is one, the ELB, for nodes that take turns."""

    def __init__(self, fleet: Fleet, nodes: Sequence[Node]) -> None:
        cluster = fleet.cluster
        pattern = member_pattern(cluster, nodes)
        self.manager = LogFollower(fleet, cluster.manager, pattern)
        elb = cluster.group_manager
        self.elb = LogFollower(fleet, elb, pattern) if elb else None

    def __enter__(self) -> Followers:
        return self

    def __exit__(self, *_: object) -> None:
        self.manager.close()
        if self.elb is not None:
            self.elb.close()


def member_pattern(cluster: Cluster, nodes: Sequence[Node]) -> str:
    """Return the expression for what a log says of the membership of these nodes."""
    addresses = [node.local_member_host for node in nodes]
    return grep_pattern(addresses, extra_patterns=cluster.join_patterns)


def follow_script(host: Host[Node], pattern: str, *, since: str = "") -> Script:
    """Return the script that follows a node's log for lines that match `pattern`."""
    inode, _, offset = since.partition(" ")
    values = {"pattern": pattern, "inode": inode, "offset": offset}
    return host.script("follow", values, before=("rotated",), limited=False)
