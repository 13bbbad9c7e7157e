"""What a verb works with: the inventory, the hosts it names, connections, and the screen."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Literal

from carbon.cluster import LoadBalancer, Node
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


Connects = Literal["hosts", "hosts and watchers"]


class Session:
    """One verb's run."""

    def __init__(
        self,
        context: VerbContext,
        *,
        inventory: str,
        every_worker: bool,
        every_host: bool,
        commands: bool,
        break_lock: bool,
    ) -> None:
        """Read hosts.yaml and resolve the names; no server is touched yet.

        Raises InventoryError or UsageError.
        """
        self.break_lock = break_lock
        may_run = may_run_commands(context.config, no_commands=not commands)
        self.cluster = load(find_inventory(context.config, inventory), commands=may_run)
        if any(node.files for node in self.cluster.nodes):
            from carbon.inventory.edits import check_edits

            check_edits(self.cluster)
        if every_host and context.names is None:
            self.hosts = self.cluster.hosts
        else:
            self.hosts = select(self.cluster, context.names or (), every_worker=every_worker)
        self.connector = Connector(context.config, limits=self.cluster.limits)
        self.fleet = Fleet(self.cluster, make_opener(self.connector))

    @cached_property
    def screen(self) -> Screen:
        """What the operator sees; loaded while connections are already being made."""
        from tasks.console import stdout
        from tasks.screen import Screen

        return Screen(stdout())

    def connect(self, config: Config, connects: Connects | None) -> None:
        """Begin to connect to the hosts, and to the nodes whose logs tell who joined.

        Raises InventoryError for private keys and files of host keys that cannot be right.
        """
        watchers = self.cluster.watchers if connects == "hosts and watchers" else ()
        hosts = (*self.hosts, *watchers)
        asks = bool(config.connect_kwargs.get("passphrase"))
        refuse(list(ssh_file_errors((host.ssh for host in hosts), asks_passphrase=asks)))
        if connects:
            self.fleet.connect(hosts)

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

    def patient(
        self,
        patience_seconds: int,
        limits: Sequence[str] = ("start_seconds", "join_seconds", "stop_seconds"),
    ) -> Session:
        """Return this session with another patience in these limits; 0 changes nothing.

        Raises UsageError for a negative one.
        """
        if patience_seconds < 0:
            raise UsageError("--timeout is negative", action="give a number of seconds")
        if patience_seconds:
            changed = replace(self.cluster.limits, **dict.fromkeys(limits, patience_seconds))
            self.cluster = self.fleet.cluster = replace(self.cluster, limits=changed)
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
