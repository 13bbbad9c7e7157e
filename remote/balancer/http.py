"""Whether a worker answers over HTTP if another host asks it, as the load balancer will."""

from __future__ import annotations

import re
import time

from carbon.cluster import Health, Node
from carbon.errors import TimeLimitError
from remote.host.host import Host, Machine
from remote.run.progress import Progress

POLL_SECONDS = 0.2


def await_answer(asking: Host[Machine], node: Node, *, progress: Progress) -> None:
    """Wait until a worker that has joined answers another host as `health` of hosts.yaml says.

    Raises TimeLimitError, and what the connection raises.
    """
    within_seconds, limit = asking.limits.join_seconds, "limits: join"
    if node.health and node.health.within_seconds is not None:
        within_seconds, limit = node.health.within_seconds, "health: within"
    deadline = time.monotonic() + within_seconds
    progress.now(node.name, "waiting for its answer over HTTP")
    while problem := http_problem(asking, node):
        if time.monotonic() >= deadline:
            raise TimeLimitError(
                f"it joined, but {problem} when tried from {asking.name},"
                f" within {within_seconds:g} s ({limit})",
                host=node.name,
                step="rotation",
                action=f"open these ports to {asking.name}, or check the worker's log; then"
                f" `fab -H {node.name} deploy` puts it back into rotation",
            )
        time.sleep(POLL_SECONDS)


def http_problem(asking: Host[Machine], node: Node) -> str:
    """Return what is wrong with a worker's answer, tried from another host; empty if it answers.

    Empty, too, if sshd there does not let us try (AllowTcpForwarding no).
    """
    address = node.local_member_host
    for port in (node.http_port, node.https_port):
        match asking.reach(address, port):
            case "refused":
                return f"port {port} refuses connections"
            case "silent":
                return f"port {port} is silent"
            case "forbidden":
                return ""
    line = asking.ask(address, node.http_port, _question(node))
    match = re.match(rb"HTTP/1\.[01] (\d{3})", line)
    if match is None:
        return f"port {node.http_port} answers no HTTP"
    status, health = int(match[1]), node.health or Health()
    if status == health.status or (health.status is None and status < 500):
        return ""
    wanted = f", not {health.status}" if health.status else ""
    return f"port {node.http_port} answers {status}{wanted} to {health.path}"


def _question(node: Node) -> bytes:
    """Return a request that the product answers at any time, recognisable in its access log."""
    lines = (
        f"GET {(node.health or Health()).path} HTTP/1.1",
        f"Host: {node.host_name or node.local_member_host}",
        "User-Agent: carbon-provision",
        "Connection: close",
    )
    return "\r\n".join((*lines, "", "")).encode()
