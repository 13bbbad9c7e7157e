"""The matrix: every fault at every point of a command, and what it broke."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

from tests.faults.invariants import Expected, Looks, after_fault, after_rerun
from tests.faults.points import Fault, Point, faults, points, spread
from tests.faults.scenarios import Scenario, Stage
from tests.faults.site import Site

Tell = Callable[[str], None]
TOLD_EACH = 100
"""After so many faults it says how far it is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Broken:
    """An invariant that did not hold after a fault."""

    fault: Fault
    seen: str
    said: str
    """What the run printed after which it was seen."""


@dataclass(kw_only=True)
class Outcome:
    """What became of one command."""

    scenario: Scenario
    points: int
    injected: list[Fault] = field(default_factory=list)
    broken: list[Broken] = field(default_factory=list)
    seconds: float = 0.0


class Matrix:
    """Breaks commands on a site, one fault at a time."""

    def __init__(self, site: Site, stage: Stage, folder: Path, tell: Tell) -> None:
        self._site = site
        self._stage = stage
        self._log = folder / "operations"
        self._tell = tell

    def run(
        self,
        scenario: Scenario,
        *,
        sample: int | None = None,
        only: str = "",
        part: tuple[int, int] = (0, 1),
    ) -> Outcome:
        """Inject all faults, a sample of them, or those whose text holds `only`.

        `part` (2, 4) takes the third of every four: others inject the rest meanwhile.
        """
        began = time.monotonic()
        expected, found = self._undisturbed(scenario)
        possible = [fault for fault in faults(found) if scenario.focus in str(fault)]
        chosen = [fault for fault in possible if only in str(fault)]
        if sample is not None:
            chosen = spread(chosen, sample)
        chosen = chosen[part[0] :: part[1]]
        outcome = Outcome(scenario=scenario, points=len(found))
        self._tell(f"{scenario.name}: {len(found)} points, {len(chosen)} of {len(possible)} faults")
        for fault in chosen:
            broken = list(self._inject(scenario, expected, fault))
            outcome.broken += broken
            outcome.injected.append(fault)
            for one in broken:
                self._tell(f"  BROKEN by {fault}: {one.seen}")
            if len(outcome.injected) % TOLD_EACH == 0:
                self._tell(f"  {len(outcome.injected)} injected, {len(outcome.broken)} broken")
        outcome.seconds = time.monotonic() - began
        return outcome

    def _undisturbed(self, scenario: Scenario) -> tuple[Expected, list[Point]]:
        """Record the points of the command, and what it makes of the hosts."""
        hosts = (*scenario.turns, *scenario.bystanders)
        self._stage.begin(scenario)
        old = self._site.look(hosts)
        halfway = self._halfway(scenario, hosts) if scenario.halfway else {}
        self._log.unlink(missing_ok=True)
        ran = self._stage.run(scenario, PROVISION_FAULT_LOG=str(self._log))
        assert ran.status == 0, f"{scenario.name} does not work undisturbed:\n{ran.said}"
        assert not self._site.busy(hosts)
        new = self._site.look(hosts)
        expected = Expected(
            verb=scenario.verb,
            turns=scenario.turns,
            bystanders=scenario.bystanders,
            lands=scenario.lands,
            halfway=halfway,
            old=old,
            new=new,
        )
        broken = list(after_rerun(expected, ran, new, []))
        assert not broken, f"{scenario.name} breaks invariants undisturbed: {broken}"
        steps = [step for look in new.values() for step in look.steps]
        return expected, points(self._log.read_text().splitlines(), steps)

    def _halfway(self, scenario: Scenario, hosts: tuple[str, ...]) -> Looks:
        ran = self._stage.go_halfway(scenario)
        assert ran.status == 0, f"{scenario.halfway} does not work undisturbed:\n{ran.said}"
        seen = self._site.look(hosts)
        self._stage.restore(scenario)
        return seen

    def _inject(self, scenario: Scenario, expected: Expected, fault: Fault) -> Iterator[Broken]:
        hosts = (*scenario.turns, *scenario.bystanders)
        self._stage.restore(scenario)
        expected = replace(expected, old=self._site.look(hosts))
        if fault.disk:
            self._site.expect_held(fault)
        ran = self._stage.run(scenario, PROVISION_FAULT=fault.asked)
        if fault.disk and not self._site.held(fault):
            yield Broken(fault=fault, seen="the point was not reached", said=ran.said)
        busy = self._site.busy(hosts)
        for seen in after_fault(expected, ran, self._site.look(hosts), busy):
            yield Broken(fault=fault, seen=seen, said=ran.said)
        again = self._stage.run(scenario)
        busy = self._site.busy(hosts)
        for seen in after_rerun(expected, again, self._site.look(hosts), busy):
            yield Broken(fault=fault, seen=seen, said=f"{ran.said}\n--- again\n{again.said}")
