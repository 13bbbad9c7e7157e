"""What becomes of a worker that runs in a cluster without the manager; pure."""

from __future__ import annotations

from carbon.cluster import Cluster, Node
from carbon.errors import UnfitError
from carbon.plan.model import Options, Plan, Step
from carbon.plan.start import with_reset
from carbon.value import replace


def heal_split(drafted: Plan, options: Options, cluster: Cluster) -> Plan:
    """Restart a worker that does not see the manager: it joins the members that it lists.

    Seen on kernels 4.2.0 and 4.4.8: two sides do not merge while two workers face a manager. A
    start that was not verified yet is verified first, as ever.
    Raises UnfitError for a worker that lists other workers: it may join those again, and each
    deploy would restart it once more.
    """
    running = drafted.facts.process is not None and Step.START in options.steps
    if not running or drafted.start or drafted.verify or drafted.undo:
        return drafted
    node, manager = drafted.node, cluster.manager
    seen = f"it runs in a cluster without {manager.name}, by its own log"
    if options.restart == "never":
        note = f"{seen}: `fab -H {node.name} restart` makes it join {manager.name}"
        return drafted.noting(note)
    if _lists_others(node, cluster):
        raise UnfitError(
            f"{seen}, and its members list other workers, which it may join again",
            host=node.name,
            step="plan",
            action=_way_back(cluster),
            code="member-split",
        )
    return with_reset(replace(drafted, start=True, finish=False, reason=seen), options)


def _way_back(cluster: Cluster) -> str:
    manager = cluster.manager
    if _lists_others(manager, cluster):
        return f"restart {manager.name}, whose members list workers: fab -H {manager.name} restart"
    names = ",".join(worker.name for worker in cluster.workers)
    return (
        f"let all of them join {manager.name} anew: `fab -H {names} stop`, then"
        f" `fab -H {names} start`"
    )


def _lists_others(node: Node, cluster: Cluster) -> bool:
    return any(node.lists(worker) for worker in cluster.workers if worker.name != node.name)
