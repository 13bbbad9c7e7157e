"""What a server may send, and for how long: no answer outlives its limit or fills the memory."""

from __future__ import annotations

import time
from collections.abc import Callable

import paramiko

from carbon.errors import ScriptError

SHORTEST_SECONDS = 0.05
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
