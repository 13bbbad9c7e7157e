"""The logs: can they tell what happened?"""

from __future__ import annotations

from carbon.checks.case import Case
from carbon.checks.finding import Findings, Kind
from carbon.home import layout

MISSING = Kind(
    code="log-missing",
    seen=f"its log {layout.LOG} is missing",
    remedy="see where it writes its log: -Dcarbon.logs.path of its JVM, or log4j.properties",
    weight=30,
)
UNREADABLE = Kind(
    code="log-unreadable",
    seen=f"its log {layout.LOG} is unreadable for {{user}}",
    remedy="set `run_as: OWNER` for {node} in hosts.yaml, or let the login read its logs",
    weight=30,
)
UNWRITABLE = Kind(
    code="log-unwritable",
    seen=f"{{user}} cannot write its log {layout.LOG}",
    remedy="give repository/logs and all in it back to the account that runs the server (chown -R)",
    weight=96,
)
OLD = Kind(
    code="log-old",
    seen=f"its log {layout.LOG} has not grown since its JVM started, so it cannot tell who joins",
    remedy="see where {node} writes its log: -Dcarbon.logs.path of its JVM, log4j.properties, or a"
    " level above INFO for org.wso2.carbon.core",
    weight=30,
)
SILENT = Kind(
    code="log-empty",
    seen="{node} has written nothing since its start",
    remedy="look at its console in AS_HOME, and at the disk of {server}",
    weight=10,
)


def writable(case: Case) -> Findings:
    """The account that runs the server can write its log."""
    if case.plan is not None and not case.facts.log_writable:
        yield case.finding(UNWRITABLE, weight=20 if case.runs else None, blocks=case.starts)


def log(case: Case) -> Findings:
    """The log of a server that watches the others can be read."""
    if not case.watches or case.facts.home_real is None:
        return
    if case.facts.log == "missing" and case.runs:
        yield case.finding(MISSING, blocks=True)
    elif case.facts.log == "unreadable":
        yield case.finding(UNREADABLE, blocks=True)
    elif case.facts.log_is_old:
        yield case.finding(OLD, blocks=True)
