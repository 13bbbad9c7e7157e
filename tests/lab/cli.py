"""The real command line, run as an operator runs it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FAB = Path(sys.executable).with_name("fab")
FAULTY_FAB = ROOT / "tests/faults/fab.py"
LIMIT_SECONDS = 120.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Ran:
    """What one run of `fab` printed, how it ended, and how long it took."""

    status: int
    out: str
    err: str
    seconds: float

    def row(self, name: str) -> str:
        """Return a server's line of the table at the end."""
        lines = self.out.splitlines()
        heads = [at for at, line in enumerate(lines) if line.startswith(("worker ", "server "))]
        assert heads, f"no table was printed:\n{self}"
        rows = [line for line in lines[heads[-1] :] if line.split(" ")[0] == name]
        assert rows, f"no row for {name}:\n{self}"
        return rows[0]

    @property
    def said(self) -> str:
        """Both outputs."""
        return self.out + self.err

    def __str__(self) -> str:
        return f"status {self.status} after {self.seconds:.1f} s\n{self.out}{self.err}"


def _program(environment: Mapping[str, str]) -> list[str]:
    """Return `fab`, or the one whose connections break where a test asks for faults."""
    faulty = any(name.startswith("PROVISION_FAULT") for name in environment)
    return [sys.executable, str(FAULTY_FAB)] if faulty else [str(FAB)]


def _hear_interrupts() -> None:
    """Undo what a shell does to jobs in the background: their children would ignore Ctrl-C."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


class Fab:
    """Runs `fab` against an inventory, in a home of its own and without an agent."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self._running: list[subprocess.Popen[str]] = []

    def __call__(self, *words: str, hosts: Path, **environment: str) -> Ran:
        """Run `fab WORDS...` to its end; `hosts` is the inventory.

            fab("-H", "worker1", "deploy", hosts=cluster_file())

        A run that ends in any other way than by itself is an error of the test.
        """
        began = time.monotonic()
        run = self.begin(*words, hosts=hosts, **environment)
        out, err = run.communicate(timeout=LIMIT_SECONDS)
        ran = Ran(status=run.returncode, out=out, err=err, seconds=time.monotonic() - began)
        assert "Traceback" not in ran.said, f"an operator saw a traceback:\n{ran}"
        return ran

    def succeeds(self, *words: str, hosts: Path, **environment: str) -> Ran:
        """Run, and insist on exit status 0."""
        ran = self(*words, hosts=hosts, **environment)
        assert ran.status == 0, ran
        return ran

    def fails(self, *words: str, hosts: Path, status: int = 1, **environment: str) -> Ran:
        """Run, and insist on a failure that is told in whole sentences."""
        ran = self(*words, hosts=hosts, **environment)
        assert ran.status == status, ran
        assert "→" in ran.said, f"no remedy was given:\n{ran}"
        return ran

    def begin(self, *words: str, hosts: Path, **environment: str) -> subprocess.Popen[str]:
        """Start a run and return it while it goes on; it leads a process group of its own."""
        run = subprocess.Popen(
            [*_program(environment), *words],
            cwd=ROOT,
            env=self._environment(hosts) | environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
            preexec_fn=_hear_interrupts,
        )
        self._running.append(run)
        return run

    def close(self) -> None:
        """End what a test left running, and fail if a run left a process of its own."""
        left = []
        for run in self._running:
            if run.poll() is None:
                run.kill()
                run.communicate()
            try:
                os.killpg(run.pid, signal.SIGKILL)
                left.append(" ".join(str(word) for word in run.args))  # type: ignore[union-attr]
            except ProcessLookupError:
                continue
        assert not left, f"these runs left processes here: {left}"

    def _environment(self, hosts: Path) -> dict[str, str]:
        return {
            "HOME": str(self.home),
            "PATH": os.environ["PATH"],
            "LANG": "C.UTF-8",
            "PROVISION_HOSTS": str(hosts),
        }
