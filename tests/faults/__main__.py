"""Break deploy, restart, rollback, clone and install at every point, and print what that broke.

python -m tests.faults                  everything; writes tests/faults/results.json
python -m tests.faults --sample 40      so many faults of each command, spread over its run
python -m tests.faults --only ':swap:'  the faults whose text holds this; -v shows the runs
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, datetime
from multiprocessing import get_context
from pathlib import Path

from tests.faults.matrix import Outcome
from tests.faults.part import inject

RESULTS = Path(__file__).parent / "results.json"


def main(arguments: Sequence[str]) -> int:
    """Run the matrix; the exit status is 0 if no invariant was broken."""
    asked = _parser().parse_args(arguments)
    began = time.monotonic()
    parts = [(number, asked.jobs) for number in range(asked.jobs)]
    with ProcessPoolExecutor(asked.jobs, mp_context=get_context("spawn")) as pool:
        outcomes = _merged(list(pool.map(inject, [asked] * asked.jobs, parts)))
    seconds = time.monotonic() - began
    broken = sum(len(one.broken) for one in outcomes)
    _print(outcomes, seconds=seconds)
    if asked.verbose:
        for one in (broken for outcome in outcomes for broken in outcome.broken):
            print(f"--- {one.fault}: {one.seen}\n{one.said}")
    if asked.sample is None and not asked.only and not asked.command:
        RESULTS.write_text(_as_json(outcomes, seconds=seconds))
    return 1 if broken else 0


def _merged(parts: Sequence[Sequence[Outcome]]) -> list[Outcome]:
    """Put together what several processes did of each command."""
    return [
        Outcome(
            scenario=same[0].scenario,
            points=same[0].points,
            injected=[fault for one in same for fault in one.injected],
            broken=[broken for one in same for broken in one.broken],
            seconds=max(one.seconds for one in same),
        )
        for same in zip(*parts, strict=True)
    ]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m tests.faults",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--sample", type=int, help="so many faults of each command")
    parser.add_argument("--only", default="", help="faults whose text holds this")
    parser.add_argument("--command", action="append", help="only this command; may be repeated")
    parser.add_argument(
        "--lab", default="faults", help="the labs are called so, with a number (faults)"
    )
    parser.add_argument("--jobs", type=int, default=2, help="labs side by side (%(default)s)")
    parser.add_argument("--keep", action="store_true", help="leave the labs up at the end")
    parser.add_argument("-v", "--verbose", action="store_true", help="show what broken runs said")
    return parser


def _print(outcomes: Sequence[Outcome], *, seconds: float) -> None:
    print(f"{'command':24}{'points':>8}{'faults':>8}{'broken':>8}{'seconds':>9}")
    for one in outcomes:
        counts = f"{one.points:8}{len(one.injected):8}{len(one.broken):8}{one.seconds:9.0f}"
        print(f"{one.scenario.name:24}{counts}")
    points = sum(one.points for one in outcomes)
    injected = sum(len(one.injected) for one in outcomes)
    broken = sum(len(one.broken) for one in outcomes)
    print(
        f"{points} points, {injected} faults injected, {broken} invariants broken, {seconds:.0f} s"
    )


def _as_json(outcomes: Sequence[Outcome], *, seconds: float) -> str:
    return (
        json.dumps(
            {
                "date": datetime.now(UTC).strftime("%Y-%m-%d"),
                "seconds": round(seconds),
                "points": sum(one.points for one in outcomes),
                "faults_injected": sum(len(one.injected) for one in outcomes),
                "invariants_broken": sum(len(one.broken) for one in outcomes),
                "commands": [
                    {
                        "command": one.scenario.name,
                        "points": one.points,
                        "faults_injected": len(one.injected),
                        "invariants_broken": len(one.broken),
                        "seconds": round(one.seconds),
                        "broken": [{"fault": str(b.fault), "seen": b.seen} for b in one.broken],
                    }
                    for one in outcomes
                ],
            },
            indent=2,
        )
        + "\n"
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
