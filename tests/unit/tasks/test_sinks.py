"""Text from servers, logs, locks and file names reaches a terminal visible, and harmless."""

from __future__ import annotations

import io
import json

import pytest
from rich.console import Console
from rich.text import Text

from carbon.checks.diagnosis import Diagnosis
from carbon.checks.finding import Finding
from carbon.errors import ProvisionError
from tasks import findings
from tasks.screen import Screen
from tasks.streams import Prefixed
from tasks.wording import as_exit
from tests.unit.carbon.nodes import make_node

ATTACK = "[/x] \x1b[2J\x1b]0;owned\x07\x9b31m \u202egnp.exe"
SHOWN = "[/x] \\x1b[2J\\x1b]0;owned"
COMMANDS = ("\x1b[2J", "\x1b]", "\x07", "\x9b", "\u202e")


def make_screen(*, terminal: bool = False) -> tuple[Screen, io.StringIO]:
    out = io.StringIO()
    console = Console(
        file=out, width=300, force_terminal=terminal, color_system="standard" if terminal else None
    )
    return Screen(console), out


def assert_harmless(text: str) -> None:
    assert SHOWN in text
    assert not [command for command in COMMANDS if command in text]


@pytest.mark.parametrize("terminal", [False, True], ids=["pipe", "terminal"])
def test_a_line_a_word_of_progress_and_a_cell_command_nothing(terminal: bool) -> None:
    for act in (
        lambda screen: screen.line(ATTACK),
        lambda screen: screen.line(Text(ATTACK, "red")),
        lambda screen: screen.say("worker1", ATTACK),
        lambda screen: screen.table(("a", "b"), [("x", ATTACK), ("y", Text(ATTACK, "red"))]),
    ):
        screen, out = make_screen(terminal=terminal)
        act(screen)
        screen.close()
        assert_harmless(out.getvalue())


def test_the_live_view_commands_nothing() -> None:
    screen, out = make_screen(terminal=True)
    screen.now("worker1", ATTACK)
    screen.console.print(screen._view())
    screen.close()
    assert_harmless(out.getvalue())


def test_a_finding_about_a_file_with_markup_in_its_name_is_printed() -> None:
    """`doctor` died of a file that is called [/x]."""
    screen, out = make_screen()
    finding = Finding(code="drift", seen=ATTACK, remedy=ATTACK, weight=50, line=ATTACK)
    diagnosis = Diagnosis(node=make_node(), membership=None, findings=(finding, finding))
    findings._print(screen, diagnosis)
    assert out.getvalue().count(SHOWN) == 6
    assert_harmless(out.getvalue())


def test_an_error_commands_nothing() -> None:
    """Also one that quotes an SSH banner, which comes before any host key was verified."""
    error = ProvisionError(ATTACK, action=ATTACK, host="worker1", step="connect")
    assert_harmless(as_exit(error).message or "")


def test_a_log_line_and_a_commands_output_command_no_terminal() -> None:
    for print_line in (Prefixed.line, Prefixed.raw):
        out = io.StringIO()
        console = Console(file=out, force_terminal=True, color_system=None, width=300)
        print_line(Prefixed(console, ["worker1"]), "worker1", ATTACK)
        assert_harmless(out.getvalue())


def test_a_pipe_gets_the_output_of_a_command_as_it_is() -> None:
    out = io.StringIO()
    Prefixed(Console(file=out), ["worker1"], shown=False).raw("worker1", ATTACK)
    assert out.getvalue() == f"{ATTACK}\n"


def test_json_stays_json() -> None:
    """What `status --json` prints: every character that is not plain is escaped by JSON itself."""
    screen, out = make_screen()
    screen.console.out(json.dumps({"seen": ATTACK}), highlight=False)
    assert json.loads(out.getvalue()) == {"seen": ATTACK}
