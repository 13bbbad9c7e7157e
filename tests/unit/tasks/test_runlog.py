"""The operator's own log of runs."""

from __future__ import annotations

import io
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from invoke import Exit
from rich.console import Console

from carbon.errors import ConnectError, Interrupted
from tasks.runlog import LARGEST_BYTES, log_file, logged
from tasks.screen import Screen
from tests.unit.carbon.nodes import make_cluster, make_node


def session(out: io.StringIO | None = None) -> Any:
    screen = Screen(Console(file=out or io.StringIO(), width=200))
    hosts = (make_node(), make_node("worker2", local_member_host="10.0.0.5"))
    return SimpleNamespace(cluster=make_cluster(), hosts=hosts, screen=screen)


def test_a_run_has_a_line_before_and_a_line_after_it(tmp_path: Path) -> None:
    config: Any = {"audit_log": str(tmp_path / "log/audit.log")}
    file = tmp_path / "log/audit.log"

    def work() -> int:
        (first,) = file.read_text().splitlines()
        assert " deploy hosts=worker1,worker2 inventory=" in first
        assert first.endswith(" begin")
        return 2

    assert logged(session(), config, "deploy", work) == 2
    assert " exit=2 after=" in file.read_text().splitlines()[1]


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (RuntimeError(), 1),
        (ConnectError("no answer"), 1),
        (Interrupted("stopped here"), 130),
        (KeyboardInterrupt(), 130),
        (Exit(code=130), 130),
        (BrokenPipeError(), 141),
        (SystemExit(141), 141),
    ],
)
def test_a_run_that_fails_has_the_status_with_which_the_program_ends(
    tmp_path: Path, error: BaseException, status: int
) -> None:
    config: Any = {"audit_log": str(tmp_path / "audit.log")}

    def fail() -> None:
        raise error

    with pytest.raises(type(error)):
        logged(session(), config, "deploy", fail)
    assert f" exit={status} after=" in (tmp_path / "audit.log").read_text()


def test_the_log_is_bounded(tmp_path: Path) -> None:
    file = tmp_path / "audit.log"
    file.write_bytes(b"x" * LARGEST_BYTES)
    logged(session(), {"audit_log": str(file)}, "deploy", lambda: None)  # type: ignore[arg-type]
    assert file.stat().st_size < LARGEST_BYTES
    assert (tmp_path / "audit.log.1").stat().st_size == LARGEST_BYTES


def test_a_log_that_cannot_be_written_is_said_and_hinders_no_run(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    out = io.StringIO()
    config: Any = {"audit_log": str(tmp_path / "file/audit.log")}
    assert logged(session(out), config, "deploy", lambda: None) == 0
    assert "this run is not in the audit log" in out.getvalue()


def test_its_place_is_in_fabric_yaml_or_in_the_operators_home(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    assert log_file({}) == tmp_path / "carbon-provision/audit.log"  # type: ignore[arg-type]
    assert log_file({"audit_log": "/var/log/x"}) == Path("/var/log/x")  # type: ignore[arg-type]
