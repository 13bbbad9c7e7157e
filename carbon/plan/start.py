"""Whether a plan starts its server, and whether it empties the deployment directory; pure."""

from __future__ import annotations

import hashlib
import re

from carbon.cluster import Artifact, Node
from carbon.errors import ProvisionError
from carbon.home import layout
from carbon.home.facts import ServerFacts
from carbon.plan.logs import log_notes
from carbon.plan.model import Options, Plan, Step, clustering_in
from carbon.service.unit import why_not_by_unit
from carbon.text import some_of
from carbon.value import replace

MEMORY_SINCE = (4, 4, 3)
"""The first kernel whose wso2server.sh heeds JVM_MEM_OPTS. Source: its history; seen on 4.4.8."""


def with_start(drafted: Plan, options: Options) -> Plan:
    if Step.START not in options.steps:
        return drafted.noting(*_pending_restart(drafted))
    if reason := _start_reason(drafted, options):
        notes = (*split_notes(drafted), *_ignored(drafted), *log_notes(drafted))
        return replace(drafted.noting(*notes), start=True, reason=reason)
    joined, ours = drafted.facts.joined is not None, bool(drafted.facts.recorded)
    if not joined and not ours:
        drafted = drafted.noting("join not verified: it was not started by this tool")
    return replace(
        drafted.noting(*_pending_restart(drafted)),
        finish=joined and bool(drafted.facts.unfinished),
        verify=ours and not joined,
    )


def _ignored(drafted: Plan) -> tuple[str, ...]:
    """Say which variable has no effect on this kernel. Seen on 4.2.0 and 4.4.8."""
    kernel = drafted.facts.kernel or ""
    version = re.search(r"(\d+)\.(\d+)\.(\d+)", kernel)
    ignores = version is not None and tuple(map(int, version.groups())) < MEMORY_SINCE
    if not ignores or "JVM_MEM_OPTS" not in drafted.node.environment:
        return ()
    return (
        f"JVM_MEM_OPTS has no effect: {kernel} sets the memory in its"
        " wso2server.sh, and JAVA_OPTS comes after that",
    )


def split_notes(drafted: Plan) -> tuple[str, ...]:
    """Warn before a stop of a manager that finds nobody: its cluster splits, and stays so.

    Seen on kernels 4.2.0 and 4.4.8: while two workers faced it, they did not merge in minutes.
    """
    node, axis2 = drafted.node, clustering_in(drafted.next_data(layout.AXIS2))
    if drafted.facts.process is None or node.role != "manager" or axis2 is None:
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
    if drafted.restarting:
        names = [str(change.path) for change in drafted.restarting]
        return f"{some_of(names, at_most=1)} changes"
    if drafted.facts.journal is not None:
        return "an interrupted run has to be completed"
    if service := why_not_by_unit(drafted.node, drafted.facts):
        return service
    if differs := _differs(drafted.node, drafted.facts):
        return differs
    if running.changed_since:
        return f"{running.changed_since} changed after its start"
    return "asked for" if options.restart == "always" else ""


def given_digest(node: Node) -> str:
    """Return what stands in the record of a start for the JDK and the variables that it gave."""
    settings = [f"JAVA_HOME={node.java_home or ''}"]
    settings += [f"{name}={value}" for name, value in sorted(node.environment.items())]
    return hashlib.sha256("\n".join(settings).encode()).hexdigest()[:16]


def _differs(node: Node, facts: ServerFacts) -> str:
    """Say how the running JVM differs from what a start by hosts.yaml gives it.

    One that this tool started is compared by what it was given then, since the start script may
    change that: a restart would not help, and doctor says so.
    """
    running = facts.process
    if running is None:
        return ""
    if facts.recorded:
        given = facts.recorded.get("given", "")
        return "java_home or environment changed" if given not in ("", given_digest(node)) else ""
    command = running.command
    if command.worker_node is not None and command.worker_node != (node.role == "worker"):
        return f"it runs as a {'worker' if command.worker_node else 'manager'}"
    if command.port_offset not in (None, node.offset):
        return f"it runs with -DportOffset={command.port_offset}"
    if running.unlike:
        return f"it runs with another {', '.join(running.unlike)}"
    return ""


def _pending_restart(drafted: Plan) -> tuple[str, ...]:
    if drafted.facts.process is None:
        return ()
    changes = drafted.files or drafted.driver or drafted.restarting
    if changes or drafted.facts.process.newer:
        return ("restart pending: the server runs with the old files until it is restarted",)
    return ()


def with_reset(drafted: Plan, options: Options) -> Plan:
    """Decide about the deployment directory (guide: delete it and create an empty one).

    With a deployment synchronizer every start empties it, since the synchronizer refills it;
    without one a filled directory is left alone unless --reset, since nothing would. One that
    `artifacts:` fills comes with its files, and is never emptied.
    """
    alone = options.steps == {Step.RESET}
    if Step.RESET not in options.steps or not (drafted.start or alone):
        return drafted
    state = drafted.facts.deployment
    synchronizer = drafted.node.deployment_synchronizer
    empties = options.reset or (synchronizer is not None and synchronizer.enabled)
    if any(map(_is_deployed, drafted.node.artifacts)):
        if state == "filled" and (options.reset or alone):
            raise _no_reset(
                drafted,
                "`artifacts:` in hosts.yaml fills repository/deployment/server, and a reset would"
                " empty it",
                "take away what is too much with `absent: true`, and leave the reset out",
            )
    elif state in ("mount", "link"):
        if empties:
            target = drafted.facts.deployment_target
            where = f"behind a link to {target}" if state == "link" else "on a mount point"
            raise _no_reset(
                drafted,
                f"repository/deployment/server is {where}, which is never emptied",
                "empty it by hand, or deploy without --reset and DeploymentSynchronizer",
            )
    elif state == "missing" or (state == "filled" and empties):
        return replace(drafted, reset=True)
    elif state == "filled":
        return drafted.noting(
            "repository/deployment/server is filled and left alone: no DeploymentSynchronizer would"
            " refill it (--reset empties it)"
        )
    return drafted


def _no_reset(drafted: Plan, seen: str, action: str) -> ProvisionError:
    return ProvisionError(seen, host=drafted.node.name, step="reset", action=action)


def _is_deployed(entry: Artifact) -> bool:
    """Tell whether an artifact comes into the deployment directory."""
    server, place = layout.DEPLOYMENT_SERVER, entry.to
    related = place.is_relative_to(server) or server.is_relative_to(place)
    return entry.source is not None and related
