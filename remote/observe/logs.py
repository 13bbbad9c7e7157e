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
from remote.host.host import Host
from remote.host.script import LOGIN_SCRIPT, QUIETEN_LOGIN, Script
from remote.observe.facts import zone_seconds
from remote.observe.lines import LastLine, Line, Lines
from remote.run.threads import parallel

HELD_SECONDS = 0.25
"""How long a new line waits for older ones of other servers."""
HELD_LINES = 100_000
"""Not more lines than this wait, whatever their times."""
_IDLE_SECONDS = 3600.0


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
) -> Generator[Line | ProvisionError, None, None]:
    """Yield the lines of all nodes' logs, the oldest first; a node that fails ends no other.

    The error of such a node is yielded; nothing more comes from it.

    What is there already is in the order of its times, each in its server's own zone. What
    follows comes as it is written, with the little patience that puts it in order, too.
    Close the iterator to end the scripts on the servers. Raises UsageError for a bad `grep`.
    """
    mark = f"mark {secrets.token_hex(8)}"
    with Lines() as incoming:

        def start(node: Node) -> None:
            host = fleet.host(node)
            incoming.start(host, _script(host, order, mark))

        opened = zip(nodes, parallel(nodes, start), strict=True)
        failed = {node.name: error for node, error in opened if isinstance(error, ProvisionError)}
        yield from failed.values()
        sources = {node.name: _Source(node) for node in nodes if node.name not in failed}
        limit_seconds = fleet.cluster.limits.command_seconds
        past_until = time.monotonic() + limit_seconds
        yield from _Merge(incoming, sources, order, mark, limit_seconds, past_until)


def _script(host: Host[Node], order: LogOrder, mark: str) -> Script:
    return host.script(
        "logs",
        before=("rotated",),
        limited=False,
        lines=order.lines,
        grep=order.grep,
        follow="yes" if order.follow else "no",
        mark=mark,
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
    line: Line = field(compare=False)


@dataclass(slots=True)
class _Merge:
    """Puts lines of several servers in order."""

    _incoming: Lines
    _sources: dict[str, _Source]
    _order: LogOrder
    _mark: str
    _limit_seconds: float
    _past_until: float
    """The monotonic time at which nobody waits any longer for what is there already."""
    _held: list[_Held] = field(default_factory=list)
    _numbers: Iterator[int] = field(default_factory=itertools.count)

    def __iter__(self) -> Iterator[Line | ProvisionError]:
        while not all(source.ended for source in self._sources.values()):
            came = self._incoming.next(within_seconds=self._patience())
            if came is not None and (end := self._take(came)):
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

    def _unanswered(self) -> Iterator[ProvisionError]:
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

    def _take(self, line: Line | LastLine) -> ProvisionError | None:
        source = self._sources[line.name]
        if source.ended:
            return None
        if isinstance(line, LastLine):
            return self._end(source)
        if source.zone_seconds is None:
            return self._begin(source, line.text)
        if line.text == self._mark:
            source.past = False
            source.ended = not self._order.follow
            return None
        due = time.monotonic() + HELD_SECONDS
        at = source.time_of(line.text)
        heapq.heappush(self._held, _Held(at, line.name, next(self._numbers), due, line))
        return None

    def _begin(self, source: _Source, line: str) -> ProvisionError | None:
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
            case _ if line.startswith(LOGIN_SCRIPT):
                return _ended(source, ConnectError(LOGIN_SCRIPT, action=QUIETEN_LOGIN))
            case _:
                error = ScriptError(
                    rest if word == "unreadable" else line,
                    action="check that the server was ever started; set `run_as:` in hosts.yaml if"
                    " only another account may read its logs",
                )
                return _ended(source, error)

    def _end(self, source: _Source) -> ProvisionError:
        error = ConnectError(
            "the connection that read its log ended",
            action="check that the server is up, then run the same command again",
        )
        return _ended(source, error)

    def _released(self) -> Iterator[Line]:
        """Yield what no older line can come for any more."""
        while self._held and len(self._held) > HELD_LINES:
            yield heapq.heappop(self._held).line
        while self._held and not self._in_past() and self._held[0].due <= time.monotonic():
            yield heapq.heappop(self._held).line


def _ended(source: _Source, error: ProvisionError) -> ProvisionError:
    source.ended = True
    return error.at(host=source.node.name, step="logs")
