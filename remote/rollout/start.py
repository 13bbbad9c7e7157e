"""Start a server, and see it join the cluster."""

from __future__ import annotations

import time
from collections.abc import Mapping
from contextlib import ExitStack, suppress
from queue import Empty, SimpleQueue
from types import MappingProxyType
from typing import Literal, NoReturn

from carbon.cluster import Cluster, Node
from carbon.errors import ConnectError, ScriptError, TimeLimitError, WatchError
from carbon.home.facts import ServerFacts
from carbon.home.process import CarbonProcess, parse_cmdline
from carbon.join.columns import take_apart
from carbon.join.grep import OWN_LOG_PATTERN
from carbon.join.proof import neighbour_ports
from carbon.join.tracker import JoinTracker
from carbon.value import Value
from remote.host.fleet import Fleet
from remote.host.host import Host
from remote.host.script import Script
from remote.host.server import Outcome, Sink, Stream
from remote.observe.follow import Followers, LogFollower
from remote.rollout.failure import failed, too_late
from remote.rollout.start_script import JVM_SEEN_SECONDS, start_script
from remote.run.interrupt import safe_point
from remote.run.pause import paused_seconds
from remote.run.progress import Progress

READING_SECONDS = 10
"""How long the logs of a start of an earlier run are read before it counts as overdue."""
READ_ON_SECONDS = 1.0
"""How long the lines are read that follow on a failure."""
ENDED_SECONDS = 5.0
"""How long the status of a script may take to come after the end of its output."""
_LOG = "log:"
"""The prefix of a line of the node's own log, among the output of its start script."""


class Joined(Value, kw_only=True):
    """A server that came up and was seen joining."""

    pid: int
    evidence: str
    """Which wording the manager used."""
    proof: str
    """The manager's line itself."""
    started_seconds: int
    """What the product says of its own start-up."""
    seconds: float
    """From the start being issued to both proofs."""


Source = Literal["own", "manager", "elb"]
State = Literal["absent", "waiting", "swapping", "starting", "running", "verifying"]
"""Of the script that starts the node: not there yet; there, and waiting; swapping files; beyond
the swap, its process not seen yet; its process seen. `verifying`: another run started the node."""


class Start:
    """One start of one node, watched from both sides until it joined or failed.

    The script that starts the node may be brought early, waits, swaps files if it is given a swap,
    and starts as soon as it knows from where the logs of the others are followed.
    """

    def __init__(
        self, fleet: Fleet, node: Node, *, followers: Followers, progress: Progress
    ) -> None:
        self.state: State = "absent"
        self._fleet = fleet
        self._host: Host[Node] = fleet.host(node)
        self._followers = followers
        self._progress = progress
        self._tracker = JoinTracker(
            node,
            evidence=fleet.cluster.evidence,
            neighbour_ports=neighbour_ports(fleet.cluster, node),
            patterns=fleet.cluster.join_patterns,
            needs_elb=node.role == "worker" and fleet.cluster.group_manager is not None,
        )
        self._lines: SimpleQueue[tuple[Source, str | None]] = SimpleQueue()
        self._stack = ExitStack()
        self._script: Stream | None = None
        self._script_errors: list[str] = []
        self._console: list[str] = []
        self._places: tuple[str, str] | None = None
        """From where the logs of the manager and the ELB are followed."""
        self._began: float | None = None
        """When the node was allowed to start."""
        self.pid = 0
        self._last = ""  # what it said last, for the progress line

    def prepare(
        self, *, setup: bool = False, swap: Script | None = None, by_console: bool = False
    ) -> None:
        """Bring the script that starts the node to its server, where it waits.

        A start does it by itself; done before, it costs the start no time. `setup` adds -Dsetup,
        for a node whose local H2 database has no tables yet. A `swap` is brought with it: one
        shell does both. `by_console`: its log cannot say that it started, and its console can.
        Raises what the connection raises.
        """
        if self.state == "absent":
            script = start_script(
                self._host, self._fleet.run, setup=setup, swap=swap, by_console=by_console
            )
            self._script = self._host.stream(
                script,
                sink=self._sink("own"),
                errors=lambda line: self._script_errors.append(line or ""),
            )
            self.state = "waiting"

    @property
    def waits(self) -> bool:
        """Tell whether what `prepare` brought is there and has changed nothing yet."""
        return self.state == "waiting" and self._script is not None and not self._script.ended

    def follow_others(self) -> None:
        """Begin to follow the manager and the ELB: what they write from now on is not missed.

        A start does it by itself; done before, it costs the start no time.
        Raises ScriptError if a log cannot be read.
        """
        if self._places is None:
            self._places = self._attach()

    def swap(self) -> None:
        """Let the files be swapped whose swap was prepared; see `await_swap`."""
        self.state = "swapping"
        self.send("go")

    def start(self) -> None:
        """Let the node start, once its files are swapped if that was begun.

        Raises what the connections raise, and ScriptError.
        """
        self.follow_others()
        self.prepare()
        assert self._places is not None
        self._began = time.monotonic()
        if self.state == "swapping":
            self.send(*self._places)
        else:
            self.state = "starting"
            self.send("go", *self._places)

    def await_swap(self) -> None:
        """Wait until the files are swapped. The node may be allowed to start before.

        Raises ScriptError or UnfitError if that failed, ConnectError, and TimeLimitError.
        """
        deadline = time.monotonic() + self._host.limits.command_seconds
        ended: list[Source] = []
        """Logs of others that are not followed any more: the swap is waited for first."""
        while self.state == "swapping":
            source, line = self._next_before(deadline)
            if line is not None:
                self._take(source, line)
            elif source == "own":
                self._script_failed()
            else:
                ended.append(source)
        for source in ended:
            self._lines.put((source, None))

    def verify(self, facts: ServerFacts) -> Joined:
        """Look for the proofs of a start that an earlier run did not see through.

        Raises StartError or JoinError, ScriptError, and what the connections raise.
        """
        assert facts.process is not None, "only a running server can be verified"
        self.state = "verifying"
        self.pid = facts.process.pid
        self._runs_as(facts.process.command)
        self._began = time.monotonic() - max(0.0, facts.now - facts.process.started_at)
        with self._stack, LogFollower(self._fleet, self._host.node, OWN_LOG_PATTERN) as own:
            own.attach(self._sink("own", prefix=_LOG), since=facts.record.get("own_log", ""))
            self._attach(facts.record)
            return self.await_join()

    def await_join(self) -> Joined:
        """Wait until the node joined. Raises StartError or JoinError."""
        assert self._began is not None, "only a start that began can join"
        limits = self._host.limits
        reading_seconds = min(READING_SECONDS, limits.start_seconds)
        deadline = max(self._began + limits.start_seconds, time.monotonic() + reading_seconds)
        has_started = False
        while not self._is_settled:
            safe_point()
            now = time.monotonic()
            if self._tracker.started_seconds is not None and not has_started:
                has_started, deadline = True, now + limits.join_seconds
            if now >= deadline:
                raise too_late(self._tracker, self._cluster, limits=limits)
            with suppress(Empty):
                self._take(*self._lines.get(timeout=min(1.0, deadline - now)))
            deadline += paused_seconds(since=now)
            last = f": {self._last}" if self._last else ""
            self._progress.now(self._host.name, f"{self._tracker.phase}{last}")
        if self._tracker.failure:
            self._read_on()
            raise failed(self._tracker, self._cluster, self._tracker.failure)
        return self._joined()

    def _read_on(self) -> None:
        """Read what the node logs right after its failure: an exception names its cause last."""
        deadline = time.monotonic() + READ_ON_SECONDS
        with suppress(Empty):
            while (left := deadline - time.monotonic()) > 0:
                source, line = self._lines.get(timeout=left)
                if source == "own" and line is not None:
                    self._take(source, line)

    def send(self, *lines: str) -> None:
        """Send lines to the script: it goes on with them, even if the client is lost."""
        assert self._script is not None, "the script is prepared first"
        self._script.tell(*lines)

    def outcome_of_record(self) -> Outcome | None:
        """Return how the script ended that was sent the record; None if something else ended it.

        Raises TimeLimitError.
        """
        assert self._script is not None, "only a script that was prepared has an outcome"
        seconds = self._host.limits.command_seconds
        status = self._script.status(within_seconds=seconds)
        if status is None and not self._script.ended:
            raise TimeLimitError(
                f"the script did not confirm the record within {seconds:g} s; it may still be"
                " writing it",
                step="record",
                action="run the same command again; if the server is only slow, raise"
                " `limits: command` in hosts.yaml",
            )
        if status:
            with suppress(Empty):
                while self._lines.get(timeout=ENDED_SECONDS) != ("own", None):
                    pass
        return None if status is None else Outcome(status, b"", self._stderr)

    def detach(self) -> None:
        """Follow no log any more."""
        self._stack.close()

    def close(self) -> None:
        """End the script and all that is followed; safe to call twice."""
        self.detach()
        if self._script is not None:
            self._script.close()

    @property
    def _cluster(self) -> Cluster:
        return self._fleet.cluster

    @property
    def _is_manager(self) -> bool:
        return self._host.name == self._cluster.manager.name

    @property
    def _stderr(self) -> bytes:
        return "\n".join(self._script_errors).encode()

    @property
    def _step(self) -> str:
        return {"swapping": "swap", "verifying": "verify"}.get(self.state, "start")

    @property
    def _is_settled(self) -> bool:
        """Tell whether the outcome is known; a join counts once the process was seen."""
        phase = self._tracker.phase
        return phase == "failed" or (phase == "done" and self.state in ("running", "verifying"))

    def _attach(self, record: Mapping[str, str] = MappingProxyType({})) -> tuple[str, str]:
        """Follow the manager and the ELB from the places of a record, or from now on."""
        manager = None if self._is_manager else self._followers.manager
        elb = self._followers.elb if self._tracker.needs_elb else None

        def attach(follower: LogFollower | None, source: Source) -> str:
            if follower is None:
                return ""
            self._stack.callback(follower.detach)
            return follower.attach(self._sink(source), since=record.get(f"{source}_log", ""))

        return attach(manager, "manager"), attach(elb, "elb")

    def _sink(self, source: Source, *, prefix: str = "") -> Sink:
        def put(line: str | None) -> None:
            self._lines.put((source, None if line is None else prefix + line))

        return put

    def _next_before(self, deadline: float) -> tuple[Source, str | None]:
        try:
            return self._lines.get(timeout=max(0.0, deadline - time.monotonic()))
        except Empty:
            seconds = self._host.limits.command_seconds
            error = TimeLimitError.unanswered(
                seconds, limit="command", host=self._host.name, step=self._step
            )
            if self._began is not None:
                error.action += "; if it goes on, it starts then: the same command verifies it"
            raise error from None

    def _take(self, source: Source, line: str | None) -> None:
        match source:
            case _ if line is None:
                self._stream_ended(source)
            case "manager":
                self._tracker.manager(line)
            case "elb":
                self._tracker.elb(line)
            case "own" if line.startswith(_LOG):
                self._tracker.own(line.removeprefix(_LOG))
                entry = take_apart(self._tracker.own_lines[-1])
                if entry.level != "WARN":  # a healthy start warns of its keystore, too
                    self._last = entry.message[:100]
            case "own":
                self._take_word(*line.partition(" ")[::2])

    def _take_word(self, word: str, rest: str) -> None:
        """Take a line that the script itself says; remote/scripts/README.md lists the words."""
        match word:
            case "ready":
                self.state = "starting" if self.state == "swapping" else self.state
                self._began = self._began and time.monotonic()
            case "seen":
                pid = rest.partition(" ")[0]
                self.pid = int(pid) if pid.isdecimal() else 0
                self._last = f"JVM {self.pid} is up"
            case "cmdline":
                self.state = "running"
                self._runs_as(parse_cmdline(rest.replace("\t", "\0").encode()))
            case "other":
                self._tracker.is_not_alone(rest)
            case "console":
                self._console.append(rest)
            case "gone" | "ended":
                self.pid = 0
                self._tracker.process_ended(self._console)
            case "unseen":
                self._tracker.process_not_seen(self._console, within_seconds=JVM_SEEN_SECONDS)

    def _runs_as(self, command: CarbonProcess | None) -> None:
        if command is not None:
            self._tracker.runs_as(command.worker_node, port_offset=command.port_offset)

    def _stream_ended(self, source: Source) -> None:
        if source != "own":
            elb = self._cluster.group_manager
            raise ScriptError(
                "the connection that followed its log ended",
                host=elb.name if elb and source == "elb" else self._cluster.manager.name,
                step="verify",
                action="run the same command again: it goes on with the verification",
            )
        if self._tracker.failure is None:
            self._script_failed()

    def _script_failed(self) -> NoReturn:
        """Raise what the script says that should have gone on, or that its connection ended."""
        errors = self._stderr
        status = self._script.status(within_seconds=ENDED_SECONDS) if self._script else None
        if errors and status is not None:
            Outcome(status, b"", errors).check(host=self._host.name, step=self._step)
        kind, seen = (
            (ConnectError, "the swap's script, or the connection to it, ended before it was done")
            if self.state == "swapping"
            else (WatchError, "the script that watched its start, or the connection to it, ended")
        )
        action = "run the same command again: it goes on with what it finds"
        raise kind(seen, host=self._host.name, step=self._step, action=action)

    def _joined(self) -> Joined:
        tracker, elb = self._tracker, self._cluster.group_manager
        assert tracker.wording and tracker.started_seconds is not None and self._began is not None
        taken_in = f", taken in by {elb.name}" if elb and tracker.needs_elb else ""
        return Joined(
            pid=self.pid,
            evidence="cluster initialized" if self._is_manager else f"{tracker.wording}{taken_in}",
            proof=tracker.proof_line or "",
            started_seconds=tracker.started_seconds,
            seconds=time.monotonic() - self._began,
        )
