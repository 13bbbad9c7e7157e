"""The columns of a log line, in whatever order an operator's log4j prints them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carbon.join.columns import LINE_LIMIT, Entry, cut, seconds, take_apart, zone_of
from carbon.join.lines import parse

AGENT = "org.wso2.carbon.core.clustering.hazelcast.HazelcastClusteringAgent"
SHORT = "HazelcastClusteringAgent"
TEXT = "Member joined [2b5b21f0-2d0c-4bb7-9f3c-6f2a9f3a2b11]: /10.0.0.11:4000"
BRACED = f"{{{AGENT}}}"
TIME = "2026-11-28 02:29:29,281"
AT = datetime(2026, 11, 28, 2, 29, 29, 281000)
CASES = Path(__file__).resolve().parents[4].parent / "shared/cases/01-log-layout-thread/lines.txt"


@pytest.mark.parametrize(
    ("line", "logger", "at"),
    [
        (f"TID: [0] [AS] [{TIME}]  INFO {BRACED} -  {TEXT} {BRACED}", AGENT, AT),
        (f"TID: [-1234] [] [{TIME}]  INFO {BRACED} -  {TEXT} ", AGENT, AT),
        (f"TID: [-1] [] [{TIME}]  INFO [main] {BRACED} -  {TEXT} {BRACED}", AGENT, AT),
        (f"TID: [-1] [] [{TIME}]  INFO [hz [a] b-1] {BRACED} -  {TEXT}", AGENT, AT),
        (f"TID: [-1] [] [{TIME}] [c0ffee-1]  INFO {BRACED} - {TEXT}", AGENT, AT),
        (f"[{TIME}]  INFO {BRACED} -  {TEXT}", AGENT, AT),
        (f"[{TIME}] {BRACED} INFO - {TEXT}", AGENT, AT),
        (f"[{TIME}] {BRACED} - {TEXT}", AGENT, AT),
        (f" INFO {BRACED} [{TIME}] - {TEXT}", AGENT, AT),
        (f"[{TIME}] INFO {BRACED} - {TEXT} {BRACED} [main]", AGENT, AT),
        (f"[{TIME}] INFO {BRACED} - {TEXT} {{{SHORT}}}", AGENT, AT),
        (f"{TIME} [main] INFO  {AGENT} - {TEXT}", AGENT, AT),
        (f"{TIME} INFO  [main] {AGENT}:142 - {TEXT}", AGENT, AT),
        (f"2026-11-28T02:29:29.281 INFO [{AGENT}] {TEXT}", AGENT, AT),
        (f"{TIME} INFO  [{AGENT}] (Thread 1) {TEXT}", AGENT, AT),
        (f"{TIME} - INFO - {AGENT} - {TEXT}", AGENT, AT),
        (f"{TIME} INFO {AGENT}: {TEXT}", AGENT, AT),
        (f"{TIME} [INFO ] o.w.c.hazelcast.Agent - {TEXT}", "o.w.c.hazelcast.Agent", AT),
        (f"4711 [main] INFO {AGENT}  - {TEXT}", AGENT, None),
        (f"02:29:29,281 INFO  [main] {SHORT} - {TEXT}", SHORT, None),
        (f"INFO - {SHORT} {TEXT}", SHORT, None),
        (f"[{TIME}]  INFO - {SHORT} {TEXT}", SHORT, AT),
    ],
)  # fmt: skip
def test_columns_of_any_layout_are_understood(line: str, logger: str, at: datetime | None) -> None:
    entry = take_apart(line)
    assert (entry.logger, entry.message, entry.at) == (logger, TEXT, at)
    assert parse(line) is not None


@pytest.mark.parametrize(
    ("time", "zone"),
    [
        ("2026-11-28T02:29:29.281Z", UTC),
        ("2026-11-28T02:29:29,281+0530", timezone(timedelta(hours=5, minutes=30))),
        ("2026-11-28 02:29:29,281-05:00", timezone(timedelta(hours=-5))),
    ],
)
def test_a_zone_in_the_line_beats_that_of_the_server(time: str, zone: timezone) -> None:
    at = take_apart(f"[{time}] INFO {{a.B}} - x").at
    assert at is not None
    assert at == AT.replace(tzinfo=zone)
    assert seconds(at, zone_seconds=12345) == at.timestamp()
    assert seconds(AT, zone_seconds=3600) == AT.replace(tzinfo=UTC).timestamp() - 3600


@pytest.mark.parametrize(
    "line",
    [
        "java.lang.ClassNotFoundException: org.owasp.csrfguard.CsrfGuardHttpSessionListener",
        "\tat java.util.concurrent.ThreadPoolExecutor$Worker.run(ThreadPoolExecutor.java:624)",
        "Caused by: java.net.ConnectException: Connection refused (Connection refused)",
        "Error: JAVA_HOME is not defined correctly.",
        "",
        "[[[[{{{{((((",
    ],
)
def test_a_line_without_columns_is_all_message(line: str) -> None:
    assert take_apart(line) == Entry(message=line.strip())


@pytest.mark.skipif(not CASES.exists(), reason="the cases are not here")
def test_a_thread_between_level_and_logger_changes_nothing() -> None:
    assert all(parse(line) for line in CASES.read_text().splitlines())


def test_a_line_is_cut_before_it_is_judged() -> None:
    assert len(cut("x" * 100_000)) == LINE_LIMIT


@given(st.text(alphabet="[](){}-: INFOa.b\t", max_size=200))
def test_no_line_breaks_the_scanner(line: str) -> None:
    assert take_apart(line).message in line


@pytest.mark.parametrize("zone", [0, 3600, -18_000, 20_700, 50_400])
def test_the_zone_of_a_log_is_that_of_its_last_line(zone: int) -> None:
    """-Duser.timezone of the JVM is not the shell's; its file is written as the line says."""
    written_at = AT.replace(tzinfo=UTC).timestamp() - zone
    line = f"TID: [-1234] [] [{TIME}]  INFO {BRACED} -  {TEXT} "
    assert zone_of(line, written_at=written_at + 0.3, otherwise=1) == zone


def test_a_log_that_does_not_show_its_zone_has_the_servers() -> None:
    at = AT.replace(tzinfo=UTC).timestamp()
    line = f"[{TIME}]  INFO {BRACED} -  {TEXT}"
    assert zone_of(line, written_at=at + 300, otherwise=1) == 1
    assert zone_of(line, written_at=at + 90 * 3600, otherwise=1) == 1
    assert zone_of("no time", written_at=at, otherwise=1) == 1
    assert zone_of(line.replace(TIME, "2026-11-28T02:29:29Z"), written_at=at, otherwise=1) == 1
