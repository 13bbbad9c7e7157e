"""A load balancer that is not nginx: what its commands are asked, and what is proved by them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from carbon.cluster import BalancerCommands, Limits, LocalCommand, Node
from carbon.errors import ProvisionError, UsageError
from remote.balancer import commands
from remote.balancer.commands import CommandBalancer
from remote.host.fleet import Fleet
from remote.host.mock import Log, MockOpener, MockServer
from tests.unit.carbon.nodes import make_cluster, make_manager, make_node

WORKER = make_node()
OTHER = make_node("worker2", local_member_host="10.0.0.5")


class Site:
    """A load balancer that is a folder: a file for each worker that is in, and a list of calls."""

    def __init__(
        self,
        folder: Path,
        *,
        proves: bool = True,
        take_out: str = 'rm -f "$PROVISION_HOST"',
        put_back: str = 'touch "$PROVISION_HOST"',
        state: str = 'if [ -e "$PROVISION_HOST" ]; then echo in; else echo out; fi',
        allowed: bool = True,
    ) -> None:
        self.folder = folder
        self.said: list[tuple[str, str]] = []
        self.log: Log = []
        for worker in (WORKER, OTHER):
            (folder / worker.name).touch()
        note = 'echo "$PROVISION_POINT $PROVISION_HOST" >> calls; '
        limits = Limits(drain_seconds=0.3, join_seconds=0.3)
        cluster = make_cluster(
            WORKER,
            OTHER,
            manager=make_manager(),
            load_balancer=None,
            limits=limits,
            file=folder / "hosts.yaml",
        )
        self.manager = MockServer(name="manager", log=self.log)
        self.balancer = CommandBalancer(
            Fleet(cluster, MockOpener([self.manager])),
            BalancerCommands(
                take_out=LocalCommand(text=note + take_out, allowed=allowed),
                put_back=LocalCommand(text=note + put_back, allowed=allowed),
                state=LocalCommand(text=state, allowed=allowed) if proves else None,
            ),
            progress=self,
        )

    @property
    def calls(self) -> list[str]:
        path = self.folder / "calls"
        return path.read_text().splitlines() if path.exists() else []

    def is_in(self, node: Node) -> bool:
        return (self.folder / node.name).exists()

    def say(self, name: str, text: str) -> None:
        self.said.append((name, text))

    def now(self, name: str, text: str) -> None:
        """Is not looked at."""

    def copied(self, name: str, done_bytes: int, total_bytes: int) -> None:
        """Nothing is copied."""

    @property
    def texts(self) -> str:
        return "\n".join(f"{name} {text}" for name, text in self.said)


@pytest.fixture
def answers(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """What is wrong with the workers' answers, first to last; nothing at the end."""
    problems: list[str] = []

    def problem(*_: object) -> str:
        return problems[0] if problems else ""

    monkeypatch.setattr(commands, "http_problem", problem)
    monkeypatch.setattr("remote.balancer.http.http_problem", problem)
    yield problems


def refusal(site: Site, node: Node = WORKER) -> ProvisionError:
    with pytest.raises(ProvisionError) as refused:
        site.balancer.take_out(node)
    return refused.value


@pytest.mark.usefixtures("answers")
def test_a_worker_is_out_before_its_stop_and_in_once_it_answers(tmp_path: Path) -> None:
    site = Site(tmp_path)
    site.balancer.take_out(WORKER)
    assert (site.is_in(WORKER), site.is_in(OTHER)) == (False, True)
    site.balancer.put_back(WORKER)
    assert site.is_in(WORKER)
    assert site.calls == ["take_out worker1", "put_back worker1"]
    assert "worker1 out of rotation: drained, after " in site.texts
    assert site.said[-1] == ("worker1", "back in rotation")


def test_a_worker_that_does_not_answer_is_not_put_back(tmp_path: Path, answers: list[str]) -> None:
    site = Site(tmp_path)
    site.balancer.take_out(WORKER)
    answers.append("port 9763 is silent")
    with pytest.raises(ProvisionError, match="it joined, but port 9763 is silent"):
        site.balancer.put_back(WORKER)
    assert not site.is_in(WORKER)
    assert site.calls == ["take_out worker1"]


def test_what_is_where_it_belongs_is_not_called_again(tmp_path: Path) -> None:
    site = Site(tmp_path)
    site.balancer.put_back(WORKER)
    (tmp_path / "worker2").unlink()
    site.balancer.take_out(OTHER)
    assert site.calls == []


@pytest.mark.usefixtures("answers")
def test_what_is_not_proved_is_said(tmp_path: Path) -> None:
    site = Site(tmp_path, proves=False)
    site.balancer.take_out(WORKER)
    site.balancer.put_back(WORKER)
    assert "requests in flight are not seen" in site.texts
    assert site.texts.endswith("that is not proved")
    assert site.balancer.out_of_rotation([WORKER]) == frozenset()


@pytest.mark.usefixtures("answers")
@pytest.mark.parametrize("proves", [True, False])
def test_a_worker_that_cannot_be_taken_out_is_put_back(tmp_path: Path, proves: bool) -> None:
    """The command may have done half of its work; nothing was done to the server."""
    broken = 'rm "$PROVISION_HOST"; echo one of two load balancers does not answer; exit 1'
    site = Site(tmp_path, proves=proves, take_out=broken)
    error = refusal(site)
    assert (error.code, error.host, error.step) == ("take-out-failed", "worker1", "take_out")
    assert "| one of two load balancers does not answer" in error.seen
    assert "its server was not touched" in error.action
    assert site.is_in(WORKER)
    assert site.said[-1] == ("worker1", "put back into rotation: nothing was done to it")


def test_a_worker_that_is_down_is_not_put_back_by_a_failure(
    tmp_path: Path, answers: list[str]
) -> None:
    answers.append("port 9763 refuses connections")
    site = Site(tmp_path, proves=False, take_out="exit 1")
    refusal(site)
    assert site.calls == ["take_out worker1"]


@pytest.mark.usefixtures("answers")
def test_a_put_back_that_fails_after_a_take_out_that_failed_is_told(tmp_path: Path) -> None:
    site = Site(tmp_path, take_out="exit 1", put_back="exit 2")
    error = refusal(site)
    assert error.code == "take-out-failed"
    assert "and put_back failed, too, so it may be out: the command ended with exit status 2" in (
        error.action
    )


@pytest.mark.usefixtures("answers")
def test_a_worker_that_is_still_in_is_not_stopped(tmp_path: Path) -> None:
    """Although the command says that all went well."""
    error = refusal(Site(tmp_path, take_out="true"))
    assert error.code == "still-in-rotation"
    assert "`state` still prints `in` after 0.3 s" in error.seen


@pytest.mark.usefixtures("answers")
def test_requests_in_flight_are_waited_for_up_to_the_limit(tmp_path: Path) -> None:
    state = 'if [ -e "$PROVISION_HOST" ]; then echo in; else echo draining 3; fi'
    site = Site(tmp_path, state=state)
    site.balancer.take_out(WORKER)
    assert "`state` still prints draining, going on (limits: drain)" in site.texts


@pytest.mark.usefixtures("answers")
def test_a_put_back_without_effect_is_an_error(tmp_path: Path) -> None:
    site = Site(tmp_path, put_back="true")
    site.balancer.take_out(WORKER)
    with pytest.raises(ProvisionError) as refused:
        site.balancer.put_back(WORKER)
    assert refused.value.code == "not-in-rotation"


@pytest.mark.usefixtures("answers")
def test_who_is_taken_out_and_not_put_back_is_told_at_the_end(tmp_path: Path) -> None:
    site = Site(tmp_path)
    with site.balancer.hold([WORKER], verb="stop", break_lock=False):
        site.balancer.take_out(WORKER)
    text = "stays out of rotation until a start or deploy sees it join"
    assert site.said[-1] == ("worker1", text)
    assert site.log[0] == ("manager", "lock"), "two runs do not take workers out at once"


def test_the_last_one_in_rotation_is_taken_out_with_a_warning(tmp_path: Path) -> None:
    site = Site(tmp_path)
    (tmp_path / "worker2").unlink()
    site.balancer.take_out(WORKER)
    assert "worker1 is the only one in rotation" in site.texts


def test_state_tells_who_is_out_and_a_state_that_fails_hinders_no_plan(tmp_path: Path) -> None:
    site = Site(tmp_path, state='[ "$PROVISION_HOST" = worker1 ] && echo out')
    assert site.balancer.out_of_rotation([WORKER, OTHER]) == {"worker1"}
    assert "worker2 whether it is out of rotation is not known: the command ended" in site.texts


def test_the_manager_is_in_no_rotation(tmp_path: Path) -> None:
    site = Site(tmp_path, take_out="exit 1", put_back="exit 1")
    manager = make_manager()
    site.balancer.take_out(manager)
    site.balancer.put_back(manager)
    site.balancer.remove(manager)
    with site.balancer.hold([manager], verb="restart", break_lock=False):
        assert site.log == []


def test_no_commands_refuses_to_turn_workers(tmp_path: Path) -> None:
    site = Site(tmp_path, allowed=False)
    with (
        pytest.raises(UsageError) as refused,
        site.balancer.hold([WORKER], verb="deploy", break_lock=False),
    ):
        pass
    assert refused.value.code == "commands-refused"
    assert site.log == []
