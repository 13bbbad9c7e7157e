"""The hosts of the fault tests: a lab's manager and workers, each with an AS_HOME set apart.

Whatever else runs in the lab goes on: AS_HOME is below /opt/faults, the ports are others, and
/etc and /tmp are copies that go away at the end.
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from lab import Lab
from tests.faults.look import Look, parse
from tests.faults.points import AREAS, Fault
from tests.faults.shell import ContainerShell
from tests.lab.inventory import FromFile, dumped

FOLDER = "/var/lib/provision-faults"
HOME = "/opt/faults/as"
OFFSET = 20
OWNERS = {"manager": "deploy", "worker1": "deploy", "worker2": "wso2", "worker3": "nobody"}
BUSY_SECONDS = 8
JAVA_HOME = f"{FOLDER}/java"
CLIENT_KEYS = "repository/resources/security/client.jks"
LOG4J = "repository/conf/log4j.properties"
OLD_DROPIN = "repository/components/dropins/old_1.0.0.jar"
"""What furnish.sh gives a deployed worker, and what an artifact replaces or takes away."""
STANDIN = Path(__file__).parent / "standin"


class Site:
    """The hosts, a shell in each, and the inventories that describe them."""

    def __init__(self, lab: Lab, folder: Path) -> None:
        self.lab = lab
        self.folder = folder
        self._shells = {name: ContainerShell(lab.hosts[name].container) for name in OWNERS}

    def on(self, names: Sequence[str], script: str, *words: str) -> dict[str, str]:
        """Run a script on several hosts at once and return what each printed."""
        return self.each(script, dict.fromkeys(names, words))

    def each(self, script: str, words: Mapping[str, Sequence[str]]) -> dict[str, str]:
        """Run a script on several hosts at once, with words of their own."""
        for name in words:
            self._shells[name].begin(script, *words[name])
        ended = [(name, self._shells[name].end()) for name in words]
        for name, (status, answer) in ended:
            assert status == 0, f"{script} on {name}: status {status}: {answer.strip()}"
        return {name: answer for name, (_, answer) in ended}

    def look(self, names: Sequence[str]) -> dict[str, Look]:
        """Look at several hosts."""
        return {name: parse(name, answer) for name, answer in self.on(names, "look").items()}

    def busy(self, names: Sequence[str]) -> list[str]:
        """Wait until the tool is at work nowhere any more; return what does not end."""
        found = self.on(names, "busy", str(BUSY_SECONDS))
        return [
            f"{name}: still at work: {line}" for name in found for line in found[name].splitlines()
        ]

    def expect_held(self, fault: Fault) -> None:
        """Break the disk once the script has come to the step of the fault."""
        self._shells[fault.point.server].begin("break", fault.what, fault.point.area)

    def held(self, fault: Fault) -> bool:
        """Tell whether that step was reached, and mend the disk."""
        _, answer = self._shells[fault.point.server].end()
        for area in AREAS:
            self.on([fault.point.server], "break", "mend", area)
        return answer.strip() == "broken"

    def artifacts(self) -> list[dict[str, object]]:
        """Write the operator's files, and return what hosts.yaml says of them.

        One is new in a new folder, one is a template, one replaces a file, one goes away.
        """
        files = self.folder / "artifacts"
        files.mkdir(exist_ok=True)
        (files / "new.jar").write_bytes(b"PK\0new")
        (files / "client.jks").write_bytes(b"\xfe\xed new keys")
        (files / "log4j.in").write_text("node=${name}\n")
        (files / "tool.sh").write_text("#!/bin/sh\n")
        (files / "tool.sh").chmod(0o755)
        return [
            {"from": str(files / "new.jar"), "to": "repository/components/dropins/"},
            {"from": str(files / "client.jks"), "to": CLIENT_KEYS, "secret": True},
            {"from": str(files / "log4j.in"), "to": LOG4J, "template": True},
            {"from": str(files / "tool.sh"), "to": "bin/tools/more/tool.sh"},
            {"to": OLD_DROPIN, "absent": True},
        ]

    def inventory(self, name: str, **changes: object) -> Path:
        """Write a hosts.yaml; `changes` are values of the section `cluster`."""
        path = self.folder / f"{name}.yaml"
        path.write_text(dumped(self._document(changes)))
        return path

    def driver(self, version: str) -> Path:
        """Return the JDBC driver under the name of some version."""
        jar = self.folder / f"mariadb-java-client-{version}.jar"
        if not jar.exists():
            shutil.copy(self.lab.driver, jar)
        return jar

    def _document(self, changes: dict[str, object]) -> dict[str, object]:
        secret = FromFile(self.lab.run_dir / "db_password")
        return {
            "cluster": {
                "domain": "wso2.as.domain",
                "limits": {"connect": 4, "command": 8, "start": 3, "join": 3, "stop": 3},
                "ssh": {
                    "user": "deploy",
                    "identity_file": str(self.lab.identity),
                    "known_hosts": str(self.lab.known_hosts),
                },
                "home": HOME,
                "java_home": JAVA_HOME,
                "driver": {
                    "jar": str(self.driver(str(changes.pop("driver", "2.7.6")))),
                    "class": "org.mariadb.jdbc.Driver",
                },
                "HostName": "as.wso2.com",
                "MgtHostName": "mgt.as.wso2.com",
                "proxyPort": {"http": 80, "https": 443},
                "DeploymentSynchronizer": {
                    "Enabled": True,
                    "RepositoryType": "svn",
                    "SvnUrl": "https://svn.example.com/repos/as/",
                    "SvnUser": "wso2",
                    "SvnPassword": secret,
                    "SvnUrlAppendTenantId": True,
                },
                "datasources": {
                    "WSO2_REGISTRY_DB": {
                        "jndi": "jdbc/WSO2RegistryDB",
                        "url": "jdbc:mariadb://carbondb.mysql-wso2.com:3306/REGISTRY_DB",
                        "username": "regadmin",
                        "password": secret,
                    }
                },
                **changes,
            },
            "manager": self._node("manager") | {"hostnames": ["mgt.as.wso2.com"]},
            "database": {
                "address": self.lab.hosts["db"].address,
                "hostnames": ["carbondb.mysql-wso2.com"],
            },
            "workers": {
                "worker1": self._node("worker1"),
                "worker2": self._node("worker2") | {"run_as": "wso2"},
                "worker3": self._node("worker3"),
            },
        }

    def _node(self, name: str) -> dict[str, object]:
        host = self.lab.hosts[name]
        return {
            "ssh": {"host": "127.0.0.1", "port": host.ssh_port},
            "localMemberHost": host.address,
            "localMemberPort": 4000 + OFFSET,
            "Offset": OFFSET,
        }

    def close(self) -> None:
        """End the shells."""
        for shell in self._shells.values():
            shell.close()


@contextmanager
def site(lab: Lab, folder: Path) -> Iterator[Site]:
    """Set the hosts up, the manager running, and leave the lab as it was at the end."""
    made = Site(lab, folder)
    try:
        made.on(list(OWNERS), "teardown")  # of a run that was killed
        _provide_standin(made)
        made.each("setup", {name: [owner] for name, owner in OWNERS.items()})
        manager = lab.hosts["manager"].address
        made.on(["manager"], "manager", manager, str(4000 + OFFSET), str(OFFSET))
        made.on(["manager", "worker1", "worker2", "worker3"], "save", "stock")
        made.on(["manager"], "restore", "stock", "yes")
        yield made
    finally:
        made.on(list(OWNERS), "teardown")
        made.close()


def _provide_standin(made: Site) -> None:
    """Bring the stand-in to every host, as the java of a JAVA_HOME."""
    for name in OWNERS:
        made.lab.exec(name, "mkdir", "-p", FOLDER)
        target = f"{made.lab.hosts[name].container}:{JAVA_HOME}"
        subprocess.run(["docker", "cp", str(STANDIN), target], check=True, capture_output=True)
        made.lab.exec(name, "ln", "-s", "/usr/bin/perl", f"{JAVA_HOME}/lib/java")
