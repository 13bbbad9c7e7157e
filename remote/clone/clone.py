"""Clone: copy an AS_HOME to another server, make it that server's own, and deploy it there."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import PurePosixPath

from carbon.clone import contents, target
from carbon.clone.contents import Entry, Selection
from carbon.clone.target import Site
from carbon.cluster import Node
from carbon.errors import ProvisionError, UnfitError, refuse
from carbon.home import layout
from carbon.home.facts import ServerFacts
from carbon.plan.model import Options, Plan, Step
from carbon.value import Value, replace
from remote.clone.copy import HomeCopy, inspect_site, list_home
from remote.host.audit import audit_line
from remote.host.fleet import Fleet
from remote.observe.facts import gather_facts
from remote.rollout.generation import new_generation
from remote.rollout.hooks import HookRunner
from remote.rollout.preflight import preflight
from remote.rollout.request import LoadBalancer, Request, Result, Rollout
from remote.rollout.rollout import roll_out
from remote.rollout.stage import stage
from remote.rollout.swap import swap, swap_script, swapped_parts
from remote.run.interrupt import safe_point
from remote.run.progress import Progress
from remote.run.threads import all_or_errors, parallel


class CloneOrder(Value, kw_only=True):
    """What is to be copied, and who is to become of it."""

    source: Node
    nodes: tuple[Node, ...]
    replace: bool = False
    """Keep aside an AS_HOME that is there already."""
    break_lock: bool = False


class Intent(Value, kw_only=True):
    """What will be done for one node."""

    plan: Plan
    """What will have to change once the home has landed."""
    selection: Selection | None
    """What will be copied; None if an earlier run of the same command has done that."""
    databases: tuple[PurePosixPath, ...] = ()
    """The source's local databases, which stay there."""
    cloned_at: str = ""
    """When it was copied, where it is not copied again."""
    first_start: str = ""
    """What its first start needs besides."""
    notes: tuple[str, ...] = ()
    """What the operator should know although nothing is done about it."""

    @property
    def changes(self) -> bool:
        """Something will be done on the node."""
        return self.selection is not None or not self.plan.empty


def look(fleet: Fleet, order: CloneOrder, *, progress: Progress) -> list[Intent]:
    """Read the source, every node and the manager; nothing is changed.

    Raises Failures with the reasons of all that is not fit.
    """
    return _Look(fleet, order, progress=progress).take()


class _Look:
    """The look at both sides of a clone."""

    def __init__(self, fleet: Fleet, order: CloneOrder, *, progress: Progress) -> None:
        self._fleet = fleet
        self._order = order
        self._source = order.source
        self._progress = progress
        self._found: dict[str, ServerFacts] = {}

    def take(self) -> list[Intent]:
        self._progress.now(self._source.name, "looking")
        facts = self._read_source()
        refuse(self._unfit_source(facts))
        listed = list_home(self._fleet.host(self._source))
        plans = self._plan(facts)
        sites = self._read_sites()
        intents = [self._intent(plan, facts[plan.node.name], listed) for plan in plans]
        refuse(list(self._unfit(intents, facts, sites)))
        safe_point()
        return intents

    def _read_source(self) -> dict[str, ServerFacts]:
        """Return, by node, what the source has of the files that hosts.yaml changes on it."""

        def read(node: Node) -> ServerFacts:
            as_source = replace(
                node,
                name=self._source.name,
                ssh=self._source.ssh,
                home=self._source.home,
                java_home=self._source.java_home,
                run_as=self._source.run_as,
            )
            return gather_facts(self._fleet.host(as_source), also=(layout.DATASOURCES,))

        read_facts, errors = all_or_errors(parallel(self._order.nodes, read))
        refuse(errors)
        return {node.name: facts for node, facts in zip(self._order.nodes, read_facts, strict=True)}

    def _unfit_source(self, facts: Mapping[str, ServerFacts]) -> list[UnfitError]:
        return target.unfit_source(
            self._source, next(iter(facts.values())), cluster=self._fleet.cluster
        )

    def _plan(self, source: Mapping[str, ServerFacts]) -> list[Plan]:
        """Plan the deploy that follows, on what the nodes will be once the home has landed."""

        def forecast(node: Node, facts: ServerFacts) -> ServerFacts:
            self._found[node.name] = facts
            if self._resumes(node):
                return facts
            return target.as_cloned(node, facts, source[node.name])

        options = Options(renumber=True)
        request = Request(nodes=self._order.nodes, options=options, verb="clone")
        checked = preflight(self._fleet, request, progress=self._progress, forecast=forecast)
        return checked.demand()

    def _resumes(self, node: Node) -> bool:
        return target.resumes(self._found[node.name], self._source, replacing=self._order.replace)

    def _read_sites(self) -> dict[str, Site]:
        nodes = (self._source, *self._order.nodes)

        def read(node: Node) -> Site:
            return inspect_site(self._fleet.host(node))

        sites, errors = all_or_errors(parallel(nodes, read))
        refuse(errors)
        return {node.name: site for node, site in zip(nodes, sites, strict=True)}

    def _intent(self, plan: Plan, source: ServerFacts, listed: Sequence[Entry]) -> Intent:
        if self._resumes(plan.node):
            when = self._found[plan.node.name].cloned.get("when", "")
            return Intent(plan=plan, selection=None, cloned_at=when)
        file = source.files.get(layout.DATASOURCES)
        databases = target.relative_databases(file.data if file else b"")
        return Intent(
            plan=plan,
            selection=contents.select(listed, databases=databases),
            databases=databases,
            first_start="-Dsetup" if target.needs_setup(plan) else "",
            notes=target.notes(plan.node),
        )

    def _unfit(
        self,
        intents: Sequence[Intent],
        source: Mapping[str, ServerFacts],
        sites: Mapping[str, Site],
    ) -> Iterator[UnfitError]:
        copies = [
            (intent.plan, intent.selection) for intent in intents if intent.selection is not None
        ]
        for plan, selection in copies[:1]:
            user = source[plan.node.name].user
            yield from contents.unfit_selection(selection, source=self._source, user=user)
        for plan, selection in copies:
            node = plan.node
            yield from target.unfit_target(
                node,
                self._found[node.name],
                sites[node.name],
                source=self._source,
                source_site=sites[self._source.name],
                need_bytes=selection.stream_bytes,
                replacing=self._order.replace,
                cluster=self._fleet.cluster,
            )
            yield from target.unfit_databases(plan, source=self._source)


def clone(
    fleet: Fleet,
    order: CloneOrder,
    intents: Sequence[Intent],
    *,
    progress: Progress,
    balancer: LoadBalancer | None = None,
) -> Rollout:
    """Do what was intended, one node after another; the first failure ends it.

    Errors are in the result, so that what was done is said, too.
    """
    nodes = [intent.plan.node for intent in intents if intent.changes]
    hooks = HookRunner(fleet.cluster, nodes, verb="clone", run=fleet.run, progress=progress)
    if nodes:
        hooks.demand_allowed()
        try:
            hooks.before_rollout()
        except ProvisionError as failure:
            hooks.conclude(failure)
            raise
    results = _clone(fleet, order, intents, progress=progress, balancer=balancer)
    first = next((result.error for result in results if result.error), None)
    return Rollout(results=tuple(results), error=hooks.conclude(first))


def _clone(
    fleet: Fleet,
    order: CloneOrder,
    intents: Sequence[Intent],
    *,
    progress: Progress,
    balancer: LoadBalancer | None,
) -> list[Result]:
    results: list[Result] = []
    for intent in intents:
        if any(result.error for result in results):
            results.append(Result(plan=intent.plan, reached=False))
        else:
            turn = _CloneTurn(fleet, order, intent, progress=progress, balancer=balancer)
            results.append(turn.take())
    return results


class _CloneTurn:
    """One node's turn: locked, copied, made the node's own, landed, deployed."""

    def __init__(
        self,
        fleet: Fleet,
        order: CloneOrder,
        intent: Intent,
        *,
        progress: Progress,
        balancer: LoadBalancer | None,
    ) -> None:
        self._fleet = fleet
        self._order = order
        self._intent = intent
        self._source = order.source
        self._node = intent.plan.node
        self._progress = progress
        self._balancer = balancer
        self._changed: list[str] = []

    def take(self) -> Result:
        try:
            safe_point()
            with self._locked():
                if self._intent.selection is not None:
                    self._copy_and_land(self._intent.selection)
                return self._deploy()
        except ProvisionError as failure:
            error = failure.at(host=self._node.name, step="clone")
            return Result(plan=self._intent.plan, changed=tuple(self._changed), error=error)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """Lock both servers: nobody may swap files that are being copied.

        What is not going to be changed gets no audit line: the source never does.
        """
        changes = self._intent.changes
        begin = audit_line(self._fleet.cluster, "clone", outcome="begin") if changes else ""
        with ExitStack() as stack:
            for node, audit in ((self._source, ""), (self._node, begin)):
                host = self._fleet.host(node)
                lock = host.lock(verb="clone", break_lock=self._order.break_lock, audit=audit)
                stack.enter_context(lock)
            yield

    def _copy_and_land(self, selection: Selection) -> None:
        copy = HomeCopy(
            self._fleet,
            source=self._source,
            node=self._node,
            databases=self._intent.databases,
            progress=self._progress,
        )
        try:
            self._fetch(copy, selection)
            self._become(copy.partial)
            safe_point()
            kept = copy.land(
                selection,
                replacing=self._order.replace,
                first_start=self._intent.first_start,
            )
        except Exception:
            copy.discard()
            raise
        if kept:
            self._say(f"the old AS_HOME is kept as {contents.kept_of(self._node.home)}")

    def _fetch(self, copy: HomeCopy, selection: Selection) -> None:
        began = time.monotonic()
        copy.fetch(selection)
        seconds = time.monotonic() - began
        megabytes = selection.stream_bytes / 1e6
        self._changed.append(f"cloned from {self._source.name}")
        self._progress.say(
            self._node.name,
            f"copied and verified: {megabytes:.0f} MB of {self._source.name}"
            f" in {seconds:.1f} s, {megabytes / seconds:.0f} MB/s",
        )

    def _become(self, partial: Node) -> None:
        """Patch the copy before it lands: never does an AS_HOME stand there that is another's."""
        options = Options(steps=frozenset({Step.DRIVER, Step.CONFIG}), renumber=True)
        request = Request(nodes=(partial,), options=options, verb="clone")
        (plan,) = preflight(self._fleet, request, progress=self._progress).demand()
        if not plan.swaps:
            return
        host, cluster = self._fleet.host(partial), self._fleet.cluster
        generation = new_generation(plan, cluster=cluster, verb="clone", run=self._fleet.run)
        stage(host, plan, generation=generation, progress=self._progress)
        keep = cluster.keep_generations
        swap(host, swap_script(host, plan, generation=generation, keep_generations=keep))
        for part in swapped_parts(plan):
            self._say(part)

    def _deploy(self) -> Result:
        """Do the rest: /etc/hosts, start, join; it is a deploy like any other."""
        request = Request(
            nodes=(self._node,),
            options=Options(),
            verb="clone",
            break_lock=self._order.break_lock,
            within=True,
        )
        plans = preflight(self._fleet, request, progress=self._progress).demand()
        (result,) = roll_out(
            self._fleet, request, plans, progress=self._progress, balancer=self._balancer
        ).results
        return replace(result, changed=(*self._changed, *result.changed))

    def _say(self, text: str) -> None:
        self._changed.append(text)
        self._progress.say(self._node.name, text)
