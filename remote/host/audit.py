"""One line for each run that changed something on a server."""

from __future__ import annotations

from carbon.cluster import Cluster
from carbon.errors import ProvisionError
from remote.host.lock import utc_now, who


def audit_line(cluster: Cluster, verb: str, *, error: ProvisionError | None = None) -> str:
    """Return what the audit log says of a run: when, who, verb, hash of hosts.yaml, outcome."""
    outcome = "ok" if error is None else f"failed: {error.seen.splitlines()[0]}"
    return f"{utc_now()} {who()} {verb} inventory={cluster.digest[:12]} {outcome}"
