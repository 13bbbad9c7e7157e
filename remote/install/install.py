"""Install: a pack streamed to servers, compared, and renamed into place; all servers at once."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path

from carbon.checks.home import SPARE_KB
from carbon.clone.contents import kept_of, partial_of
from carbon.cluster import Node, Pack
from carbon.errors import ProvisionError, ScriptError, UsageError, refuse
from carbon.home.facts import ServerFacts
from carbon.pack.archive import Contents, look_into
from carbon.pack.stream import stream_bytes, tar_of
from carbon.pack.target import differing, is_installed, jdk_note, unfit_target
from carbon.text import some_of
from carbon.value import Value, replace
from remote.clone.copy import SLOWEST_BYTES_PER_SECOND, inspect_site, list_home
from remote.host.audit import audit_line
from remote.host.fleet import Fleet
from remote.host.host import Host
from remote.host.script import Given
from remote.host.server import Outcome
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

    with ExitStack() as stack:
        spools = _spools(intents, stack)
        return _install(fleet, order, intents, spools, progress=progress)


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


def _install(
    fleet: Fleet,
    order: InstallOrder,
    intents: Sequence[Intent],
    spools: Mapping[Pack, Spool],
    *,
    progress: Progress,
) -> list[Installed]:
    def install_on(intent: Intent) -> Installed:
        if intent.is_there:
            return Installed(intent=intent)
        began = time.monotonic()
        spool = spools.get(intent.contents.pack)
        try:
            _Installation(fleet, order, intent, spool=spool, progress=progress).run()
        except ProvisionError as failure:
            error = failure.at(host=intent.node.name, step="install")
            return Installed(intent=intent, error=error)
        return Installed(intent=intent, seconds=time.monotonic() - began)

    results, errors = all_or_errors(parallel(intents, install_on))
    refuse(errors)
    return results


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
    version = host.run(host.script("install_java", java_dir=_java(facts)), step="look").out
    note = jdk_note(contents.kernel, version.decode(errors="replace").strip())
    return Intent(node=node, contents=contents, note=note)


def _java(facts: ServerFacts) -> str:
    return str(facts.java_home or "")


class _Installation:
    """One node: locked, filled beside AS_HOME, compared, renamed into place."""

    def __init__(
        self,
        fleet: Fleet,
        order: InstallOrder,
        intent: Intent,
        *,
        spool: Spool | None,
        progress: Progress,
    ) -> None:
        self._fleet = fleet
        self._order = order
        self._contents = intent.contents
        self._spool = spool
        self._host: Host[Node] = fleet.host(intent.node)
        self._node = intent.node
        self._partial = replace(intent.node, home=partial_of(intent.node.home))
        self._progress = progress

    def run(self) -> None:
        safe_point()
        with self._host.lock(verb="install", break_lock=self._order.break_lock):
            try:
                self._send()
                self._compare()
                safe_point()
                self._land()
            except Exception:
                self._discard()
                raise
            self._audit()

    def _send(self) -> None:
        total_bytes = stream_bytes(self._contents)
        self._run(
            "home_receive",
            payload=self._watched(total_bytes),
            partial=str(self._partial.home),
            fresh="yes",
            need_kb=total_bytes // 1024 + SPARE_KB,
        )

    def _watched(self, total_bytes: int) -> Iterator[bytes]:
        done_bytes = 0
        for piece in self._spool.read() if self._spool else tar_of(self._contents):
            yield piece
            done_bytes += len(piece)
            self._progress.copied(self._node.name, done_bytes, total_bytes)
            safe_point()

    def _compare(self) -> None:
        self._progress.now(self._node.name, "verifying what came")
        differs = differing(self._contents, list_home(self._fleet.host(self._partial), whole=True))
        if differs:
            raise ScriptError(
                f"what was unpacked is not the pack: {some_of(differs, at_most=1)}",
                host=self._node.name,
                step="install",
                action="run the same command again; if that fails too, look at the disk there",
                code="install-differs",
            )

    def _land(self) -> None:
        self._progress.now(self._node.name, "writing to disk and renaming into place")
        landed = self._run(
            "home_land",
            partial=str(self._partial.home),
            kept=str(kept_of(self._node.home)),
            replace="yes" if self._order.replace else "no",
            empty=[],
            cloned="",
            first_start="",
        )
        if b"kept" in landed.out.split():
            self._progress.say(
                self._node.name, f"the old AS_HOME is kept as {kept_of(self._node.home)}"
            )

    def _discard(self) -> None:
        """Take the partial directory away; if that fails, the next run does it."""
        try:
            self._run("home_discard", partial=str(self._partial.home))
        except ProvisionError as failure:
            text = f"{self._partial.home} is left until the next install: {failure.seen}"
            self._progress.say(self._node.name, text)

    def _audit(self) -> None:
        line = audit_line(self._fleet.cluster, "install", outcome="ok")
        self._host.run(self._host.script("audit", audit=line), step="audit")

    def _run(
        self, name: str, *, payload: bytes | Iterator[bytes] = b"", **values: Given
    ) -> Outcome:
        return self._host.run(
            self._host.script(name, values, limited=False),
            step="install",
            payload=payload,
            more_seconds=self._contents.content_bytes / SLOWEST_BYTES_PER_SECOND,
        )


def pack_name(intent: Intent) -> Path:
    """Return the name of the archive, for tables."""
    return Path(intent.contents.pack.file.name)
