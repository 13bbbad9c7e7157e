"""Every finding can be looked up, and the page says what the program says."""

from __future__ import annotations

import re

from carbon.checks.registry import kinds
from carbon.checks.troubleshooting import PAGE, updated


def test_the_page_is_what_the_findings_say() -> None:
    """If it is not: make docs-generated."""
    page = PAGE.read_text()
    assert page == updated(page)
    assert all(f"`{kind.code}`" in page for kind in kinds())


def test_every_kind_has_a_kebab_case_code_two_whole_sentences_and_a_weight() -> None:
    for kind in kinds():
        assert re.fullmatch(r"[a-z][a-z0-9]*(-[a-z0-9]+)*", kind.code)
        assert kind.remedy
        assert not kind.seen.endswith(".") and not kind.logged.endswith(".")
        assert 0 <= kind.weight <= 100


def test_an_expression_for_a_log_fills_in_the_names_of_its_sentence() -> None:
    """A name that neither the expression nor the node has would end in a traceback."""
    known = {"node", "server", "home", "domain", "address", "manager", "manager_server"}
    for kind in kinds():
        if kind.log:
            groups = set(re.compile(kind.log).groupindex)
            names = set(re.findall(r"\{(\w+)\}", (kind.logged or kind.seen) + kind.remedy))
            assert names <= groups | known | {"manager_address"}, kind
