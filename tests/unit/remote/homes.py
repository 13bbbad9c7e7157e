"""AS_HOMEs on this machine: the lab's stock pack, with a script that starts a stand-in process."""

from __future__ import annotations

import os
import shlex
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from types import MappingProxyType
from typing import Any

import lab
from carbon.cluster import Node
from carbon.home import layout
from carbon.home.process import MAIN_CLASS
from tests.unit.carbon.nodes import make_node

NOTHING: Mapping[str, str] = MappingProxyType({})
PACK = Path(lab.__file__).parent / "image/pack"
STANDIN = Path(__file__).parent / "standin_server.py"

SCRIPT = f"""\
echo "CARBON_HOME is ${{CARBON_HOME-unset}}"
home=$(cd "$(dirname "$0")/.." && pwd)
while [ -e "$home/standin/no-java" ]; do sleep 0.05; done
"$JAVA_HOME/bin/java" -Dcarbon.home="$home" -DworkerNode=false {MAIN_CLASS} "$@"
"""


class Home:
    """One AS_HOME: its files, and the server that runs from it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._started: list[subprocess.Popen[bytes]] = []
        shutil.copytree(PACK, path)
        for folder in (layout.LIB, layout.DROPINS, layout.LOGS, layout.CONF / "etc"):
            (path / folder).mkdir(parents=True, exist_ok=True)
        (path / layout.SCRIPT).write_text(SCRIPT)
        self.java = path.parent / f"{path.name}-java"
        (self.java / "bin").mkdir(parents=True)
        java = self.java / "bin/java"
        # Room for the words that it shows: the interpreter's own command line is shorter.
        run = shlex.join([sys.executable, "-S", "-E", str(STANDIN)])
        java.write_text(f'#!/bin/sh\nexec {run} "$0" "$@"\n')
        java.chmod(0o755)

    def node(self, name: str = "worker1", **own: Any) -> Node:
        """Return the node that runs from here."""
        places = {"home": PurePosixPath(self.path), "java_home": PurePosixPath(self.java)}
        return make_node(name, **{**places, **own})

    def file(self, path: PurePosixPath | str) -> Path:
        """Return a file of it on this machine."""
        return self.path / path

    @property
    def state(self) -> Path:
        """What this tool keeps of its own."""
        return self.path / layout.STATE

    @property
    def log(self) -> Path:
        """The server's log."""
        return self.path / layout.LOG

    def turn(self, knob: str) -> None:
        """Turn a knob of the stand-in."""
        (self.path / "standin").mkdir(exist_ok=True)
        (self.path / "standin" / knob).touch()

    def set_property(self, option: str) -> None:
        """Let the start script pass another option to java."""
        script = self.file(layout.SCRIPT)
        script.write_text(
            script.read_text().replace("-DworkerNode=false", f"{option} -DworkerNode=false")
        )

    def start(self, **environment: str) -> None:
        """Start the server by hand, and wait until it has written its pid file."""
        self._start(["sh", str(self.file(layout.SCRIPT))], environment)

    def start_as(self, spelling: str, *properties: str) -> int:
        """Start the JVM by itself, with another spelling of AS_HOME, and return its pid."""
        self.file(layout.PID_FILE).unlink(missing_ok=True)
        java = str(self.java / "bin/java")
        options = [f"-Dcarbon.home={spelling}", *properties, "-DworkerNode=false"]
        return self._start([java, *options, MAIN_CLASS])

    def _start(self, command: list[str], environment: Mapping[str, str] = NOTHING) -> int:
        process = subprocess.Popen(
            command,
            cwd=self.path,
            env={"JAVA_HOME": str(self.java), "PATH": os.environ["PATH"], **environment},
            stdout=subprocess.DEVNULL,
            start_new_session=True,
        )
        self._started.append(process)
        while not self.file(layout.PID_FILE).exists():
            time.sleep(0.02)
        return process.pid

    def pids(self) -> list[int]:
        """Return the servers that run from here."""
        mark = f"-Dcarbon.home={self.path}".encode()
        return [
            int(process.name)
            for process in Path("/proc").iterdir()
            if process.name.isdigit() and mark in words(process)
        ]

    def close(self) -> None:
        """End every server that a test left running."""
        for pid in self.pids():
            os.kill(pid, signal.SIGKILL)
        for process in self._started:
            process.kill()
            process.wait()


def words(process: Path) -> list[bytes]:
    """Return the command line of a process, by its folder in /proc; none where it is gone."""
    try:
        return (process / "cmdline").read_bytes().split(b"\0")
    except OSError:
        return []
