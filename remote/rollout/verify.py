"""Verify: look for the proof that workers joined, without starting anything."""

from __future__ import annotations

from collections.abc import Sequence

from carbon.cluster import Node
from carbon.errors import ProvisionError
from carbon.value import Value
from remote.host.audit import audit_line
from remote.host.fleet import Fleet
from remote.observe.facts import gather_facts
from remote.rollout import start
from remote.rollout.start import Attempt
from remote.run.progress import Progress
from remote.run.threads import parallel


class Verified(Value, kw_only=True):
    """What is known of one worker's membership."""

    node: Node
    good: bool
    text: str
    pid: int | None = None


def verify(fleet: Fleet, nodes: Sequence[Node], progress: Progress) -> list[Verified]:
    """Say of each worker whether it was seen joining since it started.

    A start that was recorded without a proof is followed up in both logs, from where that
    start began, and recorded when the proof is found.
    """

    def one(node: Node) -> Verified:
        return _verify(fleet, node, progress)

    return [
        Verified(node=node, good=False, text=str(found))
        if isinstance(found, ProvisionError)
        else found
        for node, found in zip(nodes, parallel(nodes, one), strict=True)
    ]


def _verify(fleet: Fleet, node: Node, progress: Progress) -> Verified:
    seconds = fleet.cluster.limits.command_seconds
    facts = gather_facts(fleet.server(node), node, timeout_seconds=seconds)
    if facts.process is None:
        return Verified(node=node, good=False, text="not running")
    pid = facts.process.pid
    if facts.joined is not None:
        return Verified(node=node, good=True, text=f"{facts.joined} (recorded)", pid=pid)
    if not facts.recorded:
        seen = "not seen (it was not started by this tool)"
        return Verified(node=node, good=False, text=seen, pid=pid)
    with Attempt(fleet, node, progress=progress) as attempt:
        joined = attempt.verify(facts)
    audit = audit_line(fleet.cluster, "verify")
    start.record(fleet, node, evidence=joined, audit=audit, timeout_seconds=seconds)
    return Verified(node=node, good=True, text=joined.evidence, pid=pid)
