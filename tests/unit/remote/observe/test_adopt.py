"""What adopt reads of a running server beside its files."""

from __future__ import annotations

import pytest

from carbon.cluster import Limits
from carbon.errors import ScriptError
from remote.host.host import Host
from remote.host.mock import MockServer
from remote.host.script import changing
from remote.host.server import Outcome
from remote.observe.adopt import read_environment, read_nginx
from tests.unit.carbon.nodes import make_balancer
from tests.unit.remote.homes import Home
from tests.unit.remote.local_server import local_host


def test_only_variables_that_hosts_yaml_can_give_leave_the_server(home: Home) -> None:
    home.start(JAVA_OPTS="-Da=b -Dc=d\n-De=f", CARBON_MODE="x", AWS_SECRET_ACCESS_KEY="s")
    read = read_environment(local_host(home.node()))
    assert read is not None
    assert read == {
        "JAVA_HOME": str(home.java),
        "JAVA_OPTS": "-Da=b -Dc=d\1-De=f",
        "CARBON_MODE": "x",
    }


def test_a_server_that_is_down_has_no_environment(home: Home) -> None:
    assert read_environment(local_host(home.node())) == {}


def test_the_scripts_that_adopt_runs_change_nothing() -> None:
    assert not {"environment", "balancer_config", "facts"} & set(changing())


@pytest.mark.parametrize("answer", [b"", b"hello\n", b"conf /a\nconf /b\nfiles\n"])
def test_an_answer_about_nginx_that_makes_no_sense_is_an_error_in_a_sentence(answer: bytes) -> None:
    server = MockServer(name="lb", log=[], answers={"balancer_config": Outcome(0, answer, b"")})
    with pytest.raises(ScriptError, match="unexpected output"):
        read_nginx(Host(make_balancer(), server, limits=Limits(), run="ab"))
