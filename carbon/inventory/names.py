"""The names of a command line, looked up in the cluster."""

from __future__ import annotations

from collections.abc import Sequence

from carbon.cluster import Cluster, LoadBalancer, Node
from carbon.errors import UsageError
from carbon.text import did_you_mean, shown


def known_names(cluster: Cluster) -> tuple[str, ...]:
    """Return every name that -H may take: workers first, in the file's order."""
    return tuple(dict.fromkeys(host.name for host in (*cluster.workers, *cluster.hosts)))


def select(
    cluster: Cluster, names: Sequence[str], *, every_worker: bool
) -> tuple[Node | LoadBalancer, ...]:
    """Return the hosts of these names, each once, in the order named.

    Without any name that is every worker in the file's order, if `every_worker` allows it;
    the manager, the ELB and the load balancer are there only for those who name them.

    Raises UsageError for names that hosts.yaml does not have, and if none is named.
    """
    wanted = tuple(dict.fromkeys(name.strip() for name in names if name.strip()))
    known = ", ".join(known_names(cluster))
    if not wanted and names:
        raise UsageError("-H names nobody", action=f"name some of: {known}")
    if not wanted and not every_worker:
        raise UsageError(
            "no host is named",
            action=f"name some with -H, or every worker with --all; known: {known}",
        )
    if not wanted and not cluster.workers:
        raise UsageError(
            f"{cluster.file} has no workers",
            action="add them under `workers:`, or name one with -H",
        )
    hosts = {host.name: host for host in cluster.hosts}
    if unknown := [name for name in wanted if name not in hosts]:
        hints = "".join(did_you_mean(name, known_names(cluster)) for name in unknown)
        raise UsageError(
            f"{cluster.file} has no {', '.join(map(shown, unknown))}",
            action=f"{hints}known: {known}",
        )
    return tuple(hosts[name] for name in wanted) or cluster.workers
