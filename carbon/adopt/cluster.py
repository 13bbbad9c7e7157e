"""From the servers, each described by itself, to one hosts.yaml."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from urllib.parse import urlsplit

from carbon.adopt.server import Described, secret_names
from carbon.home.hostsfile import addresses_of
from carbon.inventory import values
from carbon.inventory.write import Commented, Tree, document


def write(
    manager: Described,
    workers: Sequence[Described],
    *,
    ssh: Mapping[str, Tree],
    load_balancer: Commented | None,
    notes: Sequence[str] = (),
) -> str:
    """Return the text of the hosts.yaml that describes these servers.

    What all workers share stands under `cluster`, what differs below each. The head lists what no
    key can say, the differences between workers, the variables of the secrets, and `notes`.
    """
    servers = (manager, *workers)
    shared = _shared(workers or servers)
    database, of_database = _database(servers)
    tree: dict[str, Tree] = {
        "cluster": {"domain": _domain(servers), "ssh": ssh, **shared},
        "manager": {**_hostnames(servers), **_own(manager, shared, servers)},
        **({"database": database} if database else {}),
        **({"load_balancer": load_balancer} if load_balancer else {}),
        "workers": {worker.name: _own(worker, shared, servers) for worker in workers},
    }
    head = [*_head(servers), *of_database, *_differences(workers), *notes]
    return document(tree, head=head)


def _shared(servers: Sequence[Described]) -> dict[str, Tree]:
    """Return what is the same on all servers that show it; mappings are compared key by key."""
    shared: dict[str, Tree] = {}
    for key in dict.fromkeys(key for server in servers for key in server.shared):
        trees = [server.shared.get(key) for server in servers if key not in server.unseen]
        if all(tree == trees[0] for tree in trees):
            shared[key] = trees[0]
        elif key in ("datasources", "environment"):
            shared |= {key: common} if (common := _common(trees)) else {}
    return shared


def _common(trees: Sequence[Tree]) -> dict[str, Tree]:
    """Return the entries that all mappings have."""
    first, *others = (tree if isinstance(tree, Mapping) else {} for tree in trees)
    return {
        key: value
        for key, value in first.items()
        if all(other.get(key) == value for other in others)
    }


def _own(
    server: Described, shared: Mapping[str, Tree], servers: Sequence[Described]
) -> dict[str, Tree]:
    """Return a server's own keys, and what it shows otherwise than what is shared."""
    address = server.own.get("localMemberHost")
    own: dict[str, Tree] = {}
    ssh: dict[str, Tree] = {} if server.host == address else {"host": server.host}
    if server.port is not None:
        ssh["port"] = server.port
    if ssh:
        own["ssh"] = ssh
    names = [each.name for each in servers if each.own.get("localMemberHost") == address]
    if len(names) > 1 and address is not None:
        own["server"] = names[0]
    seen = {key: value for key, value in shared.items() if key not in server.unseen}
    return {**own, **server.own, **_difference(server.shared, seen)}


def _difference(tree: Mapping[str, Tree], shared: Mapping[str, Tree]) -> dict[str, Tree]:
    """Return what a tree says otherwise than what is shared; null takes away."""
    own: dict[str, Tree] = {}
    for key in dict.fromkeys((*shared, *tree)):
        value, common = tree.get(key), shared.get(key)
        if isinstance(value, Mapping) and isinstance(common, Mapping):
            if below := _difference(value, common):
                own[key] = below
        elif value != common:
            own[key] = value
    return own


def _domain(servers: Sequence[Described]) -> str:
    domains = Counter(server.domain for server in servers if server.domain is not None)
    return domains.most_common(1)[0][0] if domains else "wso2.carbon.domain"


def _address_of(name: str, servers: Sequence[Described]) -> str | None:
    """Return the one address that every server's /etc/hosts has for a name."""
    addresses = {addresses_of(server.hosts).get(name.lower()) for server in servers}
    return addresses.pop() if len(addresses) == 1 else None


def _hostnames(servers: Sequence[Described]) -> dict[str, Tree]:
    """Let the manager's name be mapped only if every server maps it so already."""
    name = servers[0].shared.get("MgtHostName")
    address = servers[0].own.get("localMemberHost")
    if not isinstance(name, str) or values.is_address(name):
        return {}
    return {} if _address_of(name, servers) == address else {"hostnames": []}


def _database(servers: Sequence[Described]) -> tuple[dict[str, Tree], tuple[str, ...]]:
    """Return the database's section, if all datasources lead to one host, and what hinders one."""
    datasources = (server.shared.get("datasources") for server in servers)
    sources = [each for tree in datasources if isinstance(tree, Mapping) for each in tree.values()]
    places = set(filter(None, map(_place, sources)))
    if len(places) != 1:
        return {}, ()
    host, port = places.pop()
    address = host if values.is_address(host) else _address_of(host, servers)
    if address is None or not values.is_address(address):
        return {}, (
            f"the database's name {host} is not in every server's /etc/hosts with one address:"
            " set `database:` if this tool is to keep it there",
        )
    names: dict[str, Tree] = {} if host == address else {"hostnames": [host]}
    return {"address": address, **({"port": port} if port else {}), **names}, ()


def _place(source: Tree) -> tuple[str, int | None] | None:
    url = source.get("url") if isinstance(source, Mapping) else None
    if not isinstance(url, str):
        return None
    try:
        parts = urlsplit(re.sub(r"^jdbc:", "", url))
        return (parts.hostname, parts.port) if parts.hostname else None
    except ValueError:
        return None


def _head(servers: Sequence[Described]) -> Iterator[str]:
    yield "Read from running servers. `fab plan` shows what still differs; it changes nothing."
    yield "Keystore passwords cannot be read: see `keystore_password` in docs/hosts-yaml.md."
    secrets = {name for server in servers for name in secret_names(server.shared)}
    if secrets:
        yield f"Set these before `fab plan`, or use !file or !command: {', '.join(sorted(secrets))}"
    for server in servers:
        yield from (f"{server.name}: {note}" for note in server.notes)


def _differences(workers: Sequence[Described]) -> Iterator[str]:
    for key in dict.fromkeys(key for worker in workers for key in worker.shared):
        first, *others = (worker for worker in workers if key not in worker.unseen)
        differ = [each.name for each in others if each.shared.get(key) != first.shared.get(key)]
        if differ:
            yield f"the workers differ in {key}: {', '.join(differ)} from {first.name}"
    domains = {worker.domain for worker in workers}
    if len(domains) > 1:
        yield f"the workers differ in domain: {', '.join(sorted(map(str, domains)))}"
