"""Lines with the name of their host before them."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from carbon.text import visible
from tasks.streams import Prefixed


def printed(*lines: tuple[str, str], terminal: bool = False, shown: bool = True) -> list[str]:
    out = io.StringIO()
    console = Console(
        file=out, force_terminal=terminal, color_system="standard" if terminal else None, width=20
    )
    names = ("worker1", "w2")
    prefixed = Prefixed(console, names, shown=shown)
    for name, text in lines:
        prefixed.line(name, text)
    return out.getvalue().splitlines()


def test_names_are_aligned_and_long_lines_stay_whole() -> None:
    long = "x" * 100
    assert printed(("worker1", "a"), ("w2", long)) == ["worker1 | a", f"w2      | {long}"]


def test_each_name_has_a_colour_of_its_own_on_a_terminal_only() -> None:
    coloured = printed(("worker1", "a"), ("w2", "b"), terminal=True)
    assert coloured == ["\x1b[36mworker1 | \x1b[0ma", "\x1b[33mw2      | \x1b[0mb"]
    assert printed(("worker1", "a")) == ["worker1 | a"]


def test_no_color_is_honoured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    assert printed(("worker1", "a"), terminal=True) == ["worker1 | a"]


def test_names_can_be_left_out() -> None:
    assert printed(("worker1", "a"), shown=False) == ["a"]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[2J\x1b]0;title\x07", "\\x1b[2J\\x1b]0;title\\x07"),
        ("tab\tstays", "tab\tstays"),
        ("crlf\r", "crlf"),
        ("over\rwritten", "over\\x0dwritten"),
        ("\x9b31m", "\\x9b31m"),
        ("é ü 漢", "é ü 漢"),
        ("[bold]no markup[/bold]", "[bold]no markup[/bold]"),
    ],
)
def test_a_log_line_cannot_command_the_terminal(text: str, shown: str) -> None:
    assert visible(text.removesuffix("\r")) == shown
    assert printed(("worker1", text)) == [f"worker1 | {shown}"]
