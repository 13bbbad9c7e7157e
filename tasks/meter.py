"""How far a copy has come: bytes, rate, time left."""

from __future__ import annotations

from collections import deque

QUIET_SECONDS = 2.0
"""What is over sooner needs no progress display."""
LINE_SECONDS = 5.0
"""In a pipe, a line this often."""
RATE_SECONDS = 5.0
"""The rate is that of the last seconds, so that a stall shows."""
SAMPLE_SECONDS = 0.1
MEGABYTE = 1_000_000


class Meter:
    """Takes the count of bytes as it grows, with the time; says what is worth saying."""

    def __init__(self, *, at: float) -> None:
        self._began = at
        self._samples = deque([(at, 0)])
        self._next_line = at + QUIET_SECONDS
        self.done_bytes = 0
        self.total_bytes = 0

    def take(self, done_bytes: int, total_bytes: int, *, at: float) -> None:
        """Note how far the copy has come."""
        self.done_bytes = min(done_bytes, total_bytes)
        self.total_bytes = total_bytes
        if at - self._samples[-1][0] >= SAMPLE_SECONDS:
            self._samples.append((at, done_bytes))
            while at - self._samples[0][0] > RATE_SECONDS:
                self._samples.popleft()

    def shows(self, *, at: float) -> bool:
        """Tell whether the copy takes long enough to be shown."""
        return at - self._began >= QUIET_SECONDS

    def line_is_due(self, *, at: float) -> bool:
        """Tell, once each time, that the next line for a pipe is due."""
        if at < self._next_line:
            return False
        self._next_line = at + LINE_SECONDS
        return True

    def text(self, *, at: float) -> str:
        """Return bytes, rate and time left."""
        since, before = self._samples[0]
        rate = (self.done_bytes - before) / max(at - since, SAMPLE_SECONDS)
        done, total = self.done_bytes / MEGABYTE, self.total_bytes / MEGABYTE
        so_far = f"{done:.0f} of {total:.0f} MB, {rate / MEGABYTE:.0f} MB/s"
        left = self.total_bytes - self.done_bytes
        return f"{so_far}, {_duration(left / rate)} left" if rate > 0 else f"{so_far}, stalled"


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"
