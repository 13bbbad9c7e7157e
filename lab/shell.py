"""Running commands of this machine: the one place of the lab that starts processes."""

from __future__ import annotations

import fcntl
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

Progress = Callable[[str], None]

LAB = Path(__file__).parent
RUN = LAB / "run"


class LabError(Exception):
    """The lab cannot be brought up; one line says why, and what to do about it."""


class Run(Protocol):
    """How the lab runs a command; tests put a stand-in here."""

    def __call__(self, *argv: str, log: Path | None = None) -> subprocess.CompletedProcess[str]: ...


@contextmanager
def alone(what: str) -> Iterator[None]:
    """Let one process at a time do something that is to be done once on a machine."""
    RUN.mkdir(exist_ok=True)
    with (RUN / f"{what}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def run(*argv: str, log: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Run a command to its end, whatever its exit status; a missing program counts as 127.

    With `log` its output goes to the end of that file, for commands that leave a process behind.
    """
    try:
        if log is None:
            return subprocess.run(
                argv, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
            )
        with log.open("a") as output:
            return subprocess.run(
                argv, stdin=subprocess.DEVNULL, stdout=output, stderr=output, text=True, check=False
            )
    except FileNotFoundError:
        return subprocess.CompletedProcess(argv, 127, "", f"{argv[0]}: not found")


def need(done: subprocess.CompletedProcess[str], *, what: str) -> str:
    """Return what a command printed, or raise LabError with the last of its complaints."""
    if done.returncode != 0:
        complaints = (done.stderr or done.stdout or "").strip().splitlines()
        reason = "; ".join(complaints[-3:]) or f"exit status {done.returncode}"
        raise LabError(f"{what} failed: {reason}")
    return done.stdout
