"""Whether a worker answers the load balancer over HTTP."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from carbon.cluster import Health, Limits, Node
from carbon.errors import TimeLimitError
from carbon.home.facts import Reach
from carbon.value import replace
from remote.balancer.http import await_answer, http_problem
from remote.host.host import Host
from tests.unit.carbon.nodes import make_balancer, make_node
from tests.unit.remote.local_server import local_host
from tests.unit.remote.silent import Silent

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


def problem(network: Network, worker: Node = WORKER) -> str:
    return http_problem(local_host(make_balancer(), network), worker)  # type: ignore[arg-type]


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
        (Network(answer=b"HTTP/1.1 503 Service Unavailable"), "port 9764 answers 503 to /"),
    ],
)
def test_anything_else_is_told(network: Network, seen: str) -> None:
    assert problem(network) == seen


def test_an_sshd_that_lets_nobody_try_is_no_obstacle() -> None:
    """The worker was seen joining; AllowTcpForwarding is the operator's own choice."""
    assert problem(Network(reached={9764: "forbidden"})) == ""


# ---- What hosts.yaml says under `health`


def healthy(**health: object) -> Node:
    return replace(WORKER, health=Health(**health))  # type: ignore[arg-type]


def test_the_path_and_the_status_of_hosts_yaml_are_what_counts() -> None:
    """An application that is not deployed yet answers 404: that is not ready."""
    network = Network(answer=b"HTTP/1.1 404 Not Found")
    worker = healthy(path="/app/ping", status=200)
    assert problem(network, worker) == "port 9764 answers 404, not 200 to /app/ping"
    assert network.questions[0].startswith(b"GET /app/ping HTTP/1.1\r\n")
    network.answer = b"HTTP/1.1 200 OK"
    assert problem(network, worker) == ""


def test_a_status_of_500_counts_if_it_is_the_one_that_is_wanted() -> None:
    assert problem(Network(answer=b"HTTP/1.1 503 x"), healthy(status=503)) == ""


def test_a_worker_that_does_not_get_ready_is_an_error_that_names_its_limit() -> None:
    network = Network(answer=b"HTTP/1.1 503 x")
    asking: Host[Node] = Host(make_node("manager"), network, limits=Limits(), run="ab")  # type: ignore[arg-type]
    worker = healthy(path="/ping", within_seconds=0.3)
    with pytest.raises(TimeLimitError, match=r"within 0\.3 s \(health: within\)") as failure:
        await_answer(asking, worker, progress=Silent())
    assert "when tried from manager" in failure.value.seen
    assert len(network.questions) > 1, "it is asked again until then"
