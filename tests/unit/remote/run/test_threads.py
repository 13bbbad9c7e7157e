"""How many at once: all of them, in order, each error on its own."""

from __future__ import annotations

import threading

import pytest

from carbon.errors import ConnectError, ProvisionError
from remote.run.threads import AT_MOST, Background, all_or_errors, parallel


def test_results_come_in_the_order_of_their_items() -> None:
    """Whichever is done first."""
    turn = threading.Event()

    def work(item: int) -> int:
        if item == 0:
            assert turn.wait(5)
        else:
            turn.set()
        return 10 * item

    assert parallel([0, 1, 2], work) == [0, 10, 20]


def test_all_are_under_way_at_once() -> None:
    together = threading.Barrier(3, timeout=5)
    assert parallel(range(3), lambda _: together.wait() >= 0) == [True, True, True]


def test_no_more_are_under_way_than_an_sshd_takes() -> None:
    guard = threading.Lock()
    now, most = 0, 0
    full = threading.Event()

    def work(_: int) -> None:
        nonlocal now, most
        with guard:
            now += 1
            most = max(most, now)
            if now == AT_MOST:
                full.set()
        full.wait(5)
        with guard:
            now -= 1

    parallel(range(3 * AT_MOST), work)
    assert most == AT_MOST


def test_an_error_of_one_is_its_result_and_stops_no_other() -> None:
    error = ConnectError("no answer", host="b")

    def work(name: str) -> str:
        if name == "b":
            raise error
        return name.upper()

    results = parallel("abc", work)
    assert results == ["A", error, "C"]
    assert all_or_errors(results) == (["A", "C"], [error])


@pytest.mark.parametrize("items", [[], ["one"]])
def test_one_or_none_needs_no_threads(items: list[str]) -> None:
    before = threading.active_count()
    assert parallel(items, lambda item: (item, threading.active_count())) == [
        (item, before) for item in items
    ]


def test_a_defect_is_no_result() -> None:
    """Only what this tool raises on purpose is an outcome; anything else must be seen."""
    with pytest.raises(ZeroDivisionError):
        parallel([1, 0], lambda number: 1 // number)


def test_an_error_of_the_only_item_is_its_result_as_well() -> None:
    def fail(_: int) -> None:
        raise ProvisionError("no")

    (error,) = parallel([1], fail)
    assert isinstance(error, ProvisionError)


def test_what_is_begun_in_the_background_is_waited_for_only_at_the_end_of_the_block() -> None:
    may_end, done = threading.Event(), []

    def work() -> None:
        assert may_end.wait(5)
        done.append("work")

    with Background() as background:
        background.begin(work)
        assert done == []
        may_end.set()
    assert done == ["work"]


def test_a_defect_in_the_background_is_seen_at_the_end_of_the_block() -> None:
    with pytest.raises(ZeroDivisionError), Background() as background:
        background.begin(lambda: [1 // 0].clear())
