"""The logs: can they tell what happened?"""

from __future__ import annotations

from carbon.checks.case import Case
from carbon.checks.finding import Findings, Kind
from carbon.config.log4j import STARTED_LOGGER
from carbon.home import layout
from carbon.home.facts import CLOCK_SLACK_SECONDS
from carbon.join.columns import seconds
from carbon.join.lines import names_milestone, parse
from carbon.join.membership import MEMBERS
from carbon.join.own_log import is_after_start
from carbon.plan.logs import joins_hidden_now, log4j_changes
from carbon.plan.logs import start_hidden as hidden_start

START_SECONDS = 30
"""A JVM is silent for some seconds after its start."""
WEEK_SECONDS = 7 * 24 * 3600

MISSING = Kind(
    code="log-missing",
    seen=f"its log {layout.LOG} is missing",
    remedy="see where {node} writes its log: -Dcarbon.logs.path of its JVM, or log4j.properties",
    weight=66,
)
UNREADABLE = Kind(
    code="log-unreadable",
    seen=f"its log {layout.LOG} is unreadable for {{user}}",
    remedy="set `run_as: OWNER` for {node} in hosts.yaml, or let the login read its logs",
    weight=66,
)
UNWRITABLE = Kind(
    code="log-unwritable",
    seen=f"{{user}} cannot write its log {layout.LOG}",
    remedy="give repository/logs and all in it back to the account that runs the server (chown -R)",
    weight=96,
)
OLD = Kind(
    code="log-not-grown",
    seen="its log {log} has not grown since its JVM started, so it tells nothing",
    remedy="see where {node} writes its log: log4j.properties, or a level above INFO for"
    " org.wso2.carbon.core",
    weight=94,
)
SILENT = Kind(
    code="log-silent",
    seen="its log grows, and has no line of its start: its level hides them, or they are elsewhere",
    remedy="let log4j.properties log INFO for org.wso2.carbon (a level that was set in the console"
    " counts more than the file), and restart it",
    weight=65,
)
START_HIDDEN = Kind(
    code="log-hides-start",
    seen="{places} cannot say that it started: {why}",
    remedy="let log4j.properties log INFO for {logger} into " + str(layout.LOG),
    weight=66,
)
JOINS_HIDDEN = Kind(
    code="log-hides-joins",
    seen="its log cannot show who joins: {why}",
    remedy="let log4j.properties log INFO for {logger} into " + str(layout.LOG) + ", and restart"
    " {node}",
    weight=67,
)
LAYOUT = Kind(
    code="log-layout",
    seen="its log has lines whose columns are not understood",
    remedy="keep the level and {{logger}} in log4j.properties' layout, as the product has them",
    weight=70,
)
EMPTY = Kind(
    code="log-empty",
    seen="{node} has written nothing since its start, as far as its log can be followed",
    remedy="see if its log is elsewhere or silent (`fab -H {node} doctor`), and read its console"
    f" in AS_HOME/{layout.CONSOLE_LOG}",
    weight=10,
)


def log(case: Case) -> Findings:
    """The log of a server that watches the others can be read."""
    if not case.watches or case.facts.home_real is None:
        return
    if case.facts.log.state == "missing" and case.runs:
        yield case.finding(MISSING, blocks=True)
    elif case.facts.log.state == "unreadable":
        yield case.finding(UNREADABLE, blocks=True)


def writable(case: Case) -> Findings:
    """The account that runs the server can write its log."""
    if case.plan is not None and not case.facts.log.writable:
        yield case.finding(UNWRITABLE, weight=20 if case.runs else None, blocks=case.starts)


def grows(case: Case) -> Findings:
    """A server that runs writes its log where it is read."""
    facts = case.facts
    if facts.log_is_old or (facts.log_is_untouched and _serves(case)) or _is_empty(case):
        # A start is followed by its console, too, and may mend what kept the log from growing.
        yield case.finding(OLD, blocks=case.watches, log=facts.log.path or layout.LOG)


def _serves(case: Case) -> bool:
    """Tell whether its HTTP or HTTPS port is open, which a start does at its end."""
    ports = (case.node.http_port, case.node.https_port)
    return any(case.facts.listening.get(port) == "own" for port in ports)


def _is_empty(case: Case) -> bool:
    """Tell whether its log is still as its start made it: the JVM logs elsewhere, or not at all."""
    process, log = case.facts.process, case.facts.log
    if process is None or log.written_at is None or log.size:
        return False
    at_start = abs(log.written_at - process.started_at) <= CLOCK_SLACK_SECONDS
    return at_start and case.facts.now - process.started_at > START_SECONDS


def start_hidden(case: Case) -> Findings:
    """Its log or its console can say that it started, by the file that it starts with."""
    plan = case.planned
    if plan is None or not (plan.start or case.runs):
        return
    if case.has_started and not (case.starts and log4j_changes(plan)):
        return  # with this very file it said so
    hides = hidden_start(plan)
    if hides.log and (hides.console or not case.starts):
        yield case.finding(
            START_HIDDEN,
            blocks=case.starts,
            places="its log and its console" if hides.console else "its log",
            why=hides.log,
            logger=STARTED_LOGGER,
        )


def joins_hidden(case: Case) -> Findings:
    """Its log can show who joins, by the file that it started with."""
    if not (case.watches or case.is_manager) or case.cluster.join_patterns:
        return
    agent = case.clustering.agent if case.clustering else None
    hides = joins_hidden_now(case.facts, agent)
    if hides.log and not (hides.is_elsewhere and _is_written(case)):
        yield case.finding(JOINS_HIDDEN, blocks=True, why=hides.log, logger=hides.logger)


def silent(case: Case) -> Findings:
    """It logs what it does; doctor asks for that.

    A WARN may be all that a level above INFO lets through. After a week what it said at its start
    may be rotated away, and what is recorded of its join shows that it was there.
    """
    process = case.facts.process
    if process is None or case.facts.joined or not _is_written(case):
        return
    if any(start_hidden(case)):
        return
    age_seconds = case.facts.now - process.started_at
    is_up = age_seconds > START_SECONDS or _serves(case)
    events = map(parse, (*case.own.lines, *case.facts.said.get(MEMBERS, ())))
    times = [
        seconds(event.at, zone_seconds=case.facts.zone_seconds)
        for event in events
        if event is not None and event.at is not None
    ]
    speaks = any(is_after_start(at, process.started_at) for at in times)
    if is_up and age_seconds < WEEK_SECONDS and not speaks:
        yield case.finding(SILENT)


def _is_written(case: Case) -> bool:
    process, written_at = case.facts.process, case.facts.log.written_at
    return process is not None and written_at is not None and written_at >= process.started_at


def layout_is_known(case: Case) -> Findings:
    """Its lines are understood."""
    for line in case.own.lines:
        if names_milestone(line) and parse(line) is None:
            yield case.finding(LAYOUT, line=line)
            return
