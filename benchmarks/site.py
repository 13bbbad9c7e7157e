"""The benchmark's hosts: containers with an sshd for each host, the manager among them.

Up to 24 workers each have a container, and with it a network stack, a process table and an
/etc/hosts of their own. More share containers: each still has its own sshd, AS_HOME, Offset and
localMemberPort, while workers of one container share its address and /etc/hosts, as workers do
that name one `server:` in hosts.yaml.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from ipaddress import IPv4Network
from pathlib import Path

from benchmarks.shell import ContainerShell
from lab.engine import provide_engine
from lab.image import digest, provide_image
from lab.shell import need, run

FOLDER = Path(__file__).parent
RUN = FOLDER / "run"
FIRST_PORT = 22001
MANAGER = "manager"
HOME = "/opt/wso2/as"
JAVA_HOME = "/opt/bench"


@dataclass(frozen=True, slots=True, kw_only=True)
class Host:
    """One host, as every tool's inventory describes it."""

    name: str
    container: str
    address: str
    """In the network of the containers."""
    ssh_port: int
    """On 127.0.0.1."""
    home: str = HOME
    offset: int = 0
    shares: bool = False
    """Other hosts have the same address and /etc/hosts."""

    @property
    def local_member_port(self) -> int:
        return 4000 + self.offset

    @property
    def member(self) -> str:
        """How the manager's log names it."""
        return f"{self.address}:{self.local_member_port}"


@dataclass(frozen=True)
class Site:
    """Running hosts, and the folder with what a client needs to reach them."""

    name: str
    run_dir: Path
    manager: Host
    workers: tuple[Host, ...]
    database: str
    """An address of its own for the database, at which the manager's container listens."""

    @property
    def identity(self) -> Path:
        return self.run_dir / "id_ed25519"

    @property
    def known_hosts(self) -> Path:
        return self.run_dir / "known_hosts"

    @property
    def driver(self) -> Path:
        return next(self.run_dir.glob("*.jar"))

    @cached_property
    def shells(self) -> dict[str, ContainerShell]:
        """A shell in every container."""
        names = dict.fromkeys(host.container for host in (self.manager, *self.workers))
        return {name: ContainerShell(name) for name in names}

    def subset(self, count: int) -> Site:
        """Return the same site with only its first workers; shells are shared."""
        smaller = replace(self, workers=self.workers[:count])
        smaller.__dict__["shells"] = self.shells
        return smaller

    def behind_one_sshd_each(self) -> Site:
        """Return the same site with all hosts of a container entered through its first sshd."""
        first: dict[str, int] = {}
        for host in self.workers:
            first.setdefault(host.container, host.ssh_port)
        workers = tuple(replace(host, ssh_port=first[host.container]) for host in self.workers)
        crowded = replace(self, workers=workers)
        crowded.__dict__["shells"] = self.shells
        return crowded

    def on_all(self, program: str, hosts: Sequence[Host]) -> dict[str, str]:
        """Run a program of the image on the hosts' homes, in all containers at once."""
        homes: dict[str, list[str]] = {}
        for host in hosts:
            homes.setdefault(host.container, []).append(host.home)
        for container, paths in homes.items():
            self.shells[container].begin(program, *paths)
        return {container: self.shells[container].end() for container in homes}


@contextmanager
def site(name: str, *, workers: int, on_each: int = 1) -> Iterator[Site]:
    """Bring up a manager and workers, `on_each` in a container, and remove them at the end."""
    provide_engine()
    image = _provide_image()
    run_dir = RUN / name
    _remove(name)
    shutil.rmtree(run_dir, ignore_errors=True)
    run_dir.mkdir(parents=True)
    _make_login_key(run_dir)
    made: Site | None = None
    try:
        made = _start(name, run_dir, image, workers=workers, on_each=on_each)
        yield made
    finally:
        if made:
            for shell in made.shells.values():
                shell.close()
        _remove(name)


def _provide_image() -> str:
    base = provide_image()
    context = FOLDER / "image"
    name = f"carbon-bench:{base.partition(':')[2]}-{digest(context)}"
    if run("docker", "image", "inspect", name).returncode != 0:
        build = ("docker", "build", "--tag", name, "--build-arg", f"LAB_IMAGE={base}")
        need(run(*build, str(context)), what="building the benchmark's image")
    return name


def _make_login_key(run_dir: Path) -> None:
    file = str(run_dir / "id_ed25519")
    need(run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", file), what="ssh-keygen")


def _start(name: str, run_dir: Path, image: str, *, workers: int, on_each: int) -> Site:
    network = _project(name)
    need(run("docker", "network", "create", network), what="making a network")
    full, rest = divmod(workers, on_each)
    counts = [1, *[on_each] * full, *([rest] if rest else [])]
    names = [f"{_project(name)}-{number}" for number in range(len(counts))]

    def boot(container: str, hosts: int) -> None:
        ports = [f"--publish=127.0.0.1::{FIRST_PORT + host}" for host in range(hosts)]
        need(
            run(
                *("docker", "run", "--detach", "--init", "--name", container),
                *("--network", network, "--label", f"carbon-bench={name}"),
                *("--cap-add", "SYS_ADMIN", "--cap-add", "NET_ADMIN"),
                *("--security-opt", "apparmor:unconfined", "--volume", "/opt/wso2"),
                *("--env", f"BENCH_LOGIN_KEY={(run_dir / 'id_ed25519.pub').read_text().strip()}"),
                *("--env", f"BENCH_HOSTS={hosts}", *ports, image),
            ),
            what=f"starting {container}",
        )

    with ThreadPoolExecutor(max_workers=2 * (os.cpu_count() or 1)) as pool:
        list(pool.map(boot, names, counts))
    need(run("docker", "cp", f"{names[0]}:/opt/driver/.", str(run_dir)), what="copying the driver")
    manager, *hosts = [host for container in names for host in _hosts(container, on_each=on_each)]
    made = Site(
        name=name,
        run_dir=run_dir,
        manager=replace(manager, name=MANAGER, home=HOME, shares=False),
        workers=tuple(
            replace(host, name=f"worker{number}") for number, host in enumerate(hosts, start=1)
        ),
        database=_last_address(network),
    )
    made.shells[manager.container].run("ip", "address", "add", made.database, "dev", "eth0")
    _record_host_keys(made)
    return made


def _last_address(network: str) -> str:
    """Return the address that the engine would give away last."""
    seen = json.loads(need(run("docker", "network", "inspect", network), what="docker network"))[0]
    return str(IPv4Network(seen["IPAM"]["Config"][0]["Subnet"])[-2])


def _hosts(container: str, *, on_each: int) -> Iterator[Host]:
    seen = json.loads(need(run("docker", "inspect", container), what="docker inspect"))[0]
    settings = seen["NetworkSettings"]
    address = next(iter(settings["Networks"].values()))["IPAddress"]
    ports = {int(inner.split("/")[0]): outer for inner, outer in settings["Ports"].items() if outer}
    for number, inner in enumerate(sorted(port for port in ports if port >= FIRST_PORT)):
        yield Host(
            name="",
            container=container,
            address=address,
            ssh_port=int(ports[inner][0]["HostPort"]),
            home=f"{HOME}-{number + 1}" if on_each > 1 else HOME,
            offset=number,
            shares=on_each > 1,
        )


def _record_host_keys(made: Site) -> None:
    """Write known_hosts from what stands in the containers: nothing is trusted on first use."""
    wait = "until ls /var/lib/bench/sshd-$BENCH_HOSTS; do sleep 0.1; done > /dev/null 2>&1"
    for shell in made.shells.values():
        shell.begin("sh", "-c", f"{wait}; cat /etc/ssh/ssh_host_ed25519_key.pub")
    keys = {name: " ".join(shell.end().split()[:2]) for name, shell in made.shells.items()}
    lines = [
        f"[127.0.0.1]:{host.ssh_port} {keys[host.container]}\n"
        for host in (made.manager, *made.workers)
    ]
    made.known_hosts.write_text("".join(lines))


def _remove(name: str) -> None:
    listed = run("docker", "ps", "--all", "--quiet", "--filter", f"label=carbon-bench={name}")
    if containers := listed.stdout.split():
        run("docker", "rm", "--force", "--volumes", *containers)
    run("docker", "network", "rm", _project(name))


def _project(name: str) -> str:
    return f"carbon-bench-{name}"
