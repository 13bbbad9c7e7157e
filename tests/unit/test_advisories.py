"""`make audit` never calls something clean that nobody looked up."""

from __future__ import annotations

import json

import pytest

from tests.advisories import Checked, judge, report, status

CLEAN = {"name": "lxml", "version": "6.0.0", "vulns": []}
SKIPPED = {"name": "rich", "skip_reason": "Dependency not found on PyPI and could not be audited"}
HIT = {
    "name": "paramiko",
    "version": "4.0.0",
    "vulns": [{"id": "CVE-2026-44405", "fix_versions": ["5.0"]}],
}


def judged(*packages: object) -> Checked:
    return judge(json.dumps({"dependencies": packages, "fixes": []}))


@pytest.mark.parametrize("output", ["", "Traceback: ConnectionError", "[]", "{}"])
def test_a_source_that_does_not_answer_is_said_and_no_clean_bill(output: str) -> None:
    checked = judge(output)
    assert "NOTHING was checked" in report("a.lock", checked)[0]
    assert (status([checked], strict=False), status([checked], strict=True)) == (0, 3)


def test_a_mirror_that_knows_none_of_the_packages_is_said_too() -> None:
    """pip-audit ends with 0 and says "no known vulnerabilities"."""
    assert "NOTHING was checked" in report("a.lock", judged(SKIPPED))[0]
    assert report("a.lock", judged(CLEAN, SKIPPED)) == ["a.lock: not checked: rich"]


def test_a_vulnerability_ends_with_1_whatever_else_was_not_checked() -> None:
    checked = judged(HIT, SKIPPED)
    assert report("a.lock", checked)[0] == "a.lock: paramiko 4.0.0: CVE-2026-44405, fixed in 5.0"
    assert status([judged(CLEAN), checked], strict=True) == 1


def test_what_was_looked_up_and_clean_is_said_with_its_number() -> None:
    assert report("a.lock", judged(CLEAN)) == ["a.lock: 1 packages, no known vulnerability"]
    assert status([judged(CLEAN)], strict=True) == 0
