"""What a server's own log says since its last start: how it announced itself, how far it came."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from carbon.cluster import Node
from carbon.home.facts import CLOCK_SLACK_SECONDS, ServerFacts
from carbon.join.columns import seconds, take_apart
from carbon.join.grep import MILESTONES_PATTERN, OWN_LOG_PATTERN
from carbon.join.lines import (
    ClusterDomain,
    Elected,
    Joined,
    Left,
    LocalMember,
    ShuttingDown,
    StartBegan,
    Started,
    parse,
)
from carbon.join.quote import quote
from carbon.value import Value

OWN = "own"
"""The name under which a server is asked for its own milestones and failures."""
CONSOLE = "console"
OWN_PATTERN = f"{OWN_LOG_PATTERN}|Shutdown hook triggered|Shutdown complete|Halting JVM"
OWN_MILESTONES_PATTERN = f"{MILESTONES_PATTERN}|Shutdown complete|Halting JVM"
"""What status asks for: less to send, and no failure is explained."""

_DAYLIGHT_SECONDS = 3600
_STARTING_SECONDS = 600


class OwnLog(Value, kw_only=True):
    """A server's own log since it last started."""

    lines: tuple[str, ...]
    began_at: datetime | None = None
    """When it said that it begins to start; None: that line is not there."""
    domain: str | None = None
    domain_line: str | None = None
    local: LocalMember | None = None
    local_line: str | None = None
    started: bool = False
    elected: bool = False
    """It said that it is the oldest of its cluster."""
    first_error: str | None = None
    """Its first ERROR or FATAL: what comes after often only follows from it."""
    cause: str | None = None
    """The last `Caused by` below it."""
    stopped_at: datetime | None = None
    """It ended in an orderly way, and nothing came after."""

    @classmethod
    def of(cls, facts: ServerFacts) -> OwnLog:
        """Read what a server was asked for; its console counts only if it is down."""
        log = facts.said.get(OWN, ())
        console = () if facts.process else facts.said.get(CONSOLE, ())
        last = parse(log[-1]) if log else None
        stopped = isinstance(last, ShuttingDown) and facts.process is None
        lines = (*_since_last_start(log), *_since_last_start(console))
        return cls.of_lines(map(quote, lines), stopped_at=last.at if last and stopped else None)

    @classmethod
    def of_lines(cls, lines: Iterable[str], *, stopped_at: datetime | None = None) -> OwnLog:
        """Read the lines of one start."""
        lines = tuple(lines)
        error, cause = _first_error(lines)
        said: dict[str, Any] = {}
        for line in lines:
            match parse(line):
                case StartBegan() as event:
                    said["began_at"] = event.at
                case ClusterDomain() as event:
                    said |= {"domain": event.domain, "domain_line": line}
                case LocalMember() as event:
                    said |= {"local": event, "local_line": line}
                case Elected():
                    said["elected"] = True
                case Started():
                    said["started"] = True
        return cls(lines=lines, first_error=error, cause=cause, stopped_at=stopped_at, **said)

    @property
    def has_milestones(self) -> bool:
        """Tell whether it says anything of its start: all of that is logged at level INFO."""
        return any((self.began_at, self.domain, self.local, self.elected, self.started))

    def is_of(self, facts: ServerFacts) -> bool:
        """Tell whether it is of the process that runs, and whole from its beginning."""
        if facts.process is None or self.began_at is None:
            return False
        began = seconds(self.began_at, zone_seconds=facts.zone_seconds)
        return is_after_start(began, facts.process.started_at)

    def sees(self, other: Node) -> bool | None:
        """Tell whether another member is in its cluster, by its last word; None: it has none.

        A member names only those that come or go after it joined: not who was there before.
        """
        events = [event for line in self.lines if isinstance(event := parse(line), Joined | Left)]
        moves = [event for event in events if event.is_of(other)]
        if moves:
            return isinstance(moves[-1], Joined)
        return False if self.elected else None


def is_after_start(at: float, started_at: float) -> bool:
    """Tell whether a line is of a start, or of what came after it.

    In between, daylight saving may have begun or ended, and the line's zone have been another:
    then it is of this start if it came soon after it by the other time.
    """
    if at >= started_at - CLOCK_SLACK_SECONDS:
        return True
    return 0 <= at + _DAYLIGHT_SECONDS - started_at + CLOCK_SLACK_SECONDS <= _STARTING_SECONDS


def _first_error(lines: Sequence[str]) -> tuple[str | None, str | None]:
    """Return the first entry that is an error, and the last cause of its stack trace."""
    error = cause = None
    for line in lines:
        entry = take_apart(line)
        if error is None:
            error = line if entry.level in ("ERROR", "FATAL") else None
        elif entry.level:
            break
        elif entry.message.startswith("Caused by:"):
            cause = entry.message
    return error, cause


def _since_last_start(lines: Sequence[str]) -> tuple[str, ...]:
    """Return what was written since the server last began, or ended in an orderly way."""
    for at in range(len(lines) - 1, -1, -1):
        match parse(lines[at]):
            case StartBegan():
                return tuple(lines[at:])
            case ShuttingDown(complete=True):
                return tuple(lines[at + 1 :])
    return tuple(lines)
