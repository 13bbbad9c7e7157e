"""The columns of a log line: who wrote it and when, how grave it is, and what its message is.

The columns are the operator's to choose (log4j.properties, log4j2.properties), so they are read by
what they look like, wherever they stand:

    TID: [-1234] [] [2026-11-28 02:29:29,281]  INFO {org.x.Agent} -  text          kernel 4.4
    TID: [0] [AS] [2026-11-28 01:39:53,952]  INFO {org.x.Agent} -  text {org.x.Agent}    4.2.0
    TID: [-1234] [] [2018-04-02 10:11:12,123]  INFO [main] {org.x.Agent} -  text   a thread
    2026-11-28T02:29:29.281Z [main] INFO  org.x.Agent:12 - text                    plain log4j
    INFO - Agent text                                                              the console
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Literal, get_args

from carbon.value import Value

Level = Literal["TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL"]
LINE_LIMIT = 4096
"""What is read of a line, in characters: more is a dump, and time is what it would cost."""
_COLUMNS_LIMIT = 16
"""More columns than this are none."""
_TIME_WITHIN = 500
"""Characters, in which a line has its time if it has one: most of a stack trace is passed over."""


class Entry(Value, kw_only=True):
    """One line, taken apart."""

    message: str
    logger: str = ""
    level: Level | None = None
    at: datetime | None = None
    """By the clock of the server that wrote it; without a zone, unless the line names one."""


def cut(line: str) -> str:
    """Return as much of a line as is ever judged, without the blanks around it."""
    return line[:LINE_LIMIT].strip()


def take_apart(line: str) -> Entry:
    """Split a line into its columns; a line that has none is all message.

    The message follows a dash or colon after the level or the logger, or, if there is none, the
    first word after both.
    """
    line = cut(line)
    level: Level | None = None
    logger = name = ""
    for start, end in _columns(line):
        column = line[start:end]
        text = column.strip("[]() :")
        if column in _SEPARATORS:
            if level or logger:
                return _entry(line, start, end, level, logger or name)
        elif level is None and text in _LEVELS:
            level = _LEVELS[text]
            if column[-1] == ":":
                return Entry(message=line[end:].strip(), level=level, at=_time(line[:start]))
        elif column[0] in _CLOSING:
            if column[0] == "{" and _NAME.fullmatch(column[1:-1]):
                logger = column[1:-1]
            elif level and not logger and _DOTTED.fullmatch(text):
                logger = text
        elif level and logger:
            return _entry(line, start, start, level, logger)
        elif level and (spoken := _NAME.match(text)):
            if _DOTTED.fullmatch(spoken[0]):
                logger = spoken[0]
            else:
                name = spoken[0]
            if column[-1] == ":":
                return _entry(line, start, end, level, logger or name)
    return Entry(message=line)


def written_at(line: str) -> datetime | None:
    """Return when a line was written, by its server's local time; None for a further line of an
    entry, such as those of a stack trace."""
    return take_apart(line).at if _TIME.search(line, 0, _TIME_WITHIN) else None


def seconds(at: datetime, *, zone_seconds: int) -> float:
    """Return a line's time in seconds since the epoch, given the zone of its server."""
    if at.tzinfo is not None:
        return at.timestamp()
    return at.replace(tzinfo=UTC).timestamp() - zone_seconds


def zone_of(last_line: str, *, written_at: float, otherwise: int) -> int:
    """Return how far a log's times are ahead of UTC, in seconds, by its last line with a time.

    `written_at` is when its file was last written. The JVM may have a zone of its own
    (-Duser.timezone, TZ); `otherwise` is that of the server, for a log that does not show it.
    """
    at = take_apart(last_line).at
    if at is None or at.tzinfo is not None:
        return otherwise
    ahead = at.replace(tzinfo=UTC).timestamp() - written_at
    zone = round(ahead / _ZONE_STEP) * _ZONE_STEP
    plausible = abs(ahead - zone) <= _WRITTEN_WITHIN and abs(zone) <= _WIDEST_ZONE
    return zone if plausible else otherwise


_ZONE_STEP = 900
_WIDEST_ZONE = 14 * 3600
_WRITTEN_WITHIN = 10
"""Seconds from an entry's time to the end of its writing."""
_LEVELS: dict[str, Level] = {level: level for level in get_args(Level)}
_LEVELS |= {"WARNING": "WARN", "SEVERE": "ERROR"}  # java.util.logging
_SEPARATORS = frozenset({"-", "--", ":"})
_CLOSING = {"[": "]", "(": ")", "{": "}"}
_COLUMN = re.compile(r"\s*([^\s\[({]+|\[[^\[\]]*\]|\{[^{}]*\}|\([^()]*\))")
_NESTED = re.compile(r"\s*([\[({])")
_NAME = re.compile(r"[A-Za-z_$][\w$]*(?:\.[\w$]+)*")
_DOTTED = re.compile(r"[A-Za-z_$][\w$]*(?:\.[\w$]+)+")
_TIME = re.compile(r"\d{4}[-/]\d\d[-/]\d\d[ T]\d\d:\d\d:\d\d(?:[.,]\d{1,9})?(?:Z|[+-]\d\d:?\d\d)?")


def _columns(line: str) -> Iterator[tuple[int, int]]:
    """Yield where the first words and groups in brackets begin and end."""
    end = 0
    for _ in range(_COLUMNS_LIMIT):
        column = _COLUMN.match(line, end)
        if column:
            start, end = column.span(1)
        elif nested := _NESTED.match(line, end):
            start = nested.start(1)
            end = _group_end(line, start)
        else:
            return
        yield start, end


def _group_end(line: str, start: int) -> int:
    """Return where a group ends; a bracket that nothing closes is a column by itself."""
    opening, closing = line[start], _CLOSING[line[start]]
    depth = 0
    for at in range(start, len(line)):
        if line[at] == opening:
            depth += 1
        elif line[at] == closing:
            depth -= 1
            if depth == 0:
                return at + 1
    return start + 1


def _entry(line: str, start: int, end: int, level: Level | None, logger: str) -> Entry:
    message = line[end:].strip()
    if not logger:  # the short form of a console
        logger, _, message = message.partition(" ")
        message = message.strip().removeprefix("- ").strip()
    return Entry(
        message=_without_logger(message, logger), logger=logger, level=level, at=_time(line[:start])
    )


def _without_logger(message: str, logger: str) -> str:
    """Take off the logger that a layout repeats at the end, and what columns follow it."""
    rest = message
    while rest.endswith("]"):
        rest = rest[: rest.rfind("[")].rstrip()
    opening = rest.rfind("{")
    if rest.endswith("}") and logger.endswith(rest[opening + 1 : -1]):
        return rest[:opening].rstrip()
    return message


def _time(columns: str) -> datetime | None:
    time = _TIME.search(columns)
    try:
        return datetime.fromisoformat(time[0].replace("/", "-")) if time else None
    except ValueError:
        return None
