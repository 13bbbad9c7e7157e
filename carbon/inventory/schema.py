"""What hosts.yaml may say: every section and key, in the words of the product's own files."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import PurePosixPath
from typing import Any, NamedTuple

from carbon.cluster import (
    Artifact,
    Database,
    Datasource,
    DeploymentSynchronizer,
    Driver,
    Evidence,
    FileEdit,
    Health,
    Hooks,
    Limits,
    LoadBalancer,
    Member,
    Pack,
    ProxyPorts,
    Role,
    Service,
    Ssh,
)
from carbon.inventory import values
from carbon.inventory.artifacts import artifact
from carbon.inventory.commands import COMMAND_KEYS, HOOKS
from carbon.inventory.nodes import MapNode, Node
from carbon.inventory.packs import pack
from carbon.inventory.reading import (
    Key,
    Listed,
    Named,
    NamedRecords,
    Read,
    Record,
    Scalar,
    as_map,
    local_path,
    secret,
    text_or_secret,
)
from carbon.secret import Secret
from carbon.value import Value, field


class Entry(Value, kw_only=True):
    """One Carbon node as written, its own keys laid over the shared ones; None: to be derived."""

    node: MapNode
    """Where it stands, for errors."""
    name: str
    role: Role
    ssh: Ssh
    home: PurePosixPath
    local_member_host: str
    server: str | None = None
    local_member_port: int | None = None
    offset: int | None = None
    sub_domain: str | None = None
    members: tuple[Member, ...] | None = None
    group_mgt_port: int | None = None
    host_names: tuple[str, ...] | None = None
    """The names of the manager and the ELB in every server's /etc/hosts."""
    hosts: Mapping[str, str] = field(default_factory=dict)
    java_home: PurePosixPath | None = None
    run_as: str | None = None
    agent: str | None = None
    host_name: str | None = None
    mgt_host_name: str | None = None
    proxy_ports: ProxyPorts | None = None
    pack: Pack | None = None
    driver: Driver | None = None
    datasources: tuple[Datasource, ...] = ()
    check_databases: bool = True
    deployment_synchronizer: DeploymentSynchronizer | None = None
    files: tuple[FileEdit, ...] = ()
    artifacts: tuple[Artifact, ...] = ()
    keystore_password: Secret | None = None
    environment: Mapping[str, str] = field(default_factory=dict)
    service: Service | None = None
    health: Health | None = None
    hooks: Hooks = Hooks()

    @property
    def machine(self) -> str:
        """The server that it runs on; nodes with the same text share it."""
        return self.server or self.name

    def place(self, key: str) -> Node:
        """Return where `key` stands, or the whole node if it is inherited or derived."""
        own = self.node.get(key)
        return own if own and own.path == f"{self.node.path}.{key}" else self.node


class ClusterSettings(NamedTuple):
    """What `cluster:` says of the cluster as a whole."""

    domain: str
    limits: Limits = Limits()
    evidence: Evidence = "any"
    join_patterns: tuple[str, ...] = ()
    keep_generations: int = 5


def properties(node: Node) -> dict[str, str | Secret]:
    """Read further elements of a datasource's configuration."""
    return Named(values.property_name, _property)(node)


def file_edit(node: Node) -> FileEdit:
    """Read one edit of any other file, in exactly one of its three forms."""
    edit = FILE_EDIT(node, inventory=node.source.file, line=node.line)
    mapping = as_map(node)
    given = {key for key in ("value", "attribute", "fragment") if mapping.get(key)}
    if given not in ({"value"}, {"attribute", "value"}, {"fragment"}):
        raise node.error(
            f"has {' and '.join(sorted(given)) or 'nothing to set'}",
            action="give it `value:`, or `attribute:` and `value:`, or `fragment:`",
        )
    return edit


def _property(name: str, node: Node) -> str | Secret:
    if name in DATASOURCE_KEYS:
        raise node.error("has a key of its own", action=f"move `{name}:` out of `properties:`")
    if "password" in name.lower():
        return secret(node)
    return text_or_secret(values.xml_text)(node)


def _key(read: Read[Any], to: str) -> Key:
    return Key(read, to)


def _required(read: Read[Any], to: str) -> Key:
    return Key(read, to, required=True)


PORT = Scalar(values.port)
NAMES = Listed(Scalar(values.mapped_name))

SSH = Record(
    Ssh,
    {
        "host": _required(Scalar(values.ssh_host), "host"),
        "port": _key(PORT, "port"),
        "user": _key(Scalar(values.account), "user"),
        "identity_file": _key(Listed(local_path), "identity_files"),
        "known_hosts": _key(Listed(local_path), "known_hosts"),
        "gateway": _key(Scalar(values.gateway), "gateway"),
        "legacy_ssh": _key(Scalar(values.flag), "legacy_ssh"),
    },
)
PROXY_PORTS = Record(ProxyPorts, {"http": _key(PORT, "http"), "https": _key(PORT, "https")})
DRIVER = Record(
    Driver,
    {
        "jar": _required(local_path, "jar"),
        "class": _required(Scalar(values.java_class), "driver_class"),
    },
)
HEALTH = Record(
    Health,
    {
        "path": _key(Scalar(values.http_path), "path"),
        "status": _key(Scalar(values.WholeNumber(100, 599)), "status"),
        "within": _key(Scalar(values.seconds), "within_seconds"),
    },
)
SERVICE = Record(Service, {"systemd": _required(Scalar(values.unit), "unit")})
DATASOURCE_KEYS = {
    "jndi": _key(Scalar(values.word), "jndi_name"),
    "description": _key(Scalar(values.xml_text), "description"),
    "url": _required(Scalar(values.url, echo=False), "url"),
    "username": _key(Scalar(values.xml_text), "username"),
    "password": _key(secret, "password"),
    "driverClassName": _required(Scalar(values.java_class), "driver_class_name"),
}
DATASOURCE = Record(Datasource, {**DATASOURCE_KEYS, "properties": _key(properties, "properties")})
DEPLOYMENT_SYNCHRONIZER = Record(
    DeploymentSynchronizer,
    {
        "Enabled": _required(Scalar(values.flag), "enabled"),
        "RepositoryType": _key(Scalar(values.word), "repository_type"),
        "SvnUrl": _required(Scalar(values.url, echo=False), "svn_url"),
        "SvnUser": _required(Scalar(values.xml_text), "svn_user"),
        "SvnPassword": _required(secret, "svn_password"),
        "SvnUrlAppendTenantId": _key(Scalar(values.flag), "svn_url_append_tenant_id"),
    },
    notes={
        "AutoCommit": "leave it out: the manager commits, workers never do",
        "AutoCheckout": "leave it out: it is always on",
    },
)
NAMESPACES = Named(values.prefix, lambda _, node: Scalar(values.printable)(node))
FILE_EDIT = Record(
    FileEdit,
    {
        "file": _required(Scalar(values.conf_file), "file"),
        "xpath": _required(Scalar(values.printable), "xpath"),
        "namespaces": _key(NAMESPACES, "namespaces"),
        "value": _key(text_or_secret(values.xml_text), "value"),
        "attribute": _key(Scalar(values.attribute_name), "attribute"),
        "fragment": _key(Scalar(values.fragment, echo=False), "fragment"),
    },
)
LIMITS = Record(
    Limits,
    {
        name: _key(Scalar(values.seconds), f"{name}_seconds")
        for name in ("connect", "command", "start", "join", "stop", "drain", "boot")
    },
)

SHARED_KEYS = {
    "ssh": _required(SSH, "ssh"),
    "home": _required(Scalar(values.home), "home"),
    "java_home": _key(Scalar(values.server_path), "java_home"),
    "run_as": _key(Scalar(values.account), "run_as"),
    "environment": _key(
        Named(values.variable_name, lambda _, node: Scalar(values.one_line)(node)), "environment"
    ),
    "keystore_password": _key(secret, "keystore_password"),
    "service": _key(SERVICE, "service"),
    "health": _key(HEALTH, "health"),
    "hooks": _key(HOOKS, "hooks"),
    "HostName": _key(Scalar(values.host_name_or_address), "host_name"),
    "MgtHostName": _key(Scalar(values.host_name_or_address), "mgt_host_name"),
    "proxyPort": _key(PROXY_PORTS, "proxy_ports"),
    "agent": _key(Scalar(values.java_class), "agent"),
    "pack": _key(pack, "pack"),
    "driver": _key(DRIVER, "driver"),
    "datasources": _key(NamedRecords(values.datasource_name, DATASOURCE), "datasources"),
    "check_databases": _key(Scalar(values.flag), "check_databases"),
    "DeploymentSynchronizer": _key(DEPLOYMENT_SYNCHRONIZER, "deployment_synchronizer"),
    "files": _key(Listed(file_edit), "files"),
    "artifacts": _key(Listed(artifact), "artifacts"),
    "hosts": _key(Named(values.mapped_name, lambda _, node: Scalar(values.address)(node)), "hosts"),
}
"""Keys of `cluster:` that every Carbon node inherits and may override."""

CLUSTER_KEYS = {
    "domain": _required(Scalar(values.word), "domain"),
    "limits": _key(LIMITS, "limits"),
    "evidence": _key(Scalar(values.OneOf("any", "strict")), "evidence"),
    "join_patterns": _key(Listed(Scalar(values.join_pattern)), "join_patterns"),
    "keep_generations": _key(Scalar(values.WholeNumber(1, 100)), "keep_generations"),
}

PLACE_KEYS = {
    "server": _key(Scalar(values.node_name), "server"),
    "localMemberHost": _required(Scalar(values.member_address), "local_member_host"),
    "localMemberPort": _key(PORT, "local_member_port"),
    "Offset": _key(Scalar(values.offset), "offset"),
}
CARBON_KEYS = {
    **PLACE_KEYS,
    "subDomain": _key(Scalar(values.word), "sub_domain"),
    "members": _key(Listed(Scalar(values.member)), "members"),
}
GROUP_MGT_PORT = {"group_mgt_port": _key(PORT, "group_mgt_port")}
HOST_NAMES = {"hostnames": _key(NAMES, "host_names")}

ELB_SHARED_KEYS = {
    name: SHARED_KEYS[name] for name in ("ssh", "home", "java_home", "run_as", "hosts")
}

_IN_CLUSTER = dict.fromkeys(CLUSTER_KEYS, "put it under `cluster:`, it is one for all nodes")
_IN_NODE = dict.fromkeys(CARBON_KEYS, "put it under the manager or a worker, each has its own")

HOSTS_YAML: Record[dict[str, MapNode]] = Record(
    dict,
    {
        "cluster": _required(as_map, "cluster"),
        "manager": _required(as_map, "manager"),
        "elb": _key(as_map, "elb"),
        "database": _key(as_map, "database"),
        "load_balancer": _key(as_map, "load_balancer"),
        "workers": _key(as_map, "workers"),
    },
)
CLUSTER_AND_SHARED: Record[dict[str, Any]] = Record(
    dict, {**CLUSTER_KEYS, **SHARED_KEYS}, notes=_IN_NODE
)
CLUSTER = Record(ClusterSettings, CLUSTER_KEYS)
MANAGER = Record(
    Entry,
    {**CARBON_KEYS, **SHARED_KEYS, **GROUP_MGT_PORT, **HOST_NAMES},
    notes=_IN_CLUSTER,
)
WORKER = Record(Entry, {**CARBON_KEYS, **SHARED_KEYS}, notes=_IN_CLUSTER)
ELB = Record(
    partial(Entry, group_mgt_port=4500),
    {**PLACE_KEYS, **ELB_SHARED_KEYS, **GROUP_MGT_PORT, **HOST_NAMES},
    notes={
        **_IN_CLUSTER,
        **dict.fromkeys(
            SHARED_KEYS.keys() - ELB_SHARED_KEYS.keys(),
            "leave it out: an ELB is only looked at, never configured",
        ),
    },
)
DATABASE = Record(
    Database,
    {
        "address": _required(Scalar(values.address), "address"),
        "port": _key(PORT, "port"),
        **HOST_NAMES,
    },
)
NGINX_KEYS = {
    "ssh": _required(SSH, "ssh"),
    "conf_dir": _key(Scalar(values.server_path), "conf_dir"),
    "http_port": _key(PORT, "http_port"),
    "https_port": _key(PORT, "https_port"),
    "stickiness": _key(Scalar(values.OneOf("none", "ip_hash", "cookie")), "stickiness"),
    "ssl_certificate": _key(Scalar(values.server_path), "ssl_certificate"),
    "ssl_certificate_key": _key(Scalar(values.server_path), "ssl_certificate_key"),
    "rotation_helper": _key(Scalar(values.flag), "rotation_helper"),
}
LOAD_BALANCER: Record[dict[str, Any]] = Record(
    dict, {**NGINX_KEYS, "ssh": _key(SSH, "ssh"), **COMMAND_KEYS}
)
NGINX = Record(LoadBalancer, NGINX_KEYS)
