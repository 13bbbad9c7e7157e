"""What one look at a server found: plain values, read once and planned upon."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Literal

from carbon.home import layout
from carbon.home.driver import JarFacts
from carbon.home.process import CarbonProcess
from carbon.home.unit import UnitState
from carbon.text import some_of
from carbon.value import Value, field

DeploymentState = Literal["missing", "empty", "filled", "mount", "link"]
LogState = Literal["missing", "readable", "unreadable"]
Listener = Literal["own", "other"]
Reach = Literal["open", "refused", "silent", "forbidden"]
"""What a TCP connection tried from a server met; `forbidden`: sshd does not let us try."""


CLOCK_SLACK_SECONDS = 1.0
"""The kernel counts the time of its boot, and with it that of a start, in whole seconds."""
LOGIN_UNITS = frozenset(
    {
        *("user", "ssh", "sshd", "dropbear", "telnetd", "getty", "serial-getty", "console-getty"),
        *("cron", "crond", "cronie", "anacron", "atd", "rc-local", "docker", "containerd"),
    }
)
"""Units of systemd in which anybody may start anything, and which start none of it again."""
FIRST_LINE_SECONDS = 60.0
"""By then a JVM has written its first line, on the slowest of machines."""


class RemoteFile(Value, kw_only=True):
    """A regular file as it lies on the server."""

    data: bytes
    mode: int
    owner: str

    @property
    def digest(self) -> str:
        """Its sha256, in hex."""
        return hashlib.sha256(self.data).hexdigest()


class FileRights(Value, kw_only=True):
    """Who may use a file on the server."""

    mode: int
    owner: str


class SecretsFacts(Value, kw_only=True):
    """Who may reach what `layout.SECRET_FILES` names."""

    others_enter: bool = False
    """Every user of the server may enter AS_HOME, and the folders that it is in."""
    closed: frozenset[PurePosixPath] = frozenset()
    """Folders that not every user may enter; those in AS_HOME relative to it."""
    readable: Mapping[PurePosixPath, FileRights] = field(default_factory=dict)
    """The files that every user of the server may read by their own mode, by path in AS_HOME."""


class ArtifactFacts(Value, kw_only=True):
    """A file on the server that hosts.yaml brings or takes away."""

    sha256: str
    """Empty if it cannot be read."""
    size: int
    mode: int


class ArtifactsFacts(Value, kw_only=True):
    """What lies where hosts.yaml has artifacts; all paths are relative to AS_HOME."""

    files: Mapping[PurePosixPath, ArtifactFacts] = field(default_factory=dict)
    in_the_way: frozenset[PurePosixPath] = frozenset()
    """Where a folder is, or anything else that is not a file."""
    links: Mapping[PurePosixPath, str] = field(default_factory=dict)
    """Folders to which a link leads, and where they are."""
    mounts: frozenset[PurePosixPath] = frozenset()
    """What is mounted below AS_HOME."""


class RunningServer(Value, kw_only=True):
    """The JVM that runs AS_HOME."""

    pid: int
    start_ticks: int
    """Field 22 of /proc/PID/stat; with the pid it names one process for ever."""
    started_at: float
    """Seconds since the epoch."""
    command: CarbonProcess
    others: tuple[int, ...] = ()
    """The pids of further servers of this AS_HOME: there must be none."""
    cgroup: str = ""
    """Its control group, as /proc/PID/cgroup names it; empty if it cannot be read."""
    parents: tuple[tuple[int, str], ...] = ()
    """Pid and name of the processes above it, the nearest first, without init."""
    newer: tuple[str, ...] = ()
    """What it read at start and what has changed since, relative to AS_HOME."""
    unlike: tuple[str, ...] = ()
    """JAVA_HOME or variables of `environment` that are not as hosts.yaml says."""

    @property
    def unit(self) -> str | None:
        """The systemd service that its process belongs to; None for a login's session or none.

        `/system.slice/wso2as.service` is one; `user@1000.service` only keeps a user's sessions, and
        without pam_systemd what a login starts stays in the unit of sshd.
        """
        name = self.cgroup.rpartition("/")[2]
        if not name.endswith(".service"):
            return None
        return None if re.split(r"[@.]", name)[0] in LOGIN_UNITS else name

    @property
    def changed_since(self) -> str:
        """Name what changed after its start, in a few words; empty if nothing did."""
        gone = {str(layout.TAKEN_AWAY): "a file that went away"}
        return some_of([gone.get(path, path) for path in self.newer], at_most=1)


class HostsFacts(Value, kw_only=True):
    """The server's /etc/hosts."""

    data: bytes = b""
    mounted: bool = False
    plain: bool = False
    """It is root's and of mode 644, as a new file would be."""
    leftover: bool = False
    """Beside it lies what an interrupted run left."""


class LogFacts(Value, kw_only=True):
    """The log of a server, wherever it writes it."""

    state: LogState = "missing"
    path: PurePosixPath | None = None
    """Where it is, if -Dcarbon.logs.path of its JVM leads elsewhere; None: the usual place."""
    written_at: float | None = None
    """When it was last written to; None: the server does not run, or has no log."""
    size: int = 0
    writable: bool = True
    """The account can write it, or create it."""


class Generation(Value, kw_only=True):
    """What one deploy replaced and kept."""

    id: str
    meta: Mapping[str, str]


class ServerFacts(Value, kw_only=True):
    """Everything that a plan needs to know about one Carbon server."""

    name: str
    user: str
    now: float
    """Seconds since the epoch, by its own clock."""
    seen_at: float
    """The same moment, but for an answer's way, in seconds by the operator's clock: one for all."""
    home_real: PurePosixPath | None
    """None: AS_HOME is not there."""
    home_blocked: bool = False
    """Something that is not a directory stands at AS_HOME."""
    home_closed: bool = False
    """It is there, and the account may not enter it."""
    home_writable: bool = False
    disk_free_kb: int = 0
    java_home: PurePosixPath | None = None
    java_missing: str | None = None
    """Where bin/java was looked for in vain."""
    addresses: frozenset[str] = frozenset()
    """IPv4 and IPv6, each in the spelling of `ipaddress`; link-local ones are left out."""
    hosts: HostsFacts = HostsFacts()
    lock: str | None = None
    lock_dead: bool = False
    """Who held it is gone: the next run that takes the lock clears this one away."""
    present: frozenset[str] = frozenset()
    """Of the paths asked for, those that exist, relative to AS_HOME."""
    version: str | None = None
    kernel: str | None = None
    symlinks: frozenset[str] = frozenset()
    unreadable: frozenset[str] = frozenset()
    jars: tuple[JarFacts, ...] = ()
    dropins: tuple[str, ...] = ()
    deployment: DeploymentState = "missing"
    deployment_mode: int | None = None
    """None if it is not there, or cannot be read."""
    deployment_target: str | None = None
    log: LogFacts = LogFacts()
    journal: str | None = None
    """The generation of an interrupted swap."""
    staged: bool = False
    record: Mapping[str, str] = field(default_factory=dict)
    cloned: Mapping[str, str] = field(default_factory=dict)
    """The `source` that it is a clone of, and `when` it was copied; empty if it is none."""
    first_start: str | None = None
    """What a clone's start needs besides; None once it was seen joining, and for all others."""
    generations: tuple[Generation, ...] = ()
    process: RunningServer | None = None
    listening: Mapping[int, Listener] = field(default_factory=dict)
    files: Mapping[PurePosixPath, RemoteFile] = field(default_factory=dict)
    secrets: SecretsFacts = SecretsFacts()
    artifacts: ArtifactsFacts = ArtifactsFacts()
    zone_seconds: int = 0
    """How far its local time, in which its logs are written, is ahead of UTC."""
    systemd: bool = False
    """Its first process is systemd."""
    ends_sessions: bool = False
    """KillUserProcesses=yes: systemd-logind ends what a login leaves behind."""
    unit: UnitState | None = None
    """What systemd says of the unit that hosts.yaml names; None if it names none."""
    said: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Lines of its logs, by the name under which they were asked for, the oldest first."""

    def data_of(self, path: PurePosixPath) -> bytes | None:
        """Return what a file has that was read, by its path relative to AS_HOME."""
        file = self.files.get(path)
        return file.data if file else None

    def by_operators_clock(self, moment: float) -> float:
        """Return when that moment of the server's own clock was, in the terms of `seen_at`."""
        return self.seen_at - (self.now - moment)

    @property
    def log_is_untouched(self) -> bool:
        """It has not written to its log since it started."""
        if self.process is None or self.log.written_at is None:
            return False
        return self.log.written_at < self.process.started_at - CLOCK_SLACK_SECONDS

    @property
    def log_is_old(self) -> bool:
        """It should have written to its log since it started: it logs elsewhere, or not at all."""
        if self.process is None or not self.log_is_untouched:
            return False
        return self.now - self.process.started_at > FIRST_LINE_SECONDS

    @property
    def recorded(self) -> Mapping[str, str]:
        """The record, if it speaks of the process that runs now; empty otherwise."""
        if self.process is None:
            return {}
        same = (str(self.process.pid), str(self.process.start_ticks))
        return self.record if (self.record.get("pid"), self.record.get("ticks")) == same else {}

    @property
    def lacks_tables(self) -> bool:
        """It is a clone with a local database that no start has made the tables of."""
        return self.first_start == "-Dsetup"

    @property
    def unfinished(self) -> str:
        """What did not follow the join of the running process: after_join or rotation."""
        return self.recorded.get("unfinished", "")

    @property
    def joined(self) -> str | None:
        """The evidence recorded when the running process joined.

        None if a clone's first start is still noted: its record was cut off before the end.
        """
        return self.recorded.get("evidence") if self.first_start is None else None
