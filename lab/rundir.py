"""lab/run/NAME: what a lab is made with, and what its users need to know of it, a file for each."""

from __future__ import annotations

import random
import secrets
import socket
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path

from lab.hosts import LabHost
from lab.shell import Run, need, run

ENVIRONMENT = "compose.env"
LOGIN_KEYS = {"id_ed25519": "ed25519", "id_rsa": "rsa"}
PORTS = (
    *(f"{host}_22" for host in ("MANAGER", "WORKER1", "WORKER2", "WORKER3", "DB", "LB")),
    *("LB_80", "LB_443", "LEGACY_22", "PLAIN_22", "SYSTEMD_22", "HAPROXY_22", "HAPROXY_80"),
)
CGROUPS = Path("/sys/fs/cgroup")
# Below the range from which the kernel takes the ports of outgoing connections.
PORT_RANGE = range(20000, 32000)


def prepare(folder: Path, *, image: str, extras_image: str, run: Run = run) -> None:
    """Write what Compose reads. What is there already stays, so that `up` twice changes nothing.

    The ports are chosen here, not by the engine: its own would change when a host restarts.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    keys = [_login_key(folder / name, kind, image, run) for name, kind in LOGIN_KEYS.items()]
    password = folder / "db_password"
    if not password.exists():
        _write(password, secrets.token_hex(12), mode=0o600)
    environment = _read_environment(folder)
    missing = [name for name in PORTS if name not in environment]
    environment |= zip(missing, map(str, free_ports(len(missing))), strict=True)
    environment["LAB_IMAGE"] = image
    environment["LAB_EXTRAS_IMAGE"] = extras_image
    environment["LAB_CGROUP_MOUNT"] = _cgroup_mount()
    environment["LAB_DB_PASSWORD"] = password.read_text().strip()
    environment["LAB_LOGIN_KEYS"] = ";".join(keys)
    lines = [f"{name}={value}" for name, value in environment.items()]
    _write(folder / ENVIRONMENT, "\n".join(lines), mode=0o600)


def _cgroup_mount() -> str:
    """Return the place of the machine's cgroups on the host with systemd.

    With cgroup v1 systemd needs the machine's own tree. With v2 its container has one, and this
    mount lies aside.
    """
    unified = (CGROUPS / "cgroup.controllers").exists()
    return "/mnt/cgroup" if unified else str(CGROUPS)


def _login_key(file: Path, kind: str, image: str, run: Run) -> str:
    """Return the public key of a login key, made by the image's ssh-keygen: here may be none."""
    public = file.with_name(f"{file.name}.pub")
    if not file.exists():
        make = (
            f"ssh-keygen -q -t {kind} -N '' -C carbon-lab -f /tmp/key && cat /tmp/key.pub /tmp/key"
        )
        made = run("docker", "run", "--rm", "--network=none", "--entrypoint=sh", image, "-c", make)
        public_line, _, private = need(made, what="ssh-keygen").partition("\n")
        _write(public, public_line)
        _write(file, private.rstrip("\n"), mode=0o600)
    return public.read_text().strip()


def _read_environment(folder: Path) -> dict[str, str]:
    file = folder / ENVIRONMENT
    lines = file.read_text().splitlines() if file.exists() else []
    return {name: value for name, _, value in (line.partition("=") for line in lines)}


def free_ports(count: int) -> list[int]:
    """Return that many different ports of 127.0.0.1 at which nobody listens."""
    ports: list[int] = []
    with ExitStack() as held:
        while len(ports) < count:
            candidate = held.enter_context(socket.socket())
            try:
                candidate.bind(("127.0.0.1", random.choice(PORT_RANGE)))
            except OSError:
                continue
            ports.append(candidate.getsockname()[1])
    return ports


def collect(folder: Path, hosts: Mapping[str, LabHost], *, run: Run = run) -> None:
    """Write down what only the running lab knows: addresses, ports, host keys, the driver."""
    for host in hosts.values():
        _write(folder / f"{host.name}.address", host.address)
        _write(folder / f"{host.name}.ssh_port", str(host.ssh_port))
    environment = _read_environment(folder)
    _write(folder / "lb.http_port", environment["LB_80"])
    _write(folder / "lb.https_port", environment["LB_443"])
    _write(folder / "haproxy.http_port", environment["HAPROXY_80"])
    _fetch_driver(folder, next(iter(hosts.values())), run)
    keys = [line for host in hosts.values() for line in host_keys(host, run=run)]
    _write(folder / "known_hosts", "\n".join(keys))


def host_keys(host: LabHost, *, run: Run = run) -> list[str]:
    """Return a host's lines for known_hosts, read inside of it: nothing is trusted on first use."""
    keys = need(
        run("docker", "exec", host.container, "sh", "-c", "cat /etc/ssh/ssh_host_*_key.pub"),
        what=f"reading the host keys of {host.name}",
    )
    names = f"[127.0.0.1]:{host.ssh_port},{host.address}"
    return [f"{names} {' '.join(key.split()[:2])}" for key in keys.splitlines()]


def _fetch_driver(folder: Path, host: LabHost, run: Run) -> None:
    """Copy the driver under its own name, and once more under one without a version."""
    plain = folder / "mariadb-java-client.jar"
    if not plain.exists():
        copied = run("docker", "cp", f"{host.container}:/opt/driver/.", str(folder))
        need(copied, what="copying the JDBC driver")
        plain.write_bytes(next(folder.glob("mariadb-java-client-*.jar")).read_bytes())


def _write(file: Path, text: str, *, mode: int = 0o644) -> None:
    file.touch(mode=mode)
    file.write_text(text + "\n")
