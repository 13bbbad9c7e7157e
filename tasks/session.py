"""What a verb works with: the inventory, the hosts it names, connections, and the screen."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING

from carbon.cluster import Cluster, LoadBalancer, Node
from carbon.errors import UsageError, refuse
from carbon.inventory import load, select
from carbon.inventory.ssh_files import ssh_file_errors
from carbon.value import replace
from remote.host.fleet import Fleet, Opens
from remote.ssh.connector import Connector
from tasks.executor import VerbContext
from tasks.inventory import find_inventory, may_run_commands

if TYPE_CHECKING:
    from fabric import Config

    from remote.rollout.request import LoadBalancer as RolloutBalancer
    from tasks.screen import Screen


class Session:
    """One verb's run."""

    def __init__(
        self,
        *,
        cluster: Cluster,
        hosts: Sequence[Node | LoadBalancer],
        fleet: Fleet,
        connector: Connector,
    ) -> None:
        self.cluster = cluster
        self.hosts = tuple(hosts)
        self.fleet = fleet
        self.connector = connector

    @classmethod
    def open(
        cls,
        context: VerbContext,
        *,
        inventory: str,
        every_worker: bool,
        every_host: bool = False,
        commands: bool = True,
    ) -> Session:
        """Read hosts.yaml and resolve the names; no server is touched yet.

        Raises InventoryError or UsageError.
        """
        may_run = may_run_commands(context.config, no_commands=not commands)
        cluster = load(find_inventory(context.config, inventory), commands=may_run)
        if any(node.files for node in cluster.nodes):
            from carbon.inventory.edits import check_edits

            check_edits(cluster)
        if every_host and context.names is None:
            hosts = cluster.hosts
        else:
            hosts = select(cluster, context.names or (), every_worker=every_worker)
        connector = Connector(context.config, limits=cluster.limits)
        return cls(
            cluster=cluster,
            hosts=hosts,
            fleet=Fleet(cluster, make_opener(connector)),
            connector=connector,
        )

    @cached_property
    def screen(self) -> Screen:
        """What the operator sees; loaded while connections are already being made."""
        from tasks.screen import Screen

        return Screen.make()

    def check_ssh_files(self, config: Config, *, watchers: bool) -> None:
        """Raise InventoryError for private keys and files of host keys that cannot be right."""
        asks = bool(config.connect_kwargs.get("passphrase"))
        machines = (host.ssh for host in self._hosts(watchers=watchers))
        refuse(list(ssh_file_errors(machines, asks_passphrase=asks)))

    def connect(self, *, watchers: bool) -> None:
        """Begin to connect to the hosts, and to the nodes whose logs tell who joined."""
        self.fleet.connect(self._hosts(watchers=watchers))

    def _hosts(self, *, watchers: bool) -> tuple[Node | LoadBalancer, ...]:
        watching = self.cluster.watchers if watchers else ()
        return (*self.hosts, *watching)

    @property
    def nodes(self) -> tuple[Node, ...]:
        """The Carbon nodes that the verb is for.

        Raises UsageError if -H names the load balancer.
        """
        for host in self.hosts:
            if isinstance(host, LoadBalancer):
                raise UsageError(
                    f"{host.name} is the load balancer, not a Carbon server",
                    action="see `fab --list` for the lb.* tasks",
                )
        return tuple(host for host in self.hosts if isinstance(host, Node))

    def patient(self, patience_seconds: int) -> Session:
        """Return this session with another patience for starts, joins and stops; 0 changes nothing.

        Raises UsageError for a negative one.
        """
        if patience_seconds < 0:
            raise UsageError("--timeout is negative", action="give seconds, such as 120")
        if patience_seconds:
            limits = replace(
                self.cluster.limits,
                start_seconds=patience_seconds,
                join_seconds=patience_seconds,
                stop_seconds=patience_seconds,
            )
            self.cluster = self.fleet.cluster = replace(self.cluster, limits=limits)
        return self

    def booting_within(self, patience_seconds: int) -> Session:
        """Return this session with another patience for a reboot; 0 changes nothing.

        Raises UsageError for a negative one.
        """
        if patience_seconds < 0:
            raise UsageError("--timeout is negative", action="give seconds, such as 600")
        if patience_seconds:
            limits = replace(self.cluster.limits, boot_seconds=patience_seconds)
            self.cluster = self.fleet.cluster = replace(self.cluster, limits=limits)
        return self

    def load_balancer(self) -> RolloutBalancer | None:
        """Return the load balancer's side of a rollout, if hosts.yaml has one."""
        if commands := self.cluster.balancer_commands:
            from remote.balancer.commands import CommandBalancer

            return CommandBalancer(self.fleet, commands, progress=self.screen)
        if self.cluster.load_balancer is None:
            return None
        from remote.balancer.rotation import Balancer

        return Balancer(self.fleet, progress=self.screen)

    def __enter__(self) -> Session:
        return self

    def __exit__(self, *_: object) -> None:
        if "screen" in self.__dict__:
            self.screen.close()
        self.fleet.close()


def make_opener(connector: Connector) -> Opens:
    """Return what opens servers. The fault tests put theirs in its place."""
    return connector
