"""The sections of hosts.yaml, read in their order, with nothing derived yet."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from carbon.cluster import Database, Hooks, Node, Role
from carbon.inventory import keys
from carbon.inventory.inherit import inherit, laid_over
from carbon.inventory.kinds import Record, as_map, checked_name
from carbon.inventory.nodes import MapNode, YamlNode, is_null
from carbon.inventory.values import node_name

LOAD_BALANCER_NAME = "lb"
RESERVED_NAMES = ("manager", "elb", LOAD_BALANCER_NAME)


class RawNode(NamedTuple):
    """One Carbon node, and where hosts.yaml describes it."""

    node: Node
    """As if it had its server, and the cluster, for itself."""
    place: MapNode
    """Its own keys laid over the shared ones."""

    def gives(self, key: str) -> bool:
        """Tell whether hosts.yaml has a value for the key, its own or a shared one."""
        return self.place.get(key) is not None

    def place_of(self, key: str) -> YamlNode:
        """Return where `key` stands, or the whole node if it is inherited or derived."""
        own = self.place.get(key)
        return own if own and own.path == f"{self.place.path}.{key}" else self.place


class RawInventory(NamedTuple):
    """Everything that one hosts.yaml says, read but with nothing derived."""

    manager: RawNode
    elb: RawNode | None
    workers: tuple[RawNode, ...]
    database: Database | None
    database_names: YamlNode | None
    """Where the database's names stand, for errors."""
    others: Mapping[str, Any]
    """The other fields of Cluster."""

    @property
    def nodes(self) -> tuple[RawNode, ...]:
        """The manager, the ELB if there is one, then the workers in the file's order."""
        return (self.manager, *((self.elb,) if self.elb else ()), *self.workers)


def read(root: MapNode) -> RawInventory:
    """Read all sections.

    Raises InventoryError at the first value that is wrong in itself.
    """
    sections = {
        name: as_map(node)
        for name, node in keys.HOSTS_YAML.complete(root).entries.items()
        if not is_null(node)
    }
    cluster = sections["cluster"]
    keys.CLUSTER.check(cluster)
    shared = cluster.only(key.name for key in keys.SHARED_KEYS)
    settings = keys.SETTINGS(cluster.only(key.name for key in keys.CLUSTER_KEYS))
    domain = settings["domain"]
    elb, balancer, database = map(sections.get, ("elb", "load_balancer", "database"))
    workers, hooks = sections.get("workers", root.part("workers")), shared.get("hooks")
    manager = _node(
        keys.MANAGER, "manager", sections["manager"], shared, domain=domain, sub_domain="mgt"
    )
    return RawInventory(
        manager=manager,
        elb=_elb(elb, shared, domain=domain) if elb else None,
        workers=tuple(
            _worker(name, own, shared, domain=domain) for name, own in workers.entries.items()
        ),
        database=keys.DATABASE(database) if database else None,
        database_names=database.get("hostnames") if database else None,
        others={
            **settings,
            **(_load_balancer(balancer, shared) if balancer else {}),
            "hooks": keys.HOOKS(hooks) if hooks else Hooks(),
        },
    )


def _node(
    record: Record[Node], role: Role, own: MapNode, shared: MapNode, *, name: str = "", **more: Any
) -> RawNode:
    place = inherit(own, shared)
    name = name or role
    return RawNode(record(place, name=name, role=role, server=name, **more), place)


def _elb(own: MapNode, shared: MapNode, *, domain: str) -> RawNode:
    """Read the ELB; its home is its own, since it is another product."""
    reached = shared.only(key.name for key in keys.REACHED_KEYS if key.name != "home")
    return _node(keys.ELB, "elb", own, reached, domain=domain, sub_domain="", group_mgt_port=4500)


def _worker(name: str, own: YamlNode, shared: MapNode, *, domain: str) -> RawNode:
    checked_name(node_name, name, at=own)
    if name in RESERVED_NAMES:
        raise own.error(
            f"takes the name {name!r}, which is not a worker's",
            action=f"rename it; {', '.join(RESERVED_NAMES)} have sections of their own",
        )
    more = {"domain": domain, "sub_domain": "worker"}
    return _node(keys.WORKER, "worker", as_map(own), shared, name=name, **more)


def _load_balancer(own: MapNode, shared: MapNode) -> dict[str, Any]:
    """Read the load balancer: an nginx, or the commands of any other."""
    keys.LOAD_BALANCER.check(own)
    commands = [key.name for key in keys.COMMAND_KEYS if own.get(key.name)]
    if not commands:
        ssh = own.with_default("ssh", own.part("ssh"))
        nginx = keys.NGINX(laid_over(ssh, shared.only({"ssh"})), name=LOAD_BALANCER_NAME)
        return {"load_balancer": nginx}
    if others := [key.name for key in keys.NGINX_KEYS if own.get(key.name)]:
        raise own.error(
            f"has {commands[0]} and {others[0]}: it is either nginx or has commands of its own",
            action=f"remove {', '.join(others)}; or remove {', '.join(commands)} for an nginx",
        )
    return {"balancer_commands": keys.BALANCER_COMMANDS(own)}
