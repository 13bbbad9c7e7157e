"""What looks at servers find, for tests: a server that is well, but for what a test says."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import PurePosixPath
from typing import Any

from carbon.home import layout
from carbon.home.driver import JarFacts
from carbon.home.facts import Listener, LogFacts, RemoteFile, RunningServer, ServerFacts
from carbon.home.process import CarbonProcess

NOW = datetime(2026, 11, 22, 12, 0, 0, tzinfo=UTC).timestamp()
"""By the clocks of all servers, unless a test says otherwise."""

HAZELCAST = "org.wso2.carbon.core.clustering.hazelcast"
AGENT = f"{HAZELCAST}.HazelcastClusteringAgent"
SCHEME = f"{HAZELCAST}.wka.WKABasedMembershipScheme"
UUID = "01e8b57f-49f2-4027-a1cc-d8c3bada2c09"


def log_line(message: str, *, ago: float = 0, logger: str = AGENT, level: str = "INFO") -> str:
    """Return a line of wso2carbon.log, written so many seconds ago by a clock in UTC."""
    at = datetime.fromtimestamp(NOW - ago, UTC)
    time = f"{at:%Y-%m-%d %H:%M:%S},{at.microsecond // 1000:03}"
    return f"TID: [-1234] [] [{time}] {level:>5} {{{logger}}} -  {message} "


def joined_line(host: str = "10.0.0.4", port: int = 4000, *, ago: float) -> str:
    return log_line(f"Member joined [{UUID}]: /{host}:{port}", ago=ago, logger=SCHEME)


def left_line(host: str = "10.0.0.4", port: int = 4000, *, ago: float) -> str:
    return log_line(f"Member left [{UUID}]: /{host}:{port}", ago=ago, logger=SCHEME)


def own_lines(
    *, domain: str = "wso2.as.domain", host: str = "10.0.0.4", port: int = 4000, ago: float = 100
) -> tuple[str, ...]:
    """Return what a node's own log says of a start that went well."""
    member = (
        f"Host:{host}, Remote Host:null, Port: {port}, HTTP:9763, HTTPS:9443, Domain: {domain},"
        " Sub-domain:worker, Active:true"
    )
    return (
        log_line("Starting WSO2 Carbon...", ago=ago),
        log_line(f"Cluster domain: {domain}", ago=ago),
        log_line(f"Local member: [{UUID}] - {member}", ago=ago),
        log_line("Cluster initialization completed", ago=ago),
        log_line("WSO2 Carbon started in 23 sec", ago=ago),
    )


def running(*, seconds: float = 100, worker: bool | None = True, **own: Any) -> RunningServer:
    """Return a JVM that was started so many seconds ago."""
    command = CarbonProcess(
        java=own.pop("java", "java"),
        home=PurePosixPath("/opt/as"),
        worker_node=worker,
        profile=None,
        port_offset=own.pop("port_offset", None),
    )
    values: dict[str, Any] = {
        "pid": 4711,
        "start_ticks": 815,
        "started_at": NOW - seconds,
        "command": command,
    }
    return RunningServer(**values | own)


RECORD = {"pid": "4711", "ticks": "815", "evidence": "Member joined"}
"""What this tool wrote down of `running()`."""
OWN_PORTS: Mapping[int, Listener] = {4000: "own", 9763: "own", 9443: "own"}


def make_facts(**own: Any) -> ServerFacts:
    """Return what a look at a worker finds that runs and is well."""
    values: dict[str, Any] = {
        "name": "worker1",
        "user": "wso2",
        "now": NOW,
        "seen_at": 0.0,
        "home_real": PurePosixPath("/opt/as"),
        "home_writable": True,
        "disk_free_kb": 1 << 20,
        "java_home": PurePosixPath("/opt/java"),
        "addresses": frozenset({"127.0.0.1", "10.0.0.4"}),
        "present": frozenset({str(layout.SCRIPT), str(layout.WORKER_PROFILE)}),
        "version": "WSO2 Application Server v5.3.0",
        "kernel": "WSO2 Carbon Framework v4.4.1",
        "log": LogFacts(state="readable"),
        "process": running(),
        "listening": OWN_PORTS,
        "files": {layout.AXIS2: remote_file(axis2())},
        "jars": (JarFacts(name="driver.jar", sha256="0" * 64, has_driver_class=True),),
        "said": {"own": own_lines()},
    }
    return ServerFacts(**values | own)


def make_manager_facts(*members: str, **own: Any) -> ServerFacts:
    """Return what a look at the manager finds, with these lines of its log about members."""
    values: dict[str, Any] = {
        "name": "manager",
        "process": running(seconds=1000, worker=False),
        "addresses": frozenset({"127.0.0.1", "10.0.0.3"}),
        "files": {layout.AXIS2: remote_file(axis2(host="10.0.0.3"))},
        "said": {
            "members": (log_line("Starting WSO2 Carbon...", ago=1000), *members),
            "own": own_lines(host="10.0.0.3"),
        },
    }
    return make_facts(**values | own)


def remote_file(text: str) -> RemoteFile:
    return RemoteFile(data=text.encode(), mode=0o644, owner="wso2")


def axis2(
    *,
    enable: str = "true",
    agent: str = AGENT,
    scheme: str = "wka",
    domain: str = "wso2.as.domain",
    host: str = "10.0.0.4",
    port: str = "4000",
    members: tuple[str, ...] = ("10.0.0.3:4000",),
) -> str:
    """Return an axis2.xml with a clustering section, and nothing else."""
    listed = "".join(
        f"<member><hostName>{at.split(':')[0]}</hostName><port>{at.split(':')[1]}</port></member>"
        for at in members
    )
    return f"""<axisconfig name="AxisJava2.0">
    <clustering class="{agent}"
                enable="{enable}">
        <parameter name="membershipScheme">{scheme}</parameter>
        <parameter name="domain">{domain}</parameter>
        <parameter name="localMemberHost">{host}</parameter>
        <parameter name="localMemberPort">{port}</parameter>
        <members>{listed}</members>
    </clustering>
</axisconfig>"""


def log4j(*lines: str) -> RemoteFile:
    """Return a log4j.properties as packs have it, with these lines at its end."""
    stock = (
        "log4j.rootLogger=INFO, CARBON_CONSOLE, CARBON_LOGFILE",
        "log4j.appender.CARBON_CONSOLE=org.apache.log4j.ConsoleAppender",
        "log4j.appender.CARBON_LOGFILE=org.apache.log4j.DailyRollingFileAppender",
        "log4j.appender.CARBON_LOGFILE.File=${carbon.home}/repository/logs/wso2carbon.log",
    )
    return remote_file("\n".join((*stock, *lines)))
