"""The JDK that runs a server, and the one that hosts.yaml names."""

from __future__ import annotations

from pathlib import PurePosixPath

from carbon.checks.case import Case
from carbon.checks.java import overridden
from tests.unit.carbon.looks import RECORD, make_facts, running
from tests.unit.carbon.nodes import make_cluster, make_node

NODE = make_node(java_home=PurePosixPath("/opt/java"))


def case(*unlike: str, **own: object) -> Case:
    facts = make_facts(process=running(unlike=unlike), **own)
    return Case(node=NODE, cluster=make_cluster(NODE), facts=facts)


def test_a_java_home_that_the_start_script_sets_has_a_remedy_that_names_the_script() -> None:
    """A restart does not help: this tool started it with another one."""
    (finding,) = overridden(case("JAVA_HOME", record=RECORD))
    assert finding.code == "java-differs"
    assert "not that of `java_home`, /opt/java" in finding.seen
    assert "AS_HOME/bin/wso2server.sh" in finding.remedy


def test_of_a_server_that_somebody_else_started_the_script_is_not_blamed() -> None:
    assert list(overridden(case("JAVA_HOME"))) == []
    assert list(overridden(case("JVM_MEM_OPTS", record=RECORD))) == []
