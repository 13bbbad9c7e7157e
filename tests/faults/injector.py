"""Faults on purpose: counts everything that a run does to its servers, and breaks it at one point.

A test hook. Nothing of it is active unless one of these stands in the environment:

    PROVISION_FAULT_LOG=FILE        append the name of each point to FILE as it is reached, and
                                    each step of a script to `steps` in SERVER_FOLDER
    PROVISION_FAULT='POINT FAULT'   let this fault happen at this point

Points are of two kinds, and are counted for each server by itself, so that a name means the same
moment in every run. Operations of the client (SERVER is a name of hosts.yaml):

    SERVER:open:1                   the connection
    SERVER:run:SCRIPT:N             the Nth time that SCRIPT runs to its end
    SERVER:hold:SCRIPT:N            the Nth time that SCRIPT takes what is then held
    SERVER:stream:SCRIPT:N          the Nth time that SCRIPT is started to be read while it runs
    SERVER:tell:SCRIPT:N            the Nth time that it is sent lines
    SERVER:line:SCRIPT:N            the Nth line that comes from it
    SERVER:read:SCRIPT:N            the Nth time that SCRIPT is started to be read as bytes
    SERVER:piece:SCRIPT:N           the Nth piece of bytes that comes from it
    SERVER:reach:N  SERVER:ask:N    a TCP connection tried from the server
    SERVER:close:1

with the faults cut-before, cut-after (the connection is lost), kill-before, kill-after (SIGKILL
to this process) and `hook-before COMMAND` (run here). Lines and pieces only come: a fault there
happens as soon as the run has taken them.
Steps of a script on the server, each named by `step` in remote/scripts before it changes anything:

    SERVER:step:SCRIPT:N:K          the Kth step of the Nth run of SCRIPT

with the faults `kill` (SIGKILL to the script) and `hold`: the script makes `held` in SERVER_FOLDER
and waits for `go` there, so that a test can do to the server whatever it likes at this moment; it
takes `held` away when it goes on.
"""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import threading
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from carbon.cluster import Ssh
from carbon.errors import UsageError
from carbon.value import replace
from remote.host.script import Script
from remote.host.server import Held, Outcome, Reach, Reading, Server, Sink, Stream

FAULT, LOG = "PROVISION_FAULT", "PROVISION_FAULT_LOG"
SERVER_FOLDER = "/var/lib/provision-faults"
"""Made by the tests, writable for every account of the server."""

CLIENT_FAULTS = ("cut-before", "cut-after", "kill-before", "kill-after", "hook-before")
STEP_FAULTS = {
    "kill": "kill -KILL $$; exit 137",
    "hold": f": > {SERVER_FOLDER}/held; until [ -e {SERVER_FOLDER}/go ]; do sleep 0.02; done;"
    f" rm -f {SERVER_FOLDER}/held",
}


class Breakable(Server, Protocol):
    """A server whose connection can be lost at will: `remote.ssh.server.FabricServer`."""

    def cut(self) -> None:
        """Lose the connection as a network does."""
        ...


class OpensBreakable(Protocol):
    """What opens breakable servers: `remote.ssh.connector.Connector`."""

    def open(self, name: str, ssh: Ssh) -> Breakable:
        """Return the entered server."""
        ...

    def close(self) -> None:
        """Close what the servers shared."""
        ...


class FaultyOpener:
    """Opens servers whose every operation is counted, and one perhaps broken."""

    def __init__(self, opener: OpensBreakable, environment: Mapping[str, str]) -> None:
        self._opener = opener
        self._points = _Points.read(environment)

    def open(self, name: str, ssh: Ssh) -> Server:
        with self._points.reached(name, "open") as point:
            server = self._opener.open(name, ssh)
            point.server = server
        return FaultyServer(server, self._points)

    def close(self) -> None:
        self._opener.close()


class FaultyServer:
    """A server that passes everything on, past the points."""

    def __init__(self, server: Breakable, points: _Points) -> None:
        self._server = server
        self._points = points

    @property
    def name(self) -> str:
        return self._server.name

    def run(
        self, script: Script, *, payload: bytes | Iterable[bytes] = b"", timeout_seconds: float
    ) -> Outcome:
        with self._reached("run", script.name) as point:
            armed = self._points.arm(script, point)
            return self._server.run(armed, payload=payload, timeout_seconds=timeout_seconds)

    def hold(self, script: Script, *, timeout_seconds: float) -> Held:
        with self._reached("hold", script.name) as point:
            armed = self._points.arm(script, point)
            return self._server.hold(armed, timeout_seconds=timeout_seconds)

    def stream(
        self, script: Script, *, sink: Sink | None = None, errors: Sink | None = None
    ) -> Stream:
        with self._reached("stream", script.name) as point:
            armed = self._points.arm(script, point)
            passed = None if sink is None else self._passing(sink, script.name)
            stream = self._server.stream(armed, sink=passed, errors=errors)
        return _FaultyStream(stream, self, script.name)

    def read(self, script: Script, *, payload: bytes = b"", stall_seconds: float) -> Reading:
        with self._reached("read", script.name) as point:
            armed = self._points.arm(script, point)
            reading = self._server.read(armed, payload=payload, stall_seconds=stall_seconds)
        return _FaultyReading(reading, self, script.name)

    def reach(self, host: str, port: int, *, timeout_seconds: float) -> Reach:
        with self._reached("reach"):
            return self._server.reach(host, port, timeout_seconds=timeout_seconds)

    def ask(self, host: str, port: int, question: bytes, *, timeout_seconds: float) -> bytes:
        with self._reached("ask"):
            return self._server.ask(host, port, question, timeout_seconds=timeout_seconds)

    def demand_sessions(self, count: int, *, timeout_seconds: float) -> None:
        with self._reached("sessions"):
            self._server.demand_sessions(count, timeout_seconds=timeout_seconds)

    def close(self) -> None:
        with self._reached("close"):
            self._server.close()

    def told(self, script: str) -> AbstractContextManager[_Point]:
        """Count lines that a running script is sent."""
        return self._reached("tell", script)

    def came(self, what: str, script: str) -> None:
        """Count a line or a piece of a running script."""
        with self._reached(what, script):
            pass

    def _passing(self, sink: Sink, script: str) -> Sink:
        def put(line: str | None) -> None:
            sink(line)
            if line is not None:
                self.came("line", script)

        return put

    def _reached(self, *words: str) -> AbstractContextManager[_Point]:
        return self._points.reached(self.name, *words, server=self._server)


class _FaultyStream:
    def __init__(self, stream: Stream, server: FaultyServer, script: str) -> None:
        self._stream = stream
        self._server = server
        self._script = script

    def line(self, *, within_seconds: float) -> str | None:
        line = self._stream.line(within_seconds=within_seconds)
        if line is not None:
            self._server.came("line", self._script)
        return line

    def tell(self, *lines: str) -> None:
        with self._server.told(self._script):
            self._stream.tell(*lines)

    @property
    def ended(self) -> bool:
        return self._stream.ended

    def status(self, *, within_seconds: float) -> int | None:
        return self._stream.status(within_seconds=within_seconds)

    def close(self) -> None:
        self._stream.close()


class _FaultyReading:
    def __init__(self, reading: Reading, server: FaultyServer, script: str) -> None:
        self._reading = reading
        self._server = server
        self._script = script

    def __iter__(self) -> Iterator[bytes]:
        for piece in self._reading:
            yield piece
            self._server.came("piece", self._script)

    def outcome(self) -> Outcome:
        return self._reading.outcome()

    def close(self) -> None:
        self._reading.close()


@dataclass(kw_only=True)
class _Point:
    """One moment that was reached; `server` is whose connection a fault cuts."""

    name: str
    server: Breakable | None = None


class _Points:
    """Counts what is reached, writes it down, and knows the one point that has a fault."""

    def __init__(self, *, log: Path | None, point: str, fault: str, hook: str) -> None:
        self._log = log
        self._point = point
        self._fault = fault
        self._hook = hook
        self._counts: Counter[tuple[str, ...]] = Counter()
        self._guard = threading.Lock()

    @classmethod
    def read(cls, environment: Mapping[str, str]) -> _Points:
        """Read the environment. Raises UsageError for a fault that is none."""
        log = environment.get(LOG)
        point, _, rest = environment.get(FAULT, "").partition(" ")
        fault, _, hook = rest.partition(" ")
        known = STEP_FAULTS if ":step:" in point else CLIENT_FAULTS
        if point and fault not in known:
            raise UsageError(
                f"{FAULT} names no fault of this point: {fault!r}",
                action=f"one of {', '.join(known)}; without {FAULT} nothing is broken",
            )
        return cls(log=Path(log) if log else None, point=point, fault=fault, hook=hook)

    @contextmanager
    def reached(self, *words: str, server: Breakable | None = None) -> Iterator[_Point]:
        """Count an operation, with what shall happen before and, if it succeeds, after it."""
        with self._guard:
            self._counts[words] += 1
            point = _Point(name=":".join((*words, str(self._counts[words]))), server=server)
            if self._log:
                with self._log.open("a") as log:
                    log.write(f"{point.name}\n")
        if point.name == self._point:
            self._break(point, "before")
        yield point
        if point.name == self._point:
            self._break(point, "after")

    def _break(self, point: _Point, moment: str) -> None:
        match self._fault.split("-"):
            case ["cut", when] if when == moment and point.server:
                point.server.cut()
            case ["kill", when] if when == moment:
                os.kill(os.getpid(), signal.SIGKILL)
            case ["hook", when] if when == moment:
                subprocess.run(shlex.split(self._hook), check=True)

    def arm(self, script: Script, point: _Point) -> Script:
        """Return the script with its steps counted, and the fault in the step that has one."""
        server, _, name, number = point.name.split(":")
        prefix = f"{server}:step:{name}:{number}"
        body = ["provision_steps=$((provision_steps + 1))"]
        if self._log:
            line = f'"{prefix}:$provision_steps" "$1"'
            body.append(f"printf '%s\\t%s\\n' {line} >> {SERVER_FOLDER}/steps")
        wanted, _, step = self._point.rpartition(":")
        if wanted == prefix:
            body.append(f"[ $provision_steps != {step} ] || {{ {STEP_FAULTS[self._fault]}; }}")
        return replace(script, prelude=f"provision_steps=0\nstep() {{ {'; '.join(body)}; }}")
