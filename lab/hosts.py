"""The hosts of a lab, as the engine knows them."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from lab.shell import LabError, Run, need, run

READY_SECONDS = 90.0


@dataclass(frozen=True, slots=True, kw_only=True)
class LabHost:
    """One host: a container with an SSH server."""

    name: str
    address: str
    """Its address in the lab's own network."""
    ssh_port: int
    """Where 127.0.0.1 reaches its SSH server."""
    container: str


def project(name: str) -> str:
    """Return the Compose project of a lab, which tells its containers from those of others.

    Compose makes every name lower case, and labels containers so.
    """
    return f"carbon-{name}".lower()


def label(name: str) -> str:
    """Return the filter that finds what belongs to a lab, and nothing else, in the engine."""
    return f"label=com.docker.compose.project={project(name)}"


def running_hosts(name: str, *, run: Run = run) -> dict[str, LabHost]:
    """Ask the engine for the hosts that are up: their addresses are its choice in each lab."""
    listed = run("docker", "ps", "--quiet", "--filter", label(name)).stdout.split()
    if not listed:
        return {}
    containers = json.loads(need(run("docker", "inspect", *listed), what="docker inspect"))
    hosts = [_host(container) for container in containers]
    return {host.name: host for host in sorted(hosts, key=lambda host: host.name)}


def _host(container: Mapping[str, Any]) -> LabHost:
    settings = container["NetworkSettings"]
    return LabHost(
        name=container["Config"]["Labels"]["com.docker.compose.service"],
        address=next(iter(settings["Networks"].values()))["IPAddress"],
        ssh_port=int(settings["Ports"]["22/tcp"][0]["HostPort"]),
        container=container["Name"].lstrip("/"),
    )


def wait_until_ready(hosts: Iterable[LabHost], *, seconds: float = READY_SECONDS) -> None:
    """Wait for each host's SSH banner, and for what its role has to do besides."""
    deadline = time.monotonic() + seconds
    for host in hosts:
        while not (_greets(host.ssh_port) and _is_ready(host)):
            if time.monotonic() > deadline:
                raise LabError(
                    f"{host.name} was not ready within {seconds:.0f} s: "
                    f"see `docker logs {host.container}`"
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
