"""What an operator sees while a long wait goes on."""

from __future__ import annotations

import os
import pty
import re
import subprocess
from pathlib import Path

import pytest

from tests.lab.cli import FAB, ROOT, Fab
from tests.lab.hosts import Host
from tests.lab.inventory import ClusterFile

pytestmark = pytest.mark.usefixtures("stock_workers")


def on_a_terminal(*words: str, hosts: Path, home: Path) -> str:
    """Run `fab` with its output on a terminal of 100 columns, and return all that it drew."""
    ours, its = pty.openpty()
    environment = {"HOME": str(home), "PATH": os.environ["PATH"], "LANG": "C.UTF-8"}
    run = subprocess.Popen(
        [str(FAB), *words],
        cwd=ROOT,
        env=environment | {"PROVISION_HOSTS": str(hosts), "TERM": "xterm", "COLUMNS": "100"},
        stdin=subprocess.DEVNULL,
        stdout=its,
        stderr=its,
    )
    os.close(its)
    drawn = b""
    while True:
        try:
            chunk = os.read(ours, 65536)
        except OSError:  # the other end is closed
            break
        drawn += chunk
    os.close(ours)
    assert run.wait() == 0, drawn.decode()
    return drawn.decode()


def test_a_terminal_shows_each_worker_live_with_its_time_and_last_log_line(
    fab: Fab, cluster_file: ClusterFile, worker1: Host
) -> None:
    worker1.knob("start-seconds", "2")
    worker1.knob("finish-seconds", "2")
    drawn = on_a_terminal("-H", "worker1", "deploy", hosts=cluster_file(), home=fab.home)
    plain = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", drawn)
    assert re.search(r"worker1 +\d+ s +starting: (JVM \d+ is up|Starting WSO2 Carbon)", plain), (
        plain
    )
    assert re.search(r"worker1 +\d+ s +joined: Cluster initialization completed", plain), plain
    assert "Member joined, after" in plain
    assert "\x1b[?25h" in drawn, "the cursor is shown again"


def test_a_pipe_gets_plain_lines(fab: Fab, cluster_file: ClusterFile) -> None:
    ran = fab.succeeds("-H", "worker1", "deploy", hosts=cluster_file(), TERM="xterm")
    assert "\x1b" not in ran.said
    assert "worker1  started\n" in ran.out
