"""The JVM: does it run, as what, and how far did its start come?"""

from __future__ import annotations

from typing import Literal

from carbon.checks.case import Case
from carbon.checks.finding import Findings, Kind
from carbon.home import layout

DOWN = Kind(
    code="not-running",
    seen="it is not running{when}",
    remedy="start it: fab -H {node} start",
    weight=88,
)
REMOVED = Kind(
    code="removed",
    seen="it was removed from the cluster, and hosts.yaml still names it",
    remedy="delete {node} from hosts.yaml; or take it in again: fab -H {node} deploy",
    weight=88,
)
REMOVED_MANAGER = Kind(
    code="removed",
    seen="it was removed from the cluster, and hosts.yaml still names it",
    remedy="take it in again: fab -H {node} deploy; or name another manager in hosts.yaml",
    weight=88,
)
SEVERAL = Kind(
    code="several-servers",
    seen="several servers run from its AS_HOME: pid {pid} and {others}",
    remedy="end all but one of them, and see what starts them: a unit of systemd, or a script of"
    " somebody",
    weight=98,
)
NOT_STARTED = Kind(
    code="not-started",
    seen="it runs and did not log that it started: it is still starting, or it hangs",
    remedy="watch it: fab -H {node} logs --follow",
    weight=60,
)
WRONG_ROLE = Kind(
    code="wrong-role",
    seen="it runs as a {role}, not as a {wanted}: its JVM says so (`wso2server.sh start` of kernel"
    " 4.2.0 drops -DworkerNode=true)",
    remedy="`fab -H {node} restart` starts it as a {wanted}",
    weight=40,
)
REALM = Kind(
    code="user-store",
    seen="{node} could not initialise its user store, and waits for ever",
    remedy="read the exception before this line in its log; user-mgt.xml names the datasource",
    weight=63,
    log=r"Cannot initialize the realm|Cannot start User Manager Core bundle",
)
CLUSTER_FAILED = Kind(
    code="clustering-failed",
    seen="{node} could not initialise its cluster",
    remedy="read the exception after this line in its log",
    weight=60,
    log=r"Cannot initialize cluster",
)
TRANSPORTS_FAILED = Kind(
    code="transports-failed",
    seen="{node} could not start its transports",
    remedy="read the exception after this line in its log",
    weight=59,
    log=r"Cannot start transports",
)
SERVICES = Kind(
    code="services-missing",
    seen="{node} hangs: it waits for the OSGi services {services}",
    remedy="look for the first ERROR in its log: a bundle did not start",
    weight=58,
    log=r"Waiting for required OSGi services: ?(?P<services>.*\S)?",
)
FIRST_ERROR = Kind(
    code="first-error",
    seen="the first error of {node} since its start: {message}",
    remedy="read the lines around it: fab -H {node} logs --lines 500",
    weight=64,
)
NO_FURTHER = Kind(
    code="start-unexplained",
    seen="{node} got no further than its last line says",
    remedy="read its log from there",
    weight=10,
)


def running(case: Case) -> Findings:
    """It runs."""
    if case.runs:
        return
    removed = str(layout.REMOVED) in case.facts.present
    when = case.own.stopped_at
    how = f": it was stopped at {when:%Y-%m-%d %H:%M:%S} by its own clock" if when else ""
    weight, blocks = 97 if case.watches else None, case.watches
    gone = REMOVED_MANAGER if case.is_manager else REMOVED
    yield case.finding(gone if removed else DOWN, weight=weight, blocks=blocks, when=how)


def single(case: Case) -> Findings:
    """No other server runs from the same AS_HOME."""
    process = case.facts.process
    if process is not None and process.others:
        others = ", ".join(map(str, process.others))
        yield case.finding(SEVERAL, blocks=case.starts, pid=process.pid, others=others)


def started(case: Case) -> Findings:
    """It started, and does not hang.

    One can join and hang: Hazelcast waits while another member is silent (seen on 4.2.0).
    """
    if case.runs and case.own.lines and not case.has_started:
        yield case.finding(NOT_STARTED, line=case.own.lines[-1])


def role(case: Case) -> Findings:
    """It runs as what hosts.yaml says."""
    wanted = "worker" if case.node.role == "worker" else "manager"
    if effective_role(case) not in (None, wanted):
        yield case.finding(WRONG_ROLE, role=effective_role(case), wanted=wanted)


def effective_role(case: Case) -> Literal["manager", "worker"] | None:
    """Return what its JVM truly runs as; None if it is down, or an old Linux cuts the line."""
    is_worker = case.facts.process.command.worker_node if case.facts.process else None
    return None if is_worker is None else "worker" if is_worker else "manager"
