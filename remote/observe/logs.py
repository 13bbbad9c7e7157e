"""The logs of several servers, interleaved by time, and followed as they grow."""

from __future__ import annotations

import heapq
import itertools
import secrets
import time
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass, field

from carbon.cluster import Node
from carbon.errors import (
    ConnectError,
    ProvisionError,
    ScriptError,
    TimeLimitError,
    UsageError,
)
from carbon.join.columns import seconds, written_at, zone_of
from carbon.value import Value
from remote.host.fleet import Fleet
from remote.host.script import Script
from remote.observe.facts import zone_seconds
from remote.observe.lines import Lines
from remote.run.threads import parallel

HELD_SECONDS = 0.25
"""How long a new line waits for older ones of other servers."""
HELD_LINES = 100_000
"""Not more lines than this wait, whatever their times."""
_IDLE_SECONDS = 3600.0
_LOGIN_SCRIPT = "a login script of the account"
"""What the connection says in the place of a script that somebody else has read."""


class LogLine(Value, kw_only=True):
    """One line of a node's log."""

    name: str
    text: str


class LogEnd(Value, kw_only=True):
    """No more comes from a node, and it is not the one that ended it."""

    name: str
    error: ProvisionError


class LogOrder(Value, kw_only=True):
    """Which lines to read."""

    lines: int
    """The last so many (that match)."""
    follow: bool = False
    """And those that are written from now on."""
    grep: str = ""
    """Only those that match this extended regular expression; empty: all."""


def read(
    fleet: Fleet, nodes: Sequence[Node], order: LogOrder
) -> Generator[LogLine | LogEnd, None, None]:
    """Yield the lines of all nodes' logs, the oldest first; a node that fails ends no other.

    What is there already is in the order of its times, each in its server's own zone. What
    follows comes as it is written, with the little patience that puts it in order, too.
    Close the iterator to end the scripts on the servers. Raises UsageError for a bad `grep`.
    """
    mark = f"mark {secrets.token_hex(8)}"
    with Lines() as incoming:

        def start(node: Node) -> None:
            script = _script(node, order, mark)
            incoming.start(node.name, fleet.host(node), script)

        opened = zip(nodes, parallel(nodes, start), strict=True)
        failed = {node.name: error for node, error in opened if isinstance(error, ProvisionError)}
        for name, error in failed.items():
            yield LogEnd(name=name, error=error)
        sources = {node.name: _Source(node) for node in nodes if node.name not in failed}
        yield from _Merge(incoming, sources, order, mark, fleet.cluster.limits.command_seconds)


def _script(node: Node, order: LogOrder, mark: str) -> Script:
    return Script(
        name="logs",
        before=("rotated",),
        values={
            "home_dir": str(node.home),
            "lines": order.lines,
            "grep": order.grep,
            "follow": "yes" if order.follow else "no",
            "mark": mark,
        },
        run_as=node.run_as,
    )


@dataclass(slots=True)
class _Source:
    """How far one server's lines have come."""

    node: Node
    zone_seconds: int | None = None
    """That of its log; None until its script said so."""
    last_line: str = ""
    past: bool = True
    """What it sends was there before."""
    ended: bool = False
    last: float = 0.0

    def time_of(self, line: str) -> float:
        """Return when a line was written; a line without a time belongs to the one before."""
        at = written_at(line)
        if at is not None:
            self.last = max(self.last, seconds(at, zone_seconds=self.zone_seconds or 0))
        return self.last


@dataclass(order=True, slots=True)
class _Held:
    """A line that waits for older ones: sorted by time; at equal times no entry is torn apart."""

    at: float
    name: str
    number: int
    due: float = field(compare=False)
    line: LogLine = field(compare=False)


class _Merge:
    """Puts lines of several servers in order."""

    def __init__(
        self,
        incoming: Lines,
        sources: dict[str, _Source],
        order: LogOrder,
        mark: str,
        limit_seconds: float,
    ) -> None:
        self._incoming = incoming
        self._sources = sources
        self._order = order
        self._mark = mark
        self._limit_seconds = limit_seconds
        self._past_until = time.monotonic() + limit_seconds
        self._held: list[_Held] = []
        self._numbers = itertools.count()

    def __iter__(self) -> Iterator[LogLine | LogEnd]:
        while not all(source.ended for source in self._sources.values()):
            came = self._incoming.next(within_seconds=self._patience())
            if came is not None and (end := self._take(came.name, came.text)):
                yield end
            yield from self._unanswered()
            yield from self._released()
        while self._held:
            yield heapq.heappop(self._held).line

    def _patience(self) -> float:
        """Return how long nothing has to be done unless a line comes."""
        if self._in_past():
            return self._past_until - time.monotonic()
        return self._held[0].due - time.monotonic() if self._held else _IDLE_SECONDS

    def _in_past(self) -> bool:
        """Tell whether lines may still come that are older than all that did."""
        waiting = any(source.past for source in self._sources.values() if not source.ended)
        return waiting and time.monotonic() < self._past_until

    def _unanswered(self) -> Iterator[LogEnd]:
        """End the servers that have not begun to answer within the limit."""
        if time.monotonic() < self._past_until:
            return
        for name, source in self._sources.items():
            if source.zone_seconds is None and not source.ended:
                seconds = self._limit_seconds
                yield _ended(
                    source,
                    TimeLimitError.unanswered(seconds, limit="command", host=name, step="logs"),
                )

    def _take(self, name: str, line: str | None) -> LogEnd | None:
        source = self._sources[name]
        if source.ended:
            return None
        if line is None:
            return self._end(source)
        if source.zone_seconds is None:
            return self._begin(source, line)
        if line == self._mark:
            source.past = False
            source.ended = not self._order.follow
            return None
        due = time.monotonic() + HELD_SECONDS
        text = LogLine(name=name, text=line)
        held = _Held(source.time_of(line), name, next(self._numbers), due, text)
        heapq.heappush(self._held, held)
        return None

    def _begin(self, source: _Source, line: str) -> LogEnd | None:
        word, _, rest = line.partition(" ")
        match word:
            case "last":
                source.last_line = rest
                return None
            case "zone":
                shell, _, at = rest.partition(" ")
                zone = zone_seconds(shell)
                if at:
                    zone = zone_of(source.last_line, written_at=float(at), otherwise=zone)
                source.zone_seconds = zone
                return None
            case "expression":
                raise UsageError(
                    f"--grep {self._order.grep!r} is not an extended regular expression: {rest}",
                    action="put a backslash before ( [ { * + ? that stand for themselves",
                )
            case _ if line.startswith(_LOGIN_SCRIPT):
                seen, _, action = line.partition(": ")
                action += ": correct ~/.bashrc (or what the shell of the account reads) there"
                return _ended(source, ConnectError(seen, action=action))
            case _:
                error = ScriptError(
                    rest if word == "unreadable" else line,
                    action="check that the server was ever started; set `run_as:` in hosts.yaml if"
                    " only another account may read its logs",
                )
                return _ended(source, error)

    def _end(self, source: _Source) -> LogEnd | None:
        error = ConnectError(
            "the connection that read its log ended",
            action="check that the server is up, then run the same command again",
        )
        return _ended(source, error)

    def _released(self) -> Iterator[LogLine]:
        """Yield what no older line can come for any more."""
        while self._held and len(self._held) > HELD_LINES:
            yield heapq.heappop(self._held).line
        while self._held and not self._in_past() and self._held[0].due <= time.monotonic():
            yield heapq.heappop(self._held).line


def _ended(source: _Source, error: ProvisionError) -> LogEnd:
    source.ended = True
    return LogEnd(name=source.node.name, error=error.at(host=source.node.name, step="logs"))
