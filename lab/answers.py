"""Ask the lab's load balancer until every worker has answered once: the demo's last proof."""

from __future__ import annotations

import http.client
from collections.abc import Callable, Iterable

from lab.handle import Lab
from lab.shell import LabError

HOST_NAME = "as.wso2.com"
REQUESTS_FOR_EACH = 20


def answers(
    lab: Lab, workers: Iterable[str], *, ask: Callable[[int], str] | None = None
) -> dict[str, str]:
    """Return what each worker answered through the load balancer.

    Raises LabError where one of them stays silent although the others answer.
    """
    port = lab.port("lb.http")
    missing = set(workers)
    found: dict[str, str] = {}
    for _ in range(REQUESTS_FOR_EACH * len(missing)):
        text = (ask or _get)(port)
        name = text.partition(":")[0]
        if name in missing:
            missing.discard(name)
            found[name] = text
        if not missing:
            return found
    raise LabError(
        f"no answer from {', '.join(sorted(missing))} through the load balancer:"
        " see `fab status`, and `fab lb.config`"
    )


def _get(port: int) -> str:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request("GET", "/", headers={"Host": HOST_NAME})
        return connection.getresponse().read(4096).decode(errors="replace")
    except (OSError, http.client.HTTPException) as error:
        raise LabError(f"the load balancer does not answer on port {port}: {error}") from error
    finally:
        connection.close()
