"""What a clone asks of the two sides before it copies."""

from __future__ import annotations

import pytest

from carbon.cluster import Ssh
from carbon.errors import ConnectError
from remote.clone.clone import CloneOrder, look
from remote.host.fleet import Fleet
from remote.host.server import Server
from tests.unit.carbon.nodes import make_cluster, make_node
from tests.unit.remote.silent import Silent


class Closed:
    """Opens nothing, and knows who asked for which server."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str]] = []

    def open(self, name: str, ssh: Ssh) -> Server:
        self.asked.append((name, ssh.host))
        raise ConnectError("closed", host=name)

    def close(self) -> None:
        pass


def test_the_source_is_entered_by_its_own_ssh_settings() -> None:
    """It is read with the new node's values, which include another server's address."""
    source, new = make_node("worker1"), make_node("worker3", local_member_host="10.0.0.6")
    opener = Closed()
    order = CloneOrder(source=source, nodes=(new,))
    with pytest.raises(ConnectError):
        look(Fleet(make_cluster(source, new), opener), order, progress=Silent())
    assert opener.asked == [("worker1", "worker1")]
