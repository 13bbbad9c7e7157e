"""Without a terminal, one run of trust shows the keys of all hosts."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pytest

from carbon.errors import ConnectError, HostKeyError
from remote.ssh.connector import Connector
from remote.ssh.hostkeys import Door, HostKey
from tasks.console import stdout
from tasks.hostkeys import trust_hosts
from tasks.screen import Screen
from tests.unit.carbon.nodes import make_node


class Doors:
    """Servers that show a key each."""

    def __init__(self, folder: Path) -> None:
        self.file = folder / "known_hosts"

    def key(self, name: str) -> HostKey:
        return HostKey("ssh-ed25519", base64.b64encode(name.encode()).decode())

    def doors(self, name: str, _ssh: Any) -> Iterator[Door]:
        yield Door(
            label=name,
            host=name,
            port=22,
            name=name,
            keys=(self.key(name),),
            files=(self.file,),
            target=self.file,
        )


@pytest.fixture
def doors(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Doors:
    monkeypatch.setattr("sys.stdin", io.StringIO())
    return Doors(tmp_path)


def trust(doors: Doors, *fingerprints: str) -> None:
    nodes = [make_node(name) for name in ("worker1", "worker2", "worker3")]
    trust_hosts(Screen(stdout()), cast("Connector", doors), nodes, fingerprints=fingerprints)


def test_the_keys_of_all_hosts_are_shown_before_it_is_refused(
    doors: Doors, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(HostKeyError) as refused:
        trust(doors)
    assert str(refused.value).startswith("worker1, worker2, worker3: ")
    assert "--yes" in refused.value.action
    shown = capsys.readouterr().out
    for name in ("worker1", "worker2", "worker3"):
        assert doors.key(name).fingerprint in shown
    assert not doors.file.exists()


def test_a_key_that_has_changed_is_never_lost_among_those_that_are_new(doors: Doors) -> None:
    other = doors.key("somebody")
    doors.file.write_text(f"worker2 {other.type} {other.blob}\n")
    with pytest.raises(Exception, match=r"worker2: .*its host key has changed") as refused:
        trust(doors)
    assert "worker1, worker3" in str(refused.value)


def test_the_keys_that_were_compared_are_accepted_and_the_others_named(doors: Doors) -> None:
    with pytest.raises(HostKeyError, match="worker2"):
        trust(doors, doors.key("worker1").fingerprint, doors.key("worker3").fingerprint)
    assert [line.split()[0] for line in doors.file.read_text().splitlines()] == [
        "worker1",
        "worker3",
    ]


def test_a_server_that_cannot_be_reached_keeps_nobody_from_trusting_the_others(
    doors: Doors, monkeypatch: pytest.MonkeyPatch
) -> None:
    reached = doors.doors

    def reach(name: str, ssh: object) -> Iterator[Door]:
        if name == "worker1":
            raise ConnectError("no answer", host=name)
        return reached(name, ssh)

    monkeypatch.setattr(doors, "doors", reach)
    names = ("worker2", "worker3")
    with pytest.raises(ConnectError, match="no answer"):
        trust(doors, *(doors.key(name).fingerprint for name in names))
    assert [line.split()[0] for line in doors.file.read_text().splitlines()] == list(names)
