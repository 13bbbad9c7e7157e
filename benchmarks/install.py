"""`install` of a large pack on several empty servers, against `ssh tar` to each, and the peers."""

from __future__ import annotations

import shlex
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median

from benchmarks import state
from benchmarks.clone import fab, run_timed, ssh
from benchmarks.job import Job, prepare
from benchmarks.results import Install, Results
from benchmarks.shell import ContainerShell
from benchmarks.site import HOME, Host, Site, site
from benchmarks.timing import Time
from benchmarks.tools import ALL, PEERS, Command, Tool

MEGABYTES = 300
TOP = "wso2as-5.3.0"
PLUGINS = f"{HOME}/repository/components/plugins"
_FILL = f"mkdir -p {PLUGINS}; cd {PLUGINS}; head -c {MEGABYTES}M /dev/urandom | split -b 1M -a 3"
_PACK = f"tar -C {HOME} --exclude ./.provision --transform s,^[.],{TOP}, -cf - ."
_SUMS = f"cd {HOME} && find . -type f ! -path './.provision/*' | sort | xargs sha256sum | sha256sum"

Run = Callable[[Job, Path], Time]


def measure_install(
    results: Results, *, sizes: Sequence[int], rounds: int, say: Callable[[str], None]
) -> None:
    """Bring the pack to so many servers at once with each tool, taking turns."""
    for size in sizes:
        with site("install", workers=size) as servers:
            job = prepare(servers)
            pack, digest = _make_pack(job)
            times: dict[str, list[Time]] = {name: [] for name in RUNS}
            for _ in range(rounds):
                for name, run in RUNS.items():
                    _empty(servers)
                    times[name].append(run(job, pack))
                    _judge(servers, digest, name)
                    say(f"install on {size}: {name} {times[name][-1].seconds:.2f} s")
            results.installs.append(
                Install(
                    hosts=size,
                    megabytes=MEGABYTES,
                    seconds={
                        name: median(time.seconds for time in taken)
                        for name, taken in times.items()
                    },
                    peak_kb=max(time.peak_kb for time in times["ours"]),
                )
            )


def _make_pack(job: Job) -> tuple[Path, str]:
    """Make a tar.gz and the tar in it, of a stock home with content that does not compress."""
    state.reset(job.site)
    host = job.site.workers[0]
    shell = job.site.shells[host.container]
    shell.run("sh", "-c", _FILL)
    folder = job.site.run_dir
    with (folder / f"{TOP}.tar").open("wb") as tar:
        command = ("docker", "exec", host.container, "sh", "-c", _PACK)
        subprocess.run(command, check=True, stdout=tar)
    subprocess.run(("gzip", "-1", "-k", str(folder / f"{TOP}.tar")), check=True)
    (job.folder / "install.yaml").write_text(
        job.inventory.read_text().replace(
            "cluster:\n", f"cluster:\n  pack: {folder / f'{TOP}.tar.gz'}\n", 1
        )
    )
    return folder / f"{TOP}.tar.gz", shell.run("sh", "-c", _SUMS)


def _empty(servers: Site) -> None:
    for host in servers.workers:
        _shell(servers, host).run("sh", "-c", f"rm -rf {HOME}*; sync")


def _judge(servers: Site, digest: str, name: str) -> None:
    for host in servers.workers:
        if _shell(servers, host).run("sh", "-c", _SUMS) != digest:
            raise state.WrongState(f"{host.name}: {name} did not bring the pack as it is")


def _shell(servers: Site, host: Host) -> ContainerShell:
    return servers.shells[host.container]


def _ours(job: Job, _pack: Path) -> Time:
    names = ",".join(host.name for host in job.site.workers)
    command = fab(job, "-H", names, "install", "--inventory", str(job.folder / "install.yaml"))
    return run_timed(command, "install-ours")


def _floor(job: Job, pack: Path) -> Time:
    """A plain tar through one ssh to each server, all at once; nothing is compared."""
    tar = shlex.quote(str(pack.with_suffix("")))
    unpack = f"mkdir -p {HOME} && tar -C {HOME} --strip-components=1 -xf -"
    sends = [f"{ssh(job, host, unpack)} < {tar} &" for host in job.site.workers]
    return run_timed(Command(argv=("sh", "-c", " ".join([*sends, "wait"]))), "install-floor")


def _ansible(job: Job, pack: Path) -> Time:
    settings = _peer("ansible").command(job)
    playbook = str(PEERS / "ansible/install.yaml")
    words = ("-e", f"pack={pack}", "-e", f"home={HOME}", playbook)
    command = Command(argv=(*settings.argv[:-1], *words), cwd=settings.cwd, env=settings.env)
    try:
        return run_timed(command, "install-ansible")
    finally:
        _peer("ansible").after(job)


def _pyinfra(job: Job, pack: Path) -> Time:
    settings = _peer("pyinfra").command(job)
    command = Command(
        argv=(*settings.argv[:-1], str(PEERS / "pyinfra/install.py")),
        cwd=settings.cwd,
        env={**settings.env, "BENCH_PACK": str(pack), "BENCH_HOME": HOME},
    )
    return run_timed(command, "install-pyinfra")


def _peer(name: str) -> Tool:
    return next(tool for tool in ALL if tool.name == name)


RUNS: dict[str, Run] = {
    "ours": _ours,
    "floor": _floor,
    "ansible": _ansible,
    "pyinfra": _pyinfra,
}
