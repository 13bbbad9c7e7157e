"""The servers of one run: opened once, used by every step, closed at the end."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Iterable
from concurrent.futures import Future
from functools import partial
from typing import Protocol

from carbon.cluster import Cluster, LoadBalancer, Node, Ssh
from carbon.errors import ProvisionError
from remote.host.host import Host, Machine
from remote.host.server import Server
from remote.run.threads import begin, settle


class Opens(Protocol):
    """What opens a connection: `remote.ssh.connector.Connector`, or a fake."""

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
        self._servers: dict[str, Future[Server]] = {}
        self._guard = threading.Lock()
        self._closed = False

    def connect(self, nodes: Iterable[Node | LoadBalancer]) -> None:
        """Begin to connect to servers that will be asked for, and return at once.

        A server that cannot be reached is an error only for who asks for it.
        """
        claims = [(node, *self._claim(node)) for node in nodes]
        begin([partial(self._open, node, future) for node, future, is_new in claims if is_new])

    def host(self, node: Machine) -> Host[Machine]:
        """Return a node with its connection, opened the first time.

        Raises ConnectError or HostKeyError.
        """
        return Host(node, self._server(node), limits=self.cluster.limits, run=self.run)

    def _server(self, node: Node | LoadBalancer) -> Server:
        future, is_new = self._claim(node)
        if is_new:
            self._open(node, future)
        try:
            return future.result()
        except ProvisionError:
            with self._guard:  # the next one who asks may have better luck
                if self._servers.get(node.name) is future:
                    del self._servers[node.name]
            raise

    def forget(self, node: Node | LoadBalancer) -> None:
        """Close the connection to a server that went away; who asks next has another one."""
        with self._guard:
            future = self._servers.pop(node.name, None)
        if future is not None:
            _close(future)

    def close(self) -> None:
        """Close every connection; safe to call twice."""
        with self._guard:
            self._closed = True
            futures, self._servers = self._servers.values(), {}
        for future in futures:
            _close(future)
        self._opener.close()

    def _claim(self, node: Node | LoadBalancer) -> tuple[Future[Server], bool]:
        """Return what becomes the connection to a node, and whether the caller is to open it."""
        with self._guard:
            is_new = node.name not in self._servers
            return self._servers.setdefault(node.name, Future()), is_new

    def _open(self, node: Node | LoadBalancer, future: Future[Server]) -> None:
        if self._closed:
            future.cancel()
            return
        settle(future, partial(self._opener.open, node.name, node.ssh))
        if self._closed:
            _close(future)

    def __enter__(self) -> Fleet:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _close(future: Future[Server]) -> None:
    """Close a connection that was opened; who still opens one sees by itself that all is closed."""
    if future.done() and not future.cancelled() and future.exception() is None:
        future.result().close()
