"""What a server's own log says since its last start: how it announced itself, how far it came."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import datetime

from carbon.home.facts import ServerFacts
from carbon.join.grep import OWN_LOG_PATTERN
from carbon.join.lines import ClusterDomain, LocalMember, ShuttingDown, Started, parse
from carbon.join.quote import quote
from carbon.value import Value

OWN = "own"
"""The name under which a server is asked for its own milestones and failures."""
CONSOLE = "console"
OWN_PATTERN = "|".join(
    (
        OWN_LOG_PATTERN,
        "Starting WSO2 Carbon",
        "Shutdown hook triggered",
        "Shutdown complete",
        "Halting JVM",
    )
)
_BEGIN = re.compile(r"Starting WSO2 Carbon|Shutdown complete|Halting JVM")


class OwnLog(Value, kw_only=True):
    """A server's own log since it last started."""

    lines: tuple[str, ...]
    domain: str | None = None
    domain_line: str | None = None
    local: LocalMember | None = None
    local_line: str | None = None
    started: bool = False
    stopped_at: datetime | None = None
    """It ended in an orderly way, and nothing came after."""

    @classmethod
    def of(cls, facts: ServerFacts) -> OwnLog:
        """Read what a server was asked for; its console counts only if it is down."""
        log = facts.said.get(OWN, ())
        console = () if facts.process else facts.said.get(CONSOLE, ())
        last = parse(log[-1]) if log else None
        stopped = isinstance(last, ShuttingDown) and facts.process is None
        return cls.of_lines(
            map(quote, (*_since_last_start(log), *_since_last_start(console))),
            stopped_at=last.at if last and stopped else None,
        )

    @classmethod
    def of_lines(cls, lines: Iterable[str], *, stopped_at: datetime | None = None) -> OwnLog:
        """Read the lines of one start."""
        lines = tuple(lines)
        domain = domain_line = local = local_line = None
        started = False
        for line in lines:
            match parse(line):
                case ClusterDomain() as event:
                    domain, domain_line = event.domain, line
                case LocalMember() as event:
                    local, local_line = event, line
                case Started():
                    started = True
        return cls(
            lines=lines,
            domain=domain,
            domain_line=domain_line,
            local=local,
            local_line=local_line,
            started=started,
            stopped_at=stopped_at,
        )


def _since_last_start(lines: Sequence[str]) -> tuple[str, ...]:
    """Return what was written since the server last began, or ended in an orderly way."""
    for at in range(len(lines) - 1, -1, -1):
        if _BEGIN.search(lines[at]):
            return tuple(lines[at + 1 :])
    return tuple(lines)
