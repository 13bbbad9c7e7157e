"""Install: a pack streamed to servers, compared, and renamed into place; all servers at once."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence
from contextlib import ExitStack

from carbon.clone.contents import kept_of
from carbon.cluster import Node, Pack
from carbon.errors import ProvisionError, ScriptError, UsageError, refuse
from carbon.pack.archive import Contents, look_into
from carbon.pack.stream import stream_bytes, tar_of
from carbon.pack.target import differing, is_installed, jdk_note, unfit_target
from carbon.text import some_of
from carbon.value import Value
from remote.clone.copy import inspect_site, list_home
from remote.clone.partial import PartialHome
from remote.host.audit import audit_line
from remote.host.fleet import Fleet
from remote.install.spool import Spool, fits
from remote.observe.facts import gather_facts
from remote.run.interrupt import safe_point
from remote.run.progress import Progress
from remote.run.threads import all_or_errors, parallel


class InstallOrder(Value, kw_only=True):
    """Where packs are to be installed."""

    nodes: tuple[Node, ...]
    replace: bool = False
    """Keep aside an AS_HOME that is there already."""
    break_lock: bool = False


class Intent(Value, kw_only=True):
    """What will be done for one node."""

    node: Node
    contents: Contents
    is_there: bool = False
    """It has an AS_HOME: nothing is done."""
    note: str = ""


class Installed(Value, kw_only=True):
    """What became of one node."""

    intent: Intent
    seconds: float = 0.0
    error: ProvisionError | None = None


def look(fleet: Fleet, order: InstallOrder, *, progress: Progress) -> list[Intent]:
    """Look into the packs and at every node; nothing is changed.

    Raises InventoryError for a pack, and Failures with the reasons of all that is not fit.
    """
    contents = {pack: look_into(pack) for pack in _packs(order.nodes)}

    def look_at(node: Node) -> Intent:
        progress.now(node.name, "looking")
        assert node.pack is not None, "_packs demands it"
        return _look_at(fleet, order, node, contents[node.pack])

    intents, errors = all_or_errors(parallel(order.nodes, look_at))
    refuse(errors)
    safe_point()
    return intents


def install(
    fleet: Fleet, order: InstallOrder, intents: Sequence[Intent], *, progress: Progress
) -> list[Installed]:
    """Install on all nodes at once; errors are in the results, and end no other node."""

    def install_on(intent: Intent) -> Installed:
        if intent.is_there:
            return Installed(intent=intent)
        began = time.monotonic()
        home = PartialHome(
            fleet=fleet,
            node=intent.node,
            verb="install",
            step="install",
            size_bytes=intent.contents.content_bytes,
            progress=progress,
        )
        try:
            _Installation(home, order, intent.contents, spools.get(intent.contents.pack)).run()
        except ProvisionError as failure:
            error = failure.at(host=intent.node.name, step="install")
            return Installed(intent=intent, error=error)
        return Installed(intent=intent, seconds=time.monotonic() - began)

    with ExitStack() as stack:
        spools = _spools(intents, stack)
        results, errors = all_or_errors(parallel(intents, install_on))
    refuse(errors)
    return results


def _spools(intents: Sequence[Intent], stack: ExitStack) -> dict[Pack, Spool]:
    """Return a spool for each pack that several servers get, if this machine has room for it."""
    times = Counter(intent.contents.pack for intent in intents if not intent.is_there)
    by_pack = {intent.contents.pack: intent.contents for intent in intents}
    spools = {}
    for pack, count in times.items():
        if count > 1 and fits(by_pack[pack]):
            spools[pack] = Spool(by_pack[pack])
            stack.callback(spools[pack].close)
    return spools


def _packs(nodes: Sequence[Node]) -> tuple[Pack, ...]:
    for node in nodes:
        if node.pack is None:
            raise UsageError(
                f"hosts.yaml names no pack for {node.name}",
                action="set `pack:` to the product's zip or tar.gz, under `cluster` or the node",
            )
    return tuple(dict.fromkeys(node.pack for node in nodes if node.pack))


def _look_at(fleet: Fleet, order: InstallOrder, node: Node, contents: Contents) -> Intent:
    host = fleet.host(node)
    facts = gather_facts(host)
    if is_installed(facts) and not order.replace:
        return Intent(node=node, contents=contents, is_there=True)
    refuse(
        unfit_target(
            node,
            facts,
            inspect_site(host),
            contents,
            replacing=order.replace,
            cluster=fleet.cluster,
        )
    )
    java_dir = str(facts.java_home or "")
    version = host.run(host.script("install_java", java_dir=java_dir), step="look").out
    note = jdk_note(contents.kernel, version.decode(errors="replace").strip())
    return Intent(node=node, contents=contents, note=note)


class _Installation(Value):
    """One node: locked, filled beside AS_HOME, compared, renamed into place."""

    home: PartialHome
    order: InstallOrder
    contents: Contents
    spool: Spool | None

    def run(self) -> None:
        host = self.home.fleet.host(self.home.node)
        safe_point()
        with host.lock(verb="install", break_lock=self.order.break_lock):
            try:
                pieces = self.spool.read() if self.spool else tar_of(self.contents)
                self.home.receive(pieces, total_bytes=stream_bytes(self.contents))
                self._compare()
                safe_point()
                self._land()
            except Exception:
                self.home.discard()
                raise
            line = audit_line(self.home.fleet.cluster, "install", outcome="ok")
            host.run(host.script("audit", audit=line), step="audit")

    def _compare(self) -> None:
        name = self.home.node.name
        self.home.progress.now(name, "verifying what came")
        listed = list_home(self.home.fleet.host(self.home.partial), whole=True)
        if differs := differing(self.contents, listed):
            raise ScriptError(
                f"what was unpacked is not the pack: {some_of(differs, at_most=1)}",
                host=name,
                step="install",
                action="run the same command again; if that fails too, look at the disk there",
                code="install-differs",
            )

    def _land(self) -> None:
        if self.home.land(replacing=self.order.replace):
            node = self.home.node
            self.home.progress.say(node.name, f"the old AS_HOME is kept as {kept_of(node.home)}")
