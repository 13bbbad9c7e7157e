"""Lines of several servers: told apart, bounded, and ended."""

from __future__ import annotations

import time

from remote.host.script import Script
from remote.observe.lines import QUEUED_LINES, LastLine, Line, Lines
from tests.unit.remote.local_server import LocalServer
from tests.waiting import wait_for

SECONDS = 10.0


def command(text: str) -> Script:
    return Script(name="run", values={"command": text})


def everything(lines: Lines, *, ends: int = 1) -> list[Line | LastLine]:
    """Return all lines until so many scripts have ended."""
    seen: list[Line | LastLine] = []
    while sum(isinstance(line, LastLine) for line in seen) < ends:
        line = lines.next(within_seconds=SECONDS)
        assert line is not None, f"nothing more came after {seen}"
        seen.append(line)
    return seen


def test_lines_carry_the_name_of_their_server_and_which_output_they_are_of() -> None:
    with Lines() as lines:
        lines.start(LocalServer("a"), command("echo one; echo two >&2"), errors=True)
        lines.start(LocalServer("b"), command("printf three"))
        seen = everything(lines, ends=2)
    assert set(seen) == {
        Line("a", "one"),
        Line("a", "two", to_stderr=True),
        LastLine("a"),
        Line("b", "three"),
        LastLine("b"),
    }


def test_the_last_of_a_server_is_none_after_both_outputs() -> None:
    with Lines() as lines:
        script = command("echo out; exec >&-; sleep 0.2; echo err >&2")
        lines.start(LocalServer("a"), script, errors=True)
        assert everything(lines)[-2:] == [Line("a", "err", to_stderr=True), LastLine("a")]


def test_nothing_in_time_is_none() -> None:
    with Lines() as lines:
        assert lines.next(within_seconds=0.01) is None


def test_what_nobody_takes_is_not_piled_up() -> None:
    """A flood is held back on its server, and closing ends it."""
    server = LocalServer("a")
    with Lines() as lines:
        stream = lines.start(server, command("yes"))
        wait_for("the queue is full", lambda: lines._queue.qsize() >= QUEUED_LINES)
        time.sleep(0.2)
        assert lines._queue.qsize() == QUEUED_LINES
        assert not stream.ended
    assert stream.ended
