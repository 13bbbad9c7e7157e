"""The trial of datasources before the first turn: a wrong password costs no worker."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from functools import partial

from carbon.checks.case import Case
from carbon.checks.registry import trial_findings
from carbon.errors import UnfitError
from carbon.home.trial import Trial
from carbon.plan.model import Plan
from carbon.plan.trial import trial_before
from carbon.value import Value
from remote.host.fleet import Fleet
from remote.observe.datasources import try_datasources
from remote.run.progress import Progress
from remote.run.threads import begun


def planned_trials(plans: Sequence[Plan]) -> dict[str, Trial]:
    """Return what to try from which node: of nodes that would try the same, the first does."""
    trials: dict[str, Trial] = {}
    seen: list[tuple[object, ...]] = []
    for plan in plans:
        trial = trial_before(plan)
        if trial is None:
            continue
        node = plan.node
        same = (node.server, node.run_as, plan.facts.java_home, plan.facts.jars, trial)
        if same not in seen:
            seen.append(same)
            trials[node.name] = trial
    return trials


class Refusals(Value, kw_only=True):
    """What speaks against the plan of one node, and from which answer that follows."""

    host: str
    tried: tuple[tuple[str, str, int], ...] = ()
    errors: tuple[UnfitError, ...] = ()


class DatasourceTrial:
    """The trial of one node, begun before its files are staged unless it needs the new driver."""

    def __init__(self, fleet: Fleet, plan: Plan, trials: Mapping[str, Trial]) -> None:
        self._cluster = fleet.cluster
        self._plan = plan
        trial = trials.get(plan.node.name)
        self._try = partial(try_datasources, fleet.host(plan.node), trial) if trial else None
        self._begun = begun(self._try) if self._try and trial and not trial.first else None

    def refusals(self, progress: Progress) -> Refusals:
        """Wait for the answer, and return what speaks against the plan."""
        plan, name = self._plan, self._plan.node.name
        if self._try is None:
            return Refusals(host=name)
        progress.now(name, "trying its datasources")
        answer = self._begun.result() if self._begun else self._try()
        if answer.untried:
            progress.say(name, f"datasources not tried: {answer.untried}")
        cluster, facts = self._cluster, plan.facts
        case = Case(node=plan.node, cluster=cluster, facts=facts, plan=plan, trial=answer)
        findings = trial_findings(case)
        for finding in findings:
            if not finding.blocks:
                progress.say(name, finding.seen)
        return Refusals(
            host=name,
            tried=tuple((each.name, each.result, each.vendor_code) for each in answer.tried),
            errors=tuple(
                each.as_error(name, step="datasources") for each in findings if each.blocks
            ),
        )

    def wait(self) -> None:
        """Wait until it has ended, whatever became of it."""
        if self._begun is not None:
            self._begun.exception()


def told_once(refusals: Sequence[Refusals]) -> list[UnfitError]:
    """Return the errors; what several nodes were answered alike is said of the first of them."""
    alike: defaultdict[object, list[Refusals]] = defaultdict(list)
    for each in refusals:
        if each.errors:
            alike[each.tried].append(each)
    errors: list[UnfitError] = []
    for first, *others in alike.values():
        names = ", ".join(other.host for other in others)
        for error in first.errors:
            if names:
                error.seen += f" (the same from {names})"
            errors.append(error)
    return errors
