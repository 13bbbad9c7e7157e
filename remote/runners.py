"""How many at once: the caller picks the runner, the work never knows."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future
from queue import Empty, SimpleQueue
from threading import Thread
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
    results = [Future[Result | ProvisionError]() for _ in todo]

    def job(item: Item, result: Future[Result | ProvisionError]) -> Callable[[], None]:
        return lambda: settle(result, lambda: attempt(item))

    begin((job(*pair) for pair in zip(todo, results, strict=True)), at_most=at_most)
    return [result.result() for result in results]


def begin(jobs: Iterable[Callable[[], None]], *, at_most: int = AT_MOST) -> None:
    """Let threads do these jobs, and return at once.

    The end of the program waits for none of them: a second Ctrl-C ends it though a server hangs.
    """
    waiting: SimpleQueue[Callable[[], None]] = SimpleQueue()
    for job in jobs:
        waiting.put(job)

    def labour() -> None:
        with contextlib.suppress(Empty):
            while True:
                waiting.get_nowait()()

    for _ in range(min(at_most, waiting.qsize())):
        Thread(target=labour, daemon=True).start()


def settle(result: Future[Result], work: Callable[[], Result]) -> None:
    """Do the work and make what it returns or raises the result."""
    try:
        result.set_result(work())
    except BaseException as error:
        result.set_exception(error)


def all_or_errors(
    results: Sequence[Result | ProvisionError],
) -> tuple[list[Result], list[ProvisionError]]:
    """Split what `parallel` returned into results and errors."""
    good = [result for result in results if not isinstance(result, ProvisionError)]
    bad = [result for result in results if isinstance(result, ProvisionError)]
    return good, bad
