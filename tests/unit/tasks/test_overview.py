"""How status looks: a row for each host, whole in a pipe, fitting on a terminal."""

from __future__ import annotations

import io
import json
import time
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace

import pytest
from rich.console import Console

from carbon.checks.balancer import BalancerStatus
from carbon.checks.finding import Finding
from carbon.checks.ports import Port
from carbon.checks.status import NodeStatus, Status, unreachable
from carbon.cluster import BalancerCommands, LocalCommand
from carbon.errors import ConnectError
from carbon.join.membership import Membership
from carbon.value import replace
from remote.host.fleet import Fleet
from remote.host.mock import MockOpener
from tasks import overview
from tasks.screen import Screen
from tests.unit.carbon.looks import NOW
from tests.unit.carbon.nodes import make_cluster, make_node

PORTS = (
    Port(name="localMemberPort", number=4000, state="open"),
    Port(name="HTTP", number=9763, state="closed"),
    Port(name="HTTPS", number=9443, state="taken"),
)
WELL = NodeStatus(
    name="worker1",
    kind="worker",
    state="running",
    role="worker",
    pid=4711,
    since=NOW,
    ports=PORTS[:1],
    membership=Membership(state="joined", at=NOW),
    drift=(),
    product="WSO2 Application Server v5.3.0",
    kernel="WSO2 Carbon Framework v4.4.1",
)
UNREACHABLE = unreachable(
    make_node("worker2"), ConnectError("the connection failed: [refused]", action="look")
)


def shown(
    monkeypatch: pytest.MonkeyPatch, found: Sequence[Status], *, width: int = 10_000
) -> tuple[int, str]:
    """Return exit status and output of `fab status` for what was found."""
    out = io.StringIO()
    screen = Screen(Console(file=out, width=width, highlight=False))
    monkeypatch.setattr(overview, "status", lambda *_args, **_options: list(found))
    session = SimpleNamespace(screen=screen, fleet=None, hosts=(), cluster=make_cluster())
    return overview.show_status(session, as_json=False), out.getvalue()  # type: ignore[arg-type]


def row(text: str, name: str) -> str:
    return next(line for line in text.splitlines() if line.startswith(f"{name} "))


def test_all_well_is_exit_status_0_and_nothing_but_the_table(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    status, text = shown(monkeypatch, [WELL])
    assert status == 0
    assert len(text.splitlines()) == 2
    assert row(text, "worker1").split()[:4] == ["worker1", "worker", "running", "4711"]
    assert row(text, "worker1").split()[-2:] == ["5.3.0", "4.4.1"]


def test_anything_else_is_exit_status_2_with_the_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    status, text = shown(monkeypatch, [WELL, UNREACHABLE])
    assert status == 2
    assert row(text, "worker2").split()[:3] == ["worker2", "worker", "unreachable"]
    assert "worker2: the connection failed: [refused]\n  → look\n" in text


def test_ports_that_are_not_open_say_so(monkeypatch: pytest.MonkeyPatch) -> None:
    one = NodeStatus(name="worker1", kind="worker", state="running", ports=PORTS)
    _, text = shown(monkeypatch, [one])
    assert "4000 9763 closed 9443 taken" in row(text, "worker1")


def test_a_server_that_is_down_shows_only_ports_that_another_has_taken(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    one = NodeStatus(name="worker1", kind="worker", state="down", ports=PORTS[1:])
    assert "9443 taken" in row(shown(monkeypatch, [one])[1], "worker1")
    assert "9763" not in row(shown(monkeypatch, [one])[1], "worker1")


def test_a_worker_that_runs_as_a_manager_says_both(monkeypatch: pytest.MonkeyPatch) -> None:
    one = NodeStatus(name="worker1", kind="worker", state="running", role="manager")
    assert "manager, not worker" in row(shown(monkeypatch, [one])[1], "worker1")


def test_recorded_evidence_is_called_recorded(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = Membership(state="joined", wording="Member joined (recorded)")
    one = NodeStatus(name="worker1", kind="worker", state="running", membership=seen)
    assert "joined (recorded)" in row(shown(monkeypatch, [one])[1], "worker1")


def test_the_load_balancer_counts_its_workers(monkeypatch: pytest.MonkeyPatch) -> None:
    lb = BalancerStatus(
        name="lb", state="running", rotation={"worker1": "in", "worker2": "out", "w3": "in"}
    )
    assert "2 in, 1 out" in row(shown(monkeypatch, [lb])[1], "lb")


@pytest.mark.parametrize("at", [time.time(), 0.0], ids=["today", "another day"])
@pytest.mark.parametrize("width", [50, 60, 80, 100])
def test_a_narrow_terminal_loses_columns_and_never_letters(
    monkeypatch: pytest.MonkeyPatch, width: int, at: float
) -> None:
    """A time of another day is the longer one."""
    well = replace(WELL, since=at, membership=Membership(state="joined", at=at))
    _, text = shown(monkeypatch, [well, UNREACHABLE], width=width)
    table = text.split("\n\n")[0].splitlines()
    assert max(len(line.rstrip()) for line in table) <= width
    assert "…" not in text
    assert table[0].split()[:3] == ["host", "role", "state"]


def test_problems_are_not_taken_for_markup(monkeypatch: pytest.MonkeyPatch) -> None:
    one = NodeStatus(
        name="worker1",
        kind="worker",
        state="running",
        problems=(Finding(code="x", seen="[bold]x[/]", remedy="", weight=0),),
    )
    assert "worker1: [bold]x[/]" in shown(monkeypatch, [one])[1]


def test_what_is_not_known_of_the_rotation_is_no_part_of_the_json_and_not_lost(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """A program reads the standard output; an operator reads why a worker may be out."""
    fails = LocalCommand(text="echo no answer; exit 3")
    commands = BalancerCommands(take_out=fails, put_back=fails, state=fails)
    cluster = make_cluster(
        make_node(), load_balancer=None, balancer_commands=commands, file=tmp_path / "hosts.yaml"
    )
    monkeypatch.setattr(overview, "status", lambda *_args, **_options: [WELL])
    out = io.StringIO()
    session = SimpleNamespace(
        screen=Screen(Console(file=out)),
        fleet=Fleet(cluster, MockOpener([])),
        hosts=cluster.workers,
        cluster=cluster,
    )
    overview.show_status(session, as_json=True)  # type: ignore[arg-type]
    assert json.loads(out.getvalue())
    assert "worker1  whether it is out of rotation is not known" in capsys.readouterr().err


def test_ctrl_c_during_status_as_json_gives_the_terminal_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    screens: list[Screen] = []

    def interrupted(*_args: object, progress: Screen) -> None:
        screens.append(progress)
        progress.now("worker1", "looking")
        raise KeyboardInterrupt

    monkeypatch.setattr(overview, "status", interrupted)
    monkeypatch.setattr(
        overview, "stderr", lambda: Console(file=io.StringIO(), force_terminal=True)
    )
    screen = Screen(Console(file=io.StringIO(), force_terminal=True))
    session = SimpleNamespace(screen=screen, fleet=None, hosts=(), cluster=make_cluster())
    with pytest.raises(KeyboardInterrupt):
        overview.show_status(session, as_json=True)  # type: ignore[arg-type]
    assert screens[0]._due is None and screens[0]._live is None
