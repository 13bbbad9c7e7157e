"""This machine as a server: real scripts in a real shell, without SSH."""

from __future__ import annotations

import contextlib
import queue
import signal
import subprocess
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from tempfile import TemporaryFile
from typing import IO, Any

from carbon.cluster import Cluster, Limits, LoadBalancer, Node
from carbon.errors import ProvisionError
from carbon.home.facts import Reach
from remote.host.host import Host, Machine
from remote.host.script import BEGIN, OPENING, Script
from remote.host.server import Held, Outcome, Reading, Sink, Stream
from remote.ssh.sessions import Sessions
from remote.ssh.shells import Shells
from tests.unit.remote.local_channel import LocalTransport


@dataclass
class LocalServer:
    """A `remote.host.server.Server`; `ways` answers what connections tried from it meet."""

    name: str
    ways: Mapping[tuple[str, int], Reach] = field(default_factory=dict)
    ran: list[str] = field(default_factory=list)
    """The names of all scripts, in their order."""
    limits_seconds: dict[str, float | None] = field(default_factory=dict)
    """What the server itself was to end each script after."""

    def __post_init__(self) -> None:
        self._shells = Shells(Sessions(LocalTransport().as_transport))

    def run(
        self, script: Script, *, payload: bytes | Iterable[bytes] = b"", timeout_seconds: float
    ) -> Outcome:
        self.ran.append(script.name)
        self.limits_seconds[script.name] = script.limit_seconds
        text = script.render()
        data = payload if isinstance(payload, bytes) else b"".join(payload)
        done = subprocess.run(
            ["sh", "-c", script.command(len(text))],
            input=OPENING + text + data,
            capture_output=True,
            timeout=timeout_seconds,
            check=False,
        )
        return Outcome(done.returncode, done.stdout.partition(BEGIN)[2], done.stderr)

    def hold(self, script: Script, *, timeout_seconds: float) -> Held:
        self.ran.append(script.name)
        return self._shells.hold(script, timeout_seconds=timeout_seconds)

    def stream(
        self, script: Script, *, sink: Sink | None = None, errors: Sink | None = None
    ) -> LocalStream:
        self.ran.append(script.name)
        return LocalStream(script, sink=sink, errors=errors)

    def read(self, script: Script, *, payload: bytes = b"", stall_seconds: float) -> Reading:
        self.ran.append(script.name)
        assert stall_seconds > 0
        return LocalReading(script, payload)

    def reach(self, host: str, port: int, *, timeout_seconds: float) -> Reach:
        assert timeout_seconds > 0
        return self.ways.get((host, port), "open")

    def ask(self, host: str, port: int, question: bytes, *, timeout_seconds: float) -> bytes:
        raise NotImplementedError

    def demand_sessions(self, count: int, *, timeout_seconds: float) -> None:
        assert count > 0
        assert timeout_seconds > 0

    def close(self) -> None:
        pass


class LocalStream:
    """A script that goes on running here, ended by the end of its stdin as over SSH."""

    def __init__(self, script: Script, *, sink: Sink | None, errors: Sink | None) -> None:
        text = script.render()
        self._lines: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        self._process = subprocess.Popen(
            ["sh", "-c", script.command(len(text))],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
        assert self._process.stdin and self._process.stdout and self._process.stderr
        self._process.stdin.write(OPENING + text)
        self._process.stdin.flush()
        self._errors = threading.Thread(
            target=_pump, args=(self._process.stderr, errors or (lambda _line: None))
        )
        self._output = threading.Thread(target=self._pump_output, args=(sink or self._lines.put,))
        self._errors.start()
        self._output.start()
        # As sshd does: what waits for the end of a process does not see that of a zombie.
        threading.Thread(target=self._process.wait).start()

    def line(self, *, within_seconds: float) -> str | None:
        try:
            return self._lines.get(timeout=within_seconds)
        except queue.Empty:
            raise TimeoutError from None

    def tell(self, *lines: str) -> None:
        assert self._process.stdin
        with contextlib.suppress(BrokenPipeError):
            text = "".join(f"{line}\n" for line in lines)
            self._process.stdin.write(text.encode(errors="surrogateescape"))
            self._process.stdin.flush()

    @property
    def ended(self) -> bool:
        return self._process.poll() is not None

    def status(self, *, within_seconds: float) -> int | None:
        with contextlib.suppress(subprocess.TimeoutExpired):
            status = self._process.wait(within_seconds)
            return status if status >= 0 else None  # a signal ended it
        return None

    @contextlib.contextmanager
    def held(self) -> Iterator[None]:
        """Let the script do nothing for the length of a block."""
        self._process.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self._process.send_signal(signal.SIGCONT)

    def break_off(self) -> None:
        """End the script as a lost connection would."""
        self._process.kill()
        self._process.wait()

    def close(self) -> None:
        assert self._process.stdin
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.close()
        self._process.wait(10)
        self._output.join()
        for output in (self._process.stdout, self._process.stderr):
            assert output
            output.close()

    def _pump_output(self, sink: Sink) -> None:
        assert self._process.stdout
        assert self._process.stdout.readline() in (BEGIN, b"")
        _pump(self._process.stdout, sink)
        self._errors.join()
        sink(None)


class LocalReading:
    """The output of a script that runs here, in small pieces."""

    def __init__(self, script: Script, payload: bytes) -> None:
        text = script.render()
        self._input = TemporaryFile()  # noqa: SIM115 - see close
        self._input.write(OPENING + text + payload)
        self._input.seek(0)
        self._process = subprocess.Popen(
            ["sh", "-c", script.command(len(text))],
            stdin=self._input,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        assert self._process.stdout and self._process.stdout.readline() == BEGIN

    def __iter__(self) -> Iterator[bytes]:
        assert self._process.stdout
        while piece := self._process.stdout.read(4096):
            yield piece

    def outcome(self) -> Outcome:
        assert self._process.stderr
        complaint = self._process.stderr.read()
        return Outcome(self._process.wait(10), b"", complaint)

    def close(self) -> None:
        self._process.kill()
        self._process.communicate()
        self._input.close()


def _pump(output: IO[bytes], sink: Callable[[str], Any]) -> None:
    with contextlib.suppress(ValueError):  # closed meanwhile
        for line in output:
            sink(line.decode(errors="replace").rstrip("\n"))


class LocalFleet:
    """What is used of `remote.host.fleet.Fleet`: a server, or an error, for each name."""

    def __init__(
        self, cluster: Cluster, servers: Mapping[str, LocalServer | ProvisionError]
    ) -> None:
        self.cluster = cluster
        self.servers = servers
        self.run = "0123abcd"

    def host(self, node: Machine) -> Host[Machine]:
        return Host(node, self.server(node), limits=self.cluster.limits, run=self.run)

    def server(self, node: Node | LoadBalancer) -> LocalServer:
        server = self.servers[node.name]
        if isinstance(server, ProvisionError):
            raise server
        return server


def local_host(node: Machine, server: LocalServer | None = None) -> Host[Machine]:
    """Return this machine as the host of a node."""
    return Host(node, server or LocalServer(node.name), limits=Limits(), run="0123abcd")


@contextlib.contextmanager
def closed_after(stream: Stream) -> Iterator[Stream]:
    """Close a stream at the end of a block."""
    try:
        yield stream
    finally:
        stream.close()
