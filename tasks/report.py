"""How plans and results look: a summary before, a table after."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from rich.text import Text

from carbon.cluster import Node
from carbon.config import masked_diff, outdated_secrets
from carbon.errors import ProvisionError
from carbon.plan.plan import Plan
from carbon.secret import Secret
from tasks.screen import Screen

if TYPE_CHECKING:
    from remote.rollout.request import Result


SKIPPED = "skipped, unchanged (an earlier server failed)"


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
    if made.unit:
        writes = ("install" if made.unit.old is None else "write") if made.unit.writes else "enable"
        parts.append(f"unit ({writes} {made.unit.unit})")
    if made.reset:
        parts.append("reset the deployment directory")
    if made.start:
        parts.append(f"{'restart' if made.restart else 'start'} ({made.reason})")
    if made.undrain:
        parts.append("put back into rotation (it has joined, and is out)")
    if made.stop:
        parts.append("remove" if made.remove else "stop")
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
            screen.quote(line)
    if made.unit and made.unit.new is not None:
        unit = made.unit
        for line in diff_lines(unit.file, unit.old or b"", unit.new or b""):
            screen.quote(line)
    if made.hosts and not made.hosts_by:
        for text in made.hosts.removed:
            screen.quote(Text(f"  /etc/hosts  -{text}", "red"))
        for text in made.hosts.added:
            screen.quote(Text(f"  /etc/hosts  +{text}", "green"))


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


def finished(screen: Screen, results: Sequence[Result]) -> int:
    """Print the table of what became of each server, then each failure; return the status."""
    columns = (_heading(results), "changed", "pid", "ports", "joined")
    screen.table(columns, [_row(result) for result in results], wraps="changed")
    return _print_errors(screen, results)


def stopped(screen: Screen, results: Sequence[Result]) -> int:
    """Print how each server ended, then each failure; return the status."""
    rows = [(result.plan.node.name, _outcome(result)) for result in results]
    screen.table((_heading(results), "outcome"), rows)
    status = _print_errors(screen, results)
    unseen = any(result.stopped and result.stopped.seen_leaving is False for result in results)
    return 1 if unseen else status


def verified(
    screen: Screen, nodes: Sequence[Node], results: Sequence[Result | ProvisionError]
) -> int:
    """Print what was seen of each worker's join; return the status."""
    rows = []
    for node, result in zip(nodes, results, strict=True):
        error = result if isinstance(result, ProvisionError) else result.error
        pid = "-" if isinstance(result, ProvisionError) else _pid(result)
        text = str(error) if isinstance(result, ProvisionError) else _joined(result)
        rows.append((node.name, pid, error.seen if error and error is not result else text))
    screen.table((heading(nodes), "pid", "joined"), rows)
    return 1 if any(isinstance(result, ProvisionError) or result.error for result in results) else 0


def _heading(results: Sequence[Result]) -> str:
    return heading(result.plan.node for result in results)


def _print_errors(screen: Screen, results: Sequence[Result]) -> int:
    errors = [result.error for result in results if result.error]
    for error in errors:
        screen.line()
        screen.line(Text(f"error: {error}"))
    return 1 if errors else 0


def _row(result: Result) -> tuple[str | Text, ...]:
    node = result.plan.node
    ports = f"{node.local_member_port} {node.http_port} {node.https_port}"
    return node.name, _changed(result), _pid(result), ports, _joined(result)


def _pid(result: Result) -> str:
    if result.joined:
        return str(result.joined.pid)
    process = result.plan.facts.process
    return str(process.pid) if process and not result.plan.restart else "-"


def _changed(result: Result) -> Text:
    if not result.reached:
        return Text(SKIPPED, "yellow")
    if result.error:
        after = f" after {', '.join(result.changed)}" if result.changed else ""
        return Text(f"FAILED{after}", "red")
    return Text(", ".join(result.changed) or "nothing", "green" if result.changed else "")


def _outcome(result: Result) -> Text:
    ended = result.stopped
    if not result.reached:
        return Text(SKIPPED, "yellow")
    if result.error or ended is None:
        return Text("FAILED", "red")
    if not ended.was_running:
        return Text("was not running")
    how = "killed" if ended.killed else "stopped"
    seen = {
        True: f"{how}, seen leaving, after {ended.seconds:.1f} s",
        False: f"{how} after {ended.seconds:.1f} s, NOT seen leaving by the manager",
        None: f"{how} after {ended.seconds:.1f} s",
    }
    return Text(seen[ended.seen_leaving])


def _joined(result: Result) -> str:
    if result.joined:
        return f"{result.joined.evidence}, after {result.joined.seconds:.1f} s"
    facts = result.plan.facts
    if result.plan.start or facts.process is None:
        return "-"
    if facts.joined is None:
        return "not seen"
    return f"{facts.joined} (recorded)"
