"""A host: a node or the load balancer, with its connection, its limits and its lock."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import AbstractContextManager
from types import MappingProxyType
from typing import Generic, TypeVar

from carbon.cluster import Limits, LoadBalancer, Node
from carbon.errors import ProvisionError
from carbon.home.facts import Reach
from remote.host.lock import locked
from remote.host.script import Given, Script, declared_values
from remote.host.server import Outcome, Reading, Server, Sink, Stream

Machine = TypeVar("Machine", bound=Node | LoadBalancer)


class Host(Generic[Machine]):
    """What a run knows of one host, and the ways to work on it; `remote.host.fleet` hands it out.

    The limits are those of hosts.yaml, so that nobody above has to name a time-out.
    """

    def __init__(self, node: Machine, server: Server, *, limits: Limits, run: str) -> None:
        """`run` names the run in locks."""
        self.node = node
        self.server = server
        self.limits = limits
        self._run = run

    @property
    def name(self) -> str:
        """Its name in hosts.yaml."""
        return self.node.name

    @property
    def run_as(self) -> str | None:
        """The account that owns AS_HOME; None: the login itself."""
        return self.node.run_as if isinstance(self.node, Node) else None

    def script(
        self,
        name: str,
        values: Mapping[str, Given] = MappingProxyType({}),
        *,
        before: tuple[str, ...] = (),
        after: tuple[str, ...] = (),
        calls_sudo: bool = False,
        limited: bool = True,
        **more: Given,
    ) -> Script:
        """Return a script that works as the account that owns AS_HOME.

        It gets AS_HOME as HOME_DIR if its head asks for that. Unless `limited` is false, the
        server itself ends it at `limits: command`, even if the client is gone by then.
        """
        asks = any("HOME_DIR" in declared_values(part) for part in (*before, name, *after))
        home = {"home_dir": str(self.node.home)} if isinstance(self.node, Node) and asks else {}
        return Script(
            name=name,
            values={**home, **values, **more},
            run_as=self.run_as,
            calls_sudo=calls_sudo,
            before=before,
            after=after,
            limit_seconds=self.limits.command_seconds if limited else None,
        )

    def run(
        self,
        script: Script,
        *,
        step: str,
        payload: bytes | Iterable[bytes] = b"",
        remedy: str = "",
        more_seconds: float = 0.0,
    ) -> Outcome:
        """Run a script to its end and return its outcome, which is a success.

        `remedy` says what to do about a failure that has none of its own. `more_seconds` come on
        top of `limits: command`. Raises what `Outcome.check` and `Server.run` raise.
        """
        try:
            outcome = self.outcome_of(script, payload=payload, more_seconds=more_seconds)
        except ProvisionError as error:
            if error.step == script.name:  # a connection knows no step
                error.step = step
            raise
        outcome.check(host=self.name, step=step, remedy=remedy)
        return outcome

    def outcome_of(
        self, script: Script, *, payload: bytes | Iterable[bytes] = b"", more_seconds: float = 0.0
    ) -> Outcome:
        """Run a script to its end; its exit status is for the caller to judge.

        Raises what `Server.run` raises.
        """
        seconds = self.limits.command_seconds + more_seconds
        return self.server.run(script, payload=payload, timeout_seconds=seconds)

    def stream(
        self, script: Script, *, sink: Sink | None = None, errors: Sink | None = None
    ) -> Stream:
        """Start a script whose output is read while it runs; see `Server.stream`."""
        return self.server.stream(script, sink=sink, errors=errors)

    def read(self, script: Script, *, payload: bytes = b"", more_seconds: float = 0.0) -> Reading:
        """Start a script whose output is taken as it comes; see `Server.read`."""
        seconds = self.limits.command_seconds + more_seconds
        return self.server.read(script, payload=payload, stall_seconds=seconds)

    def reach(self, address: str, port: int) -> Reach:
        """Try a TCP connection from the host, within `limits: connect`."""
        return self.server.reach(address, port, timeout_seconds=self.limits.connect_seconds)

    def ask(self, address: str, port: int, question: bytes) -> bytes:
        """Send bytes from the host and return the first line of the answer; see `Server.ask`."""
        seconds = self.limits.connect_seconds
        return self.server.ask(address, port, question, timeout_seconds=seconds)

    def demand_sessions(self, count: int) -> None:
        """Raise ConnectError unless its sshd opens so many further sessions in time."""
        self.server.demand_sessions(count, timeout_seconds=self.limits.connect_seconds)

    def lock(self, *, verb: str, break_lock: bool, audit: str = "") -> AbstractContextManager[None]:
        """Hold the host's lock for the length of a block; see `remote.host.lock.locked`."""
        return locked(
            self.server,
            run=self._run,
            verb=verb,
            run_as=self.run_as,
            break_lock=break_lock,
            audit=audit,
            timeout_seconds=self.limits.command_seconds,
        )
