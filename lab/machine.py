"""Bringing a lab up and down, and finding one that is up."""

from __future__ import annotations

import json
import shutil
import socket
import time
from collections.abc import Iterable, Mapping
from typing import Any

from lab import rundir
from lab.engine import provide_engine
from lab.handle import Lab, LabHost
from lab.image import provide_image
from lab.shell import LAB, RUN, LabError, Progress, need, run

READY_SECONDS = 90.0


def up(name: str = "demo", *, extras: bool = False, progress: Progress = print) -> Lab:
    """Bring up the lab of that name, whatever is missing for it, and return it when it is ready.

    A lab that is up already is left as it is. `extras` adds the hosts legacy and plain.
    Raises LabError, with a remedy, where the machine cannot carry a lab.
    """
    compose = provide_engine(progress)
    image = provide_image(progress)
    folder = RUN / name
    rundir.prepare(folder, image=image)
    progress(f"starting the lab {name!r}")
    need(
        run(*_compose(compose, name, extras=extras), "up", "--detach", "--no-build"),
        what=f"starting the lab {name!r}",
    )
    hosts = _hosts(name)
    wait_until_ready(hosts.values())
    rundir.collect(folder, hosts)
    return Lab(name=name, run_dir=folder, hosts=hosts)


def down(name: str = "demo", *, progress: Progress = print) -> None:
    """Remove the lab of that name: containers, network, volumes, and its folder in lab/run."""
    folder = RUN / name
    if not (folder / rundir.ENVIRONMENT).exists():
        progress(f"there is no lab {name!r}")
        return
    compose = provide_engine(progress)
    progress(f"removing the lab {name!r}")
    need(
        run(
            *_compose(compose, name, extras=True),
            *("down", "--volumes", "--remove-orphans", "--timeout", "1"),
        ),
        what=f"removing the lab {name!r}",
    )
    shutil.rmtree(folder)


def find(name: str = "demo") -> Lab | None:
    """Return the lab of that name if it is up."""
    folder = RUN / name
    if not (folder / "known_hosts").exists():
        return None
    hosts = _hosts(name)
    return Lab(name=name, run_dir=folder, hosts=hosts) if hosts else None


def project(name: str) -> str:
    """Return the Compose project of a lab, which tells its containers from those of others."""
    return f"carbon-{name}"


def _compose(compose: tuple[str, ...], name: str, *, extras: bool) -> list[str]:
    return [
        *compose,
        *("--project-name", project(name)),
        *("--file", str(LAB / "compose.yaml")),
        *("--env-file", str(RUN / name / rundir.ENVIRONMENT)),
        *(("--profile", "extras") if extras else ()),
    ]


def _hosts(name: str) -> dict[str, LabHost]:
    """Ask the engine: addresses are its choice, and differ from lab to lab."""
    label = f"label=com.docker.compose.project={project(name)}"
    listed = run("docker", "ps", "--quiet", "--filter", label)
    if listed.returncode != 0 or not listed.stdout.strip():
        return {}
    containers = json.loads(
        need(run("docker", "inspect", *listed.stdout.split()), what="docker inspect")
    )
    hosts = map(_host, containers)
    return {host.name: host for host in sorted(hosts, key=lambda host: host.name)}


def _host(container: Mapping[str, Any]) -> LabHost:
    networks = container["NetworkSettings"]["Networks"].values()
    return LabHost(
        name=container["Config"]["Labels"]["com.docker.compose.service"],
        address=next(iter(networks))["IPAddress"],
        ssh_port=int(container["NetworkSettings"]["Ports"]["22/tcp"][0]["HostPort"]),
        container=container["Name"].lstrip("/"),
    )


def wait_until_ready(hosts: Iterable[LabHost]) -> None:
    """Wait for each host's SSH banner, and for what its role has to do besides."""
    deadline = time.monotonic() + READY_SECONDS
    for host in hosts:
        while not (_greets(host.ssh_port) and _is_ready(host)):
            if time.monotonic() > deadline:
                raise LabError(
                    f"{host.name} was not ready within {READY_SECONDS:.0f} s: "
                    f"see docker logs {host.container}"
                )
            time.sleep(0.2)


def _greets(port: int) -> bool:
    """Docker's proxy accepts connections before sshd does: only the banner tells."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=2) as connection:
            return connection.recv(4) == b"SSH-"
    except OSError:
        return False


def _is_ready(host: LabHost) -> bool:
    return run("docker", "exec", host.container, "lab-ready").returncode == 0
