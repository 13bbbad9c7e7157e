"""What an operator reads of a connection that fails."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest

from carbon.cluster import Limits
from carbon.errors import ConnectError
from remote.host.host import Host
from remote.host.script import Script
from remote.host.server import Server
from tests.unit.carbon.nodes import make_node


def test_an_error_of_a_connection_names_the_step_and_never_a_script() -> None:
    """An operator knows `install`, and not the script that it uses."""

    def run(script: Script, **_: Any) -> None:
        raise ConnectError("the connection was lost", host="worker1", step=script.name)

    server = cast("Server", SimpleNamespace(run=run))
    host = Host(make_node(), server, limits=Limits(), run="0123abcd")
    with pytest.raises(ConnectError) as lost:
        host.run(Script(name="home_receive"), step="install")
    assert lost.value.step == "install"
