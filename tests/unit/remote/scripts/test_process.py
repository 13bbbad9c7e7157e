"""What the shared functions of the scripts say about processes."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import remote
from tests.waiting import wait_for

LIB = Path(remote.__file__).parent / "scripts/lib"
THREADED = """
import ctypes, threading, time
threading.Thread(target=time.sleep, args=(60,)).start()
print(flush=True)
ctypes.CDLL(None).pthread_exit(None)
"""
"""A process whose first thread ends, and another one goes on: what a JVM is while it ends."""


def lives(pid: int) -> bool:
    asked = ["sh", "-c", f'. "{LIB}/base.sh"; . "{LIB}/process.sh"; read_ticks {pid}']
    return subprocess.run(asked, check=False).returncode == 0


def state(pid: int) -> str:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2][0]


def wait_for_zombie(pid: int) -> None:
    wait_for("it has ended", lambda: state(pid) == "Z")


def test_a_process_that_has_ended_is_gone_though_nobody_asked_for_its_status() -> None:
    ended = subprocess.Popen(["true"])
    wait_for_zombie(ended.pid)
    assert not lives(ended.pid)
    ended.wait()


def test_a_process_is_not_gone_while_one_of_its_threads_lives() -> None:
    """It still holds its ports and its files."""
    threaded = subprocess.Popen([sys.executable, "-c", THREADED], stdout=subprocess.PIPE)
    try:
        assert threaded.stdout is not None
        threaded.stdout.readline()
        wait_for_zombie(threaded.pid)
        assert lives(threaded.pid)
    finally:
        threaded.kill()
        threaded.communicate()
    assert not lives(threaded.pid)
