"""What the log4j.properties that a server starts with lets its log and its console say; pure."""

from __future__ import annotations

from carbon.config.log4j import HAZELCAST_LOGGER, STARTED_LOGGER, TRIBES_LOGGER, Hidden, hidden
from carbon.home import layout
from carbon.home.facts import ServerFacts
from carbon.plan.model import Plan


def start_hidden(plan: Plan) -> Hidden:
    """Return why nobody would see that the planned server started, by its next log4j.properties."""
    return _hidden(_next_log4j(plan), STARTED_LOGGER, plan.facts)


def log4j_changes(plan: Plan) -> bool:
    """Tell whether a server will start with another log4j.properties than it runs with."""
    changes = any(change.path == layout.LOG4J for change in plan.artifacts)
    return changes or _changed_since_start(plan.facts)


def only_console_tells(plan: Plan) -> bool:
    """Tell whether its console will say that it started, and its log will not."""
    hides = start_hidden(plan)
    return bool(hides.log) and not hides.console


def log_notes(plan: Plan) -> tuple[str, ...]:
    """Say what a log will not tell although the server can be started."""
    notes = []
    if only_console_tells(plan):
        notes.append(
            f"its log will not say that it started: {start_hidden(plan).log}. Its console says it,"
            " and counts"
        )
    hides = _joins_hidden(_next_log4j(plan), None, plan.facts)
    if plan.node.role == "manager" and hides.log:
        notes.append(
            f"its log will not show who joins: {hides.log}. No worker can be seen joining until"
            f" {layout.LOG} gets these lines at level INFO"
        )
    return tuple(notes)


def joins_hidden_now(facts: ServerFacts, agent: str | None) -> Hidden:
    """Return why a server that runs does not show who joins it; nothing if its file is newer."""
    if facts.process is None or _changed_since_start(facts):
        return Hidden()
    return _joins_hidden(facts.data_of(layout.LOG4J), agent, facts)


def _changed_since_start(facts: ServerFacts) -> bool:
    return facts.process is not None and str(layout.LOG4J) in facts.process.newer


def _joins_hidden(data: bytes | None, agent: str | None, facts: ServerFacts) -> Hidden:
    """Return why neither of the agents that it may have shows who joins."""
    by_agent = {"tribes": TRIBES_LOGGER, "hazelcast": HAZELCAST_LOGGER}
    known = [logger for word, logger in by_agent.items() if word in (agent or "").lower()]
    each = [_hidden(data, logger, facts) for logger in known or by_agent.values()]
    return each[-1] if all(hides.log for hides in each) else Hidden()


def _hidden(data: bytes | None, logger: str, facts: ServerFacts) -> Hidden:
    home = facts.home_real
    return hidden(data, logger, home=home) if data and home else Hidden()


def _next_log4j(plan: Plan) -> bytes | None:
    """Return the file as the server will start with it; a rollback may bring back another one."""
    return None if plan.undo else plan.next_data(layout.LOG4J)
