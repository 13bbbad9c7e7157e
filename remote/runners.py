"""How many at once: the caller picks the runner, the work never knows."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from carbon.errors import ProvisionError

Item = TypeVar("Item")
Result = TypeVar("Result")

AT_MOST = 16
"""Connections under way at once: sshd drops what exceeds its MaxStartups (10 by default)."""


def parallel(
    items: Iterable[Item], work: Callable[[Item], Result], *, at_most: int = AT_MOST
) -> list[Result | ProvisionError]:
    """Do the work for all items at once and return what each gave, in their order.

    An error of one is its result and does not stop the others.
    """
    todo = list(items)

    def attempt(item: Item) -> Result | ProvisionError:
        try:
            return work(item)
        except ProvisionError as error:
            return error

    if len(todo) <= 1:
        return [attempt(item) for item in todo]
    with ThreadPoolExecutor(max_workers=min(at_most, len(todo))) as pool:
        return list(pool.map(attempt, todo))


def all_or_errors(
    results: Sequence[Result | ProvisionError],
) -> tuple[list[Result], list[ProvisionError]]:
    """Split what `parallel` returned into results and errors."""
    good = [result for result in results if not isinstance(result, ProvisionError)]
    bad = [result for result in results if isinstance(result, ProvisionError)]
    return good, bad
