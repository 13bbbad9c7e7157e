"""Waits for what comes by itself, and soon."""

from __future__ import annotations

import time
from collections.abc import Callable

SOON_SECONDS = 10.0


def wait_for(what: str, condition: Callable[[], object], *, seconds: float = SOON_SECONDS) -> None:
    """Wait until a condition holds; fail, saying for what, when it does not in time."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not within {seconds:g} s: {what}"
        time.sleep(0.02)
