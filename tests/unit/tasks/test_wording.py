"""Remedies name the program as the operator called it."""

from __future__ import annotations

import io

import pytest
from rich.console import Console
from rich.text import Text

from carbon.errors import UsageError
from tasks.screen import Screen
from tasks.wording import as_called, as_exit, styled_as_called


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.argv", ["/home/me/.local/bin/carbon-provision", "plan"])


@pytest.mark.usefixtures("installed")
@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("see `fab status`", "see `carbon-provision status`"),
        ("(fab lb.config adds it)", "(carbon-provision lb.config adds it)"),
        (
            "run `fab -H w1 stop`, `fab --list`",
            "run `carbon-provision -H w1 stop`, `carbon-provision --list`",
        ),
        ("prefab houses, a fab", "prefab houses, a fab"),
    ],
)
def test_an_installed_command_does_not_speak_of_fab(text: str, shown: str) -> None:
    assert as_called(text) == shown
    assert styled_as_called(Text(text)).plain == shown


def test_fab_speaks_of_fab(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.argv", ["/checkout/.venv/bin/fab"])
    assert as_called("see `fab status`") == "see `fab status`"


@pytest.mark.usefixtures("installed")
def test_a_style_stays_where_it_is() -> None:
    text = Text.assemble("see ", ("fab status", "bold"), " now")
    assert styled_as_called(text).markup == "see carbon-provision[bold] status[/bold] now"


@pytest.mark.usefixtures("installed")
def test_errors_lines_and_tables_all_go_that_way() -> None:
    screen = Screen(Console(file=io.StringIO(), width=200))
    screen.say("worker1", "see fab status")
    screen.line("see fab status")
    screen.line(Text("see fab status"))
    screen.table(("host", "action"), [("worker1", "fab status")])
    assert isinstance(screen.console.file, io.StringIO)
    assert screen.console.file.getvalue().count("carbon-provision status") == 4
    assert "carbon-provision status" in str(as_exit(UsageError("no", action="fab status")).message)


@pytest.mark.usefixtures("installed")
def test_a_line_of_a_file_is_quoted_as_it_is() -> None:
    """The diff of a vhost is not the place for another name than the file has."""
    screen = Screen(Console(file=io.StringIO(), width=200))
    screen.quote("+# Written by `fab lb.config`")
    assert isinstance(screen.console.file, io.StringIO)
    assert screen.console.file.getvalue() == "+# Written by `fab lb.config`\n"
