"""What a server may send, and for how long: no answer outlives its limit or fills the memory."""

from __future__ import annotations

import time
from collections.abc import Callable

import paramiko

from carbon.cluster import Limits
from carbon.errors import ScriptError, TimeLimitError

SHORTEST_SECONDS = 0.05
LEAST_UPLOAD = 1000.0 * Limits().upload_kb
"""Bytes in a second, unless hosts.yaml says otherwise: 300 MB at 100 kB/s are ten times as fast."""
ANSWER_BYTES = 64 << 20
"""The longest is the list of a home that is cloned: 64 MB are some 500,000 files."""


def left(deadline: float) -> float:
    """Return the seconds until a deadline. Raises TimeoutError once it has passed.

    What has come just in time can still be taken: the last wait is never quite none.
    """
    seconds = deadline - time.monotonic()
    if seconds < -SHORTEST_SECONDS:
        raise TimeoutError
    return max(SHORTEST_SECONDS, seconds)


class Inbox:
    """One output of a channel, taken until a deadline and up to a number of bytes.

    A limit of the channel alone would begin anew with each byte.
    """

    def __init__(self, channel: paramiko.Channel, receive: Callable[[int], bytes]) -> None:
        self._channel = channel
        self._receive = receive
        self._deadline = 0.0
        self._left_bytes = 0

    def until(self, deadline: float) -> Inbox:
        """Begin an answer, which has to end by then."""
        self._deadline, self._left_bytes = deadline, ANSWER_BYTES
        return self

    def __call__(self, size: int) -> bytes:
        """Return what has come, at most so many bytes. Raises TimeoutError and ScriptError."""
        self._channel.settimeout(left(self._deadline))
        part = self._receive(size)
        self._left_bytes -= len(part)
        if self._left_bytes < 0:
            raise ScriptError(
                f"its answer is longer than {ANSWER_BYTES >> 20} MB",
                action="find out what the server sends: `ssh HOST true` must print nothing",
            )
        return part


class Pace:
    """The least that a server takes of an upload: a byte now and then does not keep it alive.

    It is judged over windows of waiting time, so that a line which pauses for a while is not
    blamed, nor a server that waits for what another one sends.
    """

    def __init__(self, *, bytes_per_second: float, window_seconds: float) -> None:
        self._bytes_per_second = bytes_per_second
        self._window_seconds = window_seconds
        self._done_bytes = 0
        self._window_bytes, self._waited_seconds = 0, 0.0

    def took(self, count: int, *, within_seconds: float) -> None:
        """Count what the server took. Raises TimeLimitError after a window of too little."""
        self._done_bytes += count
        self._window_bytes += count
        self._waited_seconds += within_seconds
        if self._waited_seconds < self._window_seconds:
            return
        if self._window_bytes < self._bytes_per_second * self._waited_seconds:
            raise TimeLimitError(
                f"it took {self._done_bytes / 1e6:.1f} MB of what is sent to it, and in the last"
                f" {self._waited_seconds:.0f} s less than {self._bytes_per_second / 1000:g} kB/s"
                " (limits: upload)",
                action="check its disk and the line to it; if the line is that slow, lower `upload`"
                " below `limits:` in hosts.yaml, and run the same command again",
            )
        self._window_bytes, self._waited_seconds = 0, 0.0
