"""Waits of a process that was stopped meanwhile, by SIGSTOP or with a laptop that slept."""

from __future__ import annotations

import time

LONGEST_WAIT_SECONDS = 5.0
"""A wait of a second takes no longer, also on a loaded machine."""


def paused_seconds(*, since: float) -> float:
    """Return for how long this process did not run, in a wait of a second that began then.

    That time counts against no limit: what the servers wrote meanwhile is still to be read.
    """
    seconds = time.monotonic() - since
    return seconds if seconds > LONGEST_WAIT_SECONDS else 0.0
