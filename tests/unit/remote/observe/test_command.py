"""An operator's own command: its output, its status, its end."""

from __future__ import annotations

import os
import signal
from contextlib import closing
from pathlib import Path, PurePosixPath

import pytest

from carbon.errors import ConnectError
from remote.observe.command import CommandOrder, Ended, run
from remote.observe.lines import Line
from tests.unit.carbon.nodes import make_cluster, make_node
from tests.unit.remote.local_server import LocalFleet, LocalServer
from tests.waiting import wait_for

WORKERS = (make_node("worker1"), make_node("worker2"))


def happened(
    command: str, *, broken: bool = False, limit_seconds: float = 10
) -> list[Line | Ended]:
    error = ConnectError("the connection failed", host="worker2")
    second = error if broken else LocalServer("worker2")
    servers = {"worker1": LocalServer("worker1"), "worker2": second}
    fleet = LocalFleet(make_cluster(*WORKERS), servers)
    order = CommandOrder(command=command, limit_seconds=limit_seconds)
    return list(run(fleet, WORKERS, order))  # type: ignore[arg-type]


def test_output_and_status_of_each_host_are_told() -> None:
    seen = happened("echo out; echo err >&2; exit 3")
    for name in ("worker1", "worker2"):
        own = [one for one in seen if one.name == name]
        assert Line(name=name, text="out") in own
        assert Line(name=name, text="err", to_stderr=True) in own
        assert own[-1] == Ended(name=name, status=3)


def test_a_host_that_cannot_be_reached_is_255_and_stops_no_other() -> None:
    seen = happened("true", broken=True)
    ended = {one.name: one for one in seen if isinstance(one, Ended)}
    assert (ended["worker1"].status, ended["worker2"].status) == (0, 255)
    assert ended["worker2"].error


@pytest.mark.parametrize("text", ["echo '$HOME' \"a  b\"", "printf '%s\\n' -n é", "echo ${0##*/}"])
def test_the_command_reaches_the_shell_as_it_is(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHELL", "/bin/sh")
    expected = {"echo '$H": "$HOME a  b", "printf '": "-n", "echo ${0": "sh"}[text[:8]]
    printed = [line.text for line in happened(text) if isinstance(line, Line)]
    assert printed[0] == expected


def test_it_runs_with_the_logins_own_shell_and_umask(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHELL", "/bin/bash")
    seen = happened("echo $BASH_VERSION; umask; echo ${LC_ALL-unset}; read x || echo no stdin")
    own = [one.text for one in seen if isinstance(one, Line) and one.name == "worker1"]
    assert own[0]
    assert own[1] != "0077"
    assert own[3] == "no stdin"


def test_a_command_that_is_over_its_time_is_124_with_a_remedy() -> None:
    ended = [one for one in happened("sleep 60", limit_seconds=0.3) if isinstance(one, Ended)]
    assert [one.status for one in ended] == [124, 124]
    assert all(one.error and "--timeout" in one.error.action for one in ended)


def test_closing_ends_the_command_and_all_that_it_started(tmp_path: Path) -> None:
    pids = tmp_path / "pids"
    servers = {"worker1": LocalServer("worker1")}
    fleet = LocalFleet(make_cluster(*WORKERS), servers)
    text = f"sleep 300 & echo $! $$ > {pids}.new; mv {pids}.new {pids}; echo begun; wait"
    order = CommandOrder(command=text, limit_seconds=60)
    with closing(run(fleet, WORKERS[:1], order)) as lines:  # type: ignore[arg-type]
        assert next(lines) == Line(name="worker1", text="begun")
        processes = [Path("/proc") / pid for pid in pids.read_text().split()]
        assert all(process.exists() for process in processes)
    wait_for("all have ended", lambda: not any(process.exists() for process in processes))


def test_what_a_command_leaves_running_on_purpose_stays(tmp_path: Path) -> None:
    """Only a command that has not ended is ended."""
    pid = tmp_path / "pid"
    seen = happened(f"nohup sleep 300 > /dev/null 2>&1 & echo $! > {pid}")
    assert [one.status for one in seen if isinstance(one, Ended)] == [0, 0]
    process = Path("/proc") / pid.read_text().strip()
    assert process.exists()
    wait_for(
        "nohup has become its command", lambda: (process / "comm").read_text().strip() == "sleep"
    )
    os.kill(int(process.name), signal.SIGTERM)


def run_on(home: Path, command: str, *, limit_seconds: float = 10) -> list[str]:
    """Run a command on a server whose AS_HOME this is; return its audit log."""
    (home / ".provision").mkdir()
    node = make_node("worker1", home=PurePosixPath(home))
    fleet = LocalFleet(make_cluster(node), {"worker1": LocalServer("worker1")})
    order = CommandOrder(command=command, limit_seconds=limit_seconds)
    list(run(fleet, (node,), order))  # type: ignore[arg-type]
    return (home / ".provision/audit.log").read_text().splitlines()


def test_a_server_has_a_line_before_and_a_line_after_a_command(tmp_path: Path) -> None:
    begin, end = run_on(tmp_path, "exit 3")
    for line in (begin, end):
        assert f"uid={os.getuid()} run hosts=worker1 inventory=" in line
    assert begin.endswith(" begin")
    assert end.endswith(" exit=3")


def test_the_line_before_stands_there_while_the_command_runs(tmp_path: Path) -> None:
    """A run that is killed leaves it. The command itself may hold a secret; it is not there."""
    log = tmp_path / ".provision/audit.log"
    lines = run_on(tmp_path, f"grep -c ' begin$' {log} > {tmp_path}/seen")
    assert (tmp_path / "seen").read_text() == "1\n"
    assert not any("grep" in line for line in lines)


def test_a_command_that_itself_ends_with_124_was_not_too_late() -> None:
    """As `timeout 5 something` does; the limit of this run was not reached."""
    ended = [event for event in happened("exit 124") if isinstance(event, Ended)]
    assert [(event.status, event.error) for event in ended] == [(124, None), (124, None)]
