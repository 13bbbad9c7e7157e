"""How stop, remove and history run and look."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.text import Text

from carbon.cluster import Node
from carbon.errors import Interrupted, ProvisionError
from carbon.home.facts import ServerFacts
from carbon.plan.history import undone
from remote.observe.facts import gather_facts
from remote.rollout.departure import Departure
from remote.run.interrupt import deferred
from remote.run.threads import parallel
from tasks.report import heading

if TYPE_CHECKING:
    from remote.rollout.leave import Stopped
    from tasks.session import Session


def stop_all(session: Session, *, break_lock: bool) -> int:
    """Stop the session's nodes in order; return the exit status."""
    with deferred(session.screen.ending):
        results = _departure(session, "stop", break_lock).stop(session.nodes)
    return _report(session, results)


def remove_all(session: Session, *, break_lock: bool) -> int:
    """Remove the session's nodes in order; return the exit status."""
    with deferred(session.screen.ending):
        results = _departure(session, "remove", break_lock).remove(session.nodes)
    return _report(session, results)


def _departure(session: Session, verb: str, break_lock: bool) -> Departure:
    return Departure(
        session.fleet,
        verb=verb,
        rotation=session.rotation(),
        break_lock=break_lock,
        progress=session.screen,
    )


def _report(session: Session, results: Sequence[Stopped]) -> int:
    screen = session.screen
    reached = {one.node.name: one for one in results}
    rows = []
    for node in session.nodes:
        outcome = reached.get(node.name)
        text = outcome.text if outcome else "not reached: left as it was"
        rows.append((node.name, text))
    screen.table((heading(session.nodes), "outcome"), rows)
    errors = [one.error for one in results if one.error]
    for error in errors:
        screen.line()
        screen.line(Text(f"error: {error}"))
    if any(isinstance(error, Interrupted) for error in errors):
        return Interrupted.exit_status
    unseen = any(one.seen_leaving is False for one in results)
    return 1 if errors or unseen else 0


def show_history(session: Session) -> int:
    """Print the generations that each node keeps, newest first."""
    seconds = session.cluster.limits.command_seconds

    def look(node: Node) -> ServerFacts:
        return gather_facts(session.fleet.server(node), node, timeout_seconds=seconds)

    rows: list[tuple[str, ...]] = []
    errors: list[ProvisionError] = []
    for node, found in zip(session.nodes, parallel(session.nodes, look), strict=True):
        if isinstance(found, ProvisionError):
            errors.append(found)
            continue
        gone = undone(found.generations)
        for one in sorted(found.generations, key=lambda kept: kept.id, reverse=True):
            meta = one.meta
            note = "rolled back" if one.id in gone else ""
            if meta.get("undoes"):
                note = f"took back {meta['undoes']}"
            if one.id == found.journal:
                note = "interrupted: its journal is open"
            rows.append(
                (
                    node.name,
                    one.id,
                    meta.get("when", "?"),
                    meta.get("who", "?"),
                    meta.get("verb", "?"),
                    meta.get("inventory", "?"),
                    note,
                )
            )
    first = heading(session.nodes)
    session.screen.table((first, "generation", "when", "who", "verb", "hosts.yaml", ""), rows)
    for error in errors:
        session.screen.line(Text(f"error: {error}"))
    return 1 if errors else 0
