"""Servers that only answer: for tests of what a run does, in which order, without any server.

Shipped with the product, as a second implementation of `remote.host.server.Server`: whoever
writes a verb can state its order in milliseconds.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from queue import Empty, SimpleQueue
from typing import TypeAlias

from carbon.cluster import Ssh
from carbon.errors import ProvisionError
from carbon.home.facts import Reach
from carbon.value import Value, field, replace
from remote.host.script import Script
from remote.host.server import Held, Outcome, Reading, Sink, Stream

Log: TypeAlias = list[tuple[str, str]]
"""Server and what happened there, in the order of all servers."""
Answers: TypeAlias = Mapping[str, Outcome | Callable[[Script], Outcome]]
"""What scripts leave behind, by their names; a script that is not named succeeds in silence."""
Lines: TypeAlias = Mapping[str, Callable[[tuple[str, ...]], Iterable[str]]]
"""What streamed scripts say, by their names, to the lines that they are sent; () comes first."""


class MockServer(Value, kw_only=True):
    """A server that answers what a test says, and writes down what it was asked."""

    name: str
    log: Log
    answers: Answers = field(default_factory=dict)
    lines: Lines = field(default_factory=dict)
    reaches: Mapping[int, Reach] = field(default_factory=dict)
    """What a connection to a port meets; open unless it says otherwise."""
    sessions_error: ProvisionError | None = None
    """What becomes of further sessions; None: they are opened."""

    def run(
        self, script: Script, *, payload: bytes | Iterable[bytes] = b"", timeout_seconds: float
    ) -> Outcome:
        """Answer at once; a payload is read to its end."""
        del timeout_seconds
        if not isinstance(payload, bytes):
            for _ in payload:
                pass
        return self._answer(script)

    def hold(self, script: Script, *, timeout_seconds: float) -> Held:
        """Answer at once; a lock is granted to whoever asks."""
        del timeout_seconds
        self.log.append((self.name, script.name))
        outcome = Outcome(0, b"held %s\n" % str(script.values["run"]).encode(), b"")
        return Held(outcome=outcome, release=lambda: self.log.append((self.name, "release")))

    def stream(
        self, script: Script, *, sink: Sink | None = None, errors: Sink | None = None
    ) -> Stream:
        """Start a script that says what the test says, each time that it is sent lines."""
        del errors
        self.log.append((self.name, script.name))
        return MockStream(self, script.name, sink)

    def read(self, script: Script, *, payload: bytes = b"", stall_seconds: float) -> Reading:
        """Answer with the whole output in one piece."""
        del payload, stall_seconds
        return MockReading(self._answer(script))

    def reach(self, host: str, port: int, *, timeout_seconds: float) -> Reach:
        """Meet what the test says."""
        del host, timeout_seconds
        return self.reaches.get(port, "open")

    def ask(self, host: str, port: int, question: bytes, *, timeout_seconds: float) -> bytes:
        """Answer as a worker that is well."""
        del host, port, question, timeout_seconds
        return b"HTTP/1.1 200 OK"

    def demand_sessions(self, count: int, *, timeout_seconds: float) -> None:
        """Open them, or raise what the test says."""
        del count, timeout_seconds
        if self.sessions_error is not None:
            raise self.sessions_error

    def close(self) -> None:
        """Do nothing: nothing is open."""

    def _answer(self, script: Script) -> Outcome:
        self.log.append((self.name, script.name))
        answer = self.answers.get(script.name, Outcome(0, b"", b""))
        return answer if isinstance(answer, Outcome) else answer(script)


class MockStream:
    """A script that goes on, and speaks when it is sent lines."""

    def __init__(self, server: MockServer, script: str, sink: Sink | None) -> None:
        self._server = server
        self._script = script
        self._queue: SimpleQueue[str | None] = SimpleQueue()
        self._sink = sink or self._queue.put
        self.ended = False
        """It was closed."""
        self._say(())

    def line(self, *, within_seconds: float) -> str | None:
        """Return the next line; what is not said by now never comes."""
        del within_seconds
        try:
            return self._queue.get_nowait()
        except Empty:
            raise TimeoutError from None

    def tell(self, *lines: str) -> None:
        """Write down what was sent, and say what the test says to it."""
        self._server.log.append((self._server.name, f"{self._script} <- {lines[0] or '-'}"))
        self._say(lines)

    def status(self, *, within_seconds: float) -> int | None:
        """Return the status of a script that did all it was sent."""
        del within_seconds
        return 0

    def close(self) -> None:
        """End it; its reader hears of the end."""
        if not self.ended:
            self.ended = True
            self._sink(None)

    def _say(self, lines: tuple[str, ...]) -> None:
        said = self._server.lines.get(self._script)
        for line in said(lines) if said else ():
            self._sink(line)


class MockReading(Value):
    """The whole output of a script, in one piece."""

    whole: Outcome

    def __iter__(self) -> Iterator[bytes]:
        yield self.whole.out

    def outcome(self) -> Outcome:
        """Return how it ended, without its output."""
        return replace(self.whole, out=b"")

    def close(self) -> None:
        """Do nothing: it ended by itself."""


class MockOpener:
    """Opens mock servers by their names; for `remote.host.fleet.Fleet`."""

    def __init__(self, servers: Iterable[MockServer]) -> None:
        self._servers = {server.name: server for server in servers}

    def open(self, name: str, ssh: Ssh) -> MockServer:
        """Return the server of that name."""
        del ssh
        return self._servers[name]

    def close(self) -> None:
        """Do nothing: the servers share nothing."""
