"""`python -m benchmarks`: measure, and write results.json, RESULTS.md and chart.svg."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from benchmarks.chart import svg
from benchmarks.clone import measure_clone
from benchmarks.install import measure_install
from benchmarks.measure import measure_light, measure_many, measure_sizes, smoke
from benchmarks.report import markdown
from benchmarks.results import Results
from benchmarks.site import FOLDER
from benchmarks.state import WrongState
from benchmarks.timing import Failed
from benchmarks.tools import ALL, OURS
from lab import LabError


def main() -> int:
    """Do what the command line says; return the exit status."""
    asked = _parse()
    names = asked.tools.split(",") if asked.tools else [tool.name for tool in ALL]
    tools = [tool for tool in ALL if tool.name in names]
    try:
        if asked.report:
            results = Results.read(asked.output / "results.json")
        else:
            results = Results.begin([OURS] if asked.smoke else tools)
            if asked.smoke:
                smoke(results, say=_say)
                return 0
            if asked.sizes:
                sizes = [int(size) for size in asked.sizes.split(",")]
                measure_sizes(results, tools, sizes=sizes, rounds=asked.rounds, say=_say)
            if asked.many:
                measure_many(results, workers=asked.many, rounds=asked.rounds, say=_say)
            if asked.clone:
                measure_clone(results, rounds=asked.rounds, say=_say)
            if asked.install:
                hosts = [int(size) for size in asked.install.split(",")]
                measure_install(results, sizes=hosts, rounds=asked.rounds, say=_say)
            measure_light(results, say=_say)
    except (LabError, Failed, WrongState) as error:
        print(f"benchmarks: {error}", file=sys.stderr)
        return 1
    _write(results, asked.output)
    return 0


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--smoke", action="store_true", help="two hosts, one round, no figures")
    parser.add_argument("--report", action="store_true", help="only write the page and the chart")
    parser.add_argument("--sizes", default="2,8,24", help="numbers of hosts (%(default)s)")
    parser.add_argument("--many", type=int, default=200, help="hosts for ours and the floors, or 0")
    parser.add_argument(
        "--clone", action=argparse.BooleanOptionalAction, default=True, help="measure clone, too"
    )
    parser.add_argument(
        "--install",
        default="",
        help="numbers of hosts for install of 300 MB, such as 2,8; nothing: it is not measured",
    )
    parser.add_argument(
        "--rounds",
        type=int,
        default=3,
        help="runs of each; three times as many of the quick ones (%(default)s)",
    )
    parser.add_argument("--tools", help=f"of {','.join(tool.name for tool in ALL)}")
    parser.add_argument("--output", type=Path, default=FOLDER, help="folder for the results")
    return parser.parse_args()


def _write(results: Results, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    results.write(folder / "results.json")
    (folder / "RESULTS.md").write_text(markdown(results))
    (folder / "chart.svg").write_text(svg(results))


def _say(text: str) -> None:
    print(text, flush=True)


sys.exit(main())
