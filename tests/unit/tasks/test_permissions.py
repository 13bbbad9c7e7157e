"""A file that others may use is said once, whatever number of servers use it."""

from __future__ import annotations

from pathlib import Path

from carbon.cluster import Ssh
from tasks.permissions import open_files
from tests.unit.carbon.nodes import make_cluster, make_node


def said(tmp_path: Path, *, key: int, hosts: int) -> list[str]:
    """Return what is said of a key of two servers and a hosts.yaml of these modes."""
    for name, mode in (("key", key), ("hosts.yaml", hosts)):
        (tmp_path / name).touch()
        (tmp_path / name).chmod(mode)
    ssh = Ssh(host="w", identity_files=(tmp_path / "key", tmp_path / "missing"))
    workers = (make_node("worker1", ssh=ssh), make_node("worker2", ssh=ssh))
    return list(open_files(make_cluster(*workers, file=tmp_path / "hosts.yaml")))


def test_a_private_key_that_others_may_read_is_said_once(tmp_path: Path) -> None:
    (text,) = said(tmp_path, key=0o640, hosts=0o644)
    assert text == (
        f"the private key {tmp_path}/key is open to others (mode 640): chmod 600 {tmp_path}/key"
    )


def test_a_hosts_yaml_that_everybody_may_write_is_said(tmp_path: Path) -> None:
    (text,) = said(tmp_path, key=0o600, hosts=0o666)
    assert "everybody may write" in text
    assert "chmod o-w" in text


def test_usual_modes_are_not_worth_a_word(tmp_path: Path) -> None:
    assert said(tmp_path, key=0o600, hosts=0o664) == []
