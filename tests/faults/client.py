"""The real command line in a process of its own, without paying for Python's start each time.

Everything that `fab` imports is imported here once; a run is a fork of this process. It has its
own session, environment and output, and may be killed.
"""

from __future__ import annotations

import gc
import importlib
import os
import signal
import sys
import tempfile
import threading
import time
import traceback
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LIMIT_SECONDS = 60.0
USED_BY_RUNS = (
    "fabfile",
    "tests.faults.injector",
    "remote.ssh.connector",
    "tasks.cloning",
    "tasks.rollout",
    "tasks.session",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ran:
    """How a run ended and what it said."""

    status: int
    """Negative: ended by that signal."""
    said: str
    seconds: float

    @property
    def hung(self) -> bool:
        """It had to be ended from outside."""
        return self.seconds >= LIMIT_SECONDS


class Client:
    """Runs `fab` in forks of this process; no thread may be alive here meanwhile."""

    def __init__(self, home: Path) -> None:
        self._home = home
        for module in USED_BY_RUNS:
            importlib.import_module(module)
        gc.freeze()

    def run(self, *words: str, hosts: Path, environment: Mapping[str, str]) -> Ran:
        """Run `fab WORDS...` against an inventory, to its end or to its time limit."""
        began = time.monotonic()
        with tempfile.TemporaryFile() as output:
            child = os.fork()
            if child == 0:
                self._be_fab(words, hosts, environment, output.fileno())
            status = _wait(child, began + LIMIT_SECONDS)
            output.seek(0)
            said = output.read().decode(errors="replace")
        return Ran(status=status, said=said, seconds=time.monotonic() - began)

    def _be_fab(
        self, words: tuple[str, ...], hosts: Path, environment: Mapping[str, str], output: int
    ) -> None:
        status = 70
        try:
            os.setsid()
            os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
            os.dup2(output, 1)
            os.dup2(output, 2)
            sys.stdout, sys.stderr = os.fdopen(1, "w"), os.fdopen(2, "w")
            os.chdir(ROOT)
            os.environ.clear()
            os.environ.update({**self._environment(hosts), **environment})
            status = _fab(words)
        except BaseException:
            traceback.print_exc()
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(status)

    def _environment(self, hosts: Path) -> dict[str, str]:
        return {
            "HOME": str(self._home),
            "PATH": "/usr/bin:/bin",
            "LANG": "C.UTF-8",
            "PROVISION_HOSTS": str(hosts),
            "PROVISION_DEBUG": "1",
        }


def _fab(words: tuple[str, ...]) -> int:
    """Do what the script `fab` does, up to the end of the last thread."""
    from fabric.main import program

    from tests.faults import fab

    fab.install()
    sys.argv = ["fab", *words]
    status = 0
    try:
        program.run()
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else 1
    for thread in threading.enumerate():
        if thread is not threading.current_thread() and not thread.daemon:
            thread.join()
    return status


def _wait(child: int, deadline: float) -> int:
    while True:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status)
        if time.monotonic() > deadline:
            os.killpg(child, signal.SIGKILL)
            os.waitpid(child, 0)
            return -signal.SIGKILL
        time.sleep(0.005)
