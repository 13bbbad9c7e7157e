"""`clone` of a large AS_HOME, against the same stream through plain OpenSSH."""

from __future__ import annotations

import re
import shlex
import sys
from collections.abc import Callable
from pathlib import Path
from statistics import median

from benchmarks import state
from benchmarks.job import Job, prepare
from benchmarks.results import Clone, Results
from benchmarks.site import HOME, RUN, Host, site
from benchmarks.timing import Time, timed
from benchmarks.tools import KEX, Command

MEGABYTES = 300
PLUGINS = f"{HOME}/repository/components/plugins"
COPY = "/opt/wso2/copy"
_FILL = f"mkdir -p {PLUGINS}; cd {PLUGINS}; head -c {MEGABYTES}M /dev/urandom | split -b 1M -a 3"
_FILL += f"; chown -R deploy:deploy {PLUGINS}; sync"
_SUMS = "cd {} && sha256sum repository/components/plugins/* | sha256sum"
_COPIED = re.compile(r"copied and verified: (\d+) MB of worker1 in ([\d.]+) s")


def measure_clone(results: Results, *, rounds: int, say: Callable[[str], None]) -> None:
    """Copy worker1's home to worker2 with ours and with the floor, taking turns."""
    with site("clone", workers=2) as two:
        job = prepare(two)
        state.reset(two)
        source, target = two.workers
        run_timed(fab(job, "-H", source.name, "deploy", "--reset"), "clone-source")
        two.shells[source.container].run("sh", "-c", _FILL)
        ours, floor = [], []
        for _ in range(rounds):
            ours.append(_ours(job, target))
            floor.append(_floor(job, target))
            say(f"clone of {MEGABYTES} MB: ours {ours[-1]}, floor {floor[-1].seconds:.2f} s")
    results.clone = Clone(
        megabytes=MEGABYTES,
        throughput_ratio=median(floor_time.seconds for floor_time in floor)
        / median(copied for copied, _ in ours),
        whole_ratio=median(time.seconds for time in floor)
        / median(time.seconds for _, time in ours),
        peak_kb=max(time.peak_kb for _, time in ours),
    )


def _ours(job: Job, target: Host) -> tuple[float, Time]:
    """Return the seconds of copying and verifying, and the time of the whole command."""
    shell = job.site.shells[target.container]
    shell.run("reset")
    time = run_timed(fab(job, "-H", target.name, "clone", "--source", "worker1"), "clone-ours")
    told = _COPIED.search((_logs() / "clone-ours.log").read_text())
    assert told, "the command does not say what it copied"
    _judge(job, target, target.home)
    return float(told[2]), time


def _floor(job: Job, target: Host) -> Time:
    """`ssh source tar c | ssh target tar x`, key exchange and host keys as ours."""
    shell = job.site.shells[target.container]
    shell.run("reset")
    shell.run("install", "-d", "-o", "deploy", COPY)
    source = job.site.workers[0]
    send = ssh(job, source, f"tar -C {source.home} -cf - .")
    receive = ssh(job, target, f"tar -C {COPY} -xf -")
    time = run_timed(Command(argv=("sh", "-c", f"{send} | {receive}")), "clone-floor")
    _judge(job, target, COPY)
    return time


def _judge(job: Job, target: Host, folder: str) -> None:
    source = job.site.workers[0]
    here = job.site.shells[source.container].run("sh", "-c", _SUMS.format(source.home))
    there = job.site.shells[target.container].run("sh", "-c", _SUMS.format(folder))
    if here != there:
        raise state.WrongState(f"{target.name}: the copy is not what {source.name} has")


def ssh(job: Job, host: Host, command: str) -> str:
    """Return the line for a shell that runs a command on a host through OpenSSH."""
    options = (
        *("-F", "none", "-l", "deploy", "-i", str(job.site.identity), "-p", str(host.ssh_port)),
        *("-o", "IdentitiesOnly=yes", "-o", f"UserKnownHostsFile={job.site.known_hosts}"),
        *("-o", f"KexAlgorithms={KEX}"),
    )
    return shlex.join(("ssh", *options, "127.0.0.1", command))


def fab(job: Job, *words: str) -> Command:
    """Return a command of ours on the job's hosts."""
    program = str(Path(sys.executable).parent / "fab")
    return Command(argv=(program, *words), env={"PROVISION_HOSTS": str(job.inventory)})


def run_timed(command: Command, name: str) -> Time:
    """Run a command under the stopwatch; its output goes to a log of that name."""
    home = RUN / "home"
    home.mkdir(parents=True, exist_ok=True)
    return timed(command, home=home, log=_logs() / f"{name}.log")


def _logs() -> Path:
    folder = RUN / "logs"
    folder.mkdir(parents=True, exist_ok=True)
    return folder
