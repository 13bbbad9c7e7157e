"""How clone runs and looks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from carbon.cluster import Node
from carbon.errors import UsageError
from carbon.inventory import select
from remote.clone.clone import CloneOrder, Intent, clone, look
from remote.run.interrupt import deferred
from tasks.report import finished, summary

if TYPE_CHECKING:
    from tasks.session import Session


def clone_all(session: Session, source: str, *, replace: bool) -> int:
    """Clone a worker onto each of the session's nodes in order; return the exit status."""
    order = CloneOrder(
        source=_source(session, source),
        nodes=session.nodes,
        replace=replace,
        break_lock=session.break_lock,
    )
    _refuse_other_kinds(order)
    screen = session.screen
    with deferred(screen.ending):
        intents = look(session.fleet, order, progress=screen)
        for intent in intents:
            for note in (*intent.plan.notes, *intent.notes):
                screen.say(intent.plan.node.name, note)
            screen.say(intent.plan.node.name, f"plan: {_sentence(intent, order.source)}")
        rollout = clone(
            session.fleet, order, intents, progress=screen, balancer=session.load_balancer()
        )
    return finished(screen, rollout)


def _source(session: Session, name: str) -> Node:
    if not name:
        raise UsageError(
            "clone does not know what to copy",
            action="say which worker: fab -H worker3 clone --source worker1",
        )
    (source,) = select(session.cluster, (name,), every_worker=False)
    if not isinstance(source, Node) or source.role != "worker":
        raise UsageError(f"{name} is not a worker", action="name a worker as --source")
    return source


def _refuse_other_kinds(order: CloneOrder) -> None:
    for node in order.nodes:
        if node.role != "worker":
            raise UsageError(
                f"{node.name} is not a worker, and only a worker can be a clone of one",
                action="name workers with -H",
            )
        if node.name == order.source.name:
            raise UsageError(
                f"{node.name} cannot be a clone of itself",
                action="name another worker as --source, or with -H",
            )


def _sentence(intent: Intent, source: Node) -> str:
    if intent.selection is None:
        return (
            f"it is a clone of {source.name} since {intent.cloned_at}, so nothing is copied"
            f" (--replace copies anew); {summary(intent.plan)}"
        )
    megabytes = intent.selection.content_bytes / 1e6
    first = ", -Dsetup at its first start" if intent.first_start else ""
    return f"copy {megabytes:.0f} MB of {source.name}, {summary(intent.plan)}{first}"
