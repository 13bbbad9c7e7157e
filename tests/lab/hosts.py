"""The lab's hosts as tests see, break and mend them, past SSH."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from lab import Lab
from tests.lab.shell import Shell
from tests.waiting import wait_for

HOME = "/opt/wso2/as"
LOG = f"{HOME}/repository/logs/wso2carbon.log"
STATE = f"{HOME}/.provision"
LOCK = "/tmp/carbon-provision.lock.1000/held"
"""The lock of the login deploy."""
WSO2_LOCK = "/tmp/carbon-provision.lock.1001/held"
"""The lock of the account that owns the servers of some hosts."""

SCRIPTS = Path(__file__).parent / "scripts"


@dataclass(frozen=True, slots=True)
class Jvm:
    """A running stand-in: its pid, and the moment of its start in clock ticks since boot."""

    pid: int
    ticks: int


class Host:
    """One host of the lab."""

    def __init__(self, lab: Lab, name: str) -> None:
        self.name = name
        self.address = lab.hosts[name].address
        self.ssh_port = lab.hosts[name].ssh_port
        self._shell = Shell(lab.hosts[name].container)

    def close(self) -> None:
        """End what this object holds open."""
        self._shell.close()

    # ---- Commands

    def sh(self, script: str, *words: str, user: str = "root", check: bool = True) -> str:
        """Run a shell script on the host, with its words as $1, $2, ..., and return its output."""
        done = self._shell.run("sh", "-euc", script, "sh", *words, user=user)
        assert done.returncode == 0 or not check, (
            f"{script!r} ended with {done.returncode} on {self.name}:\n{done.stdout}{done.stderr}"
        )
        return done.stdout

    def script(self, name: str, *words: str) -> str:
        """Run a file of tests/lab/scripts as root."""
        return self.sh((SCRIPTS / f"{name}.sh").read_text(), *words)

    def restore(self) -> None:
        """Make it stock again: its server killed, AS_HOME and /etc/hosts as they were at first."""
        self.script("restore")

    # ---- Files

    def read(self, path: str) -> str:
        """Return the text of a file."""
        return self.sh('cat "$1"', path)

    def write(self, path: str, text: str) -> None:
        """Write a file whose directory may not be there; owner and mode of an old file stay."""
        self.sh('mkdir -p "$(dirname "$1")"; printf %s "$2" > "$1"', path, text)

    def append(self, path: str, text: str) -> None:
        """Write at the end of a file."""
        self.sh('printf %s "$2" >> "$1"', path, text)

    def exists(self, path: str) -> bool:
        """Tell whether there is anything at a path, a dangling link included."""
        return self.sh('if [ -e "$1" ] || [ -L "$1" ]; then echo yes; fi', path) != ""

    def sha256(self, path: str) -> str:
        """Return the digest of a file."""
        return self.sh('sha256sum < "$1"', path).split()[0]

    def snapshot(self, *, home: str = HOME) -> str:
        """Describe all files of a home and /etc/hosts, so that no write to them goes unseen.

        What a running server writes itself is left out.
        """
        return self.script("snapshot", home, "times")

    def contents(self, *, home: str = HOME) -> str:
        """Describe all files of a home but our own, and /etc/hosts, whenever they were written."""
        return self.script("snapshot", home, "contents")

    # ---- The server that runs from a home

    def knob(self, name: str, value: str, *, home: str = HOME) -> None:
        """Turn a knob of the stand-in (lab/README.md)."""
        self.write(f"{home}/standin/{name}", value)

    def jvm(self, *, home: str = HOME) -> Jvm | None:
        """Return the server that runs from a home, if there is one."""
        found = self.script("jvm", home).split()
        # One that ends meanwhile has a pid, and no start any more.
        return Jvm(int(found[0]), int(found[1])) if len(found) == 2 else None

    def running(self, *, home: str = HOME) -> Jvm:
        """Return the server that runs from a home; there must be one."""
        found = self.jvm(home=home)
        assert found is not None, f"no server runs on {self.name}"
        return found

    def is_member(self, *, home: str = HOME) -> bool:
        """Tell whether the server that runs is the one that was recorded as seen joining."""
        jvm = self.jvm(home=home)
        record = self.record(home=home)
        return f"pid={jvm.pid if jvm else 0}" in record and any(
            "evidence=" in one for one in record
        )

    def is_recorded(self) -> bool:
        """Tell whether a start has written down which process it began."""
        return any("ticks=" in one for one in self.record())

    def record(self, *, home: str = HOME) -> list[str]:
        """Return the lines of the record, none where there is no record."""
        return self.sh(f"cat {home}/.provision/record 2> /dev/null || true").splitlines()

    def get(self, port: int) -> str:
        """Return what its server answers at one of its ports, HTTP or HTTPS."""
        return self.script("get", str(port))

    def answers(self, port: int) -> bool:
        """Tell whether its server answers a request by now."""
        try:
            return bool(self.get(port))
        except AssertionError:
            return False

    def log(self) -> str:
        """Return the whole wso2carbon.log."""
        return self.read(LOG)

    def kill_jvm(self) -> None:
        """End its servers at once, as a crash would."""
        self.script("kill-jvm")

    def start_by_hand(self, *arguments: str, user: str = "deploy", **environment: str) -> None:
        """Start the server as somebody without this tool would, and wait for its JVM."""
        given = {"JAVA_HOME": "/opt/java", **environment}
        settings = shlex.join(f"{name}={value}" for name, value in given.items())
        command = shlex.join(["sh", f"{HOME}/bin/wso2server.sh", *arguments])
        detached = f"env {settings} setsid {command} > /dev/null 2>&1 < /dev/null &"
        self.sh(detached, user=user)
        wait_for("the server started by hand is up", self.jvm)

    # ---- What must not stay

    def leftovers(self) -> list[str]:
        """Return what a run must not leave behind: processes, lock, staged files."""
        return self.script("leftovers").splitlines()


@contextmanager
def spoiled(host: Host, spoil: str, *, mend: str) -> Iterator[None]:
    """Break something on a host for a block, and mend it whatever becomes of the block."""
    host.sh(spoil)
    try:
        yield
    finally:
        host.sh(mend)


@contextmanager
def sshd_settings(host: Host, settings: str) -> Iterator[None]:
    """Let a host's sshd have settings for a block. It writes its pid once it listens again."""
    file, pid_file = "/etc/ssh/sshd_config.d/test.conf", "/run/sshd.pid"

    def reload() -> None:
        host.sh(f"pid=$(cat {pid_file}); rm {pid_file}; kill -HUP $pid")
        wait_for("sshd listens with its new settings", lambda: host.exists(pid_file))

    host.write(file, settings)
    try:
        reload()
        yield
    finally:
        host.sh(f"rm {file}")
        reload()


def plant_lock(host: Host, text: str, *, lock: str = LOCK) -> None:
    """Leave a lock on a host, as a run leaves it."""
    account = "deploy" if lock == LOCK else "wso2"
    folder = lock.rpartition("/")[0]
    host.sh(f"mkdir -p -m 700 {folder}; chown {account} {folder}")
    host.sh('ln -s "$1" "$2"; chown -h "$3" "$2"', text, lock, account)


@contextmanager
def untouched(*hosts: Host) -> Iterator[None]:
    """Fail if a block changes a byte, a time, an owner or a mode on hosts, or their servers."""
    before = {host.name: _state(host) for host in hosts}
    yield
    for host in hosts:
        changed = before[host.name] ^ _state(host)
        assert not changed, f"{host.name} was touched:\n" + "\n".join(sorted(changed))


def _state(host: Host) -> set[str]:
    return {str(host.jvm()), *host.snapshot().splitlines()}
