"""What log4j.properties keeps out of a server's log is known before anything is started."""

from __future__ import annotations

import time
from pathlib import Path, PurePosixPath

import pytest

from carbon.config.log4j import HAZELCAST_LOGGER, STARTED_LOGGER, TRIBES_LOGGER, hidden

HOME = PurePosixPath("/opt/as")
STOCK = b"""
log4j.rootLogger=INFO, CARBON_CONSOLE, CARBON_LOGFILE, CARBON_MEMORY
log4j.logger.org.apache.axis2.clustering=INFO, CARBON_CONSOLE, CARBON_LOGFILE
log4j.logger.org.wso2=INFO
log4j.additivity.org.apache.axis2.clustering=false
log4j.appender.CARBON_CONSOLE=org.wso2.carbon.utils.logging.appenders.CarbonConsoleAppender
log4j.appender.CARBON_CONSOLE.threshold=DEBUG
log4j.appender.CARBON_MEMORY=org.wso2.carbon.logging.appenders.MemoryAppender
log4j.appender.CARBON_LOGFILE=org.apache.log4j.DailyRollingFileAppender
log4j.appender.CARBON_LOGFILE.File=${carbon.home}/repository/logs/${instance.log}/wso2carbon${instance.log}.log
log4j.appender.CARBON_LOGFILE.threshold=DEBUG
"""
ALL = (STARTED_LOGGER, HAZELCAST_LOGGER, TRIBES_LOGGER)
SHARED = Path(__file__).resolve().parents[5] / "shared/stock"


def with_lines(*lines: str) -> bytes:
    """Return the stock file with these lines at its end: the last of equal keys counts."""
    return STOCK + "\n".join(lines).encode()


def hides(data: bytes, *loggers: str) -> list[tuple[str, str]]:
    found = [hidden(data, logger, home=HOME) for logger in loggers or (STARTED_LOGGER,)]
    return [(each.log, each.console) for each in found]


def test_a_stock_file_hides_nothing() -> None:
    assert hides(STOCK, *ALL) == [("", "")] * 3
    for path in SHARED.rglob("log4j.properties"):
        assert hides(path.read_bytes(), *ALL) == [("", "")] * 3, path


@pytest.mark.parametrize("level", ["WARN", "error", " OFF ", "FATAL"])
def test_a_level_above_info_hides_from_log_and_console_alike(level: str) -> None:
    why = f"log4j.properties has the level {level.strip().upper()} for org.wso2"
    assert hides(with_lines(f"log4j.logger.org.wso2={level}")) == [(why, why)]
    assert hides(with_lines(f"log4j.logger.org.wso2={level}"), TRIBES_LOGGER) == [("", "")]


def test_the_nearest_logger_with_a_level_decides() -> None:
    quiet_root = with_lines("log4j.rootLogger=WARN, CARBON_CONSOLE, CARBON_LOGFILE")
    assert hides(quiet_root, *ALL) == [("", "")] * 3
    inherited = quiet_root + b"\nlog4j.logger.org.wso2=INHERITED"
    assert "level WARN for rootLogger" in hides(inherited)[0][0]
    near = with_lines("log4j.logger.org.wso2=ERROR", "log4j.category.org.wso2.carbon.core=INFO")
    assert hides(near, STARTED_LOGGER, HAZELCAST_LOGGER) == [("", "")] * 2
    only_clustering = with_lines("log4j.logger.org.wso2.carbon.core.clustering=WARN")
    assert [bool(log) for log, _ in hides(only_clustering, *ALL)] == [False, True, False]


def test_a_threshold_hides_from_its_own_place_only() -> None:
    log, console = hides(with_lines("log4j.appender.CARBON_LOGFILE.Threshold=WARN"))[0]
    assert (log, console) == ("", "")  # log4j sets both spellings, in an order that is not known
    log, console = hides(with_lines("log4j.appender.CARBON_LOGFILE.threshold = WARN"))[0]
    assert log == "log4j.properties has the threshold WARN for CARBON_LOGFILE"
    assert console == ""
    assert "threshold OFF for all loggers" in hides(with_lines("log4j.threshold=OFF"))[0][1]


def test_a_log_in_another_file_is_named() -> None:
    log, console = hides(with_lines("log4j.appender.CARBON_LOGFILE.File=/var/log/as.log"))[0]
    assert log == "log4j.properties has the file /var/log/as.log for CARBON_LOGFILE"
    assert console == ""
    relative = "log4j.appender.CARBON_LOGFILE.File=repository/logs/wso2carbon.log"
    assert hides(with_lines(relative)) == [("", "")]
    by_name = ("logs=/var/log", "log4j.appender.CARBON_LOGFILE.File=${logs}/x.log")
    assert "/var/log/x.log" in hides(with_lines(*by_name))[0][0]


def test_a_logger_without_an_appender_of_the_place_writes_nothing_there() -> None:
    log, console = hides(with_lines("log4j.rootLogger=INFO, CARBON_CONSOLE"))[0]
    assert "no appender that writes a file" in log
    assert console == ""
    clustering = "log4j.logger.org.apache.axis2.clustering=INFO, CARBON_CONSOLE"
    assert "no appender" in hides(with_lines(clustering), TRIBES_LOGGER)[0][0]


def test_what_only_the_server_knows_hides_nothing() -> None:
    """A class of somebody's own, a name that no line gives, a level of a class."""
    for line in (
        "log4j.appender.CARBON_LOGFILE=com.example.OurAppender",
        "log4j.appender.CARBON_LOGFILE.File=${our.logs}/x.log",
        "log4j.logger.org.wso2=LOUD#com.example.OurLevel",
    ):
        assert hides(with_lines(line)) == [("", "")], line


def test_a_file_without_a_root_logger_hides_nothing() -> None:
    """It is no log4j.properties as any pack has it: a deploy must not be refused for it."""
    assert hides(b"level=DEBUG\nlog4j.logger.org.wso2=OFF\n", *ALL) == [("", "")] * 3


def test_a_file_of_properties_is_read_as_java_does() -> None:
    data = with_lines(
        "# log4j.logger.org.wso2=OFF",
        "! log4j.logger.org.wso2=OFF",
        "log4j.logger.org.wso2.carbon.core : WA\\",
        "   RN",
    )
    assert "level WARN for org.wso2.carbon.core" in hides(data)[0][0]


def test_names_that_stand_for_ever_more_of_each_other_are_not_followed_without_end() -> None:
    """A hundred names in place of one, eight times over, would fill no disk of this world."""
    lines = (f"n{at}={f'${{n{at + 1}}}' * 100}" for at in range(9))
    data = with_lines("log4j.appender.CARBON_LOGFILE.File=${n0}", *lines)
    began = time.process_time()
    assert hides(data) == [("", "")]
    assert time.process_time() - began < 1


def test_a_line_of_nothing_but_a_backslash_goes_on() -> None:
    assert "level WARN" in hides(with_lines("\\", "log4j.logger.org.wso2=WARN"))[0][0]
    assert hides(with_lines("log4j.x=\\", "\\", "log4j.logger.org.wso2=WARN")) == [("", "")]


def test_a_backslash_at_the_end_joins_lines_only_if_java_joins_them() -> None:
    """A line behind a comment or an escaped backslash is a line of its own."""
    for before in ("# once in C:\\logs\\", "old.logs=C:\\\\"):
        data = f"{before}\nlog4j.rootLogger=WARN, CARBON_LOGFILE".encode()
        assert "level WARN for rootLogger" in hides(data)[0][0], before
