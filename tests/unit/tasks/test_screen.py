"""What the operator sees while a run goes on: a live view, or plain lines in a pipe."""

from __future__ import annotations

import io
from dataclasses import dataclass, field

import pytest
from rich.console import Console
from rich.text import Text

from tasks.screen import SAID_SECONDS, Screen
from tests.waiting import wait_for


@dataclass
class Clock:
    """A clock that goes when it is told to."""

    at: float = 100.0

    def __call__(self) -> float:
        return self.at


@dataclass
class Seen:
    """A screen, what is on it, and its clock."""

    terminal: bool = False
    width: int = 200
    clock: Clock = field(default_factory=Clock)
    out: io.StringIO = field(default_factory=io.StringIO)

    def __post_init__(self) -> None:
        console = Console(
            file=self.out,
            width=self.width,
            force_terminal=self.terminal,
            color_system=None,
            highlight=False,
        )
        self.screen = Screen(console, clock=self.clock)

    def wait_for(self, text: str) -> None:
        """Wait until the live view, which draws itself from time to time, has shown a text."""
        wait_for(f"{text!r} is shown", lambda: text in self.out.getvalue(), seconds=5.0)

    @property
    def lines(self) -> list[str]:
        return self.out.getvalue().splitlines()


def test_what_is_done_is_a_plain_line_in_a_pipe() -> None:
    seen = Seen()
    seen.screen.say("worker1", "config: axis2.xml")
    assert seen.lines == ["worker1  config: axis2.xml"]


@pytest.mark.parametrize("text", ["[bold]x[/bold]", "[/]", ":smile:", "a\\[b", "x" * 500])
def test_texts_of_servers_are_printed_as_they_are(text: str) -> None:
    """No markup, no emoji codes, nothing wrapped or cut."""
    seen = Seen()
    seen.screen.say("worker1", text)
    seen.screen.line(Text(text))
    assert seen.lines == [f"worker1  {text}", text]


def test_a_pipe_is_told_of_a_long_wait_now_and_then() -> None:
    seen = Seen()
    for second in range(35):
        seen.clock.at = 100.0 + second
        seen.screen.now("worker1", "starting")
    assert seen.lines == [f"worker1  starting ({at} s)" for at in (10, 20, 30)]


def test_a_pipe_is_not_told_of_a_wait_right_after_a_line() -> None:
    seen = Seen()
    seen.screen.now("worker1", "looking")
    seen.clock.at += SAID_SECONDS
    seen.screen.say("worker1", "driver")
    seen.screen.now("worker1", "starting 0 s")
    assert seen.lines == ["worker1  driver"]


def test_a_short_run_shows_no_live_view() -> None:
    seen = Seen(terminal=True)
    seen.screen.now("worker1", "looking")
    seen.screen.close()
    assert seen.out.getvalue() == ""


def test_a_terminal_shows_each_host_with_its_time_and_last_line() -> None:
    seen = Seen(terminal=True)
    seen.screen.now("worker1", "looking")
    seen.clock.at += 5
    seen.screen.now("worker1", "Cluster domain: wso2.as.domain")
    seen.screen.now("worker2", "staging")
    seen.wait_for("worker1     5 s  Cluster domain: wso2.as.domain")
    seen.wait_for("worker2     0 s  staging")
    seen.screen.close()


def test_what_stays_is_printed_above_the_live_view() -> None:
    seen = Seen(terminal=True)
    seen.screen.now("worker1", "looking")
    seen.clock.at += 5
    seen.screen.now("worker1", "starting")
    seen.screen.say("worker1", "driver")
    seen.screen.close()
    assert "worker1  driver\n" in seen.out.getvalue().replace("\r", "")


def test_a_table_has_no_frames_and_is_not_cut_in_a_pipe() -> None:
    seen = Seen(width=10_000)
    seen.screen.table(("worker", "changed"), [("worker1", "x" * 300), ("w2", Text("nothing"))])
    assert [line.rstrip() for line in seen.lines] == [
        "worker   changed",
        f"worker1  {'x' * 300}",
        "w2       nothing",
    ]


def test_spare_columns_give_way_on_a_narrow_terminal() -> None:
    seen = Seen(width=20)
    seen.screen.table(
        ("worker", "ports", "joined"), [("worker1", "4000 9763 9443", "JOIN")], spare=("ports",)
    )
    assert [line.split() for line in seen.lines[:2]] == [["worker", "joined"], ["worker1", "JOIN"]]
    assert " ".join(line.strip() for line in seen.lines[2:]) == "narrow terminal, without: ports"


def test_a_narrow_terminal_wraps_the_long_column_and_shows_all_others_whole() -> None:
    seen = Seen(terminal=True, width=60)
    row = ("worker1", "driver, config: axis2.xml, carbon.xml, hosts, started", "Member joined")
    seen.screen.table(("worker", "changed", "joined"), [row], wraps="changed")
    assert len(seen.lines) > 2
    assert seen.lines[1].startswith("worker1  driver")
    assert seen.lines[1].rstrip().endswith("Member joined")


def test_a_dumb_terminal_gets_the_lines_of_a_pipe(monkeypatch: pytest.MonkeyPatch) -> None:
    """It can draw no live view: without them a long wait would be silent."""
    monkeypatch.setenv("TERM", "dumb")
    seen = Seen(terminal=True)
    seen.screen.now("worker1", "starting")
    seen.clock.at += SAID_SECONDS
    seen.screen.now("worker1", "joined")
    assert "worker1  joined (10 s)" in seen.out.getvalue()
