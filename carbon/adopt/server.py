"""What one server's files say, in the keys of hosts.yaml; what no key can say is listed."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import PurePosixPath

from carbon.cluster import Node
from carbon.config.axis2 import read_clustering
from carbon.config.carbon_xml import NAMESPACES, read_carbon
from carbon.config.catalina import connector
from carbon.config.datasources import read_datasources
from carbon.config.diff import mask_secrets
from carbon.config.edits import is_secured
from carbon.config.reading import flag, text
from carbon.errors import ConfigFileError
from carbon.home import layout
from carbon.home.facts import ServerFacts
from carbon.inventory import values
from carbon.inventory.keys import CARBON_KEYS, DATASOURCE_NAMES, NAMED_KEYS
from carbon.inventory.values import Unfit
from carbon.inventory.write import Reference, Tree
from carbon.secret import SECRET_NAME
from carbon.value import Value
from carbon.xmledit import Element, XmlDocument

ALSO = (layout.CATALINA, layout.DATASOURCES)
"""Files to read beside those that every node has."""
VARIABLES = r"JAVA_HOME|JAVA_OPTS|JVM_MEM_OPTS|CARBON_[A-Za-z0-9_]*"
"""Those of a process that hosts.yaml can give to a start, as an expression for grep -E."""
OF_SCRIPT = frozenset({"CARBON_HOME", "CARBON_CLASSPATH", "CARBON_XBOOTCLASSPATH"})
"""wso2server.sh works them out anew at each start."""
OF_PROCESS = ("java_home", "environment", "service")
"""Keys that only a running server shows."""
OF_NODE = frozenset(key.name for key in (*CARBON_KEYS, *NAMED_KEYS))
"""Keys that each node has for itself; servers may share any other."""
LOCAL_DATABASE = "jdbc:h2:"
"""Each server has its own embedded database: nothing to describe."""


class Described(Value, kw_only=True):
    """One server: the settings that nodes may share, those of its own, and what is left out."""

    name: str
    host: str
    port: int | None
    """How ssh reaches it."""
    hosts: bytes
    """Its /etc/hosts."""
    domain: str | None
    shared: Mapping[str, Tree]
    own: Mapping[str, Tree]
    notes: tuple[str, ...]
    unseen: frozenset[str] = frozenset()
    """Keys of `shared` of which nothing could be read: this server differs from none in them."""


def describe(node: Node, facts: ServerFacts, *, environment: Mapping[str, str] | None) -> Described:
    """Describe a server by its facts; `node` says how it was reached.

    `environment` has the variables of its process; None if they could not be read. If the node
    names a driver's class, the JAR that has it is named in a note.
    """
    return _Reader(node, facts, environment).described()


def driver_class(facts: ServerFacts) -> str | None:
    """Return the driver's class that its datasources name, if it is one alone."""
    file = facts.files.get(layout.DATASOURCES)
    try:
        sources = read_datasources(file.data) if file else ()
    except ConfigFileError:
        return None
    classes = {
        source.driver_class_name
        for source in sources
        if source.driver_class_name and not (source.url or "").startswith(LOCAL_DATABASE)
    }
    return classes.pop() if len(classes) == 1 else None


class _Reader:
    def __init__(
        self, node: Node, facts: ServerFacts, environment: Mapping[str, str] | None
    ) -> None:
        self._node = node
        self._facts = facts
        self._environment = environment
        self._keys: dict[str, Tree] = {}
        self._notes: list[str] = []
        self._unseen: set[str] = set()
        self._domain: str | None = None

    def described(self) -> Described:
        self._read_place()
        self._read_process()
        of_carbon = ("HostName", "MgtHostName", "DeploymentSynchronizer")
        self._read_file(layout.AXIS2, self._read_axis2)
        self._read_file(layout.CARBON_XML, self._read_carbon, keys=of_carbon)
        self._read_file(layout.CATALINA, self._read_catalina, keys=("proxyPort",))
        self._read_file(layout.DATASOURCES, self._read_datasources, keys=("datasources",))
        return Described(
            name=self._node.name,
            host=self._node.ssh.host,
            port=self._node.ssh.port,
            hosts=self._facts.hosts.data,
            domain=self._domain,
            shared={key: value for key, value in self._keys.items() if key not in OF_NODE},
            own={key: value for key, value in self._keys.items() if key in OF_NODE},
            notes=tuple(self._notes),
            unseen=frozenset(self._unseen),
        )

    def _read_place(self) -> None:
        self._keys["home"] = str(self._node.home)
        driver = self._node.driver
        for jar in self._facts.jars:
            if driver and jar.has_driver_class:
                self._notes.append(
                    f"{driver.driver_class} is in {layout.LIB / jar.name}: copy that JAR to this"
                    f" folder, and set `driver: {{jar: {jar.name}, class: {driver.driver_class}}}`"
                )
        carbon = self._facts.files.get(layout.CARBON_XML)
        owner = carbon.owner if carbon and carbon.owner not in (self._facts.user, "?") else None
        if run_as := self._node.run_as or owner:
            self._keys["run_as"] = run_as

    def _read_process(self) -> None:
        process = self._facts.process
        if process is None:
            self._unseen.update(OF_PROCESS)
            self._notes.append(
                f"it is down: its {', '.join(OF_PROCESS)} cannot be read, so that those of the"
                " other servers apply to it; a deploy starts it"
            )
            return
        self._read_environment()
        java = PurePosixPath(process.command.java)
        if java.is_absolute() and java.parent.name == "bin":
            self._keys["java_home"] = str(java.parent.parent)
        if process.unit:
            self._keys["service"] = {"systemd": process.unit.removesuffix(".service")}
        if process.command.port_offset is not None:
            self._notes.append("its script sets -DportOffset, which beats the Offset")

    def _read_environment(self) -> None:
        if self._environment is None:
            self._unseen.add("environment")
            self._notes.append(
                "the environment of its process cannot be read: name the account that owns it"
                " with --run-as"
            )
            return
        variables: dict[str, Tree] = {}
        for name, value in self._environment.items():
            setting = f"{name}={value}"
            if name in OF_SCRIPT:
                continue
            if name == "JAVA_HOME":
                check = values.server_path
                self._put("java_home", check, value, file=PurePosixPath("environ"))
            elif mask_secrets(setting.encode(), plain=True) != setting:
                self._notes.append(
                    f"{name} of its environment may hold a secret, so that it is not written here:"
                    " a start by this tool gives it only what the login's own environment has"
                )
            elif _fits(values.variable_name, name) and _fits(values.one_line, value):
                variables[name] = value
            else:
                self._notes.append(f"{name} of its environment has no key: it is not one line")
        if variables:
            self._keys["environment"] = variables

    def _read_file(
        self, path: PurePosixPath, read: Callable[[bytes], None], *, keys: Iterable[str] = ()
    ) -> None:
        """Read a file that servers may have the same `keys` from."""
        file = self._facts.files.get(path)
        try:
            if file is None:
                raise ConfigFileError("it is not there, or cannot be read", file=str(path))
            read(file.data)
        except ConfigFileError as error:
            self._notes.append(error.seen)
            self._unseen.update(keys)

    def _put(
        self, key: str, check: Callable[[str], object], value: str | None, *, file: PurePosixPath
    ) -> None:
        """Put a value that hosts.yaml takes under its key; list it otherwise."""
        if value is None:
            return
        try:
            check(value)
        except Unfit as unfit:
            self._notes.append(f"{file}: {key} {value!r} {unfit.problem}; {unfit.action}")
        else:
            self._keys[key] = value

    def _read_axis2(self, data: bytes) -> None:
        axis2 = read_clustering(data)
        if not axis2.enabled:
            self._notes.append("clustering is off in its axis2.xml: a deploy turns it on")
        if axis2.membership_scheme != "wka":
            self._notes.append(f"its membershipScheme is {axis2.membership_scheme}, not wka")
        self._domain = axis2.domain
        host, port, file = axis2.local_member_host, axis2.local_member_port, layout.AXIS2
        self._put("localMemberHost", values.member_address, host, file=file)
        if port is not None:
            self._keys["localMemberPort"] = port
        self._put("subDomain", values.word, axis2.sub_domain, file=file)
        members = [
            f"[{member.host}]:{member.port}"
            if ":" in member.host
            else f"{member.host}:{member.port}"
            for member in axis2.members
        ]
        if unfit := [member for member in members if not _fits(values.member, member)]:
            self._notes.append(f"{file}: members with names have no key: {', '.join(unfit)}")
        else:
            self._keys["members"] = members
        if self._node.role == "manager" and axis2.group_management_port is not None:
            self._keys["group_mgt_port"] = axis2.group_management_port

    def _read_carbon(self, data: bytes) -> None:
        carbon, file = read_carbon(data), layout.CARBON_XML
        self._keys["Offset"] = carbon.offset
        check = values.host_name_or_address
        self._put("HostName", check, carbon.host_name, file=file)
        self._put("MgtHostName", check, carbon.mgt_host_name, file=file)
        if carbon.deployment_synchronizer_enabled:
            self._read_synchronizer(data)

    def _read_synchronizer(self, data: bytes) -> None:
        document = XmlDocument.parse(data, file=str(layout.CARBON_XML))
        synchronizer = document.find("/c:Server/c:DeploymentSynchronizer", namespaces=NAMESPACES)
        assert synchronizer is not None
        names = ("RepositoryType", "SvnUrl", "SvnUser", "SvnUrlAppendTenantId")
        given = {name: text(document.child(synchronizer, name)) for name in names}
        url, user = given["SvnUrl"], given["SvnUser"]
        if not (url and user and _fits(values.url, url)):
            self._notes.append(
                f"{layout.CARBON_XML}: DeploymentSynchronizer lacks SvnUrl or SvnUser"
            )
            return
        self._keys["DeploymentSynchronizer"] = {
            "Enabled": True,
            "RepositoryType": given["RepositoryType"] or "svn",
            "SvnUrl": url,
            "SvnUser": user,
            "SvnPassword": Reference("env", "SVN_PASSWORD"),
            "SvnUrlAppendTenantId": flag(given["SvnUrlAppendTenantId"] or "true"),
        }

    def _read_catalina(self, data: bytes) -> None:
        document = XmlDocument.parse(data, file=str(layout.CATALINA))
        http, https = (connector(document, https=https).get("proxyPort") for https in (False, True))
        if http and https and _fits(values.port, http) and _fits(values.port, https):
            self._keys["proxyPort"] = {"http": int(http), "https": int(https)}
        elif http or https:
            self._notes.append(f"{layout.CATALINA}: proxyPort of one Connector alone has no key")

    def _read_datasources(self, data: bytes) -> None:
        document = XmlDocument.parse(data, file=str(layout.DATASOURCES))
        path = "/datasources-configuration/datasources/datasource"
        sources = {}
        for element in document.findall(path):
            name = text(document.child(element, "name")) or ""
            source = self._datasource(name, element, document)
            if source is not None:
                sources[name] = source
        if sources:
            self._keys["datasources"] = sources

    def _datasource(self, name: str, element: Element, document: XmlDocument) -> Tree | None:
        configuration = document.find("definition/configuration", within=element)
        children = [] if configuration is None else list(configuration.iterchildren("*"))
        given = {str(child.tag): text(child) for child in children}
        url = given.get("url")
        if url and url.startswith(LOCAL_DATABASE):
            return None
        driver = given.get("driverClassName")
        if not (_fits(values.datasource_name, name) and url and _fits(values.url, url) and driver):
            self._notes.append(
                f"datasource {name!r} has no key: it needs a plain name, a url without a password"
                " and a driverClassName"
            )
            return None
        jndi = text(document.find("jndiConfig/name", within=element))
        source: dict[str, Tree] = {**({"jndi": jndi} if jndi else {}), "url": url}
        if username := given.get("username"):
            source["username"] = username
        source["driverClassName"] = driver
        properties: dict[str, Tree] = {}
        for child in children:
            tag, value = str(child.tag), text(child)
            if value is None or is_secured(child) or len(child):
                continue
            if re.search(f"(?i){SECRET_NAME}$", tag):
                into = source if tag == "password" else properties
                variable = re.sub(r"[^A-Z0-9]+|^(?=[0-9])", "_", f"{name}_{tag}".upper())
                into[tag] = Reference("env", variable)
            elif tag not in DATASOURCE_NAMES and _fits(values.property_name, tag):
                properties[tag] = value
        return {**source, **({"properties": properties} if properties else {})}


def secret_names(tree: Tree) -> Iterable[str]:
    """Return the environment variables that a tree names."""
    if isinstance(tree, Reference):
        yield tree.argument
    elif isinstance(tree, Mapping):
        for value in tree.values():
            yield from secret_names(value)


def _fits(check: Callable[[str], object], value: str) -> bool:
    try:
        check(value)
    except Unfit:
        return False
    return True
