"""A list that is cut short says how much is left out, and a short one nothing."""

from __future__ import annotations

import pytest

from carbon.text import some_of


@pytest.mark.parametrize(
    ("names", "shown"),
    [
        ([], ""),
        (["a"], "a"),
        (["a", "b"], "a, b"),
        (["a", "b", "c"], "a, b and 1 more"),
        (["a", "b", "c", "d"], "a, b and 2 more"),
    ],
)
def test_the_first_names_and_how_many_more(names: list[str], shown: str) -> None:
    assert some_of(names, at_most=2) == shown
