"""What is measured: cold and no-op runs of every tool, in turns, and what a fleet costs us."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from statistics import median

from benchmarks import state
from benchmarks.job import Job, prepare
from benchmarks.results import Crowd, Light, Results, Run
from benchmarks.site import RUN, Site, site
from benchmarks.timing import timed
from benchmarks.tools import BARE, EQUIVALENT, FLOORS, OURS, PROJECT, Command, Tool

Say = Callable[[str], None]

MANY_ON_EACH = 25
LIGHT_ROUNDS = 15
QUICK_TURNS = 3
"""How often quick tools have their turn in a round."""


def measure_sizes(
    results: Results, tools: Sequence[Tool], *, sizes: Sequence[int], rounds: int, say: Say
) -> None:
    """Let every tool do the job on each number of hosts, `rounds` times, taking turns.

    The quick ones do it more often.
    """
    with site("hosts", workers=max(sizes)) as whole:
        for count in sizes:
            job = prepare(whole.subset(count))
            warm = count == sizes[0]
            _take_turns(
                results, job, tools, rounds=rounds, say=say, warm=warm, quick_turns=QUICK_TURNS
            )


def measure_many(results: Results, *, workers: int, rounds: int, say: Say) -> None:
    """Let ours and the floors work on many hosts in few containers, then crowd few sshd."""
    with site("many", workers=workers, on_each=MANY_ON_EACH) as many:
        _take_turns(results, prepare(many), (*FLOORS, OURS), rounds=rounds, say=say)
        results.crowd = _crowd(many, say)


def measure_light(results: Results, *, say: Say) -> None:
    """Time what is run for its answer alone: `fab --list` and tab completion."""
    empty = _folder("light") / "empty"
    empty.mkdir(exist_ok=True)
    (empty / "fabfile.py").touch()
    fab = str(Path(sys.executable).parent / "fab")
    results.light = Light(
        list_ratio=_ratio((fab, "--list"), empty),
        completion_ratio=_ratio((fab, "--complete", "--", "fab", ""), empty),
    )
    light = results.light
    say(f"fab --list x{light.list_ratio:.2f}, completion x{light.completion_ratio:.2f}")


def smoke(results: Results, *, say: Say) -> None:
    """One round of ours and the floors on two hosts: shows that all of it works."""
    with site("smoke", workers=2) as two:
        _take_turns(results, prepare(two), (OURS, BARE, EQUIVALENT), rounds=1, say=say, warm=False)


def _take_turns(
    results: Results,
    job: Job,
    tools: Sequence[Tool],
    *,
    rounds: int,
    say: Say,
    warm: bool = True,
    quick_turns: int = 1,
) -> None:
    commands = {tool.name: tool.command(job) for tool in tools}
    if warm:
        for tool in tools:
            _once(job, tool, commands[tool.name])  # compiles its modules, fills caches
    for tool in turns(tools, rounds=rounds, quick_turns=quick_turns):
        for run in _once(job, tool, commands[tool.name]):
            results.runs.append(run)
            say(f"{run.hosts:3} hosts {tool.title:22} {run.kind:5} {run.seconds:7.2f} s")


def turns(tools: Sequence[Tool], *, rounds: int, quick_turns: int) -> Iterator[Tool]:
    """Yield whose turn it is; the order changes, and the quick ones have several in a round."""
    for number in range(rounds * quick_turns):
        begin = number % len(tools)
        for tool in (*tools[begin:], *tools[:begin]):
            if tool.quick or number % quick_turns == 0:
                yield tool


def _once(job: Job, tool: Tool, command: Command) -> Iterable[Run]:
    """Run cold and then again; neither counts unless the hosts are as they must be."""
    folder = _folder("logs")
    hosts = len(job.site.workers)
    state.reset(job.site)
    cold = timed(command, home=_home(), log=folder / f"{tool.name}-{hosts}-cold.log")
    tool.after(job)
    first = state.look(job.site)
    state.judge(job, first)
    noop = timed(command, home=_home(), log=folder / f"{tool.name}-{hosts}-noop.log")
    tool.after(job)
    state.judge_unchanged(job, first, state.look(job.site))
    handover = state.median_handover_ms(job.site, first)
    return (
        Run.of(tool.name, hosts, "cold", cold, handover_ms=handover),
        Run.of(tool.name, hosts, "no-op", noop),
    )


def _crowd(many: Site, say: Say) -> Crowd:
    """Enter all hosts of a container through one sshd, as it is configured by default."""
    crowded = many.behind_one_sshd_each()
    job = prepare(crowded)
    dropped = -_dropped(many)
    time = timed(OURS.command(job), home=_home(), log=_folder("logs") / "ours-crowd.log")
    dropped += _dropped(many)
    say(f"{len(many.workers)} hosts behind few sshd: {time.seconds:.2f} s, {dropped} dropped")
    return Crowd(
        hosts=len(many.workers),
        sshds=len({host.ssh_port for host in crowded.workers}),
        dropped=dropped,
        seconds=time.seconds,
    )


def _dropped(many: Site) -> int:
    """Count the connections that the sshd of all containers dropped for MaxStartups."""
    count = "cat /var/lib/bench/sshd-* | grep -c '^drop connection' || :"
    shells = {host.container: many.shells[host.container] for host in many.workers}
    return sum(int(shell.run("sh", "-c", count)) for shell in shells.values())


def _ratio(argv: tuple[str, ...], empty: Path) -> float:
    """Return how long a command takes in this project, against beside an empty fabfile."""
    times: dict[Path, list[float]] = {PROJECT: [], empty: []}
    log = _folder("logs") / "light.log"
    for _ in range(LIGHT_ROUNDS):
        for folder, taken in times.items():
            # Fabric ends with 1 where a fabfile has no task to list.
            statuses = (0,) if folder == PROJECT else (0, 1)
            command = Command(argv=argv, cwd=folder)
            taken.append(timed(command, home=_home(), log=log, statuses=statuses).seconds)
    return median(times[PROJECT]) / median(times[empty])


def _folder(name: str) -> Path:
    folder = RUN / name
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _home() -> Path:
    return _folder("home")
