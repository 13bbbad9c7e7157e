"""A wrong path below `ssh:` is an error with its line, before anybody is connected to."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from carbon.errors import InventoryError
from carbon.inventory import load
from carbon.inventory.ssh_files import ssh_file_errors
from tests.unit.carbon.inventory.written import inventory


@pytest.fixture(autouse=True)
def no_agent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)


def new_key(path: Path, *, kind: str = "ed25519", passphrase: str = "", pem: bool = False) -> Path:
    form = ["-m", "PEM"] if pem else []
    command = ["ssh-keygen", "-q", "-t", kind, *form, "-N", passphrase, "-f", str(path)]
    subprocess.run(command, check=True)
    return path


def errors(folder: Path, *, key: str = "identity_file", asks: bool = False) -> list[InventoryError]:
    file = folder / "hosts.yaml"
    file.write_text(inventory(worker1=f"ssh:\n  user: deploy\n  {key}: key  # here\n"))
    worker, _ = load(file).workers
    found = list(ssh_file_errors([worker.ssh], asks_passphrase=asks))
    (line,) = (at for at, text in enumerate(file.read_text().splitlines(), 1) if "# here" in text)
    assert all(error.host == f"{file}:{line}" and error.action for error in found)
    return found


def problem(folder: Path, **how: bool) -> str:
    (error,) = errors(folder, **how)
    return error.seen.partition(f"{folder / 'key'} ")[2]


def test_a_key_that_is_not_there(tmp_path: Path) -> None:
    assert problem(tmp_path) == "cannot be read: No such file or directory"


def test_a_folder_and_a_fifo_are_not_keys(tmp_path: Path) -> None:
    (tmp_path / "key").mkdir()
    assert problem(tmp_path).startswith("cannot be read: ")
    (tmp_path / "key").rmdir()
    os.mkfifo(tmp_path / "key")
    assert problem(tmp_path) == "cannot be read: it is not a regular file"


@pytest.mark.parametrize("kind", ["ed25519", "ecdsa", "rsa"])
def test_a_public_key_is_told_from_its_private_one(tmp_path: Path, kind: str) -> None:
    key = new_key(tmp_path / "key", kind=kind)
    assert errors(tmp_path) == []
    key.write_bytes((tmp_path / "key.pub").read_bytes())
    assert problem(tmp_path) == "is a public key"


@pytest.mark.parametrize("text", [b"", b"secret", b"\xff\xfe\0", b"[x]" * 1000])
def test_what_is_not_a_key(tmp_path: Path, text: bytes) -> None:
    (tmp_path / "key").write_bytes(text)
    assert problem(tmp_path) == "holds no private key"


@pytest.mark.parametrize("pem", [False, True])
def test_a_key_with_a_passphrase_needs_an_agent_or_a_question(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pem: bool
) -> None:
    new_key(tmp_path / "key", kind="rsa", passphrase="s3cret", pem=pem)
    assert problem(tmp_path) == "has a passphrase"
    assert errors(tmp_path, asks=True) == []
    monkeypatch.setenv("SSH_AUTH_SOCK", "/run/agent")
    assert errors(tmp_path) == []


def test_a_file_of_host_keys_may_be_missing_and_must_be_a_file(tmp_path: Path) -> None:
    assert errors(tmp_path, key="known_hosts") == []
    (tmp_path / "key").mkdir()
    (error,) = errors(tmp_path, key="known_hosts")
    assert "known_hosts" in error.action
