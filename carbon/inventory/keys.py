"""Every key of hosts.yaml: where it may stand, how it is read, and what it means.

This is the table that the reader, the JSON Schema and the reference page go by. A key is one
entry: its name in the words of the product's own files, the kind of its value, its meaning, and
the field that it fills if that has another name.
"""

from __future__ import annotations

from typing import Any

from carbon.cluster import (
    Artifact,
    BalancerCommands,
    Cluster,
    Database,
    Datasource,
    DeploymentSynchronizer,
    Driver,
    FileEdit,
    Health,
    Hooks,
    Limits,
    LoadBalancer,
    LocalCommand,
    Node,
    Pack,
    ProxyPorts,
    Service,
    Ssh,
)
from carbon.inventory import rules, values
from carbon.inventory.kinds import (
    FLAG,
    LINE,
    LOCAL_PATH,
    OFFSET,
    PORT,
    SECONDS,
    SECRET,
    Key,
    Listed,
    Named,
    NamedRecords,
    Record,
    Required,
    number,
    one_of,
    scalar,
    text_or_secret,
)
from carbon.inventory.nodes import YamlNode
from carbon.secret import Secret

# fmt: off
URL = scalar(values.url, echo=False)
XML_TEXT = text_or_secret(values.xml_text)
NAMES = Listed(values.mapped_name)
VARIABLES = Named(values.variable_name, values.one_line)
TEMPLATE_VALUES = Named(values.template_name, text_or_secret(values.one_line))
ADDRESSES = Named(values.mapped_name, values.address)
FRAGMENT = scalar(values.fragment, echo=False)

SSH = Record(
    Ssh,
    Required("host", values.ssh_host, "What you would type after `ssh`; without it, localMemberHost."),
    Key("port", PORT, "The port of sshd."),
    Key("user", values.account, "The account that logs in."),
    Key("identity_file", Listed(LOCAL_PATH), "A private key, or a list of them.", "identity_files"),
    Key("known_hosts", Listed(LOCAL_PATH), "Files of host keys, read beside your own."),
    Key("gateway", values.gateway, "A bastion as user@host:port, if ~/.ssh/config names no ProxyJump."),
    Key("legacy_ssh", FLAG, "Accept what OpenSSH 5.3 needs, and nothing newer does."),
    rule=rules.ssh,
)
COMMAND = Record(
    LocalCommand,
    Required("run", scalar(values.command, echo=False), "The command, for `sh -c`.", "text"),
    Key("within", SECONDS, "How long it may take, in seconds.", "within_seconds"),
    rule=lambda command: {"allowed": command.source.commands},
    short="run",
)
HOOKS = Record(
    Hooks,
    Key("before_rollout", COMMAND, "Before anything is staged; only under `cluster`."),
    Key("before_stop", COMMAND, "Before a server that runs is taken out of rotation and stopped."),
    Key("after_join", COMMAND, "When it has joined, before it goes back into rotation."),
    Key("after_rollout", COMMAND, "When all servers are done; only under `cluster`."),
    Key("on_failure", COMMAND, "After the first failure of a rollout that has begun."),
)
HEALTH = Record(
    Health,
    Key("path", values.http_path, "The path that is asked for."),
    Key("status", number(100, 599), "The one status that counts (default: any below 500)."),
    Key("within", SECONDS, "For that answer, in seconds (default: `limits: join`).", "within_seconds"),
)
SERVICE = Record(
    Service,
    Required("systemd", values.unit, "The unit of systemd: deploy installs it, or uses the one that is there.", "unit"),
)
PROXY_PORTS = Record(
    ProxyPorts, Key("http", PORT, "The port for HTTP."), Key("https", PORT, "The port for HTTPS.")
)
PACK = Record(
    Pack,
    Required("file", LOCAL_PATH, "The file."),
    Key("sha256", values.sha256, "Its checksum."),
    short="file",
)
DRIVER = Record(
    Driver,
    Required("jar", LOCAL_PATH, "The JAR on your machine."),
    Required("class", values.java_class, "The driver's class, for datasources that name none.", "driver_class"),
)
DATASOURCE_KEYS = (
    Key("jndi", values.word, "Its JNDI name; needed if the datasource is added.", "jndi_name"),
    Key("description", values.xml_text, "Its description."),
    Required("url", URL, "Its JDBC URL, without a password."),
    Key("username", values.xml_text, "The user of the database."),
    Key("password", SECRET, "The password, as !env, !file or !command."),
    Required("driverClassName", values.java_class, "Its driver's class; without it, that of `driver`."),
)
DATASOURCE_NAMES = frozenset(key.name for key in DATASOURCE_KEYS)
"""No property of a datasource has one of these names."""


class Properties(Named["str | Secret"]):
    """Further elements of a datasource; what is named a password must be a secret."""

    def _value(self, name: str, node: YamlNode) -> str | Secret:
        """Return the text of an element, or the secret."""
        if name in DATASOURCE_NAMES:
            raise node.error("has a key of its own", action=f"move `{name}:` out of `properties:`")
        return SECRET(node) if "password" in name.lower() else super()._value(name, node)


DATASOURCE = Record(
    Datasource,
    *DATASOURCE_KEYS,
    Key("properties", Properties(values.property_name, XML_TEXT), "More elements of its <configuration>, such as maxActive."),
)
DATASOURCES = NamedRecords(values.datasource_name, DATASOURCE)
DEPLOYMENT_SYNCHRONIZER = Record(
    DeploymentSynchronizer,
    Required("Enabled", FLAG, "Whether artifacts are shared."),
    Key("RepositoryType", values.word, "Its kind."),
    Required("SvnUrl", URL, "The URL of the repository."),
    Required("SvnUser", values.xml_text, "The user of the repository."),
    Required("SvnPassword", SECRET, "The password, as !env, !file or !command."),
    Key("SvnUrlAppendTenantId", FLAG, "Add the tenant's number."),
    notes={
        "AutoCommit": "leave it out: the manager commits, workers never do",
        "AutoCheckout": "leave it out: it is always on",
    },
)
FILE_EDIT = Record(
    FileEdit,
    Required("file", values.conf_file, "The file, relative to repository/conf."),
    Required("xpath", LINE, "The element to edit."),
    Key("namespaces", Named(values.prefix, LINE), "The prefixes that the xpath uses."),
    Key("value", XML_TEXT, "The text to set."),
    Key("attribute", values.attribute_name, "Set this attribute in place of the element's text."),
    Key("fragment", FRAGMENT, "XML to insert once, as the last child of the element."),
    rule=rules.file_edit,
)
ARTIFACT = Record(
    Artifact,
    Key("from", LOCAL_PATH, "The file or folder on your machine.", "source"),
    Required("to", values.artifact_target, "Where it goes, relative to AS_HOME; with / at its end, into that folder."),
    Key("absent", FLAG, "The file of `to` goes away.", None),
    Key("template", FLAG, "Its text has names of the node in it, as ${localMemberHost}."),
    Key("values", TEMPLATE_VALUES, "More names for the template; a secret as !env, !file or !command."),
    Key("restart", FLAG, "A change restarts it (default: not in repository/deployment/server)."),
    Key("secret", FLAG, "It is never shown, and of mode 640 at most."),
    Key("mode", values.file_mode, "Its mode (default: that of the file on the server, else 644 or 755)."),
    rule=rules.artifact,
)
LIMITS = Record(
    Limits,
    *(
        Key(name, SECONDS, meaning, f"{name}_seconds")
        for name, meaning in {
            "connect": "To reach a server over SSH.",
            "command": "For a command on a server.",
            "start": "For a server to start.",
            "join": "For a server to join the cluster.",
            "stop": "For a server to stop before it is killed.",
            "drain": "For the requests in flight to end.",
            "boot": "For a server to answer again after `boot --reboot`.",
        }.items()
    ),
    Key("upload", number(1, 100_000), "The least kB/s of an upload, over each `command` seconds.", "upload_kb"),
)

CLUSTER_KEYS = (
    Required("domain", values.word, "The domain in axis2.xml: members of other domains do not see it."),
    Key("limits", LIMITS, "The longest that each wait may take, in seconds."),
    Key("evidence", one_of("any", "strict"), "What counts as joined; `strict`: over Tribes GetConfigurationCommand alone."),
    Key("join_patterns", Listed(values.join_pattern), "More lines of the manager's log that mean a join: groups `host`, `port`."),
    Key("keep_generations", number(1, 100), "How many deploys back `rollback` can go."),
)
"""Keys of `cluster:` that are the cluster's own."""

SSH_KEY = Required("ssh", SSH, "How the server is entered, over what ~/.ssh/config says.")
REACHED_KEYS = (
    SSH_KEY,
    Required("home", values.home, "AS_HOME, the product's directory on the server."),
    Key("java_home", values.server_path, "The JDK of the server; without it, what the login finds."),
    Key("run_as", values.account, "The account that owns AS_HOME and runs the server, if it is not the SSH user."),
    Key("hosts", ADDRESSES, "More names for the server's /etc/hosts, each with its address."),
)
"""Keys of `cluster:` and of each Carbon node: how a server is reached, and where AS_HOME is."""
CONFIGURED_KEYS = (
    Key("environment", VARIABLES, "Variables for wso2server.sh; never secrets. Kernel 4.2.0 ignores JVM_MEM_OPTS."),
    Key("keystore_password", SECRET, "For secure vault: written for each start, gone after it."),
    Key("service", SERVICE, "Who starts the server at boot and keeps it up; without it, only this tool does."),
    Key("health", HEALTH, "What a worker answers over HTTP before requests reach it again."),
    Key("hooks", HOOKS, "Commands on your machine at points of a rollout: a text, or `run` and `within`."),
    Key("HostName", values.host_name_or_address, "carbon.xml: the name of the cluster for clients."),
    Key("MgtHostName", values.host_name_or_address, "carbon.xml: the name of the manager's console."),
    Key("proxyPort", PROXY_PORTS, "catalina-server.xml: the load balancer's ports, for redirects.", "proxy_ports"),
    Key("agent", values.java_class, "The clustering class of axis2.xml; without it the pack's own is kept."),
    Key("pack", PACK, "The product's zip or tar.gz on your machine, for servers without an AS_HOME."),
    Key("driver", DRIVER, "The JDBC driver for repository/components/lib."),
    Key("datasources", DATASOURCES, "Datasources of master-datasources.xml by name: edited if there, else added."),
    Key("check_databases", FLAG, "Try each datasource before a server is touched (default true)."),
    Key("tighten", FLAG, "Take the rights of others from files with passwords or keys: 640 (default false)."),
    Key("DeploymentSynchronizer", DEPLOYMENT_SYNCHRONIZER, "carbon.xml: artifacts shared through Subversion."),
    Key("files", Listed(FILE_EDIT), "Edits of other XML files below repository/conf; lists of both levels add up."),
    Key("artifacts", Listed(ARTIFACT), "Files and folders to bring below AS_HOME; lists of both levels add up."),
)
"""Keys of both that say what a server is to be, which an ELB is not asked."""
SHARED_KEYS = (*REACHED_KEYS, *CONFIGURED_KEYS)
"""Keys of `cluster:` that every Carbon node inherits and may override; an ELB, REACHED_KEYS."""

PLACE_KEYS = (
    Key("server", values.node_name, "A name for the server; nodes that share a server name it alike."),
    Required("localMemberHost", values.member_address, "The server's own IP address in the cluster's network."),
    Key("localMemberPort", PORT, "Its port for the cluster (default 4000, 4001, ... on one server)."),
    Key("Offset", OFFSET, "What all its ports are moved by (default 0, 1, ... on one server)."),
)
"""Keys of a node alone, which say where it is in its cluster."""
CARBON_KEYS = (
    *PLACE_KEYS,
    Key("subDomain", values.word, "Its subdomain (default mgt for the manager, worker for workers)."),
    Key("members", Listed(values.member), "Its well-known members as ADDRESS:PORT (default: manager; first two workers)."),
)
NAMED_KEYS = (
    Key("group_mgt_port", PORT, "The port of group management; by default none, for an ELB 4500."),
    Key("hostnames", NAMES, "Its names in every server's /etc/hosts (default for a manager: MgtHostName).", "host_names"),
)
"""Keys of the manager and the ELB alone."""

NGINX_KEYS = (
    SSH_KEY,
    Key("conf_dir", values.server_path, "Where nginx reads its vhosts."),
    Key("http_port", PORT, "The port for HTTP."),
    Key("https_port", PORT, "The port for HTTPS."),
    Key("stickiness", one_of("none", "ip_hash", "cookie"), "How a session stays with its worker."),
    Key("ssl_certificate", values.server_path, "The certificate on that server; with its key, or neither."),
    Key("ssl_certificate_key", values.server_path, "The key on that server."),
    Key("rotation_helper", FLAG, "root has run what `fab -H lb sudoers --helper` prints: the login may turn workers, no more."),
)
COMMAND_KEYS = (
    Required("take_out", COMMAND, "Command on your machine that takes a worker out; in place of the keys of nginx."),
    Required("put_back", COMMAND, "Command that puts it back."),
    Key("state", COMMAND, "Command that prints `in` or `out`, for proof; anything else means: not yet out."),
)

_IN_CLUSTER = dict.fromkeys(
    (key.name for key in CLUSTER_KEYS), "put it under `cluster:`: all nodes share it"
)
_IN_NODE = dict.fromkeys(
    (key.name for key in CARBON_KEYS), "put it under the manager or a worker, each has its own"
)
_NOT_OF_ELB = dict.fromkeys(
    (key.name for key in CONFIGURED_KEYS),
    "leave it out: an ELB is only looked at, never configured",
)

CLUSTER = Record(Cluster, *CLUSTER_KEYS, *SHARED_KEYS, notes=_IN_NODE)
SETTINGS: Record[dict[str, Any]] = Record(dict, *CLUSTER_KEYS)
MANAGER = Record(Node, *CARBON_KEYS, *SHARED_KEYS, *NAMED_KEYS, notes=_IN_CLUSTER)
WORKER = Record(Node, *CARBON_KEYS, *SHARED_KEYS, notes=_IN_CLUSTER)
ELB = Record(Node, *PLACE_KEYS, *REACHED_KEYS, *NAMED_KEYS, notes=_IN_CLUSTER | _NOT_OF_ELB)
DATABASE = Record(
    Database,
    Required("address", values.address, "The IP address of the database."),
    Key("port", PORT, "Its port."),
    Key("hostnames", NAMES, "Its names in every server's /etc/hosts.", "host_names"),
)
NGINX = Record(LoadBalancer, *NGINX_KEYS, rule=rules.nginx)
BALANCER_COMMANDS = Record(BalancerCommands, *COMMAND_KEYS)
LOAD_BALANCER = Record(LoadBalancer, *NGINX_KEYS, *(Key(key.name, key.kind, key.meaning) for key in COMMAND_KEYS))
"""Both, for the check of what is there."""

HOSTS_YAML: Record[dict[str, Any]] = Record(
    dict,
    Required("cluster", CLUSTER, "The cluster as a whole, and the settings that all nodes share."),
    Required("manager", MANAGER, "The manager; any shared key may stand here, too, and wins."),
    Key("elb", ELB, "The retired WSO2 ELB, if the cluster still has one; it is only read."),
    Key("database", DATABASE, "Where the central database listens, and its names in /etc/hosts."),
    Key("load_balancer", LOAD_BALANCER, "An nginx before the workers, or commands of any other load balancer."),
    Key("workers", NamedRecords(values.node_name, WORKER), "The workers by name, in the order in which they are deployed."),
)
