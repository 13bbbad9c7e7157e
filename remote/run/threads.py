"""Run work in threads, at most so many at once; the work itself knows nothing of it."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future
from functools import partial
from queue import Empty, SimpleQueue
from threading import Thread
from typing import TypeVar

from carbon.errors import ProvisionError

Item = TypeVar("Item")
Result = TypeVar("Result")

AT_MOST = 16
"""Connections under way at once: sshd drops what exceeds its MaxStartups (10 by default)."""


def parallel(
    items: Iterable[Item], work: Callable[[Item], Result]
) -> list[Result | ProvisionError]:
    """Do the work for all items at once and return what each gave, in their order.

    An error of one is its result and does not stop the others.
    """
    todo = list(items)
    if len(todo) <= 1:
        return [or_error(partial(work, item)) for item in todo]
    results = [Future[Result | ProvisionError]() for _ in todo]
    begin(
        partial(settle, result, partial(or_error, partial(work, item)))
        for item, result in zip(todo, results, strict=True)
    )
    return [result.result() for result in results]


def or_error(work: Callable[[], Result]) -> Result | ProvisionError:
    """Do the work and return what it gives, or its error as the result."""
    try:
        return work()
    except ProvisionError as error:
        return error


class Background:
    """Work that is begun and not waited for until the end of a block."""

    def __init__(self) -> None:
        self._begun: list[Future[None]] = []

    def begin(self, work: Callable[[], None]) -> Future[None]:
        """Let a thread do it, and return what tells when it is done."""
        result = begun(work)
        self._begun.append(result)
        return result

    def __enter__(self) -> Background:
        return self

    def __exit__(self, *_: object) -> None:
        for result in self._begun:
            result.result()


def begin(jobs: Iterable[Callable[[], None]]) -> None:
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

    for _ in range(min(AT_MOST, waiting.qsize())):
        Thread(target=labour, daemon=True).start()


def begun(work: Callable[[], Result]) -> Future[Result]:
    """Let a thread do the work, and return at once what will hold its result or its error."""
    result = Future[Result]()
    begin([lambda: settle(result, work)])
    return result


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
