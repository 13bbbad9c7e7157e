"""How plans and results look: a summary before, a table after."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from rich.text import Text

from carbon import exits
from carbon.artifacts.show import diff_of, lines_of, names_of
from carbon.cluster import Cluster, LocalCommand, Node
from carbon.config.diff import masked_diff
from carbon.config.files import outdated_secrets
from carbon.errors import Interrupted, ProvisionError
from carbon.join.quote import quote
from carbon.plan.model import Plan
from tasks.screen import Screen

if TYPE_CHECKING:
    from remote.rollout.request import Result, Rollout


SKIPPED = "skipped, unchanged (the run ended before its turn)"


def planned(screen: Screen, plans: Sequence[Plan]) -> None:
    """Say what will be done; nothing if there is nothing to do."""
    for plan in plans:
        for note in plan.notes:
            screen.say(plan.node.name, note)
        if not plan.empty:
            screen.say(plan.node.name, f"plan: {summary(plan)}")


def summary(plan: Plan) -> str:
    """Return one line of what a plan would do."""
    parts = []
    if plan.driver:
        parts.append(f"driver ({'; '.join(plan.driver.reasons)})")
    if plan.files:
        parts.append("config (" + ", ".join(change.path.name for change in plan.files) + ")")
    if plan.artifacts:
        parts.append(f"artifacts ({names_of(plan.artifacts)})")
    if plan.modes:
        parts.append("modes (" + ", ".join(path.name for path in plan.modes) + ")")
    if plan.undo:
        parts.append(f"take back {', '.join(plan.undo)}")
    if plan.finish_swap:
        parts.append("complete an interrupted run")
    if plan.unstages:
        parts.append("clear what an interrupted run had staged")
    if plan.hosts_by:
        parts.append(f"hosts (by {plan.hosts_by})")
    elif plan.hosts:
        parts.append(f"hosts (+{len(plan.hosts.added)} -{len(plan.hosts.removed)})")
    elif plan.facts.hosts.leftover:
        parts.append("clear what an interrupted run left beside /etc/hosts")
    if plan.unit:
        writes = ("install" if plan.unit.old is None else "write") if plan.unit.writes else "enable"
        parts.append(f"unit ({writes} {plan.unit.unit})")
    if plan.reset:
        parts.append("reset the deployment directory")
    if plan.start:
        parts.append(f"{'restart' if plan.restart else 'start'} ({plan.reason})")
    if plan.undrain:
        parts.append("put back into rotation (it has joined, and is out)")
    if plan.stop:
        parts.append("remove" if plan.remove else "stop")
    if plan.finish and plan.facts.unfinished == "after_join":
        parts.append("run after_join (it did not end well after the join)")
    elif plan.finish and not plan.undrain:
        parts.append("put back into rotation (an earlier run did not come to it)")
    if plan.verify:
        parts.append("verify (started by an earlier run, not yet seen joining)")
    return ", ".join(parts) or "nothing to do"


def details(screen: Screen, plan: Plan) -> None:
    """Print one server's plan in full: diffs, lines and reasons."""
    screen.line(Text(f"{plan.node.name}: {summary(plan)}", "bold"))
    for note in plan.notes:
        screen.line(f"  note: {note}")
    if plan.upload:
        screen.line(Text(f"  + {plan.upload}", "green"))
    for path in plan.driver.remove if plan.driver else ():
        screen.line(Text(f"  - {path}", "red"))
    for artifact in plan.artifacts:
        screen.quote(*_styled(lines_of(artifact), otherwise="yellow"))
        screen.quote(*_styled(diff_of(artifact, plan.node).splitlines()))
    for change in plan.files:
        old = change.old or b""
        secrets = [secret.reveal() for secret in plan.node.file_secrets]
        if old:
            secrets += outdated_secrets(plan.node, change.path, old)
        screen.quote(*diff_lines(change.path, old, change.new, secrets))
    for path, mode in plan.modes.items():
        screen.quote(Text(f"  {path}: mode {mode:o}, no longer for others", "yellow"))
    if plan.unit and plan.unit.new is not None:
        screen.quote(*diff_lines(plan.unit.file, plan.unit.old or b"", plan.unit.new))
    if plan.hosts and not plan.hosts_by:
        screen.quote(*(Text(f"  /etc/hosts  -{text}", "red") for text in plan.hosts.removed))
        screen.quote(*(Text(f"  /etc/hosts  +{text}", "green") for text in plan.hosts.added))
    if not plan.empty:
        for point, command in plan.hooks.items():
            screen.quote(f"  hook {point}: {_shown(command)}")


def commands_of_rollout(screen: Screen, cluster: Cluster, plans: Iterable[Plan]) -> None:
    """Print which commands of the operator a rollout runs beside the hooks of its turns."""
    for point in ("before_rollout", "after_rollout"):
        if command := cluster.hooks.by_point.get(point):
            screen.quote(f"rollout: hook {point}: {_shown(command)}")
    commands = cluster.balancer_commands
    if commands and any(plan.rotates and plan.node.role == "worker" for plan in plans):
        screen.quote(f"rollout: take_out: {_shown(commands.take_out)}")
        screen.quote(f"rollout: put_back: {_shown(commands.put_back)}")


def _shown(command: LocalCommand) -> str:
    """Return a command in one line, without a password that may stand in it."""
    first, *more = command.text.splitlines()
    return f"{quote(first)} ..." if more else quote(first)


def diff_lines(
    path: PurePosixPath | str, old: bytes, new: bytes, secrets: Iterable[str] = ()
) -> Iterator[Text]:
    """Return the lines of a file's diff as they are shown."""
    return _styled(masked_diff(path, old, new, secrets=secrets).splitlines())


def _styled(lines: Iterable[str], *, otherwise: str = "") -> Iterator[Text]:
    for line in lines:
        yield Text(f"  {line}", _DIFF_STYLES.get(line[:1], otherwise))


_DIFF_STYLES = {"+": "green", "-": "red", "@": "cyan"}


def heading(nodes: Iterable[Node]) -> str:
    """Return what a table calls its first column."""
    return "worker" if all(node.role == "worker" for node in nodes) else "server"


def finished(screen: Screen, rollout: Rollout) -> int:
    """Print the table of what became of each server, then each failure; return the exit status."""
    results = rollout.results
    columns = (heading(result.plan.node for result in results), "changed", "pid", "ports", "joined")
    screen.table(columns, [_row(result) for result in results], wraps="changed")
    return print_errors(screen, rollout.errors)


def stopped(screen: Screen, rollout: Rollout) -> int:
    """Print how each server ended, then each failure; return the exit status."""
    results = rollout.results
    rows = [(result.plan.node.name, _outcome(result)) for result in results]
    screen.table((heading(result.plan.node for result in results), "outcome"), rows)
    status = print_errors(screen, rollout.errors)
    unseen = any(result.stopped and result.stopped.seen_leaving is False for result in results)
    return status or (exits.ERROR if unseen else exits.DONE)


def verified(
    screen: Screen, nodes: Sequence[Node], results: Sequence[Result | ProvisionError]
) -> int:
    """Print what was seen of each worker's join, then each failure; return the exit status."""
    rows = []
    errors = []
    for node, result in zip(nodes, results, strict=True):
        pid, joined = "-", ""
        if isinstance(result, ProvisionError):
            error: ProvisionError | None = result
        else:
            error, pid, joined = result.error, _pid(result), _joined(result)
        if error is not None:
            joined = error.headline
            errors.append(error)
        rows.append((node.name, pid, joined))
    screen.table((heading(nodes), "pid", "joined"), rows)
    return print_errors(screen, errors)


def print_errors(screen: Screen, errors: Sequence[ProvisionError]) -> int:
    """Print each failure; return the exit status that follows."""
    for error in errors:
        screen.line()
        screen.line(Text(f"error: {error}"))
    if any(isinstance(error, Interrupted) for error in errors):
        return exits.INTERRUPTED
    return exits.ERROR if errors else exits.DONE


def _row(result: Result) -> tuple[str | Text, ...]:
    node = result.plan.node
    ports = f"{node.local_member_port} {node.http_port} {node.https_port}"
    return node.name, _changed(result), _pid(result), ports, _joined(result)


def _pid(result: Result) -> str:
    if result.joined:
        return str(result.joined.pid)
    if result.pid:
        return str(result.pid)
    process = result.plan.facts.process
    return str(process.pid) if process and not result.plan.restart else "-"


def _changed(result: Result) -> Text:
    if not result.reached:
        return Text(SKIPPED, "yellow")
    changed = ", ".join(result.changed)
    after = f" after {changed}" if changed else ""
    if isinstance(result.error, Interrupted):
        return Text(f"stopped here{after}", "yellow")
    if result.error and result.error.step == "after_join":
        return Text(f"{changed}; after_join FAILED".lstrip("; "), "red")
    if result.error:
        return Text(f"FAILED{after}", "red")
    return Text(changed or "nothing", "green" if changed else "")


def _outcome(result: Result) -> Text:
    ended = result.stopped
    if not result.reached:
        return Text(SKIPPED, "yellow")
    if result.error or ended is None:
        return Text("FAILED", "red")
    if not ended.was_running:
        return Text("was not running")
    how = "killed" if ended.killed else "stopped"
    seen = ", seen leaving," if ended.seen_leaving else ""
    unseen = ", NOT seen leaving by the manager" if ended.seen_leaving is False else ""
    return Text(f"{how}{seen} after {ended.seconds:.1f} s{unseen}")


def _joined(result: Result) -> str:
    if result.joined:
        return f"{result.joined.evidence}, after {result.joined.seconds:.1f} s"
    facts = result.plan.facts
    if result.plan.start or facts.process is None:
        return "-"
    if facts.joined is None:
        return "not seen"
    return f"{facts.joined} (recorded)"
