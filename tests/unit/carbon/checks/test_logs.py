"""Can a log tell what happened? If not, it is named as that, and no event is denied by it."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import Any

import pytest

from carbon.checks import logs, registry
from carbon.checks.case import Case
from carbon.home import layout
from carbon.home.facts import Listener, LogFacts, RemoteFile
from carbon.plan.model import Plan
from carbon.value import replace
from tests.unit.carbon.looks import (
    NOW,
    RECORD,
    axis2,
    log4j,
    log_line,
    make_facts,
    make_manager_facts,
    own_lines,
    remote_file,
    running,
)
from tests.unit.carbon.nodes import make_cluster

CLUSTER = make_cluster()
WORKER = CLUSTER.workers[0]


def case(*, starts: bool = False, seconds: float = 100, **own: Any) -> Case:
    """Return a worker that was started so long ago and was not seen joining."""
    facts = make_facts(
        process=running(seconds=seconds), **{"log": LogFacts(written_at=NOW - 1), **own}
    )
    return Case(
        node=WORKER,
        cluster=CLUSTER,
        facts=facts,
        plan=Plan(node=WORKER, facts=facts, start=starts),
        manager_facts=make_manager_facts(),
    )


def codes(*checked: Any) -> list[str]:
    return [finding.code for findings in checked for finding in findings]


def test_a_log_that_grows_is_right() -> None:
    assert codes(logs.grows(case()), logs.silent(case())) == []


def test_a_log_that_has_not_grown_since_the_start_is_named_with_its_place() -> None:
    """An old file at the usual place is not evidence of anything."""
    (finding,) = logs.grows(
        case(log=LogFacts(written_at=NOW - 500, path=PurePosixPath("/var/log/x.log")))
    )
    assert finding.code == "log-not-grown"
    assert "/var/log/x.log has not grown" in finding.seen


def test_an_empty_log_that_was_made_for_the_start_has_not_grown() -> None:
    """A start makes the file: its JVM logs elsewhere by log4j.properties, and doctor said ok."""
    empty = LogFacts(state="readable", written_at=NOW - 101, size=0)
    (finding,) = logs.grows(case(log=empty, record=RECORD, starts=True))
    assert (finding.code, finding.blocks) == ("log-not-grown", False), "its console may tell"
    truncated = LogFacts(state="readable", written_at=NOW - 20, size=0)
    assert codes(logs.grows(case(log=truncated))) == [], "logrotate, and no line since"
    assert codes(logs.grows(case(log=replace(empty, size=1)))) == []
    assert codes(logs.grows(case(seconds=5, log=LogFacts(written_at=NOW - 6)))) == []


def test_a_server_that_has_just_started_may_be_silent() -> None:
    old = LogFacts(written_at=NOW - 500)
    assert codes(logs.grows(case(seconds=5, log=old, listening={}))) == []
    assert codes(logs.silent(case(seconds=5, said={}, listening={}))) == []


def test_a_server_that_serves_has_said_so_if_it_says_anything_here() -> None:
    """A manager that was restarted a moment ago: nothing is to be stopped for a join unseen."""
    old = LogFacts(written_at=NOW - 500)
    assert codes(logs.grows(case(seconds=20, log=old))) == ["log-not-grown"]
    others: dict[int, Listener] = {9763: "other", 9443: "other"}
    assert codes(logs.grows(case(seconds=20, log=old, listening=others))) == []
    assert codes(logs.silent(case(seconds=20, said={}))) == ["log-silent"]


def test_a_restart_is_not_refused_for_a_log_that_the_last_start_could_not_write() -> None:
    """It may be what mends that: the disk was full or read-only. Its console is followed, too."""
    old = case(log=LogFacts(written_at=NOW - 500), starts=True)
    assert codes(logs.grows(old)) == ["log-not-grown"]
    assert registry.refusals(old) == []


@pytest.mark.parametrize(
    ("own", "code"),
    [
        ({"log": LogFacts(state="missing")}, "log-missing"),
        ({"log": LogFacts(state="unreadable")}, "log-unreadable"),
        ({"log": LogFacts(state="readable", written_at=NOW - 5000)}, "log-not-grown"),
    ],
)
def test_a_manager_whose_log_cannot_tell_who_joins_is_refused(
    own: dict[str, Any], code: str
) -> None:
    manager = CLUSTER.manager
    facts = make_manager_facts(**own)
    errors = registry.watcher_refusals(
        Case(node=manager, cluster=CLUSTER, facts=facts, watches=True)
    )
    assert [error.code for error in errors] == [code]


def test_a_missing_log_and_an_unreadable_one_have_remedies_of_their_own() -> None:
    assert "run_as" in logs.UNREADABLE.remedy
    assert "run_as" not in logs.MISSING.remedy


def test_a_log_whose_level_hides_the_milestones_is_called_silent() -> None:
    """What is not logged is not denied."""
    assert codes(logs.silent(case(said={}))) == ["log-silent"]
    warning = log_line("Carbon is configured to use the default keystore", level="WARN")
    assert codes(logs.silent(case(said={"own": (warning,)}))) == ["log-silent"]
    assert codes(logs.silent(case(said={"own": own_lines()}, seconds=40))) == ["log-silent"]
    assert codes(logs.silent(case(said={}, seconds=10, listening={}))) == []
    assert codes(logs.silent(case(said={}, record=RECORD))) == []
    assert codes(logs.silent(case(said={"own": own_lines()}))) == []


def test_a_milestone_in_a_layout_that_is_not_understood_is_shown() -> None:
    line = "12:00:00 | WSO2 Carbon started in 23 sec |"
    seen = case(said={"own": (*own_lines()[:2], line)})
    (finding,) = logs.layout_is_known(seen)
    assert (finding.code, finding.line) == ("log-layout", line)
    assert codes(logs.layout_is_known(case())) == []


def test_the_first_error_is_shown_where_no_rule_knows_it() -> None:
    error = log_line("Something new happened", level="ERROR")
    lines = (
        own_lines()[0],
        error,
        "java.lang.IllegalStateException: outer",
        "Caused by: java.sql.SQLException: jdbc:mysq://db",
        log_line("Cannot initialize the realm.", level="ERROR"),
    )
    findings = registry.failures(case(said={"own": lines}))
    (finding,) = findings
    assert finding.code == "first-error"
    assert "Something new happened; Caused by: java.sql.SQLException" in finding.seen


def test_an_error_of_a_member_that_is_up_is_no_finding() -> None:
    lines = (*own_lines(), log_line("Error occurred while running CacheCleanupTask", level="ERROR"))
    seen = case(said={"own": lines}, record={"pid": "4711", "ticks": "815", "evidence": "JOIN"})
    assert codes(registry.failures(seen)) == []


TRIBES = "org.wso2.carbon.core.clustering.tribes.TribesClusteringAgent"


def with_log4j(*lines: str, agent: str = "", host: str = "10.0.0.4") -> dict[Any, RemoteFile]:
    text = axis2(agent=agent, host=host) if agent else axis2(host=host)
    return {layout.AXIS2: remote_file(text), layout.LOG4J: log4j(*lines)}


def test_a_start_that_no_log_could_show_is_refused_before_anything_is_stopped() -> None:
    """A level above INFO in log4j.properties hides it from the log and the console alike."""
    hides = with_log4j("log4j.logger.org.wso2=WARN")
    (error,) = registry.refusals(case(starts=True, said={}, files=hides))
    assert error.code == "log-hides-start"
    assert error.seen.startswith("its log and its console cannot say that it started: log4j")
    assert error.seen.endswith("log4j.properties has the level WARN for org.wso2")
    by_console = with_log4j("log4j.appender.CARBON_LOGFILE.threshold=WARN")
    assert registry.refusals(case(starts=True, said={}, files=by_console)) == []
    assert registry.refusals(case(starts=True, said={}, files=with_log4j())) == []
    assert registry.refusals(case(said={}, files=hides)) == [], "nothing is started"


def test_a_member_that_runs_with_a_file_shows_that_it_hides_nothing() -> None:
    """A level of the console counts more than the file; a file that changed since is judged."""
    hides = with_log4j("log4j.logger.org.wso2=WARN")
    assert registry.refusals(case(starts=True, files=hides, record=RECORD)) == []
    edited = replace(
        case(starts=True, files=hides, record=RECORD).facts,
        process=running(newer=(str(layout.LOG4J),)),
    )
    restarted = Case(
        node=WORKER,
        cluster=CLUSTER,
        facts=edited,
        plan=Plan(node=WORKER, facts=edited, start=True),
        manager_facts=make_manager_facts(),
    )
    assert [error.code for error in registry.refusals(restarted)] == ["log-hides-start"]


def test_doctor_names_the_line_of_log4j_that_hides_a_start() -> None:
    hides = with_log4j("log4j.appender.CARBON_LOGFILE.threshold=ERROR")
    silent = case(said={}, files=hides)
    (finding,) = logs.start_hidden(silent)
    assert finding.seen.endswith("log4j.properties has the threshold ERROR for CARBON_LOGFILE")
    assert codes(logs.silent(silent)) == [], "one fault, one finding"
    assert codes(logs.start_hidden(case(files=hides))) == [], "it said that it started"


@pytest.mark.parametrize(
    ("line", "agent", "hidden"),
    [
        ("log4j.logger.org.wso2.carbon.core.clustering=WARN", "", True),
        ("log4j.logger.org.wso2.carbon.core.clustering=WARN", TRIBES, False),
        ("log4j.logger.org.apache.axis2.clustering=ERROR", TRIBES, True),
        ("log4j.logger.org.apache.axis2.clustering=ERROR", "", False),
        ("log4j.logger.org.apache.axis2.clustering=ERROR", "com.example.Agent", False),
        ("log4j.rootLogger=WARN, CARBON_LOGFILE", "com.example.Agent", True),
        ("log4j.appender.CARBON_LOGFILE.threshold=WARN", "", True),
    ],
)
def test_a_manager_whose_log4j_hides_who_joins_is_refused(
    line: str, agent: str, hidden: bool
) -> None:
    """Its own agent's lines count, and its console does not: only its log is followed."""
    assert watcher_codes(line, agent=agent) == (["log-hides-joins"] if hidden else [])


def test_a_manager_is_not_judged_by_a_file_that_it_does_not_run_with() -> None:
    """Or by a name of a file that a link may lead to, if the log grows."""
    line = "log4j.logger.org.wso2=WARN"
    newer = running(seconds=1000, worker=False, newer=(str(layout.LOG4J),))
    assert watcher_codes(line, process=newer) == []
    elsewhere = "log4j.appender.CARBON_LOGFILE.File=/var/log/wso2carbon.log"
    assert watcher_codes(elsewhere) == ["log-hides-joins"]
    assert watcher_codes(elsewhere, log=LogFacts(state="readable", written_at=NOW - 1)) == []


def watcher_codes(line: str, *, agent: str = "", **own: Any) -> list[str]:
    files = with_log4j(line, agent=agent, host="10.0.0.3")
    facts = make_manager_facts(files=files, **own)
    watcher = Case(node=CLUSTER.manager, cluster=CLUSTER, facts=facts, watches=True)
    return [error.code for error in registry.watcher_refusals(watcher)]
