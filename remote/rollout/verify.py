"""Verify: look for the proof that workers joined, without starting anything."""

from __future__ import annotations

from collections.abc import Sequence

from carbon.cluster import Node
from carbon.errors import JoinError, ProvisionError
from carbon.plan.model import Plan
from remote.host.audit import audit_line
from remote.host.fleet import Fleet
from remote.observe.facts import gather_facts
from remote.observe.follow import Followers
from remote.rollout.record import Record, Unfinished
from remote.rollout.request import Result
from remote.rollout.start import Joined, Start
from remote.run.progress import Progress
from remote.run.threads import parallel


def verify(
    fleet: Fleet, nodes: Sequence[Node], progress: Progress
) -> list[Result | ProvisionError]:
    """Return for each worker whether it was seen joining since it started.

    A start that was recorded without a proof is followed up in both logs, from where that
    start began, and recorded once the proof is there.
    """
    return parallel(nodes, lambda node: _verify(fleet, node, progress))


def _verify(fleet: Fleet, node: Node, progress: Progress) -> Result:
    host = fleet.host(node)
    facts = gather_facts(host)
    plan = Plan(node=node, facts=facts)
    if facts.process is None:
        return Result(plan=plan, error=_not_seen(node, "not running", "start"))
    if facts.joined is not None:
        return Result(plan=plan)
    if not facts.recorded:
        seen = "join not verified: it was not started by this tool"
        return Result(plan=plan, error=_not_seen(node, seen, "restart"))
    with Followers(fleet, [node]) as followers:
        joined = Start(fleet, node, followers=followers, progress=progress).verify(facts)
    audit = audit_line(fleet.cluster, "verify", outcome="ok")
    left = _unfinished(fleet, node, joined)
    Record(host=host, joined=joined, audit=audit, unfinished=left).finish()
    return Result(plan=plan, joined=joined)


def _unfinished(fleet: Fleet, node: Node, joined: Joined) -> Unfinished | None:
    """Return what the run that started the node did not come to, and nobody else would know of.

    Whether it is out of rotation, nginx says, and the operator's `state` if there is one.
    """
    commands = fleet.cluster.balancer_commands
    if node.hooks.after_join:
        return Unfinished(what="after_join", pid=joined.pid)
    if commands and commands.state is None and node.role == "worker":
        return Unfinished(what="rotation", pid=joined.pid)
    return None


def _not_seen(node: Node, seen: str, verb: str) -> JoinError:
    action = f"`fab -H {node.name} {verb}` starts it and sees it join"
    return JoinError(seen, host=node.name, step="verify", action=action)
