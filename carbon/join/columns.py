"""The columns of a log line: who wrote it and when, and what its message is."""

from __future__ import annotations

import re
from datetime import datetime

from carbon.value import Value


class Entry(Value, kw_only=True):
    """One line, taken apart."""

    logger: str
    message: str
    at: datetime | None
    """By the clock of the server that wrote it, without a zone."""


_LAYOUT = re.compile(
    r"(?P<columns>[^{}]*?)\b(?:TRACE|DEBUG|INFO|WARN|ERROR|FATAL)\s+"
    r"(?:\{(?P<logger>[^{}\s]+)\}\s+-|-\s+(?P<class>[\w.$]+))\s+(?P<message>.*)"
)
_TIME = re.compile(r"\[(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d[,.]\d{3})\]")


def take_apart(line: str) -> Entry:
    """Split a line of any of the layouts; one without a layout is all message.

    Kernel 4.2.0 repeats {logger} at the end; log4j2 and later products have more columns before
    the level; the short console form has the bare class name after the dash.
    """
    line = line.strip()
    layout = _LAYOUT.match(line)
    if layout is None:
        return Entry(logger="", message=line, at=None)
    logger = layout["logger"] or layout["class"]
    message = layout["message"].removesuffix(f"{{{logger}}}").rstrip()
    return Entry(logger=logger, message=message, at=_time(layout["columns"]))


def written_at(line: str) -> datetime | None:
    """Return when a line was written, by its server's local time; None for a further line of an
    entry, such as those of a stack trace."""
    return take_apart(line).at


def _time(columns: str) -> datetime | None:
    time = _TIME.search(columns)
    try:
        return datetime.fromisoformat(time[1]) if time else None
    except ValueError:
        return None
