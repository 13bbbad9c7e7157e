"""Being asked to end: the first time a run ends at its next safe point, the second at once."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Event
from types import FrameType

from carbon.errors import Interrupted

_requested = Event()
_deferring = Event()


SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
"""Ctrl-C, `kill`, and a terminal that went away."""


@contextmanager
def deferred(announce: Callable[[], None]) -> Iterator[None]:
    """Let the first signal within the block only ask for an end; `announce` says so.

    A second one raises KeyboardInterrupt, as ever: every file on a server is whole even then,
    since each is swapped by a rename, and the next run completes what a journal began. A signal
    that this process was started to ignore (as nohup does) stays ignored.
    """

    def handle(_number: int, _frame: FrameType | None) -> None:
        if _requested.is_set():
            raise KeyboardInterrupt
        request_end()
        announce()

    _requested.clear()
    _deferring.set()
    heard = [number for number in SIGNALS if signal.getsignal(number) is not signal.SIG_IGN]
    before = {number: signal.signal(number, handle) for number in heard}
    try:
        yield
    finally:
        _deferring.clear()
        _requested.clear()
        for number, handler in before.items():
            signal.signal(number, handler)


def request_end() -> bool:
    """Ask the run to end at its next safe point, as the first signal does.

    Returns whether there is a run that heeds it: outside of `deferred` there is none.
    """
    if _deferring.is_set():
        _requested.set()
    return _deferring.is_set()


def end_requested() -> bool:
    """Tell whether somebody asked the run to end that is under way."""
    return _deferring.is_set() and _requested.is_set()


def safe_point() -> None:
    """End here if somebody asked for it: nothing is half done at this place.

    Raises Interrupted.
    """
    if _requested.is_set():
        raise Interrupted(
            "stopped here, as asked (Ctrl-C, a signal, or an output that was closed)",
            action="run the same command again to go on from here",
        )
