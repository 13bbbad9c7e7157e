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
from carbon.value import Value, field, replace
from remote.clone.copy import HomeCopy, inspect_site, list_home
from remote.clone.partial import PartialHome
from remote.host.audit import audit_line
from remote.host.fleet import Fleet
from remote.observe.facts import gather_facts
from remote.rollout.generation import new_generation
from remote.rollout.hooks import HookRunner
from remote.rollout.preflight import preflight
from remote.rollout.request import LoadBalancer, Request, Result, Rollout, concluded
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
    return _Look(fleet, order, progress).take()


class _Look(Value):
    """The look at both sides of a clone."""

    fleet: Fleet
    order: CloneOrder
    progress: Progress
    facts: dict[str, ServerFacts] = field(default_factory=dict)
    """Of the nodes, as they are before the clone."""

    def take(self) -> list[Intent]:
        source = self.order.source
        self.progress.now(source.name, "looking")
        facts = self._read_source()
        first = facts[self.order.nodes[0].name]
        refuse(target.unfit_source(source, first, cluster=self.fleet.cluster))
        listed = list_home(self.fleet.host(source))
        plans = self._plan(facts)
        sites = self._read_sites()
        intents = [self._intent(plan, facts[plan.node.name], listed) for plan in plans]
        refuse(list(self._unfit(intents, facts, sites)))
        safe_point()
        return intents

    def _read_source(self) -> dict[str, ServerFacts]:
        """Return, by node, what the source has of the files that hosts.yaml changes on it."""
        source = self.order.source

        def read(node: Node) -> ServerFacts:
            as_source = replace(
                node,
                name=source.name,
                ssh=source.ssh,
                home=source.home,
                java_home=source.java_home,
                run_as=source.run_as,
            )
            return gather_facts(self.fleet.host(as_source), also=(layout.DATASOURCES,))

        read_facts, errors = all_or_errors(parallel(self.order.nodes, read))
        refuse(errors)
        return {node.name: facts for node, facts in zip(self.order.nodes, read_facts, strict=True)}

    def _plan(self, source: Mapping[str, ServerFacts]) -> list[Plan]:
        """Plan the deploy that follows, on what the nodes will be once the home has landed."""

        def forecast(node: Node, facts: ServerFacts) -> ServerFacts:
            self.facts[node.name] = facts
            if self._resumes(node):
                return facts
            return target.as_cloned(node, facts, source[node.name])

        options = Options(renumber=True)
        request = Request(nodes=self.order.nodes, options=options, verb="clone")
        return preflight(self.fleet, request, progress=self.progress, forecast=forecast).demand()

    def _resumes(self, node: Node) -> bool:
        facts = self.facts[node.name]
        return target.resumes(facts, self.order.source, replacing=self.order.replace)

    def _read_sites(self) -> dict[str, Site]:
        nodes = (self.order.source, *self.order.nodes)
        sites, errors = all_or_errors(
            parallel(nodes, lambda node: inspect_site(self.fleet.host(node)))
        )
        refuse(errors)
        return {node.name: site for node, site in zip(nodes, sites, strict=True)}

    def _intent(self, plan: Plan, source: ServerFacts, listed: Sequence[Entry]) -> Intent:
        if self._resumes(plan.node):
            when = self.facts[plan.node.name].cloned.get("when", "")
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
            yield from contents.unfit_selection(selection, source=self.order.source, user=user)
        for plan, selection in copies:
            node = plan.node
            yield from target.unfit_target(
                node,
                self.facts[node.name],
                sites[node.name],
                source=self.order.source,
                source_site=sites[self.order.source.name],
                need_bytes=selection.stream_bytes,
                replacing=self.order.replace,
                cluster=self.fleet.cluster,
            )
            yield from target.unfit_databases(plan, source=self.order.source)


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

    def clone_all() -> list[Result]:
        if nodes:
            hooks.demand_allowed()
            hooks.before_rollout()
        results = [Result(plan=intent.plan, reached=False) for intent in intents]
        for at, intent in enumerate(intents):
            results[at] = _CloneTurn(fleet, order, intent, progress, balancer).take()
            if results[at].error:
                break
        return results

    return concluded(hooks, clone_all)


class _CloneTurn(Value):
    """One node's turn: locked, copied, made the node's own, landed, deployed."""

    fleet: Fleet
    order: CloneOrder
    intent: Intent
    progress: Progress
    balancer: LoadBalancer | None
    changed: list[str] = field(default_factory=list)

    @property
    def node(self) -> Node:
        return self.intent.plan.node

    def take(self) -> Result:
        try:
            safe_point()
            with self._locked():
                if self.intent.selection is not None:
                    self._copy_and_land(self.intent.selection)
                return self._deploy()
        except ProvisionError as failure:
            error = failure.at(host=self.node.name, step="clone")
            return Result(plan=self.intent.plan, changed=tuple(self.changed), error=error)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """Lock both servers: nobody may swap files that are being copied.

        What is not going to be changed gets no audit line: the source never does.
        """
        changes = self.intent.changes
        begin = audit_line(self.fleet.cluster, "clone", outcome="begin") if changes else ""
        with ExitStack() as stack:
            for node, audit in ((self.order.source, ""), (self.node, begin)):
                host = self.fleet.host(node)
                lock = host.lock(verb="clone", break_lock=self.order.break_lock, audit=audit)
                stack.enter_context(lock)
            yield

    def _copy_and_land(self, selection: Selection) -> None:
        home = PartialHome(
            fleet=self.fleet,
            node=self.node,
            verb="clone",
            size_bytes=selection.stream_bytes,
            progress=self.progress,
        )
        try:
            self._fetch(home, selection)
            self._become(home.partial)
            safe_point()
            kept = home.land(
                replacing=self.order.replace,
                source=self.order.source.name,
                first_start=self.intent.first_start,
            )
        except Exception:
            home.discard()
            raise
        if kept:
            self._say(f"the old AS_HOME is kept as {contents.kept_of(self.node.home)}")

    def _fetch(self, home: PartialHome, selection: Selection) -> None:
        began = time.monotonic()
        source = self.fleet.host(self.order.source)
        HomeCopy(source=source, home=home, databases=self.intent.databases).fetch(selection)
        seconds = time.monotonic() - began
        megabytes = selection.stream_bytes / 1e6
        self.changed.append(f"cloned from {self.order.source.name}")
        self.progress.say(
            self.node.name,
            f"copied and verified: {megabytes:.0f} MB of {self.order.source.name}"
            f" in {seconds:.1f} s, {megabytes / seconds:.0f} MB/s",
        )

    def _become(self, partial: Node) -> None:
        """Patch the copy before it lands: never does an AS_HOME stand there that is another's."""
        options = Options(steps=frozenset({Step.DRIVER, Step.CONFIG}), renumber=True)
        request = Request(nodes=(partial,), options=options, verb="clone")
        (plan,) = preflight(self.fleet, request, progress=self.progress).demand()
        if not plan.swaps:
            return
        host, cluster = self.fleet.host(partial), self.fleet.cluster
        generation = new_generation(plan, cluster=cluster, verb="clone", run=self.fleet.run)
        stage(host, plan, generation=generation, progress=self.progress)
        keep = cluster.keep_generations
        swap(host, swap_script(host, plan, generation=generation, keep_generations=keep))
        for part in swapped_parts(plan):
            self._say(part)

    def _deploy(self) -> Result:
        """Do the rest: /etc/hosts, start, join; it is a deploy like any other."""
        request = Request(
            nodes=(self.node,),
            options=Options(),
            verb="clone",
            break_lock=self.order.break_lock,
            within=True,
        )
        plans = preflight(self.fleet, request, progress=self.progress).demand()
        (result,) = roll_out(
            self.fleet, request, plans, progress=self.progress, balancer=self.balancer
        ).results
        return replace(result, changed=(*self.changed, *result.changed))

    def _say(self, text: str) -> None:
        self.changed.append(text)
        self.progress.say(self.node.name, text)
