"""How plans and results look: a summary before, a table after."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from rich.text import Text

from carbon.cluster import Node
from carbon.config import masked_diff, outdated_secrets
from carbon.plan.plan import Plan
from carbon.secret import Secret
from tasks.screen import Screen

if TYPE_CHECKING:
    from remote.rollout.request import Done
    from remote.rollout.verify import Verified


def planned(screen: Screen, plans: Sequence[Plan]) -> None:
    """Say what will be done; nothing where there is nothing to do."""
    for made in plans:
        for note in made.notes:
            screen.say(made.node.name, note)
        if not made.empty:
            screen.say(made.node.name, f"plan: {summary(made)}")


def summary(made: Plan) -> str:
    """Return one line of what a plan would do."""
    parts = []
    if made.driver:
        parts.append(f"driver ({'; '.join(made.driver.reasons)})")
    if made.files:
        parts.append("config (" + ", ".join(change.path.name for change in made.files) + ")")
    if made.undo:
        parts.append(f"take back {', '.join(made.undo)}")
    if made.finish_swap:
        parts.append("complete an interrupted run")
    if made.unstages:
        parts.append("clear what an interrupted run had staged")
    if made.hosts_by:
        parts.append(f"hosts (by {made.hosts_by})")
    elif made.hosts:
        parts.append(f"hosts (+{len(made.hosts.added)} -{len(made.hosts.removed)})")
    elif made.facts.hosts_leftover:
        parts.append("clear what an interrupted run left beside /etc/hosts")
    if made.reset:
        parts.append("reset the deployment directory")
    if made.start:
        parts.append(f"{'restart' if made.restart else 'start'} ({made.reason})")
    if made.verify:
        parts.append("verify (started by an earlier run, not yet seen joining)")
    return ", ".join(parts) or "nothing to do"


def details(screen: Screen, made: Plan) -> None:
    """Print one server's plan in full: diffs, lines and reasons."""
    screen.line(Text(f"{made.node.name}: {summary(made)}", "bold"))
    for note in made.notes:
        screen.line(f"  note: {note}")
    if made.driver:
        if made.upload:
            screen.line(Text(f"  + {made.upload}", "green"))
        for path in made.removed:
            screen.line(Text(f"  - {path}", "red"))
    for change in made.files:
        old = change.old or b""
        secrets = _secrets(made.node)
        if old:
            secrets += outdated_secrets(made.node, change.path, old)
        for line in diff_lines(change.path, old, change.new, secrets):
            screen.line(line)
    if made.hosts and not made.hosts_by:
        for text in made.hosts.removed:
            screen.line(Text(f"  /etc/hosts  -{text}", "red"))
        for text in made.hosts.added:
            screen.line(Text(f"  /etc/hosts  +{text}", "green"))


def diff_lines(
    path: PurePosixPath | str, old: bytes, new: bytes, secrets: Iterable[str] = ()
) -> Iterator[Text]:
    """Yield the lines of a file's diff as they are shown."""
    for line in masked_diff(path, old, new, secrets=secrets).splitlines():
        yield Text(f"  {line}", _DIFF_STYLES.get(line[:1], ""))


_DIFF_STYLES = {"+": "green", "-": "red", "@": "cyan"}


def _secrets(node: Node) -> list[str]:
    """Return the secrets that hosts.yaml puts into this node's files."""
    values: list[object] = [one.password for one in node.datasources]
    values += [value for one in node.datasources for value in one.properties.values()]
    values += [edit.value for edit in node.files]
    if node.deployment_synchronizer:
        values.append(node.deployment_synchronizer.svn_password)
    return [value.reveal() for value in values if isinstance(value, Secret)]


def heading(nodes: Iterable[Node]) -> str:
    """Return what a table calls its first column."""
    return "worker" if all(node.role == "worker" for node in nodes) else "server"


def finished(screen: Screen, results: Sequence[Done]) -> int:
    """Print the table of what became of each server, then each failure; return the status."""
    columns = (heading(done.plan.node for done in results), "changed", "pid", "ports", "joined")
    screen.table(columns, [_row(done) for done in results], wraps="changed")
    errors = [done.error for done in results if done.error]
    for error in errors:
        screen.line()
        screen.line(Text(f"error: {error}"))
    return 1 if errors else 0


def _row(done: Done) -> tuple[str | Text, ...]:
    node = done.plan.node
    process = done.plan.facts.process
    pid = str(done.joined.pid) if done.joined else str(process.pid) if process else "-"
    if done.plan.restart and not done.joined:
        pid = "-"
    ports = f"{node.local_member_port} {node.http_port} {node.https_port}"
    return node.name, _changed(done), pid, ports, _joined(done)


def _changed(done: Done) -> Text:
    if not done.reached:
        return Text("not reached: left as it was", "yellow")
    if done.error:
        return Text("FAILED" + (f" after {', '.join(done.changed)}" if done.changed else ""), "red")
    return Text(", ".join(done.changed) or "nothing", "green" if done.changed else "")


def _joined(done: Done) -> str:
    if done.joined:
        return f"{done.joined.evidence}, after {done.joined.seconds:.1f} s"
    facts = done.plan.facts
    if done.plan.start or facts.process is None:
        return "-"
    if facts.joined is None:
        return "not seen"
    return f"{facts.joined} (recorded)"


def verified(screen: Screen, results: Sequence[Verified]) -> int:
    """Print what was seen of each worker's join; return the status."""
    rows = [(one.node.name, str(one.pid or "-"), one.text) for one in results]
    screen.table((heading(one.node for one in results), "pid", "joined"), rows)
    return 0 if all(one.good for one in results) else 1
