"""Ctrl-C: the first ends a run at its next safe point, the second at once."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Event
from types import FrameType

from carbon.errors import Interrupted

_requested = Event()


@contextmanager
def deferred(announce: Callable[[], None]) -> Iterator[None]:
    """Let the first Ctrl-C within the block only ask for an end; `announce` tells so.

    A second one raises KeyboardInterrupt, as ever: every file on a server is whole even then,
    since each is swapped by a rename, and the next run completes what a journal began.
    """

    def handle(_number: int, _frame: FrameType | None) -> None:
        if _requested.is_set():
            raise KeyboardInterrupt
        _requested.set()
        announce()

    _requested.clear()
    before = signal.signal(signal.SIGINT, handle)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def safe_point() -> None:
    """End here if the operator asked for it: nothing is half done at this place.

    Raises Interrupted.
    """
    if _requested.is_set():
        raise Interrupted(
            "stopped here, as asked by Ctrl-C",
            action="run the same command again to go on from here",
        )
