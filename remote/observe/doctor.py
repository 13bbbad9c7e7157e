"""Look at a node and at the manager, and try the ways between them: why does it not join?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from carbon.checks.case import LOOKED_AT, Examination, questions
from carbon.checks.diagnosis import Diagnosis, diagnose, unexamined
from carbon.cluster import Node
from carbon.errors import ProvisionError
from carbon.home.driver import WantedDriver
from carbon.home.facts import Reach, ServerFacts
from remote.host.fleet import Fleet
from remote.observe.facts import gather_facts
from remote.observe.status import drafted, read_drivers
from remote.run.progress import Progress
from remote.run.threads import parallel

CONSEQUENCES = frozenset({"process", "membership", "restart", "unexplained"})
"""Topics that say nothing new about a node that has just failed to start or to join."""

Looked = ServerFacts | ProvisionError
Drivers = Mapping[Path, WantedDriver | ProvisionError]


def examine(fleet: Fleet, nodes: Sequence[Node], *, progress: Progress) -> list[Diagnosis]:
    """Diagnose nodes, all at once; one that cannot be reached has that for its diagnosis."""
    manager = fleet.cluster.manager
    asked = {node.name: node for node in (*nodes, manager)}

    def look_at(node: Node) -> ServerFacts:
        progress.now(node.name, "looking")
        return _look(fleet, node)

    found = dict(zip(asked, parallel(asked.values(), look_at), strict=True))
    drivers = read_drivers(nodes)

    def one(node: Node) -> Diagnosis:
        progress.now(node.name, "trying connections")
        return _diagnose(fleet, node, found[node.name], found[manager.name], drivers)

    return [
        unexamined(node, result) if isinstance(result, ProvisionError) else result
        for node, result in zip(nodes, parallel(nodes, one), strict=True)
    ]


def _look(fleet: Fleet, node: Node) -> ServerFacts:
    return gather_facts(
        fleet.server(node),
        node,
        timeout_seconds=fleet.cluster.limits.command_seconds,
        asked=questions(node, fleet.cluster),
        also=LOOKED_AT,
    )


def _diagnose(
    fleet: Fleet, node: Node, facts: Looked, manager: Looked, drivers: Drivers
) -> Diagnosis:
    if isinstance(facts, ProvisionError):
        return unexamined(node, facts)
    ways = _Ways(fleet, node)
    enterable = isinstance(manager, ServerFacts)
    with ThreadPoolExecutor(max_workers=3) as pool:
        to_manager = pool.submit(ways.to_manager)
        from_manager = pool.submit(ways.from_manager) if enterable and facts.process else None
        to_database = pool.submit(ways.to_database)
        return diagnose(
            Examination(
                node=node,
                cluster=fleet.cluster,
                facts=facts,
                manager=manager,
                drafted=drafted(node, facts, drivers),
                to_manager=to_manager.result(),
                from_manager=from_manager.result() if from_manager else None,
                to_database=to_database.result(),
            )
        )


class _Ways:
    """The connections that a member needs, each tried from the server that opens it."""

    def __init__(self, fleet: Fleet, node: Node) -> None:
        self._fleet = fleet
        self._node = node

    def to_manager(self) -> Reach | None:
        return self._between(self._node, self._fleet.cluster.manager)

    def from_manager(self) -> Reach | None:
        return self._between(self._fleet.cluster.manager, self._node)

    def to_database(self) -> Reach | None:
        database = self._fleet.cluster.database
        if database is None or not self._node.datasources:
            return None
        return self._reach(self._node, database.address, database.port)

    def _between(self, source: Node, target: Node) -> Reach | None:
        if source.name == target.name:
            return None
        return self._reach(source, target.local_member_host, target.local_member_port)

    def _reach(self, source: Node, host: str, port: int) -> Reach:
        seconds = self._fleet.cluster.limits.connect_seconds
        return self._fleet.server(source).reach(host, port, timeout_seconds=seconds)


def explain(fleet: Fleet, node: Node, *, said: str, progress: Progress) -> str:
    """Return what a diagnosis adds to a failure that was already told as `said`; empty if nothing.

    What only follows from the failure is left out.
    """
    (diagnosis,) = examine(fleet, [node], progress=progress)
    new = [
        finding
        for finding in diagnosis.findings
        if finding.topic not in CONSEQUENCES and finding.seen not in said
    ]
    return "".join(f"\n  doctor: {one.seen}\n    → {one.remedy}" for one in new)
