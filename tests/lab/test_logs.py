"""`fab logs` on the lab: interleaved, followed across rotation, ended without leaving a process."""

from __future__ import annotations

import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest

from lab import Lab
from tests.lab.cli import Fab
from tests.lab.hosts import HOME, LOG, Host
from tests.lab.inventory import ClusterFile
from tests.waiting import wait_for

INTERRUPTED = 130


@pytest.fixture(scope="module")
def inventory(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return an inventory of workers that need not run: only their logs are read."""
    return ClusterFile(lab, tmp_path_factory.mktemp("logs"))()


@pytest.fixture
def logs(worker1: Host, worker2: Host) -> Iterator[Callable[..., None]]:
    """Write lines into the workers' logs, which begin empty; what was there is put back."""
    both = {"worker1": worker1, "worker2": worker2}
    for host in both.values():
        host.sh(
            f"mkdir -p {HOME}/repository/logs; cd {HOME}/repository/logs; rm -rf kept; mkdir kept;"
            " [ ! -e wso2carbon.log ] || mv wso2carbon.log kept; : > wso2carbon.log"
        )

    def write(name: str, *lines: str) -> None:
        both[name].append(LOG, "".join(f"{line}\n" for line in lines))

    yield write
    for host in both.values():
        host.sh(
            f"cd {HOME}/repository/logs; rm -f wso2carbon.log*;"
            " [ ! -e kept/wso2carbon.log ] || mv kept/wso2carbon.log .; rmdir kept"
        )


def entry(second: float, text: str) -> str:
    at = datetime.fromtimestamp(1_800_000_000 + second, UTC)
    return f"TID: [-1234] [] [{at:%Y-%m-%d %H:%M:%S},000]  INFO {{org.x.Y}} -  {text}"


class Following:
    """A run of `fab logs --follow`, and what it has printed so far."""

    def __init__(self, run: subprocess.Popen[str]) -> None:
        self.run = run
        self.lines: list[str] = []
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _read(self) -> None:
        assert self.run.stdout
        for line in self.run.stdout:
            self.lines.append(line.rstrip("\n"))

    def wait_for(self, text: str) -> None:
        wait_for(f"{text!r} is printed", lambda: any(text in line for line in self.lines))

    def interrupt(self) -> tuple[int, str]:
        """Press Ctrl-C; return exit status and what stood on stderr."""
        began = time.monotonic()
        self.run.send_signal(signal.SIGINT)
        status = self.run.wait(10)
        self._reader.join(10)
        assert self.run.stderr
        err = self.run.stderr.read()
        assert time.monotonic() - began < 5
        return status, err


@contextmanager
def following(fab: Fab, inventory: Path, *options: str, names: str) -> Iterator[Following]:
    yield Following(fab.begin("-H", names, "logs", "--follow", *options, hosts=inventory))


def test_lines_of_both_workers_are_in_order_with_their_names(
    fab: Fab, inventory: Path, logs: Callable[..., None]
) -> None:
    logs("worker1", entry(1, "a"), "\tat a stack trace", entry(3, "c"))
    logs("worker2", entry(2, "b"), entry(4, "d \x1b[31mred"))
    ran = fab.succeeds("-H", "worker1,worker2", "logs", hosts=inventory)
    shown = [f"{line[:10]}{line.rpartition('-  ')[2]}" for line in ran.out.splitlines()]
    assert shown == [
        "worker1 | a",
        "worker1 | worker1 | \tat a stack trace",
        "worker2 | b",
        "worker1 | c",
        "worker2 | d \\x1b[31mred",
    ]


def test_grep_works_on_the_server_and_a_bad_expression_is_told(
    fab: Fab, inventory: Path, logs: Callable[..., None]
) -> None:
    logs("worker1", *(entry(at, f"ERROR {at}") for at in range(9)), entry(10, "fine"))
    words = ("-H", "worker1", "logs", "--lines", "2")
    ran = fab.succeeds(*words, "--grep", "ERROR [0-9]", hosts=inventory)
    assert [line[-7:] for line in ran.out.splitlines()] == ["ERROR 7", "ERROR 8"]
    refused = fab.fails(*words, "--grep", "a(b", hosts=inventory)
    assert "--grep 'a(b' is not an extended regular expression: Unmatched (" in refused.err
    assert fab("-H", "worker1", "logs", "--lines", "two", hosts=inventory).status != 0


def test_following_survives_rotation_and_ends_cleanly(
    fab: Fab, inventory: Path, logs: Callable[..., None], worker1: Host
) -> None:
    """That no process is left on the servers is checked after every test."""
    logs("worker1", entry(1, "old"))
    with following(fab, inventory, "--grep", "[a-z]", names="worker1,worker2") as run:
        run.wait_for("old")
        logs("worker1", entry(2, "last of the old file"))
        worker1.sh(f"mv {LOG} {LOG}.2026-11-21")
        logs("worker1", entry(3, "first of the new file"))
        run.wait_for("first of the new file")
        logs("worker2", entry(4, "the other"))
        run.wait_for("worker2 | ")
        logs("worker1", entry(5, "second of the new file"))
        run.wait_for("second of the new file")
        status, err = run.interrupt()
    assert (status, err) == (INTERRUPTED, "")
    assert [line.rpartition("-  ")[2] for line in run.lines] == [
        "old",
        "last of the old file",
        "first of the new file",
        "the other",
        "second of the new file",
    ]


def test_a_host_that_goes_away_ends_only_its_own_lines(
    fab: Fab, inventory: Path, logs: Callable[..., None], worker1: Host
) -> None:
    logs("worker1", entry(1, "one"))
    logs("worker2", entry(1, "two"))
    with following(fab, inventory, names="worker1,worker2") as run:
        run.wait_for("two")
        worker1.sh("pkill -KILL -f '^sshd: deploy@notty'")
        logs("worker2", entry(2, "goes on"))
        run.wait_for("goes on")
        status, err = run.interrupt()
    assert status == INTERRUPTED
    assert "error: worker1: logs: the connection that read its log ended" in err


def test_a_log_of_200_mb_costs_no_memory(
    fab: Fab, inventory: Path, logs: Callable[..., None], worker1: Host
) -> None:
    """Only what is asked for crosses the wire, and it is read as it is printed."""
    logs("worker1", entry(1, "first"))
    worker1.sh(f"yes '{entry(2, 'noise ' * 20)}' | head -c 200000000 >> {LOG}")
    logs("worker1", "", entry(3, "last"))
    ran = fab.succeeds("-H", "worker1", "logs", "--lines", "1", "--grep", "first", hosts=inventory)
    assert ran.out.endswith("first\n")
    with following(fab, inventory, "--lines", "400000", names="worker1") as run:
        run.wait_for("noise")
        peak = _peak_kb(run.run.pid)
        run.interrupt()
    assert peak < 250_000, f"{peak} kB"


def _peak_kb(pid: int) -> int:
    status = Path(f"/proc/{pid}/status").read_text()
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM"))
