"""Whole logs of the real product: nothing is found in a healthy one, and the cause in others."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from carbon.checks.case import Case
from carbon.checks.failures import explain_start
from carbon.checks.finding import Finding
from carbon.checks.registry import failures
from carbon.join.lines import StartBegan, Started, parse
from tests.unit.carbon.looks import RECORD, make_facts
from tests.unit.carbon.nodes import make_cluster, make_node

LOGS = Path(__file__).resolve().parents[4].parent / "shared/stock/logs"
pytestmark = pytest.mark.skipif(not LOGS.exists(), reason="the real logs are not here")


def starts(path: Path) -> Iterator[list[str]]:
    """Yield the lines of each start in a log."""
    lines: list[str] = []
    for line in path.read_text().splitlines():
        if isinstance(parse(line), StartBegan) and lines:
            yield lines
            lines = []
        lines.append(line)
    yield lines


def whole(path: Path) -> list[list[str]]:
    """Return the starts that came to their end."""
    return [one for one in starts(path) if any(isinstance(parse(line), Started) for line in one)]


def explained(lines: list[str]) -> Finding:
    node = make_node(local_member_host=address(lines))
    return explain_start(lines, node=node, cluster=make_cluster(node))


def address(lines: list[str]) -> str:
    """Return the address that a log's own `Local member` line names."""
    local = next((line for line in lines if "Local member: [" in line), "Host:10.0.0.4,")
    return local.partition("Host:")[2].partition(",")[0]


FILES = sorted(LOGS.glob("kernel-*/*.log"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_no_start_that_came_to_its_end_has_a_cause_that_was_not_seen(path: Path) -> None:
    """Each healthy start logs a WARN about the default keystore."""
    for lines in whole(path):
        finding = explained(lines)
        assert finding.code in ("member-unseen", "member-split", "first-error"), finding


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_a_member_that_is_up_has_no_finding_in_its_log(path: Path) -> None:
    for lines in whole(path):
        facts = make_facts(said={"own": tuple(lines)}, record=RECORD)
        node = make_node(local_member_host=address(lines))
        assert list(failures(Case(node=node, cluster=make_cluster(node), facts=facts))) == []


def test_the_starts_that_failed_are_explained() -> None:
    failed = [
        explained(lines).code
        for path in FILES
        for lines in starts(path)
        if not any(isinstance(parse(line), Started) for line in lines)
    ]
    assert "database-in-use" in failed
    assert "driver" in failed
    assert "keystore-password" not in failed
