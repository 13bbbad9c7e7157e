"""How adopt ends: every server that cannot be read is named, in the words of a first run."""

from __future__ import annotations

import fabric
import pytest
from invoke import Exit

from carbon.cluster import Ssh
from carbon.errors import ConnectError
from remote.host.server import Server
from tasks.adopt import adopt
from tasks.executor import VerbContext


class Unreachable:
    """A connector that reaches nobody."""

    def __init__(self, _config: object, **_options: object) -> None:
        """Takes what a connector takes."""

    def open(self, name: str, ssh: Ssh) -> Server:
        raise ConnectError(f"no answer from {ssh.host}", host=name, action=f"fab -H {name} trust")

    def close(self) -> None:
        pass


def test_every_server_that_cannot_be_read_is_named_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """And no remedy names a hosts.yaml that is only being written."""
    monkeypatch.setattr("remote.ssh.connector.Connector", Unreachable)
    context = VerbContext(fabric.Config(lazy=True), None)
    with pytest.raises(Exit) as end:
        adopt(context, manager="10.0.0.1", workers="10.0.0.2,10.0.0.3")
    text = end.value.message or ""
    assert all(f"no answer from 10.0.0.{number}" in text for number in (1, 2, 3))
    assert text.count("adopt --trust") == 3
    assert "fab -H" not in text
