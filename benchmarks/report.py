"""RESULTS.md and chart.svg: ratios alone, since seconds are only this machine's."""

from __future__ import annotations

from collections.abc import Iterator
from statistics import median

from benchmarks.results import Kind, Results
from benchmarks.tools import BARE, EQUIVALENT, OURS, PEER_TOOLS, Tool

TIMES, NONE = "\N{MULTIPLICATION SIGN}", "\N{EN DASH}"
KINDS: tuple[Kind, ...] = ("cold", "no-op")


def markdown(results: Results) -> str:
    """Return the page of results."""
    return "\n".join(_lines(results)) + "\n"


def _lines(results: Results) -> Iterator[str]:
    yield "# How fast"
    yield ""
    yield f"{results.date}, {results.machine}; hosts and operator share the cores. `make bench`"
    yield "makes this page. Medians of whole processes in turns, the quick ones more often than the"
    yield "others; no run counts unless all hosts are in the same, right state after it."
    if results.load_before > 0.2:
        yield ""
        yield f"**Provisional**: the machine had a load of {results.load_before} before the start."
    yield ""
    yield "## Times as long as ours"
    yield ""
    yield from _table(results, (*PEER_TOOLS, EQUIVALENT, BARE), invert=True)
    yield ""
    yield "## Ours against the floors"
    yield ""
    yield "Floors are plain OpenSSH and shell with the same key exchange. The *equivalent* one also"
    yield "verifies host keys, locks, keeps backups, syncs files and swaps them only in a host's"
    yield "turn; the *bare* one does none of it."
    yield ""
    yield from _table(results, (EQUIVALENT, BARE), invert=False)
    yield ""
    yield "![Times as long as ours](chart.svg)"
    yield ""
    yield from _details(results)
    yield ""
    yield "## With"
    yield ""
    yield from (f"- {title}: {version}" for title, version in results.versions.items())


def _table(results: Results, tools: tuple[Tool, ...], *, invert: bool) -> Iterator[str]:
    sizes = [n for n in results.sizes() if any(_cell(results, t, n, "cold", invert) for t in tools)]
    yield "| cold / no-op | " + " | ".join(f"{size} hosts" for size in sizes) + " |"
    yield "|---" * (len(sizes) + 1) + "|"
    for tool in tools:
        cells = [
            " / ".join(_cell(results, tool, size, kind, invert) or NONE for kind in KINDS)
            for size in sizes
        ]
        if any(cell != f"{NONE} / {NONE}" for cell in cells):
            yield f"| {tool.title} | " + " | ".join(cells) + " |"


def _cell(results: Results, tool: Tool, hosts: int, kind: Kind, invert: bool) -> str:
    pair = (tool.name, OURS.name) if invert else (OURS.name, tool.name)
    ratio = results.ratio(*pair, hosts, kind)
    return "" if ratio is None else f"{ratio:.1f}{TIMES}" if ratio < 9.95 else f"{ratio:.0f}{TIMES}"


def _details(results: Results) -> Iterator[str]:
    yield "## And besides"
    yield ""
    for hosts in results.sizes():
        handovers = [run.handover_ms for run in results.of(OURS.name, hosts, "cold")]
        known = [one for one in handovers if one is not None]
        if known:
            yield (
                f"- {hosts} hosts: {median(known):.0f} ms from a worker's join line to the next"
                " server's first act (median)."
            )
    if results.sizes() and (runs := results.of(OURS.name, max(results.sizes()), "no-op")):
        hosts = runs[0].hosts
        cpu = 1000 * median(run.cpu_seconds for run in runs) / hosts
        peak = max(run.peak_kb for run in runs) / 1024
        yield (
            f"- {hosts} hosts, no-op: {cpu:.0f} ms of CPU per host on the operator's side,"
            f" {peak:.0f} MB at the peak."
        )
    if crowd := results.crowd:
        yield (
            f"- {crowd.hosts} hosts through {crowd.sshds} sshd at the default MaxStartups:"
            f" {crowd.dropped} connections dropped and tried again, no failure."
        )
    if light := results.light:
        yield (
            f"- `fab --list` takes {light.list_ratio:.2f}{TIMES} of Fabric's own with an empty"
            f" fabfile, tab completion {light.completion_ratio:.2f}{TIMES}."
        )
    for each in results.installs:
        ours, floor = each.seconds["ours"], each.seconds["floor"]
        peers = ", ".join(
            f"{name} {seconds:.1f} s ({seconds / ours:.2f}{TIMES} ours)"
            for name, seconds in each.seconds.items()
            if name not in ("ours", "floor")
        )
        yield (
            f"- `install` of {each.megabytes} MB on {each.hosts} empty hosts at once, compared"
            f" there: {ours:.1f} s, {floor / ours:.2f}{TIMES} the throughput of one plain"
            f" `ssh tar` to each ({floor:.1f} s); {peers}; {each.peak_kb / 1024:.0f} MB of memory"
            " at the peak."
        )
    if clone := results.clone:
        yield (
            f"- `clone` of {clone.megabytes} MB, copied and verified on both sides:"
            f" {clone.throughput_ratio:.2f}{TIMES} the throughput of `ssh tar | ssh tar`, which"
            f" verifies nothing; {clone.whole_ratio:.2f}{TIMES} as a whole command, to the join;"
            f" {clone.peak_kb / 1024:.0f} MB of memory at the peak."
        )
