"""Who did what: the lines before and after a run, on servers and on the operator's machine."""

from __future__ import annotations

import os
import pwd
import subprocess
from pathlib import Path

import pytest

from carbon.value import replace
from remote.host import audit
from remote.host.lock import locked
from tests.unit.carbon.nodes import make_cluster
from tests.unit.remote.homes import Home
from tests.unit.remote.local_server import LocalServer, local_host
from tests.waiting import wait_for

SECONDS = 20.0


@pytest.fixture(autouse=True)
def uncached() -> None:
    audit.who.cache_clear()
    audit.git_commit.cache_clear()


def test_the_account_is_that_of_the_process_whatever_its_environment_says(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    account = pwd.getpwuid(os.getuid()).pw_name
    monkeypatch.setenv("LOGNAME", "somebody")
    monkeypatch.setenv("USER", "somebody")
    monkeypatch.delenv("SUDO_USER", raising=False)
    assert audit.who().startswith(f"{account}@")
    audit.who.cache_clear()
    monkeypatch.setenv("SUDO_USER", "alice")
    assert audit.who().startswith(f"{account}(alice)@")


def test_a_line_has_the_hash_of_the_inventory_and_the_commit_of_its_folder(tmp_path: Path) -> None:
    def git(*words: str) -> str:
        command = ["git", "-c", "user.name=x", "-c", "user.email=x@y", *words]
        return subprocess.run(
            command, cwd=tmp_path, check=True, capture_output=True, text=True
        ).stdout.strip()

    folder = tmp_path / "clusters/as"
    folder.mkdir(parents=True)
    cluster = replace(make_cluster(), file=folder / "hosts.yaml", digest="0123456789abcdef")
    assert " git=" not in audit.audit_line(cluster, "deploy", outcome="begin")
    git("init", "-q")
    git("commit", "-q", "--allow-empty", "-m", "x")
    commit = git("rev-parse", "HEAD")
    for pack in (False, True):
        if pack:
            git("pack-refs", "--all")
        audit.git_commit.cache_clear()
        line = audit.audit_line(cluster, "deploy", outcome="begin")
        assert line.endswith(f" deploy inventory=0123456789ab git={commit[:12]} begin")
        assert f" uid={os.getuid()} " in line


def test_a_turn_that_is_killed_leaves_its_first_line(home: Home, server: LocalServer) -> None:
    host = local_host(home.node(), server)
    script = host.script("audit", audit="then op@desk deploy begin")
    host.run(script, step="audit")
    assert not home.state.exists(), "nothing is left where nothing of this tool is"
    home.state.mkdir()
    host.run(script, step="audit")
    assert (home.state / "audit.log").read_text() == "then op@desk deploy begin\n"


def test_the_system_log_has_the_line_of_a_run_that_locks(
    server: LocalServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In AS_HOME nothing changes before a server's turn."""
    written = tmp_path / "written"
    (tmp_path / "logger").write_text(f'#!/bin/sh\nprintf "%s\\n" "$*" > {written}\n')
    (tmp_path / "logger").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    hold = locked(
        server,
        run="run1",
        verb="deploy",
        run_as=None,
        break_lock=False,
        timeout_seconds=SECONDS,
        audit="then op@desk deploy begin",
    )
    with hold:
        wait_for("the line is written", written.exists)
    assert written.read_text() == "-t carbon-provision -- then op@desk deploy begin\n"
