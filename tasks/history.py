"""How the generations of each node look."""

from __future__ import annotations

from typing import TYPE_CHECKING

from carbon.errors import ProvisionError
from carbon.home.facts import Generation, ServerFacts
from carbon.plan.history import undone
from remote.observe.facts import gather_facts
from remote.run.threads import parallel
from tasks.report import heading, print_errors

if TYPE_CHECKING:
    from tasks.session import Session

COLUMNS = ("generation", "verb", "outcome", "who", "hosts.yaml", "note")


def show_history(session: Session) -> int:
    """Print the generations that each node keeps, newest first; return the exit status."""
    fleet, nodes = session.fleet, session.nodes
    results = parallel(nodes, lambda node: gather_facts(fleet.host(node)))
    rows: list[tuple[str, ...]] = []
    for node, facts in zip(nodes, results, strict=True):
        if isinstance(facts, ServerFacts):
            newest_first = sorted(facts.generations, key=lambda kept: kept.id, reverse=True)
            rows += [_row(node.name, generation, facts) for generation in newest_first]
    errors = [error for error in results if isinstance(error, ProvisionError)]
    if rows:
        columns = (heading(nodes), *COLUMNS)
        session.screen.table(columns, rows, spare=("hosts.yaml", "who"), wraps="note")
    elif not errors:
        session.screen.line("nothing was changed there by this tool yet")
    return print_errors(session.screen, errors)


def _row(name: str, generation: Generation, facts: ServerFacts) -> tuple[str, ...]:
    meta = generation.meta
    outcome = {"joined": "joined", "failed": "FAILED"}.get(meta.get("outcome", ""), "-")
    verb, who, inventory = (meta.get(key, "?") for key in ("verb", "who", "inventory"))
    return name, generation.id, verb, outcome, who, inventory, _note(generation, facts)


def _note(generation: Generation, facts: ServerFacts) -> str:
    if generation.id == facts.journal:
        return "interrupted: its journal is open"
    if undoes := generation.meta.get("undoes"):
        return f"took back {undoes}"
    files = generation.meta.get("files", "")
    if generation.id not in undone(facts.generations):
        return files
    return f"rolled back: {files}" if files else "rolled back"
