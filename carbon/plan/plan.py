"""The plan: what a deploy would change on one server, and why; pure, from facts alone."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from enum import StrEnum
from pathlib import PurePosixPath
from typing import Literal

from carbon import config
from carbon.cluster import Node
from carbon.errors import ConfigFileError, ProvisionError, UsageError
from carbon.home import driver, hostsfile, layout
from carbon.home.driver import DriverPlan, WantedDriver
from carbon.home.facts import ServerFacts
from carbon.home.hostsfile import HostsPlan
from carbon.plan.history import to_undo
from carbon.service.plan import UnitPlan, plan_unit, why_not_by_unit
from carbon.value import Value, replace


class Step(StrEnum):
    """The steps of a deploy, in their order; each is a task of its own, too."""

    DRIVER = "driver"
    CONFIG = "config"
    HOSTS = "hosts"
    RESET = "reset"
    START = "start"


ALL_STEPS = frozenset(Step)
Restarts = Literal["never", "needed", "always"]


class Options(Value, kw_only=True):
    """What the operator asked for beside the inventory."""

    steps: frozenset[Step] = ALL_STEPS
    restart: Restarts = "needed"
    """When a server that runs is restarted: `never` (start), `always` (restart, --force)."""
    reset: bool = False
    """Reset a filled deployment directory although nothing would refill it."""
    renumber: bool = False
    """Let Offset and localMemberPort of a deployed worker change."""


class FileChange(Value, kw_only=True):
    """One file that will be swapped."""

    path: PurePosixPath
    """Relative to AS_HOME."""
    old: bytes | None
    new: bytes


class Plan(Value, kw_only=True):
    """What will be done to one server, in the order in which it will be done."""

    node: Node
    facts: ServerFacts
    files: tuple[FileChange, ...] = ()
    driver: DriverPlan | None = None
    """None: nothing to do about the driver."""
    upload: PurePosixPath | None = None
    """Where the driver's JAR goes, relative to AS_HOME."""
    hosts: HostsPlan | None = None
    hosts_by: str = ""
    """Another node of the same server, which makes this very edit of /etc/hosts before."""
    unit: UnitPlan | None = None
    """What will be done about the unit of systemd that hosts.yaml names; None: nothing."""
    reset: bool = False
    undo: tuple[str, ...] = ()
    """Generations to take back, newest first: a rollback."""
    finish_swap: bool = False
    """An interrupted run left its journal open: what it began is completed."""
    configures: bool = False
    """Its configuration files are held against hosts.yaml."""
    start: bool = False
    stop: bool = False
    """The server is stopped, and stays so."""
    remove: bool = False
    """It leaves for good: the load balancer and /etc/hosts forget it."""
    undrain: bool = False
    """It has joined, and is out of rotation: an earlier run took it out and did not put it back."""
    verify: bool = False
    """It was started by this tool and never seen joining: look for the evidence, from then on."""
    reason: str = ""
    """Why the server is started or restarted; empty if it is not."""
    notes: tuple[str, ...] = ()
    """What the operator should know although nothing is done about it."""

    @property
    def restart(self) -> bool:
        """The server runs, or its unit is about to start it, and it is stopped and started."""
        unit = self.facts.unit
        return self.start and (self.facts.process is not None or (unit is not None and unit.is_up))

    @property
    def stops(self) -> bool:
        """The server will be stopped, for good or to be started again."""
        return self.stop or self.restart

    @property
    def rotates(self) -> bool:
        """The load balancer is concerned: requests have to be kept from the server for a while."""
        return self.start or self.stop or self.verify or self.undrain

    @property
    def as_running(self) -> Node:
        """The node as it announced itself at its start: what it leaves the cluster as."""
        file = self.facts.files.get(layout.AXIS2)
        try:
            axis2 = config.read_clustering(file.data) if file else None
        except ConfigFileError:
            axis2 = None
        port = axis2.local_member_port if axis2 else None
        return replace(self.node, local_member_port=port) if port else self.node

    @property
    def swaps(self) -> bool:
        """Something below AS_HOME will change."""
        return bool(self.files or self.driver or self.reset or self.undo or self.finish_swap)

    @property
    def unstages(self) -> bool:
        """An interrupted run left files that it had staged, and this one stages nothing."""
        return self.facts.staged and self.facts.journal is None and not self.swaps

    @property
    def edits_hosts(self) -> bool:
        """/etc/hosts will change, or be rid of a leftover, in this node's turn."""
        return not self.hosts_by and (self.hosts is not None or self.facts.hosts_leftover)

    @property
    def installs_unit(self) -> bool:
        """Its unit is written or enabled, or given the keystore password that a start uses up."""
        brings = bool(self.node.service and self.node.keystore_password) and self.start
        return self.unit is not None or brings

    @property
    def empty(self) -> bool:
        """Nothing at all will be done."""
        does = (self.swaps, self.unstages, self.edits_hosts, self.rotates, self.unit is not None)
        return not any(does)

    @property
    def removed(self) -> tuple[PurePosixPath, ...]:
        """The files that go away, relative to AS_HOME."""
        return self.driver.remove if self.driver else ()


def plan(
    node: Node, facts: ServerFacts, *, options: Options, wanted: WantedDriver | None = None
) -> Plan:
    """Compare a server with hosts.yaml and say what has to change.

    `wanted` is the driver JAR as read on the operator's side. Raises ConfigFileError for a
    file that cannot be patched, and ProvisionError where /etc/hosts contradicts hosts.yaml.
    """
    try:
        patched = _patched(node, facts) if Step.CONFIG in options.steps else {}
        files = _file_changes(facts, patched)
        driver_plan = _driver_plan(facts, wanted) if Step.DRIVER in options.steps else None
        drafted = Plan(
            node=node,
            facts=facts,
            files=files,
            driver=driver_plan,
            upload=layout.LIB / wanted.name
            if wanted and driver_plan and driver_plan.upload
            else None,
            hosts=_hosts_plan(node, facts) if Step.HOSTS in options.steps else None,
            unit=plan_unit(node, facts) if Step.CONFIG in options.steps else None,
            finish_swap=_swap_is_open(facts, options),
            configures=Step.CONFIG in options.steps,
            notes=_secured_notes(patched),
        )
        _refuse_renumbering(node, facts, files, options)
    except ProvisionError as error:
        raise error.at(host=node.name) from error
    return _with_reset(_with_start(drafted, options), options)


def plan_rollback(node: Node, facts: ServerFacts, *, to: str | None = None) -> Plan:
    """Plan to return to what was before the last deploy, or before the generation `to`.

    The server is started afterwards even if it was down: a rollback is verified. Where all that
    is taken back already, a server that runs goes on.
    Raises UsageError where nothing is kept.
    """
    try:
        undo = to_undo(facts.generations, journal=facts.journal, to=to)
    except UsageError as error:
        raise error.at(host=node.name) from error
    if undo:
        return Plan(node=node, facts=facts, undo=undo, start=True, reason="rollback")
    taken_back = "that is taken back already (--to returns further, see `fab history`)"
    drafted = Plan(node=node, facts=facts, notes=(taken_back,))
    return _with_start(drafted, Options(steps=frozenset({Step.START})))


def _patched(node: Node, facts: ServerFacts) -> dict[PurePosixPath, config.Patched]:
    return {
        path: config.patch(node, path, _patchable(node, facts, path))
        for path in config.managed_files(node)
    }


def _file_changes(
    facts: ServerFacts, patched: Mapping[PurePosixPath, config.Patched]
) -> tuple[FileChange, ...]:
    return tuple(
        FileChange(path=path, old=old, new=change.data)
        for path, change in patched.items()
        if change.data != (old := facts.files[path].data)
    )


def _secured_notes(patched: Mapping[PurePosixPath, config.Patched]) -> tuple[str, ...]:
    """Name the values that Secure Vault keeps: plaintext is never written over an alias."""
    kept = [f"{path.name}: {value}" for path, change in patched.items() for value in change.secured]
    return (f"left to Secure Vault: {', '.join(kept)}",) if kept else ()


def _patchable(node: Node, facts: ServerFacts, path: PurePosixPath) -> bytes:
    if str(path) in facts.symlinks:
        raise ConfigFileError(
            "it is a symbolic link, and a swap would cut it from its target",
            file=str(path),
            host=node.name,
            action="put the real file there, or manage its target by hand",
        )
    if path in facts.files:
        return facts.files[path].data
    seen = "it cannot be read" if str(path) in facts.unreadable else "it is not there"
    raise ConfigFileError(
        seen,
        file=str(path),
        host=node.name,
        action=f"check that {node.home} is a whole pack and that the account that runs it"
        " (run_as in hosts.yaml) can read it",
    )


def _driver_plan(facts: ServerFacts, wanted: WantedDriver | None) -> DriverPlan | None:
    if wanted is None:
        return None
    driver_plan = driver.plan(wanted, facts.jars, facts.dropins)
    return driver_plan if driver_plan.changed else None


def _hosts_plan(node: Node, facts: ServerFacts) -> HostsPlan | None:
    if not node.hosts_entries:
        return None
    hosts_plan = hostsfile.plan(facts.hosts, node.hosts_entries, owner=hosts_owner(node))
    return hosts_plan if hosts_plan.changed else None


def edit_hosts_once(plans: Iterable[Plan]) -> Iterator[Plan]:
    """Leave an edit of /etc/hosts that several nodes of a server plan to the first of them.

    The plans are in the order of their turns: the first one's is done when the others' come.
    """
    first: dict[tuple[str, bytes, bytes], str] = {}
    for node_plan in plans:
        if node_plan.hosts is None:
            yield node_plan
            continue
        edit = (node_plan.node.server, node_plan.facts.hosts, node_plan.hosts.new)
        by = first.setdefault(edit, node_plan.node.name)
        yield node_plan if by == node_plan.node.name else replace(node_plan, hosts_by=by)


def with_rotation(plan: Plan, out: Collection[str]) -> Plan:
    """Let a member that is out of rotation be put back; `out` names the nodes that are out.

    A node that is started or seen joining in its turn is put back by that turn, and one that is
    not known to have joined stays out.
    """
    member = plan.facts.joined is not None and not plan.rotates
    return replace(plan, undrain=True) if member and plan.node.name in out else plan


def hosts_owner(node: Node) -> str:
    """Return the text that marks a block in /etc/hosts; a cluster's nodes on a server share it."""
    return node.domain


def _swap_is_open(facts: ServerFacts, options: Options) -> bool:
    changes_home = options.steps & {Step.DRIVER, Step.CONFIG, Step.RESET}
    return bool(changes_home) and facts.journal is not None


def _refuse_renumbering(
    node: Node, facts: ServerFacts, files: Sequence[FileChange], options: Options
) -> None:
    """Stop an inventory edit from silently moving a deployed worker to other ports.

    Deployed means that clustering is on and the localMemberHost is already this node's. Where
    an interrupted run left its journal open, its files are a mixture that has no numbers yet. What
    is no number, such as a placeholder, is no number to protect.
    """
    if options.renumber or facts.journal is not None:
        return
    if not any(change.path in _NUMBERED for change in files):
        return
    try:
        axis2 = config.read_clustering(facts.files[layout.AXIS2].data)
    except ConfigFileError:
        return
    if not axis2.enabled or axis2.local_member_host != node.local_member_host:
        return
    moved = [
        f"{name} {old} → {new}"
        for name, old, new in (
            ("localMemberPort", axis2.local_member_port, node.local_member_port),
            ("Offset", _offset(facts), node.offset),
        )
        if old not in (None, new)
    ]
    if moved:
        raise ProvisionError(
            f"hosts.yaml would renumber this deployed worker: {', '.join(moved)}",
            step="plan",
            action="keep its numbers by writing them into its entry in hosts.yaml, or say"
            " --renumber",
        )


def _offset(facts: ServerFacts) -> int | None:
    """Return the Offset of carbon.xml; None if it is no number."""
    try:
        return config.read_carbon(facts.files[layout.CARBON_XML].data).offset
    except ConfigFileError:
        return None


_NUMBERED = frozenset({layout.AXIS2, layout.CARBON_XML})


def _with_start(drafted: Plan, options: Options) -> Plan:
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


def _with_reset(drafted: Plan, options: Options) -> Plan:
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
