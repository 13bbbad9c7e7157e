"""The servers of one run: opened once, used by every step, closed at the end."""

from __future__ import annotations

import secrets
import threading
from types import TracebackType
from typing import Protocol

from carbon.cluster import Cluster, LoadBalancer, Node, Ssh
from remote.seam import Server


class Opens(Protocol):
    """What opens a connection: `remote.connection.Connector`, or a fake."""

    def open(self, name: str, ssh: Ssh) -> Server:
        """Return the entered server."""
        ...

    def close(self) -> None:
        """Close what the servers shared."""
        ...


class Fleet:
    """One run's hold on a cluster: the inventory, and a connection to each server it needs.

    `run` names the run in locks, generations and records.
    """

    def __init__(self, cluster: Cluster, opener: Opens) -> None:
        self.cluster = cluster
        self.run = secrets.token_hex(4)
        self._opener = opener
        self._servers: dict[str, Server] = {}
        self._guard = threading.Lock()

    def server(self, node: Node | LoadBalancer) -> Server:
        """Return the connection to a node, opening it the first time.

        Raises ConnectError or HostKeyError.
        """
        with self._guard:
            known = self._servers.get(node.name)
        if known is not None:
            return known
        opened = self._opener.open(node.name, node.ssh)
        with self._guard:
            return self._servers.setdefault(node.name, opened)

    def close(self) -> None:
        """Close every connection; safe to call twice."""
        with self._guard:
            servers, self._servers = list(self._servers.values()), {}
        for server in servers:
            server.close()
        self._opener.close()

    def __enter__(self) -> Fleet:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
