"""Whose turn it is in the benchmark."""

from __future__ import annotations

from collections import Counter

from benchmarks.measure import turns
from benchmarks.tools import ALL


def test_quick_tools_have_three_turns_for_one_of_the_others() -> None:
    """A moment's noise weighs more in a short run: its median wants more of them."""
    counted = Counter(tool.name for tool in turns(ALL, rounds=3, quick_turns=3))
    assert counted == {tool.name: 9 if tool.quick else 3 for tool in ALL}


def test_the_order_of_a_round_is_not_that_of_the_one_before() -> None:
    """Whoever comes after a long run may find warm caches, or a busy machine."""
    order = [tool.name for tool in turns(ALL, rounds=2, quick_turns=1)]
    first, second = order[: len(ALL)], order[len(ALL) :]
    assert sorted(first) == sorted(second)
    assert first != second
