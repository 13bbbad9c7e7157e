"""What asks a run to end: it ends at its next safe point, and nothing is half done there."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from carbon.errors import Interrupted
from remote.run.interrupt import SIGNALS, deferred, request_end, safe_point

ROOT = Path(__file__).resolve().parents[4]
CLOSED = """
import os, sys
sys.path.insert(0, {root!r})
from carbon.errors import Interrupted
from remote.run.interrupt import deferred, safe_point
from tasks.console import stdout
from tasks.screen import Screen
screen = Screen(stdout())
with deferred(screen.ending):
    screen.say("worker1", "out of rotation")
    screen.say("worker1", "stopped")
    try:
        safe_point()
    except Interrupted:
        sys.exit(130)
"""


@pytest.mark.parametrize("number", SIGNALS)
def test_the_first_signal_asks_for_an_end_at_the_next_safe_point(number: int) -> None:
    """`kill`, and a terminal that goes away, end a turn as Ctrl-C does: not in its middle."""
    heard = []
    before = signal.signal(number, signal.SIG_DFL)
    try:
        with deferred(lambda: heard.append(number)):
            safe_point()
            os.kill(os.getpid(), number)
            assert heard == [number]
            with pytest.raises(Interrupted):
                safe_point()
        assert signal.getsignal(number) == signal.SIG_DFL
    finally:
        signal.signal(number, before)


def test_the_second_one_ends_at_once() -> None:
    before = signal.signal(signal.SIGINT, signal.SIG_DFL)  # a shell's background job ignores it
    try:
        with pytest.raises(KeyboardInterrupt), deferred(lambda: None):
            os.kill(os.getpid(), signal.SIGINT)
            os.kill(os.getpid(), signal.SIGINT)
    finally:
        signal.signal(signal.SIGINT, before)


def test_a_signal_that_is_ignored_from_the_start_stays_ignored() -> None:
    """As SIGHUP is under nohup."""
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with deferred(lambda: pytest.fail("heard")):
            os.kill(os.getpid(), signal.SIGHUP)
            safe_point()
    finally:
        signal.signal(signal.SIGHUP, before)


def test_outside_of_a_run_nobody_heeds_a_request() -> None:
    assert not request_end()


def test_an_output_that_was_closed_ends_a_rollout_at_its_next_safe_point() -> None:
    """As with `fab deploy | head -1`."""
    reader, writer = os.pipe()
    os.close(reader)
    program = CLOSED.format(root=str(ROOT))
    run = subprocess.run(
        [sys.executable, "-c", program], stdout=writer, stderr=subprocess.PIPE, check=False
    )
    os.close(writer)
    assert (run.returncode, run.stderr) == (130, b"")
