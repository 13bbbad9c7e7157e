"""What log4j.properties keeps out of a server's log and console: by level, threshold, or file.

Log4j 1.2, as in kernels up to 4.4. A level that was set in the management console is kept in the
registry and counts more than this file, and nothing here can know it.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath
from typing import Literal

from carbon.home import layout
from carbon.value import Value

STARTED_LOGGER = "org.wso2.carbon.core.internal.StartupFinalizerServiceComponent"
"""It says that a server started (kernels 4.2.0 and 4.4.8)."""
HAZELCAST_LOGGER = "org.wso2.carbon.core.clustering.hazelcast.wka.WKABasedMembershipScheme"
TRIBES_LOGGER = "org.apache.axis2.clustering.tribes.MembershipManager"
"""They say who joins."""

_PASSES_INFO = {"ALL", "TRACE", "DEBUG", "INFO"}
_ABOVE_INFO = {"WARN", "ERROR", "FATAL", "OFF"}
_INHERITED = {"INHERITED", "NULL"}
_ELSEWHERE = re.compile(r"(?:Memory|Syslog|LogEvent|SMTP|Socket|SocketHub|JMS|JDBC|NTEventLog)\w*$")
"""Appenders that write neither a file nor the console."""
_OTHER_FILE = "log4j.properties has the file"
_ROOT = "rootLogger"
_DEPTH = 8
"""So often may one `${name}` stand for another."""
_LONGEST = 1000
"""No longer text is filled in: a name that stands for a hundred others, each of which stands for a
hundred more, would take all memory."""


class Hidden(Value, kw_only=True):
    """Why what a logger says at level INFO is not seen; empty: it is, or nobody can tell."""

    log: str = ""
    """Of repository/logs/wso2carbon.log."""
    console: str = ""
    logger: str = ""
    is_elsewhere: bool = False
    """It is in another file, by its name: a link may lead from one to the other."""


def hidden(data: bytes, logger: str, *, home: PurePosixPath) -> Hidden:
    """Return why lines of a logger are in neither place, by a log4j.properties and its AS_HOME.

    What is not certain hides nothing: a class or a name that only the server knows.
    """
    log4j = _Log4j(properties=_properties(data), home=home)
    if not log4j.is_whole:
        return Hidden()
    if level := log4j.level_above_info(logger):
        return Hidden(log=level, console=level, logger=logger)
    places = {appender: log4j.place(appender) for appender in log4j.appenders(logger)}
    if None in places.values():
        return Hidden()
    log, console = (_why(log4j, logger, places, place) for place in ("file", "console"))
    elsewhere = log.startswith(_OTHER_FILE)
    return Hidden(log=log, console=console, logger=logger, is_elsewhere=elsewhere)


class _Log4j(Value, kw_only=True):
    properties: Mapping[str, str]
    home: PurePosixPath

    @property
    def is_whole(self) -> bool:
        """It has a root logger, as each pack's file has: without one it says nothing certain."""
        return "log4j.rootLogger" in self.properties or "log4j.rootCategory" in self.properties

    def level_above_info(self, logger: str) -> str:
        """Return in words which level hides INFO; empty: none does."""
        everything = self.level("log4j.threshold")
        if everything in _ABOVE_INFO:
            return f"log4j.properties has the threshold {everything} for all loggers"
        for name in self._chain(logger):
            level = _known_level(self._spec(name)[0])
            if level in _ABOVE_INFO:
                return f"log4j.properties has the level {level} for {name}"
            if level in _PASSES_INFO:
                break
        return ""

    def appenders(self, logger: str) -> tuple[str, ...]:
        """Return the appenders that are given what a logger says."""
        names: dict[str, None] = {}
        for name in self._chain(logger):
            names.update(dict.fromkeys(self._spec(name)[1:]))
            if self._value(f"log4j.additivity.{name}").lower() == "false":
                break
        return tuple(names)

    def place(self, appender: str) -> Literal["file", "console", "elsewhere"] | None:
        """Return where an appender writes; None if only the server knows its class."""
        kind = self._value(f"log4j.appender.{appender}")
        if "FileAppender" in kind:
            return "file"
        if kind.endswith("ConsoleAppender"):
            return "console"
        return "elsewhere" if not kind or _ELSEWHERE.search(kind) else None

    def level(self, key: str) -> str:
        """Return a level as log4j understands it."""
        return _known_level(self._value(key))

    def other_file(self, appender: str) -> str:
        """Return the file that it writes in place of the usual one; empty if that is not known."""
        path = self._value(f"log4j.appender.{appender}.file")
        path = path.replace("${carbon.home}", str(self.home)).replace("${instance.log}", "")
        if "${" in path or not path:
            return ""
        path = posixpath.normpath(posixpath.join(str(self.home), path))
        return "" if path == str(self.home / layout.LOG) else path

    def _spec(self, logger: str) -> list[str]:
        """Return the level of a logger, which may be empty, and its appenders."""
        if logger == _ROOT:
            keys = ("log4j.rootLogger", "log4j.rootCategory")
        else:
            keys = (f"log4j.logger.{logger}", f"log4j.category.{logger}")
        text = next((self._value(key) for key in keys if key in self.properties), "")
        return [part.strip() for part in text.split(",")]

    def _chain(self, logger: str) -> Iterator[str]:
        """Yield a logger and all above it, the root last."""
        while logger:
            yield logger
            logger = logger.rpartition(".")[0]
        yield _ROOT

    def _value(self, key: str) -> str:
        """Return a value, with the names of this file filled in; of a setter, in either spelling.

        Log4j calls the setter of `threshold` for `Threshold`, too.
        """
        name = key.rpartition(".")[2]
        other = key.removesuffix(name) + name[:1].upper() + name[1:]
        value = self.properties.get(key, self.properties.get(other, ""))
        for _ in range(_DEPTH):
            if len(value) <= _LONGEST:
                value = re.sub(r"\$\{([^{}]+)\}", self._named, value)
        return value.strip()

    def _named(self, match: re.Match[str]) -> str:
        value = self.properties.get(match[1], match[0])
        return value if len(value) <= _LONGEST else match[0]


def _why(log4j: _Log4j, logger: str, places: Mapping[str, str | None], place: str) -> str:
    """Return why no appender brings INFO to a place; empty if one does."""
    why = f"log4j.properties gives {logger} no appender that writes a {place}"
    for appender in (each for each in places if places[each] == place):
        threshold = log4j.level(f"log4j.appender.{appender}.threshold")
        if threshold in _ABOVE_INFO:
            why = f"log4j.properties has the threshold {threshold} for {appender}"
        elif place == "file" and (path := log4j.other_file(appender)):
            why = f"{_OTHER_FILE} {path} for {appender}"
        else:
            return ""
    return why


def _known_level(text: str) -> str:
    """Return a level as log4j understands it: what it does not know, it takes for DEBUG."""
    level = text.strip().upper()
    return level if level in _PASSES_INFO | _ABOVE_INFO | _INHERITED or not level else "DEBUG"


def _properties(data: bytes) -> Mapping[str, str]:
    """Read a file of properties as Java does: the last of several equal keys counts."""
    properties = {}
    for line in _logical_lines(data.decode("latin-1")):
        match = re.fullmatch(r"\s*([^\s=:#!][^\s=:]*)\s*[=:\s]?\s*(.*)", line)
        if match is not None:
            properties[match[1]] = re.sub(r"\\(.)", r"\1", match[2])
    return properties


def _logical_lines(text: str) -> Iterator[str]:
    """Yield each line with those that go on with it, after an odd number of backslashes.

    A comment ends with its own line, whatever is at its end.
    """
    begun: list[str] = []
    for line in re.split(r"\r\n?|\n", text):
        is_comment = not begun and line.lstrip()[:1] in ("#", "!")
        goes_on = not is_comment and (len(line) - len(line.rstrip("\\"))) % 2 == 1
        piece = line.lstrip(" \t\f") if begun else line
        begun.append(piece[:-1] if goes_on else piece)
        if not goes_on:
            yield "".join(begun)
            begun = []
    yield "".join(begun)
