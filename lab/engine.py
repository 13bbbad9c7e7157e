"""Finding a Docker engine, or providing one."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from pathlib import Path

from lab.shell import RUN, LabError, Progress, Run, need, run

START_SECONDS = 60.0
PID_FILES = {
    Path("/var/run/docker.pid"): "dockerd",
    Path("/var/run/docker/containerd/containerd.pid"): "containerd",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """What decides how an engine can be provided here."""

    is_root: bool
    is_debian: bool
    has_systemd: bool

    @classmethod
    def this(cls) -> Machine:
        """Look at the machine that runs the lab."""
        return cls(
            is_root=os.geteuid() == 0,
            is_debian=Path("/etc/debian_version").exists(),
            has_systemd=Path("/run/systemd/system").exists(),
        )


def provide_engine(
    progress: Progress = print,
    *,
    machine: Machine | None = None,
    run: Run = run,
) -> tuple[str, ...]:
    """Return the words that begin a Compose command, with an engine that answers behind it.

    An engine that is installed but does not run is started; on Debian, as root, a missing one is
    installed, also where only its client is there. Anywhere else LabError says what to install.
    """
    machine = machine or Machine.this()
    if run("docker", "--version").returncode != 0 or _is_client_alone(machine, run):
        _install("docker.io", "docker-compose", machine=machine, progress=progress, run=run)
    if not _answers(run):
        _start(machine=machine, progress=progress, run=run)
    for compose in (("docker", "compose"), ("docker-compose",)):
        if run(*compose, "version").returncode == 0:
            return compose
    _install("docker-compose", machine=machine, progress=progress, run=run)
    return ("docker-compose",)


def _is_client_alone(machine: Machine, run: Run) -> bool:
    """Tell whether there is no engine that the client could mean, and root may install one."""
    elsewhere = "DOCKER_HOST" in os.environ
    installable = machine.is_root and machine.is_debian
    return installable and not elsewhere and not _has_daemon(run) and not _answers(run)


def _answers(run: Run) -> bool:
    return run("docker", "version", "--format", "{{.Server.Version}}").returncode == 0


def _install(*packages: str, machine: Machine, progress: Progress, run: Run) -> None:
    if not (machine.is_root and machine.is_debian):
        raise LabError(
            "the lab needs Docker with Compose: install Docker Desktop, or your system's packages "
            "docker.io and docker-compose, and start the engine"
        )
    names = " and ".join(packages)
    progress(f"installing {names} with apt-get")
    need(run("apt-get", "update"), what="apt-get update")
    install = ("env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "install", "-y", *packages)
    need(run(*install), what=f"installing {names}")


def _start(*, machine: Machine, progress: Progress, run: Run) -> None:
    seen = run("docker", "version").stderr.strip().splitlines()[-1:] or ["it does not answer"]
    if not machine.is_root or "DOCKER_HOST" in os.environ or not _has_daemon(run):
        raise LabError(
            f"no Docker engine answers ({seen[0]}): start it, or let this account use it "
            "(group docker)"
        )
    progress("the Docker engine does not run: starting it")
    if machine.has_systemd:
        need(run("systemctl", "start", "docker"), what="systemctl start docker")
    else:
        for file, program in PID_FILES.items():
            remove_stale_pid_file(file, program=program)
        RUN.mkdir(exist_ok=True)
        need(run("setsid", "--fork", "dockerd", log=RUN / "dockerd.log"), what="starting dockerd")
    _wait_for_answer(run)


def _has_daemon(run: Run) -> bool:
    return run("dockerd", "--version").returncode == 0


def remove_stale_pid_file(file: Path, *, program: str, proc: Path = Path("/proc")) -> None:
    """Delete a pid file whose process is gone, or is by now some other program.

    dockerd refuses to start while the pid in its file is anybody's.
    """
    try:
        pid = file.read_text().strip()
        alive = (proc / pid / "comm").read_text().strip() == program
    except OSError:
        alive = False
    if not alive:
        file.unlink(missing_ok=True)


def _wait_for_answer(run: Run) -> None:
    deadline = time.monotonic() + START_SECONDS
    while not _answers(run):
        if time.monotonic() > deadline:
            raise LabError(
                f"the Docker engine did not answer within {START_SECONDS:.0f} s: "
                f"see {RUN / 'dockerd.log'}"
            )
        time.sleep(0.5)
