"""How a start that failed is explained: what was seen, the cause, the last lines of both logs."""

from __future__ import annotations

from collections.abc import Sequence

from carbon.checks.failures import explain_start
from carbon.cluster import Cluster, Limits, Node
from carbon.errors import JoinError, ProvisionError, StartError
from carbon.join.tracker import JoinTracker

SHOWN_LINES = 8


def too_late(tracker: JoinTracker, cluster: Cluster, *, limits: Limits) -> ProvisionError:
    """Return the error for a start that reached a limit of hosts.yaml."""
    if tracker.phase == "done":
        return failed(tracker, cluster, "it joined, and its process was not seen")
    elb = cluster.group_manager
    if elb and tracker.wording and tracker.started_seconds is not None:
        return _not_taken_in(tracker, elb, limits)
    if tracker.started_seconds is None:
        seen = f"did not say that it started within {limits.start_seconds:g} s (limits: start)"
        how = "it joined, and" if tracker.wording else "it"
        return failed(tracker, cluster, f"{how} {seen}")
    seen = "it started, but the manager logged no join"
    if tracker.weaker:
        seen = f"it started, but the manager logged only {tracker.weaker!r} (evidence: strict)"
    return failed(tracker, cluster, f"{seen} within {limits.join_seconds:g} s (limits: join)")


def failed(tracker: JoinTracker, cluster: Cluster, seen: str) -> ProvisionError:
    """Return the error for a start that failed, with its likely cause and the last lines."""
    node, manager = tracker.node, cluster.manager
    own_lines = list(tracker.own_lines)
    likely = explain_start(own_lines, node=node, cluster=cluster, verdicts=tracker.verdicts)
    guess = "" if tracker.remedy else f"; likely: {likely.seen}"
    lines = (
        _single("a line whose columns are not understood", tracker.unread_line),
        _single("the first error", tracker.first_error),
        _single("its last cause", tracker.last_cause),
        _quoted(f"last of {node.name}'s log", own_lines),
        _quoted(f"last of {manager.name}'s log about it", list(tracker.manager_lines)),
    )
    kind = JoinError if tracker.started_seconds is not None else StartError
    return kind(
        f"{seen}{guess}{''.join(lines)}",
        host=node.name,
        step="verify" if kind is JoinError else "start",
        action=tracker.remedy or likely.remedy,
    )


def _not_taken_in(tracker: JoinTracker, elb: Node, limits: Limits) -> JoinError:
    node = tracker.node
    port = elb.group_mgt_port or 0
    lines = _quoted(f"last of {elb.name}'s log about it", list(tracker.elb_lines))
    return JoinError(
        f"it joined the cluster, and {elb.name} did not take it into the application cluster"
        f" within {limits.join_seconds:g} s (limits: join){lines}",
        host=node.name,
        step="verify",
        action=f"check that {elb.server} reaches {node.local_member_host}:{node.http_port} and"
        f" :{node.https_port}, and that {elb.name} manages {node.domain}, sub-domain"
        f" {node.sub_domain}, at group_mgt_port {port}",
    )


def _single(title: str, line: str | None) -> str:
    return f"\n  {title}: {line}" if line else ""


def _quoted(title: str, lines: Sequence[str]) -> str:
    if not lines:
        return f"\n  {title}: nothing"
    return f"\n  {title}:" + "".join(f"\n    | {line.strip()}" for line in lines[-SHOWN_LINES:])
