"""Whether a worker answers over HTTP if another host asks it, as the load balancer will."""

from __future__ import annotations

import re

from carbon.cluster import Node
from remote.host.host import Host, Machine


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
    status = re.match(rb"HTTP/1\.[01] (\d{3})", line)
    if status is None:
        return f"port {node.http_port} answers no HTTP"
    if int(status[1]) >= 500:
        return f"port {node.http_port} answers {status[1].decode()}"
    return ""


def _question(node: Node) -> bytes:
    """Return a request that the product answers at any time, recognisable in its access log."""
    lines = (
        "GET / HTTP/1.1",
        f"Host: {node.host_name or node.local_member_host}",
        "User-Agent: carbon-provision",
        "Connection: close",
    )
    return "\r\n".join((*lines, "", "")).encode()
