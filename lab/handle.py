"""A lab that is up, as its users hold it."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from lab.hosts import LabHost, wait_until_ready
from lab.packs import make_pack


@dataclass(frozen=True, slots=True, kw_only=True)
class Lab:
    """A running lab. Everything that a client needs also lies in `run_dir`, one file for each."""

    name: str
    run_dir: Path
    hosts: Mapping[str, LabHost]

    @property
    def known_hosts(self) -> Path:
        """The host keys, as collected inside the containers."""
        return self.run_dir / "known_hosts"

    @property
    def identity(self) -> Path:
        """The private key that lets `deploy` in; beside it lies id_rsa, for old servers."""
        return self.run_dir / "id_ed25519"

    @property
    def driver(self) -> Path:
        """The MariaDB JDBC driver, under its versioned name."""
        return next(self.run_dir.glob("mariadb-java-client-*.jar"))

    @property
    def db_password(self) -> str:
        """The password of the database user `regadmin`."""
        return (self.run_dir / "db_password").read_text().strip()

    def port(self, name: str) -> int:
        """Return a published port by its name, such as `lb.http`."""
        return int((self.run_dir / f"{name}_port").read_text())

    def exec(
        self,
        host: str,
        *argv: str,
        user: str = "root",
        input: str | None = None,
        check: bool = True,
    ) -> subprocess.CompletedProcess[str]:
        """Run a command on a host, past SSH, to look at it or to break it."""
        return subprocess.run(
            ["docker", "exec", "-i", "-u", user, self.hosts[host].container, *argv],
            input=input or "",
            capture_output=True,
            text=True,
            check=check,
        )

    def stop(self, host: str) -> None:
        """Switch a host off, as a power cut would: its processes are not asked."""
        self._docker("kill", host)

    def start(self, host: str) -> None:
        """Boot a stopped host and wait until it is ready again, at its old address and ports."""
        self._docker("start", host)
        wait_until_ready([self.hosts[host]])

    def reboot(self, host: str) -> None:
        """Boot a host again in an orderly way, and wait until it is ready."""
        self._docker("restart", host, "--time", "30")
        wait_until_ready([self.hosts[host]])

    def pack(self, kind: Literal["zip", "tar.gz"]) -> Path:
        """Return an archive of the lab's own pack, made if it is not there."""
        return make_pack(self.run_dir, kind, container=next(iter(self.hosts.values())).container)

    def pause(self, host: str) -> None:
        """Freeze all processes of a host: connections stay open, nothing answers."""
        self._docker("pause", host)

    def unpause(self, host: str) -> None:
        """Let a frozen host go on."""
        self._docker("unpause", host)

    def _docker(self, verb: str, host: str, *options: str) -> None:
        command = ["docker", verb, *options, self.hosts[host].container]
        subprocess.run(command, check=True, capture_output=True, text=True)
