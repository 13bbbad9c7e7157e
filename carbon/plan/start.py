"""Whether a plan starts its server, and whether it empties the deployment directory; pure."""

from __future__ import annotations

from carbon import config
from carbon.errors import ConfigFileError, ProvisionError
from carbon.home import layout
from carbon.plan.model import Options, Plan, Step
from carbon.service.plan import why_not_by_unit
from carbon.value import replace


def with_start(drafted: Plan, options: Options) -> Plan:
    if Step.START not in options.steps:
        return replace(drafted, notes=(*drafted.notes, *_pending_restart(drafted)))
    reason = _start_reason(drafted, options)
    if reason and drafted.facts.process is not None:
        drafted = replace(drafted, notes=(*drafted.notes, *_split_notes(drafted)))
    unproved = not reason and drafted.facts.joined is None
    ours = bool(drafted.facts.recorded)
    notes = () if reason else _pending_restart(drafted)
    if unproved and not ours:
        notes = ("joined: not seen (it was not started by this tool)", *notes)
    return replace(
        drafted,
        start=bool(reason),
        finish=not reason and not unproved and bool(drafted.facts.unfinished),
        verify=unproved and ours,
        reason=reason,
        notes=(*drafted.notes, *notes),
    )


def _split_notes(drafted: Plan) -> tuple[str, ...]:
    """Warn before a restart of a manager that finds nobody: its cluster splits, and stays so.

    Seen on kernels 4.2.0 and 4.4.8: while two workers faced it, they did not merge in minutes.
    """
    node, file = drafted.node, drafted.facts.files.get(layout.AXIS2)
    changed = {change.path: change.new for change in drafted.files}
    data = changed.get(layout.AXIS2) or (file.data if file else None)
    if node.role != "manager" or data is None:
        return ()
    try:
        axis2 = config.read_clustering(data, file=str(layout.AXIS2))
    except ConfigFileError:
        return ()
    itself = (node.local_member_host, node.local_member_port)
    if any((each.host, each.port) != itself for each in axis2.members):
        return ()
    return (
        "its members list only itself: workers that run will not see it again until they are"
        " restarted, too (`fab status` shows them as split)",
    )


def _start_reason(drafted: Plan, options: Options) -> str:
    """Say why the server has to be started; empty if it may go on as it is."""
    running = drafted.facts.process
    if running is None and drafted.facts.unit is not None and drafted.facts.unit.is_up:
        return f"it is not running, and {drafted.facts.unit.name} is about to start it"
    if running is None:
        tables = "; -Dsetup makes its local tables" if drafted.facts.lacks_tables else ""
        return f"it is not running{tables}"
    if options.restart == "never":
        return ""
    if drafted.files:
        return "its configuration changes"
    if drafted.driver:
        return "its driver changes"
    if drafted.facts.journal is not None:
        return "an interrupted run has to be completed"
    if service := why_not_by_unit(drafted.node, drafted.facts):
        return service
    if running.newer:
        more = f" and {len(running.newer) - 1} more" if len(running.newer) > 1 else ""
        return f"{running.newer[0]}{more} changed after its start"
    return "asked for" if options.restart == "always" else ""


def _pending_restart(drafted: Plan) -> tuple[str, ...]:
    if drafted.facts.process is None:
        return ()
    if drafted.files or drafted.driver or drafted.facts.process.newer:
        return ("restart pending: the server runs with the old files until it is restarted",)
    return ()


def with_reset(drafted: Plan, options: Options) -> Plan:
    """Decide about the deployment directory (guide: delete it and create an empty one).

    With a deployment synchronizer every start empties it, since the synchronizer refills it;
    without one a filled directory is left alone unless --reset, since nothing would.
    """
    if Step.RESET not in options.steps:
        return drafted
    state = drafted.facts.deployment
    alone = options.steps == {Step.RESET}
    if not (drafted.start or alone):
        return drafted
    if state in ("mount", "link"):
        return _unreset(drafted, options, state)
    if state == "missing":
        return replace(drafted, reset=True)
    if state == "empty":
        return drafted
    synchronizer = drafted.node.deployment_synchronizer
    if options.reset or (synchronizer and synchronizer.enabled):
        return replace(drafted, reset=True)
    note = "repository/deployment/server is filled and left alone: no DeploymentSynchronizer"
    return replace(drafted, notes=(*drafted.notes, f"{note} would refill it (--reset empties it)"))


def _unreset(drafted: Plan, options: Options, state: str) -> Plan:
    synchronizer = drafted.node.deployment_synchronizer
    if options.reset or (synchronizer and synchronizer.enabled):
        where = drafted.facts.deployment_target
        seen = f"behind a link to {where}" if state == "link" else "on a mount point"
        raise ProvisionError(
            f"repository/deployment/server is {seen}, which is never emptied",
            host=drafted.node.name,
            step="reset",
            action="empty it by hand, or deploy without --reset and DeploymentSynchronizer",
        )
    return drafted
