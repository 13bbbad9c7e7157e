"""The cluster as hosts.yaml describes it: every value resolved, nothing left to derive.

Field names follow the files of the product (localMemberPort → local_member_port, Offset →
offset). `carbon.inventory` builds these values; everything else only reads them.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Literal

from carbon.secret import Secret
from carbon.value import Value, field

FIRST_LOCAL_MEMBER_PORT = 4000
"""The product counts up from here if a port is taken."""

Role = Literal["manager", "worker", "elb"]
Evidence = Literal["any", "strict"]
Stickiness = Literal["none", "ip_hash", "cookie"]


class Ssh(Value, kw_only=True):
    """How to reach one server: what hosts.yaml adds to the user's own ssh configuration.

    `host` is what the user would type after `ssh`: an alias of ~/.ssh/config works.
    """

    host: str
    port: int | None = None
    user: str | None = None
    identity_files: tuple[Path, ...] = ()
    known_hosts: tuple[Path, ...] = ()
    """Looked at beside the user's own known_hosts."""
    gateway: str | None = None
    """`user@host:port` of a bastion, if ~/.ssh/config does not name one."""
    legacy_ssh: bool = False
    """Offer SHA-1 key exchange and ssh-rsa, for OpenSSH 5.3 servers only."""
    inventory: str | None = None
    identity_line: int | None = None
    known_hosts_line: int | None = None


class Limits(Value, kw_only=True):
    """The longest that each kind of wait may take, in seconds."""

    connect_seconds: float = 15.0
    command_seconds: float = 60.0
    start_seconds: float = 300.0
    join_seconds: float = 120.0
    stop_seconds: float = 90.0
    """Patience before SIGKILL; the product itself waits up to 60 s for requests in flight."""
    drain_seconds: float = 60.0
    boot_seconds: float = 600.0
    """A server of the time checks its memory and its disks."""
    upload_kb: int = 10
    """The least kB that a server takes of an upload in a second, over each `command_seconds`."""


class Pack(Value, kw_only=True):
    """The product's pack, from which an AS_HOME is installed."""

    file: Path
    """A zip or a tar.gz on the operator's machine."""
    sha256: str | None = None


class Driver(Value, kw_only=True):
    """The JDBC driver to have in repository/components/lib."""

    jar: Path
    """On the operator's machine."""
    driver_class: str


class Datasource(Value, kw_only=True):
    """One datasource of master-datasources.xml: edited if it is there, added if not."""

    name: str
    url: str
    driver_class_name: str
    username: str | None = None
    password: Secret | None = None
    jndi_name: str | None = None
    """Wanted when the datasource has to be added."""
    description: str | None = None
    properties: Mapping[str, str | Secret] = field(default_factory=dict)
    """Further elements of its <configuration>, such as maxActive or validationQuery."""


class DeploymentSynchronizer(Value, kw_only=True):
    """The deployment synchronizer of carbon.xml; AutoCommit follows from the node's role."""

    enabled: bool
    svn_url: str
    svn_user: str
    svn_password: Secret
    repository_type: str = "svn"
    svn_url_append_tenant_id: bool = True


class FileEdit(Value, kw_only=True):
    """One edit of any other XML file under repository/conf.

    Exactly one of three forms: `value` alone sets the text of the element at `xpath`;
    `attribute` and `value` set an attribute of it; `fragment` is XML that is inserted once,
    as the last child of the element at `xpath`.
    """

    file: PurePosixPath
    """Relative to repository/conf."""
    xpath: str
    namespaces: Mapping[str, str] = field(default_factory=dict)
    value: str | Secret | None = None
    attribute: str | None = None
    fragment: str | None = None
    inventory: str = "hosts.yaml"
    """The file that this stands in, and its line, for errors."""
    line: int | None = None


class Artifact(Value, kw_only=True):
    """A local file or folder and where it goes below AS_HOME, or a file that goes away."""

    to: PurePosixPath
    """Relative to AS_HOME."""
    source: Path | None = None
    """On the operator's machine; None for a file that goes away."""
    into: bool = False
    """`to` is the folder in which a file keeps its name."""
    template: bool = False
    values: Mapping[str, str | Secret] = field(default_factory=dict)
    """Further names that a template may use."""
    restart: bool | None = None
    """A change wants a restart; None: its place tells."""
    secret: bool = False
    mode: int | None = None
    """None: that of the file on the server; for a new file, its local one tells."""
    inventory: str = "hosts.yaml"
    """The file that this stands in, and its line, for errors."""
    line: int | None = None


class Member(Value, kw_only=True):
    """A well-known member: where a node announces itself."""

    host: str
    port: int


class HostsEntry(Value, kw_only=True):
    """One line for /etc/hosts."""

    address: str
    names: tuple[str, ...]


class ProxyPorts(Value, kw_only=True):
    """The ports of the load balancer that redirects must name."""

    http: int = 80
    https: int = 443


class Database(Value, kw_only=True):
    """Where the central database listens."""

    address: str
    port: int = 3306
    host_names: tuple[str, ...] = ()


class Service(Value, kw_only=True):
    """Who starts a server at boot and keeps it up; without one, only this tool starts it."""

    unit: str
    """The unit of systemd, such as wso2as.service."""


class Health(Value, kw_only=True):
    """What a worker has to answer over HTTP before requests reach it."""

    path: str = "/"
    status: int | None = None
    """The one status that counts; None: any below 500."""
    within_seconds: float | None = None
    """None: as long as a join may take."""


class LocalCommand(Value, kw_only=True):
    """A command of hosts.yaml that runs on the operator's machine."""

    text: str
    """For `sh -c`, in the folder of hosts.yaml."""
    within_seconds: float = 60.0
    allowed: bool = True
    """False: `--no-commands` was given."""


class Hooks(Value, kw_only=True):
    """Commands of the operator at named points of a rollout."""

    before_rollout: LocalCommand | None = None
    before_stop: LocalCommand | None = None
    after_join: LocalCommand | None = None
    after_rollout: LocalCommand | None = None
    on_failure: LocalCommand | None = None

    @property
    def by_point(self) -> dict[str, LocalCommand]:
        """Those that there are, by the point at which they run."""
        points = ((name, getattr(self, name)) for name in self.__struct_fields__)
        return {point: command for point, command in points if command}


class Node(Value, kw_only=True):
    """One Carbon server: the manager, a worker, or an ELB."""

    name: str
    role: Role
    ssh: Ssh
    server: str
    """Nodes with the same text share one machine; by default the node's own name."""
    home: PurePosixPath
    """AS_HOME."""
    java_home: PurePosixPath | None = None
    """None: whatever the server's own login environment says."""
    run_as: str | None = None
    """The account that owns AS_HOME, if it is not the login's."""
    domain: str
    sub_domain: str
    local_member_host: str
    local_member_port: int = 4000
    offset: int = 0
    members: tuple[Member, ...] = ()
    agent: str | None = None
    """The clustering class to set; None keeps the pack's own."""
    host_name: str | None = None
    mgt_host_name: str | None = None
    proxy_ports: ProxyPorts | None = None
    group_mgt_port: int | None = None
    """Where a manager or ELB manages an application cluster."""
    host_names: tuple[str, ...] | None = None
    """The names of the manager and the ELB in every server's /etc/hosts, if hosts.yaml has any."""
    hosts: Mapping[str, str] = field(default_factory=dict)
    """More names for the server's own /etc/hosts, with their addresses."""
    hosts_entries: tuple[HostsEntry, ...] = ()
    """All that /etc/hosts needs, from both and from the database."""
    pack: Pack | None = None
    driver: Driver | None = None
    datasources: tuple[Datasource, ...] = ()
    check_databases: bool = True
    """Try each datasource from the server before it is touched."""
    tighten: bool = False
    """Take the rights of others from the files that hold secrets."""
    deployment_synchronizer: DeploymentSynchronizer | None = None
    files: tuple[FileEdit, ...] = ()
    artifacts: tuple[Artifact, ...] = ()
    keystore_password: Secret | None = None
    environment: Mapping[str, str] = field(default_factory=dict)
    """Passed to wso2server.sh, such as JVM_MEM_OPTS; never secrets."""
    service: Service | None = None
    health: Health | None = None
    hooks: Hooks = Hooks()

    def lists(self, other: Node) -> bool:
        """Tell whether another node is one of its members."""
        return Member(host=other.local_member_host, port=other.local_member_port) in self.members

    @property
    def file_secrets(self) -> tuple[Secret, ...]:
        """The secrets that hosts.yaml puts into this node's files."""
        values: list[object] = [datasource.password for datasource in self.datasources]
        values += [value for each in self.datasources for value in each.properties.values()]
        values += [edit.value for edit in self.files]
        values += [value for each in self.artifacts for value in each.values.values()]
        if self.deployment_synchronizer:
            values.append(self.deployment_synchronizer.svn_password)
        return tuple(value for value in values if isinstance(value, Secret))

    @property
    def http_port(self) -> int:
        """The Tomcat HTTP port truly listened on."""
        return 9763 + self.offset

    @property
    def https_port(self) -> int:
        """The Tomcat HTTPS port truly listened on."""
        return 9443 + self.offset


class LoadBalancer(Value, kw_only=True):
    """An nginx in front of the workers."""

    name: str
    ssh: Ssh
    conf_dir: PurePosixPath = PurePosixPath("/etc/nginx/conf.d")
    http_port: int = 80
    https_port: int = 443
    stickiness: Stickiness = "none"
    ssl_certificate: PurePosixPath | None = None
    ssl_certificate_key: PurePosixPath | None = None
    rotation_helper: bool = False
    """root has installed what turns workers, and the login may do nothing else there."""


class BalancerCommands(Value, kw_only=True):
    """Any other load balancer: what takes a worker out, and puts it back."""

    take_out: LocalCommand
    put_back: LocalCommand
    state: LocalCommand | None = None
    """Prints `in` or `out`; without it the tool cannot see where a worker is."""


class Cluster(Value, kw_only=True):
    """Everything that one hosts.yaml says."""

    file: Path
    digest: str
    """sha256 of hosts.yaml, for the audit line and the history."""
    domain: str
    manager: Node
    workers: tuple[Node, ...]
    elb: Node | None = None
    load_balancer: LoadBalancer | None = None
    balancer_commands: BalancerCommands | None = None
    """In place of `load_balancer`."""
    hooks: Hooks = Hooks()
    """Those of the rollout as a whole; each node has its own, inherited or not."""
    database: Database | None = None
    limits: Limits = Limits()
    evidence: Evidence = "any"
    join_patterns: tuple[str, ...] = ()
    """Further regular expressions with groups `host` and `port`, tried on the manager's log."""
    keep_generations: int = 5

    @property
    def nodes(self) -> tuple[Node, ...]:
        """The manager, the ELB if there is one, then the workers in the file's order."""
        elb = (self.elb,) if self.elb else ()
        return (self.manager, *elb, *self.workers)

    @property
    def hosts(self) -> tuple[Node | LoadBalancer, ...]:
        """All that is entered over SSH: the nodes, then the load balancer if it is an nginx."""
        return (*self.nodes, *((self.load_balancer,) if self.load_balancer else ()))

    @property
    def group_manager(self) -> Node | None:
        """The ELB, where the workers announce themselves to it."""
        return self.elb if self.elb and self.elb.group_mgt_port else None

    @property
    def watchers(self) -> tuple[Node, ...]:
        """The nodes whose logs tell who joined."""
        return (self.manager, *((self.group_manager,) if self.group_manager else ()))

    def node(self, name: str) -> Node | None:
        """Return the Carbon node of that name, if there is one."""
        return next((node for node in self.nodes if node.name == name), None)
