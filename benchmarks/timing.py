"""Running a command under the stopwatch."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from benchmarks.site import FOLDER
from benchmarks.tools import Command, environment

LIMIT_SECONDS = 600.0


class Failed(Exception):
    """A command that was timed ended with an error."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Time:
    """What one whole process took, its children included."""

    seconds: float
    cpu_seconds: float
    peak_kb: int


def timed(command: Command, *, home: Path, log: Path, statuses: Collection[int] = (0,)) -> Time:
    """Run a command to its end; its output goes to `log`.

    Raises Failed where it ends otherwise than with one of `statuses`.
    """
    read, write = os.pipe()
    with log.open("wb") as output, os.fdopen(read) as answer:
        stopwatch = (sys.executable, "-I", "-S", str(FOLDER / "stopwatch.py"))
        process = subprocess.Popen(
            (*stopwatch, *command.argv),
            cwd=command.cwd,
            env=environment(home, command.env),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            # The stopwatch answers at 3, whatever number the pipe has here.
            preexec_fn=lambda: _only_at_three(write),
            close_fds=False,
        )
        os.close(write)
        try:
            process.wait(LIMIT_SECONDS)
        except subprocess.TimeoutExpired:
            process.terminate()
            raise Failed(
                f"{command.argv[0]}: no end within {LIMIT_SECONDS:g} s, see {log}"
            ) from None
        figures = json.loads(answer.read() or "null")
    if figures is None or figures.pop("status") not in statuses:
        raise Failed(f"{' '.join(command.argv)[:200]}: failed, see {log}")
    return Time(**figures)


def _only_at_three(write: int) -> None:
    os.dup2(write, 3)
