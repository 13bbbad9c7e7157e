"""Waits for what comes by itself, and soon."""

from __future__ import annotations

import time
from collections.abc import Callable

SECONDS = 10.0


def wait_for(what: str, condition: Callable[[], object]) -> None:
    """Return as soon as it is so; fail where it does not come."""
    deadline = time.monotonic() + SECONDS
    while not condition():
        assert time.monotonic() < deadline, f"not within {SECONDS:g} s: {what}"
        time.sleep(0.01)
