"""hosts.yaml files for the lab: the whole cluster, and what one test wants different."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from lab import Lab

WORKERS = ("worker1", "worker2")
ADDED = ("load_balancer", "elb")
DOMAIN = "wso2.as.domain"
LIMITS = {"connect": 5, "command": 20, "start": 15, "join": 8, "stop": 5, "drain": 5}
"""Short, so that a failure that is only known by its time limit does not hold up the tests."""


class FromFile(str):
    """A value that stands in a file: `!file PATH`."""


class FromEnvironment(str):
    """A value that an environment variable holds: `!env NAME`."""


class ClusterFile:
    """Writes hosts.yaml files for one test.

    `cluster_file()` describes the lab with worker1 and worker2. Keywords change sections:
    `cluster`, `manager`, `database`, or a worker's name; `load_balancer` and `elb` add theirs.
    Mappings merge key by key, anything else replaces, and None takes a key away.

        cluster_file(cluster={"evidence": "strict"}, worker1={"Offset": 3})
        cluster_file(workers=["plain"], plain={"home": "/opt/other"})
    """

    def __init__(self, lab: Lab, folder: Path) -> None:
        self._lab = lab
        self._folder = folder
        self._written = 0

    def __call__(self, *, workers: tuple[str, ...] | list[str] = WORKERS, **changes: Any) -> Path:
        """Write a file of its own and return its path."""
        document = self._document(tuple(workers))
        for name, change in changes.items():
            section = document if name in (*document, *ADDED) else document["workers"]
            section[name] = merged(section.get(name, {}), change)
        self._written += 1
        return self.write(dumped(document))

    def write(self, text: str) -> Path:
        """Write a file of this very text."""
        path = self._folder / f"hosts-{self._written}.yaml"
        path.write_text(text)
        return path

    def worker(self, host: str) -> dict[str, Any]:
        """Return the entry of a worker on one of the lab's hosts."""
        own: dict[str, Any] = {
            "ssh": {"host": "127.0.0.1", "port": self._lab.hosts[host].ssh_port},
            "localMemberHost": self._lab.hosts[host].address,
        }
        if host == "worker2":
            own["run_as"] = "wso2"
        if host == "legacy":
            own["ssh"] |= {
                "legacy_ssh": True,
                "identity_file": str(self._lab.run_dir / "id_rsa"),
            }
        return own

    def _document(self, workers: tuple[str, ...]) -> dict[str, Any]:
        return {
            "cluster": self._cluster(),
            "manager": self.worker("manager") | {"hostnames": ["mgt.as.wso2.com"]},
            "database": {
                "address": self._lab.hosts["db"].address,
                "hostnames": ["carbondb.mysql-wso2.com"],
            },
            "workers": {name: self.worker(name) for name in workers},
        }

    def _cluster(self) -> dict[str, Any]:
        password = FromFile(self._lab.run_dir / "db_password")
        url = "jdbc:mariadb://carbondb.mysql-wso2.com:3306"
        return {
            "domain": DOMAIN,
            "limits": dict(LIMITS),
            "ssh": {
                "user": "deploy",
                "identity_file": str(self._lab.identity),
                "known_hosts": str(self._lab.known_hosts),
            },
            "home": "/opt/wso2/as",
            "java_home": "/opt/java",
            "HostName": "as.wso2.com",
            "MgtHostName": "mgt.as.wso2.com",
            "proxyPort": {"http": 80, "https": 443},
            "driver": {"jar": str(self._lab.driver), "class": "org.mariadb.jdbc.Driver"},
            "datasources": {
                "WSO2_REGISTRY_DB": {
                    "jndi": "jdbc/WSO2RegistryDB",
                    "url": f"{url}/REGISTRY_DB",
                    "username": "regadmin",
                    "password": password,
                    "properties": {"maxActive": 50, "validationQuery": "SELECT 1"},
                }
            },
        }


def merged(below: Any, above: Any) -> Any:
    """Return `below` with the changes of `above`."""
    if not (isinstance(below, Mapping) and isinstance(above, Mapping)):
        return above
    both = {name: merged(below.get(name), value) for name, value in above.items()}
    return {name: value for name, value in {**below, **both}.items() if value is not None}


class _Dumper(yaml.SafeDumper):
    pass


_Dumper.add_representer(
    FromFile, lambda dumper, path: dumper.represent_scalar("!file", str(path), style="'")
)


_Dumper.add_representer(
    FromEnvironment, lambda dumper, name: dumper.represent_scalar("!env", str(name))
)


def dumped(document: dict[str, Any]) -> str:
    return yaml.dump(document, Dumper=_Dumper, sort_keys=False, allow_unicode=True)
