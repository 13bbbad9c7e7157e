"""A list that is cut short says how much is left out, and a short one nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from carbon.text import local_path, some_of


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


def test_a_path_in_the_home_of_nobody_is_one_that_is_not_there() -> None:
    """Python raises a RuntimeError for it, which would look like a defect of this tool."""
    assert local_path("~/x") == Path.home() / "x"
    assert local_path("~nobody-of-that-name/x") == Path("~nobody-of-that-name/x")
    assert not local_path("~nobody-of-that-name/x").exists()
