"""The nodes of hosts.yaml as written, each laid over the settings that all share."""

from __future__ import annotations

from typing import NamedTuple

from carbon.cluster import BalancerCommands, Database, Hooks, LoadBalancer
from carbon.inventory import schema
from carbon.inventory.commands import (
    BALANCER_COMMANDS,
    COMMAND_KEYS,
    HOOKS,
    refuse_rollout_hooks,
)
from carbon.inventory.nodes import MapNode
from carbon.inventory.nodes import Node as Place
from carbon.inventory.reading import as_map, checked_name
from carbon.inventory.schema import ClusterSettings, Entry
from carbon.inventory.values import node_name

LOAD_BALANCER_NAME = "lb"
RESERVED_NAMES = ("manager", "elb", LOAD_BALANCER_NAME)


class Written(NamedTuple):
    """Everything that one hosts.yaml says, read but with nothing derived."""

    settings: ClusterSettings
    manager: Entry
    elb: Entry | None
    workers: tuple[Entry, ...]
    load_balancer: LoadBalancer | None
    balancer_commands: BalancerCommands | None
    hooks: Hooks
    """Those of the cluster."""
    database: Database | None
    database_names: Place | None
    """Where the database's names stand, for errors."""

    @property
    def nodes(self) -> tuple[Entry, ...]:
        """The manager, the ELB if there is one, then the workers in the file's order."""
        return (self.manager, *((self.elb,) if self.elb else ()), *self.workers)


def read(root: MapNode) -> Written:
    """Read all sections.

    Raises InventoryError at the first value that is wrong in itself.
    """
    sections = schema.HOSTS_YAML(root)
    cluster = sections["cluster"]
    schema.CLUSTER_AND_SHARED.check(cluster)
    shared = cluster.only(schema.SHARED_KEYS.keys())
    elb, workers = sections.get("elb"), sections.get("workers")
    database, load_balancer = sections.get("database"), sections.get("load_balancer")
    nginx, commands = _load_balancer(load_balancer, shared) if load_balancer else (None, None)
    hooks = shared.get("hooks")
    return Written(
        settings=schema.CLUSTER(cluster.only(schema.CLUSTER_KEYS.keys())),
        manager=_manager(sections["manager"], shared),
        elb=_elb(elb, shared) if elb else None,
        workers=_workers(workers, shared) if workers else (),
        load_balancer=nginx,
        balancer_commands=commands,
        hooks=HOOKS(hooks) if hooks else Hooks(),
        database=schema.DATABASE(database) if database else None,
        database_names=database.get("hostnames") if database else None,
    )


def _manager(own: MapNode, shared: MapNode) -> Entry:
    node = _inherit(own, shared)
    return schema.MANAGER(node, node=node, name="manager", role="manager")


def _elb(own: MapNode, shared: MapNode) -> Entry:
    """Read the ELB; its home is its own, since it is another product."""
    node = _inherit(own, shared.only(schema.ELB_SHARED_KEYS.keys() - {"home"}))
    return schema.ELB(node, node=node, name="elb", role="elb")


def _load_balancer(
    own: MapNode, shared: MapNode
) -> tuple[LoadBalancer | None, BalancerCommands | None]:
    """Read the load balancer: an nginx, or the commands of any other."""
    schema.LOAD_BALANCER.check(own)
    commands = [key for key in COMMAND_KEYS if own.get(key)]
    if not commands:
        return _nginx(own, shared), None
    if others := [key for key in schema.NGINX_KEYS if own.get(key)]:
        raise own.error(
            f"has {commands[0]} and {others[0]}: it is either nginx or has commands of its own",
            action=f"remove {', '.join(others)}; or remove {', '.join(commands)} for an nginx",
        )
    return None, BALANCER_COMMANDS(own)


def _nginx(own: MapNode, shared: MapNode) -> LoadBalancer:
    """Read an nginx; of what is shared it takes the way to reach it."""
    ssh = MapNode(own.source, f"{own.path}.ssh", own.line, {})
    node = own.with_default("ssh", ssh).over(shared.only({"ssh"}))
    balancer = schema.NGINX(node, name=LOAD_BALANCER_NAME)
    if (balancer.ssl_certificate is None) != (balancer.ssl_certificate_key is None):
        raise node.error(
            "has one of ssl_certificate and ssl_certificate_key without the other",
            action="give both, or none for a load balancer without HTTPS",
        )
    return balancer


def _workers(section: MapNode, shared: MapNode) -> tuple[Entry, ...]:
    return tuple(_worker(name, own, shared) for name, own in section.entries.items())


def _worker(name: str, own: Place, shared: MapNode) -> Entry:
    checked_name(node_name, name, at=own)
    if name in RESERVED_NAMES:
        raise own.error(
            f"takes the name {name!r}, which is not a worker's",
            action=f"rename it; {', '.join(RESERVED_NAMES)} have sections of their own",
        )
    node = _inherit(as_map(own), shared)
    return schema.WORKER(node, node=node, name=name, role="worker")


def _inherit(own: MapNode, shared: MapNode) -> MapNode:
    """Return a node's own keys over the shared ones, with defaults that other keys give."""
    refuse_rollout_hooks(own)
    node = own.over(shared)
    return _with_driver_class(_with_ssh_host(node))


def _with_ssh_host(node: MapNode) -> MapNode:
    """Reach the server at its localMemberHost, if nothing else is said."""
    address = node.get("localMemberHost")
    ssh = node.get("ssh") or MapNode(node.source, f"{node.path}.ssh", node.line, {})
    if address is None or not isinstance(ssh, MapNode):
        return node
    return node.having({"ssh": ssh.with_default("host", address)})


def _with_driver_class(node: MapNode) -> MapNode:
    """Let datasources that name no driverClassName use the driver that is put in place."""
    driver, datasources = node.get("driver"), node.get("datasources")
    if not isinstance(driver, MapNode) or not isinstance(datasources, MapNode):
        return node
    with_class = {
        name: datasource.with_default("driverClassName", driver.get("class"))
        if isinstance(datasource, MapNode)
        else datasource
        for name, datasource in datasources.entries.items()
    }
    return node.having({"datasources": datasources.having(with_class)})
