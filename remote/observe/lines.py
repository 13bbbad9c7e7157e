"""Lines of several servers at once, read as they come, in bounded memory."""

from __future__ import annotations

from contextlib import ExitStack, suppress
from queue import Empty, Full, Queue
from threading import Event

from carbon.value import Value
from remote.host.host import Host, Machine
from remote.host.script import Script
from remote.host.server import Sink, Stream

QUEUED_LINES = 1000
"""What is not yet printed beyond this stays on its server: SSH's own window holds it there."""
_RETRY_SECONDS = 0.1


class Line(Value):
    """One line that a server printed."""

    name: str
    text: str
    to_stderr: bool = False


class LastLine(Value):
    """A server prints nothing more."""

    name: str


class Lines:
    """Scripts on several servers, and one queue for what they print."""

    def __init__(self) -> None:
        self._queue: Queue[Line | LastLine] = Queue(maxsize=QUEUED_LINES)
        self._ended = Event()
        self._streams = ExitStack()

    def start(self, host: Host[Machine], script: Script, *, errors: bool = False) -> Stream:
        """Start a script; its lines carry the host's name, those of stderr are marked.

        Safe to call from several threads. Raises what the connection raises.
        """
        stream = host.stream(
            script,
            sink=self._sink(host.name),
            errors=self._sink(host.name, to_stderr=True) if errors else None,
        )
        self._streams.callback(stream.close)
        return stream

    def next(self, *, within_seconds: float) -> Line | LastLine | None:
        """Return the next line; None if none comes in time."""
        try:
            return self._queue.get(timeout=max(0.0, within_seconds))
        except Empty:
            return None

    def _sink(self, name: str, *, to_stderr: bool = False) -> Sink:
        def put(text: str | None) -> None:
            line = LastLine(name) if text is None else Line(name, text, to_stderr)
            while not self._ended.is_set():
                with suppress(Full):
                    self._queue.put(line, timeout=_RETRY_SECONDS)
                    return

        return put

    def close(self) -> None:
        """End all scripts, and wait until nobody writes any more."""
        self._ended.set()
        self._streams.close()

    def __enter__(self) -> Lines:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
