"""How install runs and looks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.text import Text

from carbon.cluster import Node
from carbon.errors import Interrupted, refuse
from remote.install.install import Installed, InstallOrder, Intent, install, look
from remote.run.interrupt import deferred
from tasks.report import heading

if TYPE_CHECKING:
    from tasks.screen import Screen
    from tasks.session import Session


def install_packs(
    session: Session, nodes: Sequence[Node], *, replace: bool, break_lock: bool
) -> int:
    """Install on nodes and print the table; return the exit status."""
    order = InstallOrder(nodes=tuple(nodes), replace=replace, break_lock=break_lock)
    with deferred(session.screen.ending):
        results = _install(session, order)
    screen = session.screen
    screen.table((heading(nodes), "pack", "outcome"), [_row(result) for result in results])
    errors = [result.error for result in results if result.error]
    for error in errors:
        screen.line()
        screen.line(Text(f"error: {error}"))
    if any(isinstance(error, Interrupted) for error in errors):
        return Interrupted.exit_status
    return 1 if errors else 0


def install_absent(session: Session, nodes: Sequence[Node], *, break_lock: bool) -> None:
    """Install before a deploy, on nodes without an AS_HOME. Raises what failed, all together."""
    results = _install(session, InstallOrder(nodes=tuple(nodes), break_lock=break_lock))
    refuse([result.error for result in results if result.error])
    for result in results:
        session.screen.say(result.intent.node.name, _outcome(result).plain)


def show_absent(session: Session, nodes: Sequence[Node]) -> None:
    """Say what a deploy would install first; the packs and the servers are looked at for it."""
    order = InstallOrder(nodes=tuple(nodes))
    for intent in look(session.fleet, order, progress=session.screen):
        _say_plan(session.screen, intent, then="; then configure and start it")
    session.screen.line(
        "the packs were looked into, not read: `fab check` compares their checksums, and so does"
        " the install"
    )


def _install(session: Session, order: InstallOrder) -> list[Installed]:
    intents = look(session.fleet, order, progress=session.screen)
    for intent in intents:
        _say_plan(session.screen, intent)
    return install(session.fleet, order, intents, progress=session.screen)


def _say_plan(screen: Screen, intent: Intent, *, then: str = "") -> None:
    name = intent.node.name
    if intent.note:
        screen.say(name, f"note: {intent.note}")
    if not intent.is_there:
        megabytes = intent.contents.content_bytes / 1e6
        pack = intent.contents.pack.file.name
        screen.say(name, f"plan: install {pack}, {megabytes:.0f} MB{then}")


def _row(result: Installed) -> tuple[str | Text, ...]:
    intent = result.intent
    return intent.node.name, intent.contents.pack.file.name, _outcome(result)


def _outcome(result: Installed) -> Text:
    if result.error:
        return Text("FAILED", "red")
    if result.intent.is_there:
        return Text("is there already")
    megabytes = result.intent.contents.content_bytes / 1e6
    rate = megabytes / max(result.seconds, 0.001)
    text = f"installed: {megabytes:.0f} MB in {result.seconds:.1f} s, {rate:.0f} MB/s"
    return Text(text, "green")
