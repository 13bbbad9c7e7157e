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
from tests.unit.remote.local_server import LocalServer

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


def test_a_run_that_is_killed_leaves_its_first_line(server: LocalServer, tmp_path: Path) -> None:
    """It is written before anything else happens on the server, and costs no round trip."""
    (tmp_path / ".provision").mkdir()
    hold = locked(
        server,
        run="run1",
        verb="deploy",
        run_as=None,
        break_lock=False,
        timeout_seconds=SECONDS,
        home=str(tmp_path),
        audit="then op@desk deploy begin",
    )
    with hold:
        assert (tmp_path / ".provision/audit.log").read_text() == "then op@desk deploy begin\n"
    assert server.ran == ["lock"]
