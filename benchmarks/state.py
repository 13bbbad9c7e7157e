"""Making the hosts stock again before a run, and judging what a run left behind.

A run counts only where every host ends in the same state, whatever the tool.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from statistics import median

from benchmarks.job import Job
from benchmarks.site import HOME, JAVA_HOME, Host, Site

_START_MANAGER = f"""
carbon-join {HOME} $1 mgt $1
cd {HOME} && JAVA_HOME={JAVA_HOME} setsid runuser -u deploy -- sh bin/wso2server.sh \
    > /dev/null 2>&1 < /dev/null &
until grep -qs 'WSO2 Carbon started' {HOME}/repository/logs/wso2carbon.log; do sleep 0.05; done
"""


class WrongState(Exception):
    """A run did not end as it must."""


@dataclass
class Home:
    """What `look` tells of one AS_HOME."""

    digests: dict[str, str] = field(default_factory=dict)
    owners: dict[str, str] = field(default_factory=dict)
    """Mode and owner."""
    deployed: int = -1
    pid: int = 0
    ticks: int = 0
    command: tuple[str, ...] = ()


@dataclass
class Seen:
    """The state of all hosts after a run."""

    homes: dict[str, Home]
    """By name of the host."""
    hosts_files: dict[str, list[str]]
    """The lines of /etc/hosts, by container."""
    joined_lines: list[str]
    """ADDRESS:PORT of each join in the manager's log."""
    joined_at: dict[str, float]
    """When the manager had written the line, by ADDRESS:PORT."""
    started_at: dict[str, list[float]]
    """When each server process began, by name of the host."""


def reset(site: Site) -> None:
    """Make every host stock, and the manager's log new; nothing is left of an earlier run."""
    site.on_all("reset", (site.manager,))
    manager = site.shells[site.manager.container]
    manager.run("sh", "-c", _START_MANAGER, "start-manager", site.manager.address)
    site.on_all("reset", site.workers)
    manager.run("sync")


def look(site: Site) -> Seen:
    """Read the state of every host."""
    manager = site.shells[site.manager.container].run("look")
    answers = site.on_all("look", site.workers)
    seen = Seen({}, {}, [], {}, defaultdict(list))
    by_home = {(host.container, host.home): host.name for host in site.workers}
    for line in manager.splitlines():
        word, _, rest = line.partition(" ")
        if word == "joined":
            seen.joined_lines.append(rest.strip())
        elif line.startswith("event joined "):
            member, at = rest.split()[1:]
            seen.joined_at[member] = float(at)
    for container, answer in answers.items():
        _read_container(seen, container, answer.splitlines(), by_home)
    return seen


def _read_container(
    seen: Seen, container: str, lines: Iterable[str], by_home: dict[tuple[str, str], str]
) -> None:
    hosts_file = seen.hosts_files.setdefault(container, [])
    home = Home()
    for line in lines:
        word, _, rest = line.partition(" ")
        match word:
            case "home":
                home = seen.homes.setdefault(by_home[container, rest], Home())
            case "file":
                mode, owner, path = rest.split(" ", 2)
                home.owners[path] = f"{mode} {owner}"
            case "digest":
                digest, path = rest.split(maxsplit=1)
                home.digests[path] = digest
            case "deployed":
                home.deployed = int(rest)
            case "process":
                pid, ticks, *command = rest.split()
                home.pid, home.ticks, home.command = int(pid), int(ticks), tuple(command)
            case "hosts":
                hosts_file.append(rest)
            case "event":
                _, path, at = rest.split()
                if name := by_home.get((container, path)):
                    seen.started_at[name].append(float(at))


def judge(job: Job, seen: Seen) -> None:
    """Raise WrongState unless every worker is provisioned, running and joined, one by one."""
    for host in job.site.workers:
        _judge_home(job, host, seen.homes.get(host.name, Home()))
        _judge_hosts_file(job, seen.hosts_files[host.container], host)
    joins = Counter(seen.joined_lines)
    if joins != Counter(host.member for host in job.site.workers):
        raise WrongState(f"the manager's log has other joins than one of each worker: {joins}")
    _judge_order(job, seen)


def _judge_home(job: Job, host: Host, home: Home) -> None:
    expected = job.expected(host)
    if home.digests != expected:
        wrong = [path for path, digest in expected.items() if home.digests.get(path) != digest]
        more = sorted(set(home.digests) - set(expected))
        raise WrongState(f"{host.name}: wrong files: {wrong}, more than there should be: {more}")
    strange = {path: how for path, how in home.owners.items() if how != "644 deploy"}
    if strange:
        raise WrongState(f"{host.name}: mode or owner: {strange}")
    if home.deployed != 0:
        raise WrongState(f"{host.name}: its deployment directory was not reset")
    if not {f"-Dcarbon.home={host.home}", "-DworkerNode=true"} <= set(home.command):
        raise WrongState(f"{host.name}: it does not run as a worker: {home.command}")


def _judge_hosts_file(job: Job, lines: Sequence[str], host: Host) -> None:
    mapped = [tuple(line.split()) for line in lines if line.strip() and not line.startswith("#")]
    for wanted in job.hosts_lines():
        if mapped.count(wanted) != 1:
            raise WrongState(f"{host.name}: /etc/hosts has not exactly one line {wanted}")
    if ("127.0.0.1", "localhost") not in mapped:
        raise WrongState(f"{host.name}: /etc/hosts lost lines that were there")


def _judge_order(job: Job, seen: Seen) -> None:
    """Each worker is started when the one before has joined, and once."""
    for host in job.site.workers:
        if len(seen.started_at[host.name]) != 1:
            raise WrongState(f"{host.name}: started {len(seen.started_at[host.name])} times")
    if any(seconds < 0 for seconds in handovers(job.site, seen)):
        raise WrongState("a worker was started before the one before it had joined")


def handovers(site: Site, seen: Seen) -> list[float]:
    """Return the seconds from each join line being written to the next server's first act.

    The next server's own script has run by then: what a tool needs is a little less.
    """
    in_order = sorted(site.workers, key=lambda host: seen.started_at[host.name][0])
    return [
        seen.started_at[after.name][0] - seen.joined_at[before.member]
        for before, after in pairwise(in_order)
    ]


def judge_unchanged(job: Job, before: Seen, after: Seen) -> None:
    """Raise WrongState where a run that had nothing to do changed or restarted something."""
    judge(job, after)
    for host in job.site.workers:
        old, new = before.homes[host.name], after.homes[host.name]
        if (old.pid, old.ticks) != (new.pid, new.ticks):
            raise WrongState(f"{host.name}: restarted although nothing had changed")


def median_handover_ms(site: Site, seen: Seen) -> float:
    """Return the median of `handovers`, in milliseconds."""
    return 1000 * median(handovers(site, seen))
