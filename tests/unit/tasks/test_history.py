"""How `fab history` looks."""

from __future__ import annotations

import io
from types import SimpleNamespace
from typing import Any

import pytest
from rich.console import Console

from carbon.errors import ConnectError
from carbon.home.facts import Generation
from tasks import history
from tasks.screen import Screen
from tests.unit.carbon.looks import make_facts
from tests.unit.carbon.nodes import make_node

GENERATION = "20261122T182203Z-ae5d5f5f"
META = {"who": "operator@a-long-name-of-a-machine", "verb": "rollback", "inventory": "63dc78aa477e"}


def test_eighty_columns_have_the_whole_name_of_each_generation(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It is what `rollback --to` wants; what became of it is beside it."""
    kept = Generation(id=GENERATION, meta=META | {"outcome": "failed", "undoes": GENERATION})
    monkeypatch.setattr(history, "gather_facts", lambda _host: make_facts(generations=(kept,)))
    out = io.StringIO()
    fleet: Any = SimpleNamespace(host=lambda node: node)
    session: Any = SimpleNamespace(
        fleet=fleet, nodes=(make_node(),), screen=Screen(Console(file=out, width=80))
    )
    assert history.show_history(session) == 0
    assert all(len(line) <= 80 for line in out.getvalue().splitlines())
    (row,) = (line for line in out.getvalue().splitlines() if line.startswith("worker1"))
    assert row.split()[:4] == ["worker1", GENERATION, "rollback", "FAILED"]


def test_the_note_says_which_files_changed(monkeypatch: pytest.MonkeyPatch) -> None:
    kept = Generation(id=GENERATION, meta={"files": "axis2.xml, carbon.xml and 2 more"})
    monkeypatch.setattr(history, "gather_facts", lambda _host: make_facts(generations=(kept,)))
    out = io.StringIO()
    fleet: Any = SimpleNamespace(host=lambda node: node)
    screen = Screen(Console(file=out, width=120))
    session: Any = SimpleNamespace(fleet=fleet, nodes=(make_node(),), screen=screen)
    assert history.show_history(session) == 0
    assert "axis2.xml, carbon.xml and 2 more" in " ".join(out.getvalue().split())


def test_no_table_is_printed_if_no_server_was_read(monkeypatch: pytest.MonkeyPatch) -> None:
    error = ConnectError("no answer", host="worker1", action="look at its sshd")

    def unreachable(_host: object) -> None:
        raise error

    monkeypatch.setattr(history, "gather_facts", unreachable)
    out = io.StringIO()
    fleet: Any = SimpleNamespace(host=lambda node: node)
    screen = Screen(Console(file=out, width=120))
    session: Any = SimpleNamespace(fleet=fleet, nodes=(make_node(),), screen=screen)
    assert history.show_history(session) == 1
    assert out.getvalue().strip() == f"error: {error}"


def test_servers_without_a_history_are_said_to_have_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(history, "gather_facts", lambda _host: make_facts())
    out = io.StringIO()
    fleet: Any = SimpleNamespace(host=lambda node: node)
    screen = Screen(Console(file=out, width=120))
    session: Any = SimpleNamespace(fleet=fleet, nodes=(make_node(),), screen=screen)
    assert history.show_history(session) == 0
    assert out.getvalue() == "nothing was changed there by this tool yet\n"
