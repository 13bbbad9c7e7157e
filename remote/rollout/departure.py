"""Stop and remove, rolling: each server locked, drained, stopped, seen leaving, written down."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext

from carbon.cluster import Node
from carbon.errors import ProvisionError
from carbon.home import hostsfile
from carbon.plan.plan import hosts_owner
from carbon.value import replace
from remote.host.audit import audit_line
from remote.host.fleet import Fleet
from remote.host.lock import locked
from remote.observe.facts import gather_facts
from remote.rollout import activation, start
from remote.rollout.leave import Stopped, leave
from remote.rollout.request import Rotation
from remote.run.interrupt import safe_point
from remote.run.progress import Progress


class Departure:
    """One run of `stop` or `remove` over some nodes."""

    def __init__(
        self,
        fleet: Fleet,
        *,
        verb: str,
        rotation: Rotation | None,
        break_lock: bool,
        progress: Progress,
    ) -> None:
        self._fleet = fleet
        self._verb = verb
        self._rotation = rotation
        self._break_lock = break_lock
        self._progress = progress
        self._limits = fleet.cluster.limits

    def stop(self, nodes: Sequence[Node]) -> list[Stopped]:
        """Stop the nodes in order; the first failure ends it."""
        return list(self._each(nodes, remove=False))

    def remove(self, nodes: Sequence[Node]) -> list[Stopped]:
        """Stop the nodes and take away what maps to them; AS_HOME stays."""
        return list(self._each(nodes, remove=True))

    def _each(self, nodes: Sequence[Node], *, remove: bool) -> Iterator[Stopped]:
        with self._held(nodes):
            for node in nodes:
                outcome = self._one(node, others=nodes, remove=remove)
                yield outcome
                if outcome.error:
                    return

    def _held(self, nodes: Sequence[Node]) -> AbstractContextManager[None]:
        if self._rotation is None:
            return nullcontext()
        return self._rotation.hold(nodes, verb=self._verb, break_lock=self._break_lock)

    def _one(self, node: Node, *, others: Sequence[Node], remove: bool) -> Stopped:
        try:
            safe_point()
            with locked(
                self._fleet.server(node),
                run=self._fleet.run,
                verb=self._verb,
                run_as=node.run_as,
                break_lock=self._break_lock,
                timeout_seconds=self._limits.command_seconds,
            ):
                outcome = self._depart(node, others, remove=remove)
                self._audit(node, outcome.error)
        except ProvisionError as error:
            failure = error.at(host=node.name, step=self._verb)
            return Stopped(node=node, was_running=True, error=failure)
        return outcome

    def _depart(self, node: Node, others: Sequence[Node], *, remove: bool) -> Stopped:
        outcome = Stopped(node=node, was_running=True)
        try:
            outcome = self._stop(node)
            if remove:
                self._unmap(node, others)
        except ProvisionError as error:
            return replace(outcome, error=error.at(host=node.name, step=self._verb))
        return outcome

    def _stop(self, node: Node) -> Stopped:
        if self._rotation:
            self._rotation.take_out(node)
        return leave(
            self._fleet,
            node,
            patience_seconds=self._limits.stop_seconds,
            seen_seconds=self._limits.stop_seconds,
            progress=self._progress,
        )

    def _unmap(self, node: Node, others: Sequence[Node]) -> None:
        """Take the node out of the load balancer, and its block out of /etc/hosts.

        The block stays where another node of the cluster still lives on the same server.
        """
        if self._rotation:
            self._rotation.remove(node)
        gone = {one.name for one in others}
        neighbours = [
            one.name
            for one in self._fleet.cluster.nodes
            if one.server == node.server and one.name not in gone
        ]
        if neighbours:
            self._progress.say(node.name, f"/etc/hosts block kept for {', '.join(neighbours)}")
            return
        self._remove_block(node)

    def _remove_block(self, node: Node) -> None:
        server = self._fleet.server(node)
        seconds = self._limits.command_seconds
        facts = gather_facts(server, node, timeout_seconds=seconds)
        made = hostsfile.remove(facts.hosts, owner=hosts_owner(node))
        if made.changed:
            activation.write_hosts(
                server,
                old=facts.hosts,
                new=made.new,
                mounted=facts.hosts_mounted,
                timeout_seconds=seconds,
            )
            self._progress.say(node.name, "/etc/hosts block removed")

    def _audit(self, node: Node, error: ProvisionError | None) -> None:
        """Write the audit line; a failure to write it ends nothing else."""
        try:
            start.record(
                self._fleet,
                node,
                evidence=None,
                audit=audit_line(self._fleet.cluster, self._verb, error=error),
                timeout_seconds=self._limits.command_seconds,
            )
        except ProvisionError as failure:
            self._progress.say(node.name, f"not recorded: {failure.seen}")
