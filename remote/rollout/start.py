"""Start a server, see it join, and write down what was seen."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, suppress
from queue import Empty, SimpleQueue
from types import MappingProxyType
from typing import Literal, NoReturn

from carbon.checks.failures import explain_start
from carbon.cluster import Cluster, Node
from carbon.errors import (
    ConnectError,
    JoinError,
    ProvisionError,
    ScriptError,
    StartError,
    TimeLimitError,
)
from carbon.home.facts import ServerFacts
from carbon.home.process import parse_cmdline
from carbon.join.grep import OWN_LOG_PATTERN
from carbon.join.proof import neighbour_ports
from carbon.join.tracker import JoinTracker
from carbon.value import Value
from remote.host.fleet import Fleet
from remote.host.script import Script
from remote.host.server import Outcome, Sink, Stream
from remote.host.success import demand_success
from remote.observe.follow import Followers, LogFollower
from remote.run.interrupt import safe_point
from remote.run.progress import Progress

JVM_SEEN_SECONDS = 30
"""How long wso2server.sh may take to exec java; it does nothing but print before."""
READING_SECONDS = 10
"""How long the logs of a start that was made long ago are read before it counts as overdue."""
READ_ON_SECONDS = 1.0
"""How long the lines are read that follow on a failure."""
ENDED_SECONDS = 5.0
"""How long the status of a script may take to come after the end of its output."""
SHOWN_LINES = 8
_RECORD = "record"
_LOG = "log:"
"""What a line of the node's own log begins with, among what its start script says."""


class Joined(Value, kw_only=True):
    """A worker that came up and was seen joining."""

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
_Lines = SimpleQueue[tuple[Source, str | None]]


class Started:
    """The script that started a node: it waits to be told what was verified, for the record."""

    def __init__(self, script: Stream, *, complaints: Sequence[str], lines: _Lines) -> None:
        self._script = script
        self._complaints = complaints
        self._lines = lines

    def tell(self, *lines: str) -> None:
        """Let it write lines down: it will, whatever becomes of its client."""
        self._script.tell(*lines)

    def outcome(self, *, timeout_seconds: float) -> Outcome | None:
        """Return how that ended; None where something else ended it. Raises TimeLimitError."""
        status = self._script.status(timeout_seconds=timeout_seconds)
        if status is None and not self._script.ended:
            raise TimeLimitError(
                f"its script was told, and gave no answer within {timeout_seconds:g} s: it may do"
                " it yet",
                step=_RECORD,
            )
        if status:
            self._wait_for_complaints()
        said = "\n".join(self._complaints).encode()
        return None if status is None else Outcome(status, b"", said)

    def close(self) -> None:
        """End it; safe to call twice."""
        self._script.close()

    def _wait_for_complaints(self) -> None:
        with suppress(Empty):
            while self._lines.get(timeout=ENDED_SECONDS) != ("own", None):
                pass


class Attempt:
    """One start of one node, watched from both sides until it joined or failed."""

    def __init__(
        self, fleet: Fleet, node: Node, *, progress: Progress, followers: Followers | None = None
    ) -> None:
        """`followers` are those of a whole rollout; without them it opens and closes its own."""
        self._fleet = fleet
        self._node = node
        self._progress = progress
        self._lines: _Lines = SimpleQueue()
        self._tracker = JoinTracker(
            node,
            evidence=fleet.cluster.evidence,
            neighbour_ports=neighbour_ports(fleet.cluster, node),
            patterns=fleet.cluster.join_patterns,
            needs_elb=node.role == "worker" and fleet.cluster.group_manager is not None,
        )
        self._console: list[str] = []
        self._last = ""
        self._pid = 0
        self._began = time.monotonic()
        self._stack = ExitStack()
        self._followers = followers or self._stack.enter_context(Followers(fleet, [node]))
        self._places: tuple[str, str] | None = None
        """From where the logs of the manager and the ELB are followed."""
        self._starter: Stream | None = None
        """The script that swaps files and starts the node, once it is there and waits."""
        self._step: Literal["swap", "start", "verify"] = "start"
        self._going = False
        """The script was told to go on: to swap, or to start where nothing is swapped."""
        self._ready = False
        """The script says that files are swapped, where some are, and that it can start."""
        self._complaints: list[str] = []
        self._unseen = False
        """Its process was not seen yet."""

    @property
    def _cluster(self) -> Cluster:
        return self._fleet.cluster

    def watch(self) -> None:
        """Begin to follow the manager and the ELB: what they write from now on is not missed.

        A start does it by itself; done before, it costs the start no time.
        Raises ScriptError where a log cannot be read.
        """
        if self._places is None:
            self._places = self._attach()

    def prepare(self, *, setup: bool = False, swap: Script | None = None) -> None:
        """Bring the script that starts the node to its server, where it waits.

        A start does it by itself; done before, it costs the start no time. `setup` adds -Dsetup,
        for a node whose local H2 database has no tables yet. A `swap` is brought with it: one
        shell does both, and see `swap`. Raises what the connection raises.
        """
        if self._starter is None:
            script = _start_script(self._node, self._fleet.run, setup=setup, swap=swap)
            server = self._fleet.server(self._node)
            self._starter = server.stream(script, sink=self._sink("own"), errors=self._complain)

    @property
    def waits(self) -> bool:
        """Tell whether what `prepare` brought is still there."""
        return self._starter is not None and not self._starter.ended

    @property
    def swaps(self) -> bool:
        """Tell whether files are being swapped, and were not seen swapped yet."""
        return self._step == "swap"

    def swap(self) -> None:
        """Let the files be swapped whose swap was prepared; see `swapped`."""
        assert self._starter is not None, "a swap is prepared first"
        self._step = "swap"
        self._going = True
        self._starter.tell("go")

    def swapped(self) -> None:
        """Wait until the files are swapped. The node may be told to start before.

        Raises ScriptError or UnfitError where that failed, ConnectError, and TimeLimitError.
        """
        deadline = time.monotonic() + self._cluster.limits.command_seconds
        ended: list[Source] = []
        """Logs of others that are followed no more: a swap that goes on is waited for first."""
        while not self._ready:
            source, line = self._line_before(deadline)
            if line is not None:
                self._take(source, line)
            elif source == "own":
                self._own_failed()
            else:
                ended.append(source)
        for source in ended:
            self._lines.put((source, None))

    def _line_before(self, deadline: float) -> tuple[Source, str | None]:
        try:
            return self._lines.get(timeout=max(0.0, deadline - time.monotonic()))
        except Empty:
            limit_seconds = self._cluster.limits.command_seconds
            error = TimeLimitError.unanswered(limit_seconds, host=self._node.name, step=self._step)
            if self._unseen:  # the start was told, too
                error.action += "; where it goes on, it starts then: the same command verifies it"
            raise error from None

    def start(self, *, setup: bool = False) -> None:
        """Let the node start, once its files are swapped where that was begun.

        Raises what the connections raise, and ScriptError.
        """
        self.watch()
        self.prepare(setup=setup)
        assert self._places is not None and self._starter is not None
        told = self._places if self._going else ("go", *self._places)
        self._going = self._unseen = True
        self._began = time.monotonic()
        self._starter.tell(*told)

    def verify(self, facts: ServerFacts) -> Joined:
        """Look for the proofs of a start that an earlier run made and did not see through."""
        assert facts.process is not None, "only a running server can be verified"
        self._step = "verify"
        self._pid = facts.process.pid
        self._began = time.monotonic() - max(0.0, facts.now - facts.process.started_at)
        own = self._stack.enter_context(LogFollower(self._fleet, self._node, OWN_LOG_PATTERN))
        own.attach(self._sink("own", prefix=_LOG), since=facts.record.get("own_log", ""))
        self._attach(facts.record)
        return self.outcome()

    def hand_over(self) -> Started:
        """Hand over the script that started the node, for the record; the caller closes it."""
        assert self._starter is not None, "only what was started is handed over"
        script, self._starter = self._starter, None
        return Started(script, complaints=self._complaints, lines=self._lines)

    def close(self) -> None:
        """End what is followed; safe to call twice."""
        self._stack.close()
        if self._starter is not None:
            self._starter.close()

    def __enter__(self) -> Attempt:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _complain(self, line: str | None) -> None:
        self._complaints.append(line or "")

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

    @property
    def _is_manager(self) -> bool:
        return self._node.name == self._cluster.manager.name

    def _sink(self, source: Source, *, prefix: str = "") -> Sink:
        def put(line: str | None) -> None:
            self._lines.put((source, None if line is None else prefix + line))

        return put

    def outcome(self) -> Joined:
        """Wait until the node that was started joined. Raises StartError or JoinError."""
        limits = self._cluster.limits
        start_deadline = max(
            self._began + limits.start_seconds,
            time.monotonic() + min(READING_SECONDS, limits.start_seconds),
        )
        join_deadline: float | None = None
        while not self._settled():
            safe_point()
            now = time.monotonic()
            if self._tracker.started_seconds is not None and join_deadline is None:
                join_deadline = now + limits.join_seconds
            deadline = join_deadline or start_deadline
            if now >= deadline:
                raise self._too_late()
            try:
                source, line = self._lines.get(timeout=min(1.0, deadline - now))
            except Empty:
                self._tell()
                continue
            self._take(source, line)
            self._tell()
        if self._tracker.failure:
            self._read_on()
            raise self._failed(self._tracker.failure)
        return self._joined()

    def _read_on(self) -> None:
        """Read what the node logs right after its failure: an exception names its cause last."""
        deadline = time.monotonic() + READ_ON_SECONDS
        with suppress(Empty):
            while (left := deadline - time.monotonic()) > 0:
                source, line = self._lines.get(timeout=left)
                if source == "own" and line is not None:
                    self._take_own(line)

    def _settled(self) -> bool:
        """Tell whether the outcome is known; what joined counts once its process was looked at."""
        phase = self._tracker.phase
        return phase == "failed" or (phase == "done" and not self._unseen)

    def _take(self, source: Source, line: str | None) -> None:
        match source:
            case _ if line is None:
                self._stream_ended(source)
            case "manager":
                self._tracker.manager(line)
            case "elb":
                self._tracker.elb(line)
            case "own":
                self._take_own(line)

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
            self._own_failed()

    def _own_failed(self) -> NoReturn:
        """Raise what the script says that should have gone on, or that its connection ended."""
        said = "\n".join(self._complaints).encode()
        status = self._starter.status(timeout_seconds=ENDED_SECONDS) if self._starter else None
        if said and status is not None:
            demand_success(Outcome(status, b"", said), host=self._node.name, step=self._step)
        raise ConnectError(
            "the swap's script, or the connection to it, ended before it was done"
            if self._step == "swap"
            else "the connection that watched its start ended",
            host=self._node.name,
            step=self._step,
            action="run the same command again: it goes on with what it finds",
        )

    def _take_own(self, line: str) -> None:
        if line.startswith(_LOG):
            logged = line.removeprefix(_LOG)
            self._tracker.own(logged)
            self._last = _message(logged)
            return
        word, _, rest = line.partition(" ")
        match word:
            case "ready":
                self._ready = True
                self._step = "start"
                self._began = time.monotonic()
            case "seen":
                self._pid = int(rest.split(" ")[0])
                self._last = f"JVM {self._pid} is up"
            case "cmdline":
                self._unseen = False
                command = parse_cmdline(rest.replace("\t", "\0").encode())
                self._tracker.runs_as(command.worker_node if command else None)
            case "console":
                self._console.append(rest)
            case "gone" | "ended":
                self._tracker.process_ended(self._console)
            case "unseen":
                self._tracker.process_not_seen(self._console, within_seconds=JVM_SEEN_SECONDS)

    def _tell(self) -> None:
        last = f": {self._last}" if self._last else ""
        self._progress.now(self._node.name, f"{self._tracker.phase}{last}")

    def _joined(self) -> Joined:
        tracker = self._tracker
        assert tracker.wording and tracker.started_seconds is not None
        return Joined(
            pid=self._pid,
            evidence=self._evidence(tracker.wording),
            proof=tracker.proof_line or "",
            started_seconds=tracker.started_seconds,
            seconds=time.monotonic() - self._began,
        )

    def _evidence(self, wording: str) -> str:
        if self._is_manager:
            return "cluster initialized"
        elb = self._cluster.group_manager
        return f"{wording}, taken in by {elb.name}" if elb and self._tracker.needs_elb else wording

    def _too_late(self) -> ProvisionError:
        limits = self._cluster.limits
        tracker = self._tracker
        elb = self._cluster.group_manager
        if tracker.phase == "done":
            return self._failed("it joined, and its process was not seen")
        if elb and tracker.wording and tracker.started_seconds is not None:
            return self._not_taken_in(elb)
        if tracker.started_seconds is None:
            return self._failed(
                f"it did not say that it started within {limits.start_seconds:g} s (limits: start)"
            )
        seen = "it started and was not seen joining"
        if tracker.weaker:
            seen = f"it started, and only {tracker.weaker!r} was seen (evidence: strict)"
        return self._failed(f"{seen} within {limits.join_seconds:g} s (limits: join)")

    def _not_taken_in(self, elb: Node) -> JoinError:
        node, limits = self._node, self._cluster.limits
        port = elb.group_management.port if elb.group_management else 0
        said = _quoted(f"last of {elb.name}'s log about it", list(self._tracker.elb_lines))
        return JoinError(
            f"it joined the cluster, and {elb.name} did not take it into the application cluster"
            f" within {limits.join_seconds:g} s (limits: join){said}",
            host=node.name,
            step="verify",
            action=f"see that {elb.server} reaches {node.local_member_host}:{node.http_port} and"
            f" :{node.https_port}, and that {elb.name} manages {node.domain}, sub-domain"
            f" {node.sub_domain}, at group_mgt_port {port}",
        )

    def _failed(self, seen: str) -> ProvisionError:
        tracker = self._tracker
        manager = self._cluster.manager
        likely = explain_start(
            list(tracker.own_lines),
            node=self._node,
            cluster=self._cluster,
            verdicts=tracker.verdicts,
        )
        said = "".join(
            (
                _single("a line whose columns are not understood", tracker.unread_line),
                _single("the first error", tracker.first_error),
                _single("its last cause", tracker.last_cause),
                _quoted(f"last of {self._node.name}'s log", list(tracker.own_lines)),
                _quoted(f"last of {manager.name}'s log about it", list(tracker.manager_lines)),
            )
        )
        kind = JoinError if tracker.started_seconds is not None else StartError
        return kind(
            f"{seen}; likely: {likely.seen}{said}",
            host=self._node.name,
            step="verify" if kind is JoinError else "start",
            action=likely.remedy,
        )


def _single(title: str, line: str | None) -> str:
    return f"\n  {title}: {line}" if line else ""


def _quoted(title: str, lines: Sequence[str]) -> str:
    if not lines:
        return f"\n  {title}: nothing"
    return f"\n  {title}:" + "".join(f"\n    | {line.strip()}" for line in lines[-SHOWN_LINES:])


def _message(line: str) -> str:
    """Return what a log line says, without its columns."""
    return line.rpartition("} - ")[2].strip()[:100] or line[:100]


def _start_script(node: Node, run: str, *, setup: bool, swap: Script | None) -> Script:
    arguments = ["-DworkerNode=true"] if node.role == "worker" else []
    return Script(
        name="start",
        before=("await", *((*swap.before, swap.name) if swap else ())),
        after=(_RECORD,),
        values={
            **(swap.values if swap else {}),
            "home_dir": str(node.home),
            "java_dir": str(node.java_home or ""),
            "arguments": [*arguments, *(["-Dsetup"] if setup else [])],
            "environment": [f"{name}={value}" for name, value in node.environment.items()],
            "pattern": OWN_LOG_PATTERN,
            "keystore_password": node.keystore_password or "",
            "seen_seconds": JVM_SEEN_SECONDS,
            "run": run,
        },
        run_as=node.run_as,
    )


def record(
    fleet: Fleet, node: Node, *, evidence: Joined | None, audit: str, timeout_seconds: float
) -> None:
    """Write down on the server what was verified, and the run's audit line.

    Raises ScriptError, and what the connection raises.
    """
    wait = begin_record(
        fleet, node, evidence=evidence, audit=audit, timeout_seconds=timeout_seconds
    )
    wait()


def begin_record(
    fleet: Fleet,
    node: Node,
    *,
    evidence: Joined | None,
    audit: str,
    started: Started | None = None,
    timeout_seconds: float,
) -> Callable[[], None]:
    """Let the script that started the node record what was verified; return what waits for it.

    By then it is told, and will do it though its client be lost. What waits does it by another
    script where there is none, or it was ended, and raises as `record` does.
    """
    lines = tuple(_recorded(evidence, audit))
    if started is not None:
        started.tell(*lines)

    def wait() -> None:
        outcome = started.outcome(timeout_seconds=timeout_seconds) if started else None
        _demand_recorded(
            outcome or _record(fleet, node, lines, timeout_seconds=timeout_seconds), node
        )

    return wait


def _record(fleet: Fleet, node: Node, lines: Iterable[str], *, timeout_seconds: float) -> Outcome:
    script = Script(
        name=_RECORD,
        values={"home_dir": str(node.home)},
        run_as=node.run_as,
        limit_seconds=timeout_seconds,
    )
    payload = "".join(f"{line}\n" for line in lines).encode(errors="surrogateescape")
    return fleet.server(node).run(script, payload=payload, timeout_seconds=timeout_seconds)


def _demand_recorded(outcome: Outcome, node: Node) -> None:
    if outcome.status != 0:
        raise ScriptError(
            outcome.complaint,
            host=node.name,
            step="record",
            action="make room in AS_HOME/.provision; the worker itself is up",
        )


def _recorded(evidence: Joined | None, audit: str) -> Iterator[str]:
    """Yield the lines that the script takes; the last one is empty.

    The evidence is the last that is recorded: what a full disk cuts off before counts for nothing.
    """
    yield audit
    yield str(evidence.pid) if evidence else ""
    if evidence is not None:
        yield f"seconds={evidence.seconds:.1f}"
        yield f"proof={evidence.proof}"
        yield f"evidence={evidence.evidence}"
    yield ""
