"""Servers on this machine for the tests of what runs on servers."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from remote.host import lock
from remote.observe import facts
from tests.unit.remote.homes import Home
from tests.unit.remote.local_server import LocalServer

ORPHAN = f"only-in-test-{os.getpid()}"
"""The script that a test may leave at work: no other process of tests has one of this name."""


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    """A stock AS_HOME, whose server ends with the test."""
    made = Home(tmp_path / "as")
    yield made
    made.close()


@pytest.fixture
def server() -> LocalServer:
    """This machine, as the server worker1."""
    return LocalServer("worker1")


@pytest.fixture(autouse=True)
def lock_path(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The lock of this test's own server, not of the whole machine with all its labs."""
    path = tmp_path_factory.mktemp("lock") / "server.lock"
    monkeypatch.setattr(lock, "LOCK_PATH", str(path))
    monkeypatch.setattr(facts, "LOCK_PATH", str(path))
    folder = path.with_name(f"server.lock.{os.geteuid()}")
    folder.mkdir(mode=0o700)
    monkeypatch.setattr(lock, "changing", lambda: (ORPHAN,))
    return folder / "held"
