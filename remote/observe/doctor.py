"""Look at a node and at the manager, and try the ways between them: why does it not join?"""

from __future__ import annotations

import re
from collections.abc import Generator, Sequence
from concurrent.futures import ThreadPoolExecutor

from carbon.checks.case import LOOKED_AT, Case, questions
from carbon.checks.diagnosis import Diagnosis, diagnose, unexamined
from carbon.cluster import Node
from carbon.config.diff import mask_secrets
from carbon.errors import ProvisionError
from carbon.home.facts import ServerFacts
from carbon.home.trial import TrialAnswer
from carbon.join.columns import take_apart
from carbon.join.quote import quote
from carbon.plan.model import Plan
from carbon.plan.trial import trial_now
from remote.host.fleet import Fleet
from remote.observe.datasources import try_datasources
from remote.observe.facts import gather_facts
from remote.observe.lines import Line
from remote.observe.logs import LogOrder, read
from remote.observe.reach import reach_database, reach_member
from remote.observe.status import Drivers, drafted, read_drivers
from remote.run.progress import Progress
from remote.run.threads import parallel

READ_LINES = 100
SHOWN_LINES = 8
"""Of the log and of the console, without stack frames."""
CONSEQUENCES = frozenset(
    {
        *("not-running", "not-started", "port-closed", "restart-pending"),
        *("member-left", "member-split", "member-unseen", "member-unknown", "first-error"),
        *("start-unexplained", "log-empty", "connection"),
    }
)
"""Findings that say nothing new about a node that has just failed to start or to join."""

Looked = ServerFacts | ProvisionError


def examine(fleet: Fleet, nodes: Sequence[Node], *, progress: Progress) -> list[Diagnosis]:
    """Diagnose nodes, all at once; one that cannot be reached has that for its diagnosis."""
    manager = fleet.cluster.manager
    all_nodes = {node.name: node for node in (*nodes, manager)}

    def look_at(node: Node) -> ServerFacts:
        if node in nodes:  # nobody waits for the manager by its name
            progress.now(node.name, "looking")
        asked = questions(node, fleet.cluster)
        return gather_facts(fleet.host(node), asked=asked, also=LOOKED_AT)

    looked = dict(zip(all_nodes, parallel(all_nodes.values(), look_at), strict=True))
    drivers = read_drivers(nodes)

    def diagnosed(node: Node) -> Diagnosis:
        progress.now(node.name, "trying connections")
        return _diagnose(fleet, node, looked[node.name], looked[manager.name], drivers)

    return [
        unexamined(node, result) if isinstance(result, ProvisionError) else result
        for node, result in zip(nodes, parallel(nodes, diagnosed), strict=True)
    ]


def _diagnose(
    fleet: Fleet, node: Node, facts: Looked, manager: Looked, drivers: Drivers
) -> Diagnosis:
    if isinstance(facts, ProvisionError):
        return unexamined(node, facts)
    other = fleet.cluster.manager
    tried_back = isinstance(manager, ServerFacts) and facts.process is not None
    plan = drafted(node, facts, drivers)
    with ThreadPoolExecutor(max_workers=4) as pool:
        to_manager = pool.submit(reach_member, fleet, node, other)
        from_manager = pool.submit(reach_member, fleet, other, node) if tried_back else None
        to_database = pool.submit(reach_database, fleet, node)
        trial = pool.submit(_try_datasources, fleet, plan)
        return diagnose(
            Case(
                node=node,
                cluster=fleet.cluster,
                facts=facts,
                plan=plan,
                manager_facts=manager,
                to_manager=to_manager.result(),
                from_manager=from_manager.result() if from_manager else None,
                to_database=to_database.result(),
                trial=trial.result(),
            )
        )


def _try_datasources(fleet: Fleet, plan: Plan | ProvisionError | None) -> TrialAnswer | None:
    """Try the datasources of hosts.yaml as the server is; None: there are none to be tried."""
    if not isinstance(plan, Plan) or (trial := trial_now(plan)) is None:
        return None
    try:
        return try_datasources(fleet.host(plan.node), trial)
    except ProvisionError as error:
        return TrialAnswer(untried=error.seen)


def explain(fleet: Fleet, node: Node, *, said: str, progress: Progress) -> str:
    """Return what a diagnosis adds to a failure whose sentence is `said`; empty if nothing.

    What only follows from the failure is left out. The last lines of log and console follow as
    they are, also those that no rule knows, unless they stand in the sentence already.
    """
    (diagnosis,) = examine(fleet, [node], progress=progress)
    new = [
        finding
        for finding in diagnosis.findings
        if (finding.about or finding.code not in CONSEQUENCES) and finding.seen not in said
    ]
    advice = "".join(f"\n  doctor: {each.seen}\n    → {each.remedy}" for each in new)
    return advice + "".join(_last_lines(fleet, node, diagnosis.console, said=said))


def _last_lines(
    fleet: Fleet, node: Node, console: Sequence[str], *, said: str
) -> Generator[str, None, None]:
    """Yield the last lines of a log and of the console, whatever they say."""
    given = (*node.file_secrets, node.keystore_password)
    try:  # a !file is read for it, and a !command is run: what is not known cannot be masked
        secrets = [secret.reveal() for secret in given if secret]
    except ProvisionError:
        return
    for title, lines in (("log", _end_of_log(fleet, node)), ("console", console)):
        left = (line for line in lines if not _FRAME.match(line))
        masked = (mask_secrets(line.encode(), secrets, plain=True) for line in left)
        quoted = [quote(line).strip() for line in masked]
        quoted = list(filter(None, quoted))
        new = [line for line in quoted if take_apart(line).message not in said]
        if new:  # of a console that repeats the log, the rest alone
            shown = quoted if title == "log" else new
            yield f"\n  last lines of {node.name}'s {title}, whatever they say:"
            yield from (f"\n    | {line}" for line in shown[-SHOWN_LINES:])
        said += "\n".join(quoted)


def _end_of_log(fleet: Fleet, node: Node) -> list[str]:
    came = read(fleet, [node], LogOrder(lines=READ_LINES))
    return [line.text for line in came if isinstance(line, Line)]


_FRAME = re.compile(r"\s+(at\s\S+\(|\.\.\. \d+ more)")
"""A line of a stack trace, which says where and not what."""
