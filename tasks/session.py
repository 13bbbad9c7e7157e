"""What a verb works with: the inventory, the hosts it names, connections, and the screen."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Any

import fabric

from carbon.cluster import Cluster, LoadBalancer, Node
from carbon.errors import UsageError
from carbon.inventory import load, locate, select
from remote.connection import Connector
from remote.deploy import Rotation
from remote.fleet import Fleet
from tasks.executor import VerbContext
from tasks.screen import Screen

ROOT = Path(__file__).resolve().parent.parent


class Session:
    """One verb's run."""

    def __init__(
        self,
        *,
        cluster: Cluster,
        hosts: Sequence[Node | LoadBalancer],
        fleet: Fleet,
        screen: Screen,
    ) -> None:
        self.cluster = cluster
        self.hosts = tuple(hosts)
        self.fleet = fleet
        self.screen = screen

    @classmethod
    def open(cls, context: VerbContext, *, inventory: str, every_worker: bool) -> Session:
        """Read hosts.yaml and resolve the names; no server is touched yet.

        Raises InventoryError or UsageError.
        """
        cluster = load(inventory_path(context.config, inventory))
        hosts = select(cluster, context.names or (), every_worker=every_worker)
        connector = Connector(context.config, limits=cluster.limits)
        return cls(
            cluster=cluster, hosts=hosts, fleet=Fleet(cluster, connector), screen=Screen.make()
        )

    @property
    def nodes(self) -> tuple[Node, ...]:
        """The Carbon nodes that the verb is for.

        Raises UsageError where -H names the load balancer.
        """
        for host in self.hosts:
            if isinstance(host, LoadBalancer):
                raise UsageError(
                    f"{host.name} is the load balancer, not a Carbon server",
                    action="see `fab --list` for the lb.* tasks",
                )
        return tuple(host for host in self.hosts if isinstance(host, Node))

    def patient(self, timeout_seconds: int) -> Session:
        """Return this session with another patience for starts, joins and stops; 0 changes nothing.

        Raises UsageError for a negative one.
        """
        if timeout_seconds < 0:
            raise UsageError("--timeout is negative", action="give seconds, such as 120")
        if timeout_seconds:
            limits = replace(
                self.cluster.limits,
                start_seconds=timeout_seconds,
                join_seconds=timeout_seconds,
                stop_seconds=timeout_seconds,
            )
            self.cluster = self.fleet.cluster = replace(self.cluster, limits=limits)
        return self

    def rotation(self) -> Rotation | None:
        """Return the load balancer's side of a rolling change, if hosts.yaml has one."""
        return None

    def __enter__(self) -> Session:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.screen.close()
        self.fleet.close()


def inventory_path(config: fabric.Config, option: str) -> Path:
    """Return the inventory file: option, then PROVISION_HOSTS, then fabric.yaml, then ours."""
    if option:
        return locate(option, os.environ, ROOT)
    found = locate(None, os.environ, ROOT)
    configured = config.get("inventory")
    if "PROVISION_HOSTS" in os.environ or not configured:
        return found
    return ROOT / Path(str(configured)).expanduser()


def connection_kwargs(config: fabric.Config, names: Sequence[str]) -> list[dict[str, Any]]:
    """Return what a plain Fabric task needs to connect to hosts of the inventory."""
    cluster = load(inventory_path(config, ""))
    connector = Connector(config, limits=cluster.limits)
    hosts = select(cluster, names, every_worker=False)
    return [connector.kwargs(host.ssh) for host in hosts]
