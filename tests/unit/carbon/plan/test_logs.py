"""A plan says which witness of a start is left, by the log4j.properties it will start with."""

from __future__ import annotations

from pathlib import Path, PurePosixPath
from typing import Any

import pytest

from carbon.cluster import Artifact
from carbon.home import layout
from carbon.home.facts import RemoteFile
from carbon.plan.logs import only_console_tells
from carbon.plan.model import Options, Plan
from carbon.plan.plan import plan
from tests.unit.carbon.looks import axis2, log4j, make_facts, remote_file
from tests.unit.carbon.nodes import make_manager, make_node
from tests.unit.carbon.plan.test_plan import stock_files

THRESHOLD = "log4j.appender.CARBON_LOGFILE.threshold=WARN"


def planned(file: RemoteFile, **own: Any) -> Plan:
    """Plan a start of a server that is down, with this log4j.properties."""
    node = own.pop("node", make_node())
    facts = make_facts(process=None, said={}, files={**stock_files(), layout.LOG4J: file})
    return plan(node, facts, options=Options())


def said(made: Plan) -> str:
    return "; ".join(made.notes)


def test_the_console_counts_if_the_log_cannot_say_that_it_started() -> None:
    made = planned(log4j(THRESHOLD))
    assert "threshold WARN for CARBON_LOGFILE. Its console says it, and counts" in said(made)
    assert only_console_tells(made)


@pytest.mark.parametrize("lines", [(), ("log4j.logger.org.wso2=WARN",)])
def test_nothing_is_said_of_a_log_that_tells_or_if_nothing_can_tell(lines: tuple[str, ...]) -> None:
    """The second is refused, with its own sentence."""
    made = planned(log4j(*lines))
    assert "its log" not in said(made)
    assert not only_console_tells(made)


def test_a_manager_whose_log_will_not_show_who_joins_says_so_when_it_is_started() -> None:
    made = planned(log4j("log4j.rootLogger=WARN, CARBON_LOGFILE"), node=make_manager())
    assert "will not show who joins: log4j.properties has the level WARN for rootLogger" in said(
        made
    )
    assert "who joins" not in said(planned(log4j(), node=make_manager()))


def test_the_file_that_an_artifact_brings_is_the_one_that_counts(tmp_path: Path) -> None:
    source = tmp_path / "log4j.properties"
    source.write_bytes(log4j(THRESHOLD).data)
    entry = Artifact(source=source, to=PurePosixPath(layout.LOG4J), line=1, inventory="hosts.yaml")
    brought = make_node(artifacts=(entry,))
    assert only_console_tells(planned(log4j(), node=brought))
    source.write_bytes(log4j().data)
    assert not only_console_tells(planned(log4j(THRESHOLD), node=brought))


def test_a_rollback_is_not_judged_by_the_file_that_it_may_replace() -> None:
    facts = make_facts(files={layout.AXIS2: remote_file(axis2()), layout.LOG4J: log4j(THRESHOLD)})
    undoing = Plan(node=make_node(), facts=facts, start=True, undo=("20261122T100000Z-ab",))
    assert not only_console_tells(undoing)
