"""How install runs and looks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.text import Text

from carbon.cluster import Node
from carbon.errors import refuse
from remote.install.install import Installed, InstallOrder, Intent, install, look
from remote.run.interrupt import deferred
from tasks.report import heading, print_errors

if TYPE_CHECKING:
    from tasks.session import Session


def install_packs(session: Session, *, replace: bool) -> int:
    """Install on the session's nodes and print the table; return the exit status."""
    order = InstallOrder(nodes=session.nodes, replace=replace, break_lock=session.break_lock)
    with deferred(session.screen.ending):
        results = _install(session, order)
    rows = [
        (each.intent.node.name, each.intent.contents.pack.file.name, _outcome(each))
        for each in results
    ]
    session.screen.table((heading(session.nodes), "pack", "outcome"), rows)
    return print_errors(session.screen, [result.error for result in results if result.error])


def install_absent(session: Session, nodes: Sequence[Node]) -> None:
    """Install before a deploy, on nodes without an AS_HOME. Raises what failed, all together."""
    order = InstallOrder(nodes=tuple(nodes), break_lock=session.break_lock)
    results = _install(session, order)
    refuse([result.error for result in results if result.error])
    for result in results:
        session.screen.say(result.intent.node.name, _outcome(result).plain)


def show_absent(session: Session, nodes: Sequence[Node]) -> None:
    """Say what a deploy would install first; the packs and the servers are looked at for it."""
    _look(session, InstallOrder(nodes=tuple(nodes)), then="; then configure and start it")
    session.screen.line(
        "the packs were looked into, not read: `fab check` compares their checksums, and so does"
        " the install"
    )


def _install(session: Session, order: InstallOrder) -> list[Installed]:
    intents = _look(session, order)
    return install(session.fleet, order, intents, progress=session.screen)


def _look(session: Session, order: InstallOrder, *, then: str = "") -> list[Intent]:
    """Look at the packs and the servers, and say what will be done."""
    intents = look(session.fleet, order, progress=session.screen)
    for intent in intents:
        name, megabytes = intent.node.name, intent.contents.content_bytes / 1e6
        if intent.note:
            session.screen.say(name, f"note: {intent.note}")
        if not intent.is_there:
            pack = intent.contents.pack.file.name
            session.screen.say(name, f"plan: install {pack}, {megabytes:.0f} MB{then}")
    return intents


def _outcome(result: Installed) -> Text:
    if result.error:
        return Text("FAILED", "red")
    if result.intent.is_there:
        return Text("is there already")
    megabytes = result.intent.contents.content_bytes / 1e6
    rate = megabytes / max(result.seconds, 0.001)
    text = f"installed: {megabytes:.0f} MB in {result.seconds:.1f} s, {rate:.0f} MB/s"
    return Text(text, "green")
