"""The job that every tool does, and what it must leave behind.

On each host: the JDBC driver, four XML files, three lines in /etc/hosts, an empty deployment
directory; then the servers started one after another, each seen joining in the manager's log.
"""

from __future__ import annotations

import hashlib
import json
import shlex
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from benchmarks.site import JAVA_HOME, Host, Site
from carbon import inventory
from carbon.cluster import Cluster, Member, Node
from carbon.config import files as config_files
from carbon.home import layout
from carbon.value import replace
from lab.image import CONTEXT

DOMAIN = "wso2.as.domain"
DB_PASSWORD = "benchmark-3f9a61"
DB_NAME = "carbondb.mysql-wso2.com"
MANAGER_NAME = "mgt.as.wso2.com"
SVN_NAME, SVN_ADDRESS = "svn.example.com", "10.0.0.9"
LOG = str(layout.LOG)

OWN = ("local_member_host", "local_member_port", "offset")
"""The variables that each worker has its own values of."""

Mark = Callable[[str], str]


@dataclass(frozen=True, kw_only=True)
class Job:
    """The job on one site, with what each tool reads of it in `folder`."""

    site: Site
    folder: Path
    cluster: Cluster

    @property
    def inventory(self) -> Path:
        """This tool's hosts.yaml."""
        return self.folder / "hosts.yaml"

    @property
    def hosts_json(self) -> Path:
        """The same for the peers: a list of workers, and the manager."""
        return self.folder / "hosts.json"

    @property
    def jinja(self) -> Path:
        """The four files as Jinja2 templates."""
        return self.folder / "jinja"

    @property
    def tokens(self) -> Path:
        """The four files with @tokens@ for what differs between hosts, for sed and str.replace."""
        return self.folder / "tokens"

    def expected(self, host: Host) -> dict[str, str]:
        """Return the digests that the host's files must have, by path below its home."""
        node = self.cluster.node(host.name)
        assert node is not None
        files = {str(path): _patched(node, path) for path in _managed(node)}
        files[str(layout.LIB / self.site.driver.name)] = self.site.driver.read_bytes()
        return {path: hashlib.sha256(data).hexdigest() for path, data in files.items()}

    def hosts_lines(self) -> tuple[tuple[str, str], ...]:
        """Return the address and name of each line for /etc/hosts."""
        return (
            (self.site.database, DB_NAME),
            (self.site.manager.address, MANAGER_NAME),
            (SVN_ADDRESS, SVN_NAME),
        )


def prepare(site: Site) -> Job:
    """Write what the tools read: inventories, and templates of the patched files."""
    folder = site.run_dir / f"job-{len(site.workers)}"
    folder.mkdir(exist_ok=True)
    (folder / "db_password").write_text(DB_PASSWORD + "\n")
    (folder / "hosts.yaml").write_text(_hosts_yaml(site))
    job = Job(site=site, folder=folder, cluster=inventory.load(folder / "hosts.yaml"))
    job.hosts_json.write_text(json.dumps(_hosts_json(job), indent=1))
    constants = variables(site, site.workers[0])
    _write_templates(job, job.jinja, lambda name: f"{{{{ {name} }}}}")
    _write_templates(job, job.tokens, lambda name: f"@{name}@" if name in OWN else constants[name])
    (folder / "floor.conf").write_text(_floor_conf(job))
    (folder / "floor.hosts").write_text("".join(_floor_line(host) for host in site.workers))
    return job


def variables(site: Site, host: Host) -> dict[str, str]:
    """Return what the templates leave open."""
    return {
        "local_member_host": host.address,
        "local_member_port": str(host.local_member_port),
        "offset": str(host.offset),
        "manager_address": site.manager.address,
        "db_password": DB_PASSWORD,
    }


def _hosts_yaml(site: Site) -> str:
    return f"""\
cluster:
  domain: {DOMAIN}
  ssh:
    host: 127.0.0.1
    user: deploy
    identity_file: {site.identity}
    known_hosts: {site.known_hosts}
  home: /opt/wso2/as
  java_home: {JAVA_HOME}
  HostName: as.wso2.com
  proxyPort: {{http: 80, https: 443}}
  driver: {{jar: {site.driver}, class: org.mariadb.jdbc.Driver}}
  datasources:
    WSO2_REGISTRY_DB:
      jndi: jdbc/WSO2RegistryDB
      url: jdbc:mariadb://{DB_NAME}:3306/REGISTRY_DB
      username: regadmin
      password: !file db_password
  check_databases: false   # no other tool does it, and the hosts have no real JDK and no database
  hosts: {{{SVN_NAME}: {SVN_ADDRESS}}}
database: {{address: {site.database}, hostnames: [{DB_NAME}]}}
manager:
  ssh: {{port: {site.manager.ssh_port}}}
  localMemberHost: {site.manager.address}
  hostnames: [{MANAGER_NAME}]
workers:
{"".join(_worker_yaml(host) for host in site.workers)}"""


def _worker_yaml(host: Host) -> str:
    return f"""\
  {host.name}:
    ssh: {{port: {host.ssh_port}}}
    localMemberHost: {host.address}
    localMemberPort: {host.local_member_port}
    Offset: {host.offset}
    home: {host.home}
""" + (f"    server: {host.container}\n" if host.shares else "")


def _hosts_json(job: Job) -> Mapping[str, object]:
    site = job.site

    def described(host: Host) -> dict[str, object]:
        return {
            "name": host.name,
            "port": host.ssh_port,
            "home": host.home,
            "member": host.member,
            **variables(site, host),
        }

    return {
        "workers": [described(host) for host in site.workers],
        "manager": described(site.manager),
        "hosts_lines": [f"{address} {name}" for address, name in job.hosts_lines()],
        "driver": str(site.driver),
        "identity": str(site.identity),
        "known_hosts": str(site.known_hosts),
        "java_home": JAVA_HOME,
        "log": LOG,
    }


def _floor_conf(job: Job) -> str:
    site = job.site
    lines = "\n".join(f"{address} {name}" for address, name in job.hosts_lines())
    values = {
        "IDENTITY": str(site.identity),
        "KNOWN_HOSTS": str(site.known_hosts),
        "TEMPLATES": str(job.tokens),
        "DRIVER": str(site.driver),
        "JAVA_HOME": JAVA_HOME,
        "HOSTS_LINES": lines,
        "MANAGER_PORT": str(site.manager.ssh_port),
        "MANAGER_LOG": f"{site.manager.home}/{LOG}",
    }
    return "".join(f"{name}={shlex.quote(value)}\n" for name, value in values.items())


def _floor_line(host: Host) -> str:
    return f"{host.ssh_port} {host.home} {host.address} {host.local_member_port} {host.offset}\n"


def _write_templates(job: Job, folder: Path, mark: Mark) -> None:
    """Patch the stock files with numbers and names that occur nowhere else, and mark these."""
    local_member_port, offset = 64_901, 50_902
    node = replace(
        job.cluster.workers[0],
        local_member_host=mark("local_member_host"),
        local_member_port=local_member_port,
        offset=offset,
        members=(Member(host=mark("manager_address"), port=4000),),
    )
    for path in _managed(node):
        text = _patched(node, path).decode()
        for number, name in ((local_member_port, "local_member_port"), (offset, "offset")):
            text = text.replace(str(number), mark(name))
        text = text.replace(DB_PASSWORD, mark("db_password"))
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(text.encode())


def _managed(node: Node) -> tuple[PurePosixPath, ...]:
    return config_files.managed_files(node)


def _patched(node: Node, path: PurePosixPath) -> bytes:
    return config_files.patch(node, path, (CONTEXT / "pack" / path).read_bytes()).data
