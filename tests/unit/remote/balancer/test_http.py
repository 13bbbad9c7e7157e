"""Whether a worker answers the load balancer over HTTP."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from carbon.home.facts import Reach
from remote.balancer.http import http_problem
from tests.unit.carbon.nodes import make_balancer, make_node
from tests.unit.remote.local_server import local_host

WORKER = make_node(offset=1)


@dataclass
class Network:
    """A server from which ports are open or not, and say something or not."""

    reached: dict[int, Reach] = field(default_factory=dict)
    answer: bytes = b"HTTP/1.1 200 OK"
    questions: list[bytes] = field(default_factory=list)

    def reach(self, host: str, port: int, *, timeout_seconds: float) -> Reach:
        assert host == WORKER.local_member_host
        assert timeout_seconds > 0
        return self.reached.get(port, "open")

    def ask(self, host: str, port: int, question: bytes, *, timeout_seconds: float) -> bytes:
        assert (host, port) == (WORKER.local_member_host, 9764)
        assert timeout_seconds > 0
        self.questions.append(question)
        return self.answer


def problem(network: Network) -> str:
    return http_problem(local_host(make_balancer(), network), WORKER)  # type: ignore[arg-type]


@pytest.mark.parametrize("answer", [b"HTTP/1.1 200 OK", b"HTTP/1.0 302 Found", b"HTTP/1.1 404 "])
def test_any_answer_of_its_own_will_do(answer: bytes) -> None:
    """The product has no page at /: it redirects to its console, or has none on a worker."""
    network = Network(answer=answer)
    assert problem(network) == ""
    assert network.questions[0].startswith(b"GET / HTTP/1.1\r\nHost: as.wso2.com\r\n")


@pytest.mark.parametrize(
    ("network", "seen"),
    [
        (Network(reached={9764: "refused"}), "port 9764 refuses connections"),
        (Network(reached={9444: "silent"}), "port 9444 is silent"),
        (Network(answer=b""), "port 9764 answers no HTTP"),
        (Network(answer=b"SSH-2.0-OpenSSH_9.2"), "port 9764 answers no HTTP"),
        (Network(answer=b"HTTP/1.1 503 Service Unavailable"), "port 9764 answers 503"),
    ],
)
def test_anything_else_is_told(network: Network, seen: str) -> None:
    assert problem(network) == seen


def test_an_sshd_that_lets_nobody_try_is_no_obstacle() -> None:
    """The worker was seen joining; AllowTcpForwarding is the operator's own choice."""
    assert problem(Network(reached={9764: "forbidden"})) == ""
