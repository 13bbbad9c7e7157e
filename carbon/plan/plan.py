"""The plan: what a deploy would change on one server, and why; pure, from facts alone."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import suppress
from pathlib import PurePosixPath

from carbon.artifacts.plan import plan_artifacts
from carbon.cluster import Cluster, Node
from carbon.config.carbon_xml import read_carbon
from carbon.config.files import managed_files, patch
from carbon.errors import ConfigFileError, ProvisionError, UnfitError, UsageError
from carbon.home import driver, hostsfile, layout
from carbon.home.driver import WantedDriver
from carbon.home.facts import ServerFacts
from carbon.plan.history import to_undo
from carbon.plan.model import FileChange, Options, Plan, Step, clustering_in
from carbon.plan.start import split_notes, with_reset, with_start
from carbon.plan.tighten import tightened
from carbon.service.unit import plan_unit
from carbon.value import replace


def plan(
    node: Node, facts: ServerFacts, *, options: Options, wanted: WantedDriver | None = None
) -> Plan:
    """Compare a server with hosts.yaml and say what has to change.

    `wanted` is the driver JAR as read on the operator's side. Raises ConfigFileError for a
    file that cannot be patched, and ProvisionError if /etc/hosts contradicts hosts.yaml.
    """
    steps = options.steps
    changes_home = bool(steps & {Step.DRIVER, Step.CONFIG, Step.RESET})
    drafted = Plan(node=node, facts=facts, finish_swap=changes_home and facts.journal is not None)
    try:
        if Step.CONFIG in steps:
            drafted = _with_configuration(drafted, renumber=options.renumber)
        if Step.DRIVER in steps and wanted is not None:
            drafted = _with_driver(drafted, wanted)
        if Step.HOSTS in steps and node.hosts_entries:
            entries, owner = node.hosts_entries, hosts_owner(node)
            hosts = hostsfile.plan(facts.hosts.data, entries, owner=owner)
            drafted = replace(drafted, hosts=hosts if hosts.changed else None)
    except ProvisionError as error:
        raise error.at(host=node.name) from error
    return with_reset(with_start(drafted, options), options)


def plan_rollback(node: Node, facts: ServerFacts, *, to: str | None = None) -> Plan:
    """Plan to return to what was before the last deploy, or before the generation `to`.

    The server is started afterwards even if it was down: a rollback is verified. If all that
    is rolled back already, a server that runs goes on.
    Raises UsageError if nothing is kept, and UnfitError if it was in no cluster then: its start
    would never be seen joining. A rollback that was interrupted goes on.
    """
    try:
        undo = to_undo(facts.generations, journal=facts.journal, to=to)
    except UsageError as error:
        raise error.at(host=node.name) from error
    if undo:
        if facts.journal is None:
            _refuse_leaving(node, facts, undo[-1])
        return Plan(node=node, facts=facts, undo=undo, start=True, reason="rollback")
    note = "already rolled back; `--to` goes further back (`fab history` lists how far)"
    drafted = Plan(node=node, facts=facts, notes=(note,))
    return with_start(drafted, Options(steps=frozenset({Step.START})))


def plan_stop(node: Node, facts: ServerFacts) -> Plan:
    """Plan to stop a server. It is taken out of rotation even if it is down already."""
    plan = Plan(node=node, facts=facts, stop=True, reason="asked for")
    return plan.noting(*split_notes(plan))


def plan_remove(
    node: Node, facts: ServerFacts, *, cluster: Cluster, removed: Collection[str]
) -> Plan:
    """Plan to stop a server and to remove what maps to it; AS_HOME stays.

    The block in /etc/hosts stays if another node of the cluster still lives on the same server;
    `removed` names the nodes that leave with this one.
    """
    neighbours = [
        other.name
        for other in cluster.nodes
        if other.server == node.server and other.name not in removed
    ]
    hosts = hostsfile.remove(facts.hosts.data, owner=hosts_owner(node))
    kept = f"/etc/hosts block kept for {', '.join(neighbours)}" if neighbours else ""
    return Plan(
        node=node,
        facts=facts,
        stop=True,
        remove=True,
        hosts=hosts if hosts.changed and not neighbours else None,
        reason="asked for",
        notes=(kept,) if kept else (),
    )


def _refuse_leaving(node: Node, facts: ServerFacts, oldest: str) -> None:
    meta = next((each.meta for each in facts.generations if each.id == oldest), {})
    if meta.get("member") == "no":
        raise UnfitError(
            f"before {oldest} it was in no cluster: started as it was then, it cannot join",
            host=node.name,
            step="rollback",
            action=f"return to a later state with --to (see `fab -H {node.name} history`), or take"
            f" it out of the cluster: fab -H {node.name} remove",
            code="rollback-leaves-cluster",
        )


def _with_configuration(drafted: Plan, *, renumber: bool) -> Plan:
    """Add what differs from hosts.yaml: files, modes, artifacts and the unit."""
    node, facts = drafted.node, drafted.facts
    patched = {
        path: patch(node, path, _patchable(node, facts, path)) for path in managed_files(node)
    }
    files = tuple(
        FileChange(path=path, old=old, new=change.data)
        for path, change in patched.items()
        if change.data != (old := facts.files[path].data)
    )
    if not renumber:
        _refuse_renumbering(node, facts, files)
    kept = [f"{path.name}: {value}" for path, change in patched.items() for value in change.secured]
    return replace(
        drafted,
        configures=True,
        files=files,
        modes=tightened(node, facts, {change.path: change.new for change in files}),
        artifacts=plan_artifacts(node, facts),
        unit=plan_unit(node, facts),
        # Plaintext is never written over an alias of Secure Vault.
        notes=(f"left to Secure Vault: {', '.join(kept)}",) if kept else (),
    )


def _with_driver(drafted: Plan, wanted: WantedDriver) -> Plan:
    changes = driver.plan(wanted, drafted.facts.jars, drafted.facts.dropins)
    if not changes.changed:
        return drafted
    upload = layout.LIB / wanted.name if changes.upload else None
    return replace(drafted, driver=changes, upload=upload)


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


def edit_hosts_once(plans: Iterable[Plan]) -> Iterator[Plan]:
    """Leave an edit of /etc/hosts that several nodes of a server plan to the first of them.

    The plans are in the order of their turns: the first one's is done when the others' come.
    """
    first: dict[tuple[str, bytes, bytes], str] = {}
    for node_plan in plans:
        if node_plan.hosts is None:
            yield node_plan
            continue
        edit = (node_plan.node.server, node_plan.facts.hosts.data, node_plan.hosts.new)
        by = first.setdefault(edit, node_plan.node.name)
        yield node_plan if by == node_plan.node.name else replace(node_plan, hosts_by=by)


def with_rotation(plan: Plan, out: Collection[str]) -> Plan:
    """Let a member that is out of rotation be put back; `out` names the nodes that are out.

    A node that is started or seen joining in its turn is put back by that turn, and one that is
    not known to have joined stays out.
    """
    member = plan.facts.joined is not None and not (plan.start or plan.stop or plan.verify)
    return replace(plan, undrain=True) if member and plan.node.name in out else plan


def hosts_owner(node: Node) -> str:
    """Return the text that marks a block in /etc/hosts; a cluster's nodes on a server share it."""
    return node.domain


def _refuse_renumbering(node: Node, facts: ServerFacts, files: Sequence[FileChange]) -> None:
    """Stop an inventory edit from silently moving a deployed worker to other ports.

    Deployed means that clustering is on and the localMemberHost is already this node's. If an
    interrupted run left its journal open, its files are a mixture that has no numbers yet. What
    is not a number, such as a placeholder, is nothing to protect.
    """
    if facts.journal is not None or not any(change.path in _NUMBERED for change in files):
        return
    axis2 = clustering_in(facts.data_of(layout.AXIS2))
    if axis2 is None or not axis2.enabled or axis2.local_member_host != node.local_member_host:
        return
    numbers = [("localMemberPort", axis2.local_member_port, node.local_member_port)]
    with suppress(ConfigFileError):  # an Offset that is not a number
        carbon_xml = read_carbon(facts.files[layout.CARBON_XML].data)
        numbers.append(("Offset", carbon_xml.offset, node.offset))
    moved = [f"{name} {old} → {new}" for name, old, new in numbers if old not in (None, new)]
    if moved:
        raise ProvisionError(
            f"hosts.yaml would renumber this deployed worker: {', '.join(moved)}",
            step="plan",
            action="keep its numbers by writing them into its entry in hosts.yaml, or say"
            " --renumber",
        )


_NUMBERED = frozenset({layout.AXIS2, layout.CARBON_XML})
