"""The connections of a run: each is opened once, and closed whatever became of it."""

from __future__ import annotations

from concurrent.futures import CancelledError

import pytest

from carbon.cluster import Ssh
from carbon.errors import ConnectError
from remote.host.fleet import Fleet
from remote.host.mock import MockOpener, MockServer
from tests.unit.carbon.nodes import make_cluster, make_node

NODE = make_node("worker1")


class Closing(MockServer):
    """Writes down that it is closed."""

    def close(self) -> None:
        self.log.append((self.name, "close"))


class Refusing(MockOpener):
    """Opens nothing."""

    def open(self, name: str, ssh: Ssh) -> MockServer:
        del ssh
        raise ConnectError("refused", host=name, action="start its sshd")


def test_who_asks_after_the_end_gets_nothing_and_the_fleet_can_be_closed_again() -> None:
    server = Closing(name="worker1", log=[])
    fleet = Fleet(make_cluster(NODE), MockOpener([server]))
    fleet.host(NODE)
    fleet.close()
    with pytest.raises(CancelledError):
        fleet.host(NODE)
    fleet.close()
    assert server.log == [("worker1", "close")]


def test_a_server_that_was_not_reached_has_nothing_to_close() -> None:
    fleet = Fleet(make_cluster(NODE), Refusing([]))
    with pytest.raises(ConnectError):
        fleet.host(NODE)
    fleet.forget(NODE)
    fleet.close()


def test_a_forgotten_connection_is_closed_and_opened_anew() -> None:
    server = Closing(name="worker1", log=[])
    fleet = Fleet(make_cluster(NODE), MockOpener([server]))
    fleet.host(NODE)
    fleet.forget(NODE)
    fleet.host(NODE)
    fleet.close()
    assert server.log == [("worker1", "close")] * 2
