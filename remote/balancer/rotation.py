"""The load balancer's side of a rolling change: no request meets a worker that is not there."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager

from carbon.balancer import nginx
from carbon.cluster import Node
from carbon.errors import Interrupted, PrivilegeError, ScriptError, UnfitError
from carbon.home.sockets import proc_net_forms
from remote.balancer.http import await_answer
from remote.balancer.vhosts import Found, Loaded, Vhosts
from remote.host.fleet import Fleet
from remote.host.script import Script
from remote.host.server import Stream
from remote.run.interrupt import safe_point
from remote.run.progress import Progress


class Balancer:
    """Takes workers out of nginx's upstreams and puts them back: the LoadBalancer of a rollout.

    Only `out_of_rotation` may be asked before `hold`.
    """

    def __init__(self, fleet: Fleet, *, progress: Progress) -> None:
        self._fleet = fleet
        self._progress = progress
        self._vhosts = Vhosts(fleet)
        http, https, _console = nginx.file_names(fleet.cluster)
        self._schemes: Mapping[str, nginx.Scheme] = {http: "http", https: "https"}
        self._turning: bool | None = None
        """Within `hold`: whether there is anything to turn."""
        self._out: set[str] = set()
        """Whom this run took out and did not put back."""
        self._passed_over: set[str] = set()

    @contextmanager
    def hold(self, nodes: Sequence[Node], *, verb: str, break_lock: bool) -> Iterator[None]:
        """Keep the load balancer for a rolling change of these nodes, sure that it can be turned.

        One run at a time: two that roll at once could take every worker out between them.
        Raises LockedError, PrivilegeError, and what the connection raises.
        """
        with ExitStack() as stack:
            self._turning = self._is_concerned(nodes)
            stack.callback(self._let_go)
            if self._turning:
                stack.enter_context(self._vhosts.held(verb=verb, break_lock=break_lock))
            yield

    def _is_concerned(self, nodes: Sequence[Node]) -> bool:
        if not any(node.role == "worker" for node in nodes):
            return False
        if self._schemes.keys() & self._vhosts.read().files.keys():
            return True
        text = "nginx has no vhosts for this cluster yet (`fab lb.config`): workers are not drained"
        self._progress.say(self._vhosts.balancer.name, text)
        return False

    def _let_go(self) -> None:
        self._turning = None
        for name in sorted(self._out):
            self._progress.say(name, "stays out of rotation until a start or deploy sees it join")

    def out_of_rotation(self, nodes: Sequence[Node]) -> frozenset[str]:
        """Return the names of those workers that are `down` in any of nginx's files.

        Raises ScriptError, and what the connection raises.
        """
        rotation = self._vhosts.read().rotation
        return frozenset(node.name for node in nodes if "out" in rotation.get(node.name, ()))

    def take_out(self, node: Node) -> None:
        """Mark a worker `down`, and wait until no request is in flight to it any more.

        At the limit (limits: drain) it goes on, and says what is still open. Where the operator
        asks for an end meanwhile, the worker comes back: nothing has been done to it yet.
        Raises Interrupted, ScriptError, and what the connection raises.
        """
        current = self._listed(node)
        if current is None:
            return
        self._progress.now(node.name, "taking out of rotation")
        began = time.monotonic()
        was_in = "in" in current.rotation[node.name]
        others = (states for name, states in current.rotation.items() if name != node.name)
        if was_in and not any("in" in states for states in others):
            self._progress.say(
                node.name, "is the only one in rotation: clients see 502 until it is back"
            )
        self._out.add(node.name)
        try:
            loaded = self._turn(current, lambda data, _: nginx.take_out(data, node))
        except (ScriptError, UnfitError, PrivilegeError):
            self._out.discard(node.name)  # refused, so nginx goes on with the old files
            raise
        try:
            drained = self._drain(node, current, loaded)
        except Interrupted:
            if was_in:
                self._put_in(node)
            raise
        if was_in:
            after = f", after {time.monotonic() - began:.1f} s"
            self._progress.say(node.name, f"out of rotation: {drained}{after}")

    def put_back(self, node: Node) -> None:
        """Put a worker that has joined into rotation, once it answers the load balancer.

        Raises TimeLimitError if it does not (limits: join), ScriptError, and what the
        connection raises.
        """
        current = self._listed(node)
        if current is None or (current.rotation[node.name] == {"in"} and not current.interrupted):
            return
        await_answer(self._vhosts.host, node, progress=self._progress)
        self._put_in(node)
        self._progress.say(node.name, "back in rotation")

    def remove(self, node: Node) -> None:
        """Take a worker out of the files; lb.config leaves it out until --all-in.

        Raises ScriptError, and what the connection raises.
        """
        current = self._listed(node)
        if current is None:
            return
        self._turn(current, lambda data, _: nginx.remove(data, node))
        self._out.discard(node.name)
        self._progress.say(
            node.name, "removed from the load balancer (fab lb.config --all-in lists it)"
        )

    def _listed(self, node: Node) -> Found | None:
        """Return the files, None if this node is not of their concern."""
        assert self._turning is not None, "workers are turned only within `hold`"
        if not self._turning or node.role != "worker":
            return None
        current = self._vhosts.read()
        states = current.rotation.get(node.name, set())
        if states - {"removed"}:
            return current
        if node.name not in self._passed_over:
            self._passed_over.add(node.name)
            where = "was removed from" if states else "is not in"
            remedy = "fab lb.config --all-in lists it again" if states else "fab lb.config adds it"
            self._progress.say(node.name, f"{where} the load balancer's files ({remedy})")
        return None

    def _turn(self, current: Found, change: Callable[[bytes, nginx.Scheme], bytes]) -> Loaded:
        """Change the files of workers; where nothing changes, nginx is left alone."""
        wanted = {
            name: change(data, self._schemes[name]) if name in self._schemes else data
            for name, data in current.files.items()
        }
        if wanted == current.files and not current.interrupted:
            return Loaded(old_processes=(), warnings=())
        return self._vhosts.push(current, wanted)

    def _put_in(self, node: Node) -> None:
        current = self._vhosts.read()
        self._turn(current, lambda data, scheme: nginx.put_in(data, node, scheme=scheme))
        self._out.discard(node.name)

    def _drain(self, node: Node, current: Found, loaded: Loaded) -> str:
        """Wait until nothing is in flight or the limit is reached; return how it ended."""
        limit_seconds = self._fleet.cluster.limits.drain_seconds
        listed = [nginx.parse_addresses(data).get(node.name, "") for data in current.files.values()]
        script = Script(
            name="balancer_drain",
            values={
                "old": loaded.old_processes,
                "addresses": " ".join(
                    form for address in listed for form in proc_net_forms(address)
                ),
                "limit_seconds": int(limit_seconds),
            },
        )
        with closing(self._vhosts.host.stream(script)) as stream:
            still_open = self._await_drained(node, stream)
        match still_open:
            case None:
                return "drained"
            case "0":
                return "nothing open to it, though nginx has other requests open (limits: drain)"
            case _:
                return f"{_requests(still_open)} still open, going on (limits: drain)"

    def _await_drained(self, node: Node, stream: Stream) -> str | None:
        """Return None when it is, or how many connections are open at the limit."""
        deadline = time.monotonic() + self._fleet.cluster.limits.drain_seconds + 30
        while time.monotonic() < deadline:
            safe_point()
            try:
                line = stream.line(within_seconds=1.0)
            except TimeoutError:
                continue
            word, _, rest = (line or "").partition(" ")
            match word:
                case "drained":
                    return None
                case "limit":
                    return rest
                case "open":
                    self._progress.now(node.name, f"draining: {_requests(rest)} in flight")
                case _:
                    break
        raise ScriptError(
            "the connection that watched its requests in flight ended",
            host=self._vhosts.balancer.name,
            step="rotation",
            action=f"run the same command again: {node.name} has not been stopped",
        )


def _requests(number: str) -> str:
    return "1 request" if number == "1" else f"{number} requests"
