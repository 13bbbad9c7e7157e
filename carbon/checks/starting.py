"""Does it run at all, and as what? Checks of a node by itself."""

from __future__ import annotations

import re

from carbon.checks.case import Case, Finding, Findings
from carbon.checks.fitness import unfit_home
from carbon.checks.reasons import recognised_failure, recognised_symptom
from carbon.home import layout

FULL_BELOW_KB = 1024


def home(case: Case) -> Findings:
    for error in unfit_home(case.node, case.facts):
        yield Finding(topic="AS_HOME", likelihood=100, seen=error.seen, remedy=error.action)
    if case.facts.journal is not None:
        yield Finding(
            topic="AS_HOME",
            likelihood=99,
            seen="an interrupted run left its files half swapped, and it is not started like that",
            remedy=f"`fab -H {case.node.name} deploy` completes what was begun",
        )


def disk(case: Case) -> Findings:
    """A disk that is full is known from itself: there is no room for a line that says so."""
    if case.facts.disk_free_kb < FULL_BELOW_KB:
        yield Finding(
            topic="disk",
            likelihood=40 if case.own.started else 97,
            seen=f"a disk of {case.node.server} is full",
            remedy=f"free space on the disk that holds AS_HOME ({case.facts.disk_free_kb} kB left)",
        )


def java(case: Case) -> Findings:
    if case.facts.java_home is None:
        yield Finding(
            topic="JAVA_HOME",
            likelihood=20 if case.runs else 95,
            seen=f"there is no bin/java at JAVA_HOME {case.facts.java_missing or '(not set)'}",
            remedy=f"say `java_home` in hosts.yaml: a JDK that is installed on {case.node.server}",
        )


def profile(case: Case) -> Findings:
    wanted = str(layout.WORKER_PROFILE)
    if case.node.role == "worker" and wanted not in case.facts.present:
        yield Finding(
            topic="worker profile",
            likelihood=20 if case.runs else 94,
            seen=f"its pack has no worker profile ({wanted})",
            remedy="install a pack of this product version that has it: without, it cannot start"
            " as a worker node",
        )


def vault(case: Case) -> Findings:
    file = case.facts.files.get(layout.SECRET_CONF)
    enabled = file is not None and re.search(
        rb"(?m)^\s*carbon\.secretProvider\s*[=:]\s*\S", file.data
    )
    given = case.node.keystore_password or str(layout.PASSWORD_PERSIST) in case.facts.present
    if enabled and not given and not case.own.started:
        yield Finding(
            topic="keystore password",
            likelihood=90,
            seen="its secure vault wants the keystore's password at each start, and none is given",
            remedy='say `keystore_password` in hosts.yaml, such as !command "pass show ..."',
        )


def ports(case: Case) -> Findings:
    numbers = {
        "localMemberPort": case.node.local_member_port,
        "HTTP port": case.node.http_port,
        "HTTPS port": case.node.https_port,
    }
    blind = case.runs and "own" not in case.facts.listening.values()
    for name, number in numbers.items():
        if case.facts.listening.get(number) == "other" and not blind:
            yield Finding(
                topic="ports",
                likelihood=89,
                seen=f"its {name} {number} is taken by another process",
                remedy="end that process, or give this node another Offset or localMemberPort",
            )
    offset = case.facts.process.command.port_offset if case.facts.process else None
    if offset is not None and offset != case.node.offset:
        yield Finding(
            topic="ports",
            likelihood=30,
            seen=f"it was started with -DportOffset={offset}, which beats the Offset in carbon.xml",
            remedy=f"`fab -H {case.node.name} restart` starts it without",
        )


def driver(case: Case) -> Findings:
    driver = case.node.driver if case.asked.drafted is not None else None
    if driver and case.node.datasources and not any(j.has_driver_class for j in case.facts.jars):
        yield Finding(
            topic="driver",
            likelihood=45 if case.own.started else 93,
            seen=f"no JAR in repository/components/lib has the JDBC driver {driver.driver_class}",
            remedy=f"`fab -H {case.node.name} deploy` copies {driver.jar.name} there",
        )


def database(case: Case) -> Findings:
    database = case.asked.cluster.database
    reach = case.asked.to_database
    if database is None or reach not in ("refused", "silent"):
        return
    met = "refuses connections" if reach == "refused" else "does not answer"
    yield Finding(
        topic="database",
        likelihood=50 if case.own.started else 92,
        seen=f"the database {database.address}:{database.port} {met} when tried from it",
        remedy="start the database, correct `database` in hosts.yaml, or open the firewall",
    )


def failures(case: Case) -> Findings:
    """Tell what its own log says went wrong since it was last started."""
    if case.joined:
        return
    whose = {"node": case.node, "manager": case.manager}
    reason, likelihood = recognised_failure(case.own.lines, **whose), 96
    if reason is None:
        reason, likelihood = recognised_symptom(case.own.lines, **whose), 62
    if reason is not None:
        yield Finding(
            topic=reason.topic,
            likelihood=likelihood - 40 if case.own.started else likelihood,
            seen=reason.sentence,
            remedy=reason.remedy,
            line=reason.line,
        )


def running(case: Case) -> Findings:
    if not case.runs:
        when = case.own.stopped_at
        how = f": it was stopped at {when:%Y-%m-%d %H:%M:%S} by its own clock" if when else ""
        yield Finding(
            topic="process",
            likelihood=88,
            seen=f"it is not running{how}",
            remedy=f"fab -H {case.node.name} start",
        )
    elif not case.own.started and not case.joined and case.own.lines:
        yield Finding(
            topic="process",
            likelihood=60,
            seen="it runs and has not said that it started: it still starts, or it hangs",
            remedy=f"watch it: fab -H {case.node.name} logs --follow",
            line=case.own.lines[-1].strip(),
        )


def role(case: Case) -> Findings:
    if case.facts.process is None:
        return
    is_worker, wanted = case.facts.process.command.worker_node, case.node.role == "worker"
    if is_worker is not None and is_worker != wanted:
        seen, should = ("worker", "manager") if is_worker else ("manager", "worker")
        yield Finding(
            topic="role",
            likelihood=40,
            seen=f"it runs as a {seen}, not as a {should}: `wso2server.sh start` of kernel 4.2.0"
            " drops -DworkerNode=true",
            remedy=f"`fab -H {case.node.name} restart` starts it as a {should}",
        )
