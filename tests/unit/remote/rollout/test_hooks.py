"""Hooks: when each runs, what its failure ends, and what it finds in its environment."""

from __future__ import annotations

from pathlib import Path

import pytest

from carbon.cluster import Hooks, LocalCommand
from carbon.errors import ProvisionError, UsageError
from carbon.plan.model import Plan
from carbon.plan.plan import plan_stop
from carbon.value import replace
from remote.rollout.record import Record
from tests.unit.carbon.looks import RECORD, make_facts
from tests.unit.remote.rollout.test_order import WORKERS, Site, deploy

POINTS = ("before_rollout", "before_stop", "after_join", "after_rollout", "on_failure")


class Hooked(Site):
    """A site each of whose hooks writes a line; some of them fail."""

    def __init__(self, folder: Path, *, failing: str = "", **own: object) -> None:
        self._file = folder / "lines"
        self.hooks = Hooks(**{point: self._hook(point, failing) for point in POINTS})
        super().__init__(file=folder / "hosts.yaml", hooks=self.hooks, **own)  # type: ignore[arg-type]

    def _hook(self, point: str, failing: str) -> LocalCommand:
        line = '"$PROVISION_POINT ${PROVISION_HOST-} ${PROVISION_CODE-}"'
        status = 3 if point == failing else 0
        return LocalCommand(text=f"echo {line} >> {self._file}; echo no way; exit {status}")

    @property
    def lines(self) -> list[str]:
        return [line.strip() for line in self._file.read_text().splitlines()]

    def plans(self) -> list[Plan]:
        return [self.hooked(deploy(node)) for node in WORKERS]

    def hooked(self, plan: Plan) -> Plan:
        return replace(plan, node=replace(plan.node, hooks=self.hooks))


@pytest.fixture(autouse=True)
def _explains_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("remote.observe.doctor.explain", lambda *_, **__: "")


def test_each_runs_at_its_point(tmp_path: Path) -> None:
    site = Hooked(tmp_path)
    rollout = site.rollout(site.plans())
    assert rollout.errors == ()
    turns = [f"{point} {node.name}" for node in WORKERS for point in ("before_stop", "after_join")]
    assert site.lines == ["before_rollout", *turns, "after_rollout"]


def test_nothing_to_do_runs_none(tmp_path: Path) -> None:
    site = Hooked(tmp_path)
    site.rollout([site.hooked(Plan(node=node, facts=make_facts())) for node in WORKERS])
    assert not (tmp_path / "lines").exists()


def test_a_server_that_is_down_has_nothing_before_its_stop(tmp_path: Path) -> None:
    site = Hooked(tmp_path)
    plan = replace(deploy(WORKERS[0]), facts=make_facts(name="worker1", process=None))
    site.rollout([site.hooked(plan)])
    assert "before_stop worker1" not in site.lines
    assert "after_join worker1" in site.lines


def test_before_rollout_refuses_before_anything_is_staged(tmp_path: Path) -> None:
    site = Hooked(tmp_path, failing="before_rollout")
    with pytest.raises(ProvisionError) as refused:
        site.rollout(site.plans())
    assert (refused.value.code, refused.value.step) == ("hook-failed", "before_rollout")
    assert "exit status 3; it printed last:\n    | no way" in refused.value.seen
    assert "nothing was touched" in refused.value.action
    done = {event.split(" ")[1] for event in site.events("worker1", "worker2", "lb")}
    assert done == {"lock", "release"}
    assert site.lines == ["before_rollout", "on_failure  hook-failed"]


def test_before_stop_refuses_before_its_server_leaves_the_rotation(tmp_path: Path) -> None:
    site = Hooked(tmp_path, failing="before_stop")
    first, second = site.rollout(site.plans()).results
    assert first.error is not None
    assert (first.error.code, first.error.host) == ("hook-failed", "worker1")
    assert not second.reached
    assert site.events("lb") == []
    assert "worker1 stop" not in site.events("worker1")
    assert "worker1 unstage" in site.events("worker1")
    assert site.lines[1:] == ["before_stop worker1", "on_failure worker1 hook-failed"]


def test_a_stop_asks_its_hook_too(tmp_path: Path) -> None:
    site = Hooked(tmp_path, failing="before_stop")
    plan = site.hooked(plan_stop(WORKERS[0], make_facts(name="worker1")))
    (result,) = site.rollout([plan], verb="stop").results
    assert result.error is not None
    assert result.stopped is None


def test_after_join_keeps_requests_away_and_hides_no_success(tmp_path: Path) -> None:
    site = Hooked(tmp_path, failing="after_join")
    first, second = site.rollout(site.plans()).results
    assert first.error is not None
    assert first.error.step == "after_join"
    assert first.joined is not None
    assert not second.reached
    assert site.events("lb") == ["lb out worker1"]
    assert site.lines[2:] == ["after_join worker1", "on_failure worker1 hook-failed"]


@pytest.mark.parametrize(("failing", "what"), [("after_join", "after_join"), ("", "")])
def test_what_does_not_follow_a_join_is_recorded(
    tmp_path: Path, failing: str, what: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The next run goes on from there."""
    written: list[tuple[str, ...]] = []

    class Written(Record):
        def begin(self) -> None:
            written.append(tuple(self._lines()))
            super().begin()

    monkeypatch.setattr("remote.rollout.turn.Record", Written)
    site = Hooked(tmp_path, failing=failing)
    site.rollout(site.plans()[:1])
    (lines,) = written
    assert lines[1:3] == ("joined", "300")
    assert (f"unfinished={what}" in lines) == bool(what)
    assert lines[-2:] == ("evidence=Member joined", "")


def test_what_did_not_follow_a_join_is_done_by_the_next_run(tmp_path: Path) -> None:
    site = Hooked(tmp_path)
    facts = make_facts(name="worker1", record=RECORD | {"unfinished": "after_join"})
    plan = site.hooked(Plan(node=WORKERS[0], facts=facts, finish=True))
    (result,) = site.rollout([plan]).results
    assert result.error is None
    assert site.lines == ["before_rollout", "after_join worker1", "after_rollout"]
    assert site.events("lb") == ["lb in worker1"]


def test_after_rollout_is_an_error_of_no_server(tmp_path: Path) -> None:
    site = Hooked(tmp_path, failing="after_rollout")
    rollout = site.rollout(site.plans())
    assert [result.error for result in rollout.results] == [None, None]
    assert rollout.error is not None
    assert (rollout.error.host, rollout.error.step) == (None, "after_rollout")
    assert site.lines[-2:] == ["after_rollout", "on_failure  hook-failed"]


def test_on_failure_hides_no_other_failure(tmp_path: Path) -> None:
    site = Hooked(tmp_path, failing="on_failure", joins=())
    first, _ = site.rollout(site.plans()).results
    assert first.error is not None
    assert first.error.code == "start-failed"
    assert site.lines[-1] == "on_failure worker1 start-failed"


def test_no_commands_refuses_a_rollout_with_hooks_before_anything_is_touched(
    tmp_path: Path,
) -> None:
    site = Hooked(tmp_path)
    forbidden = Hooks(on_failure=LocalCommand(text="true", allowed=False))
    plan = replace(deploy(WORKERS[0]), node=replace(WORKERS[0], hooks=forbidden))
    with pytest.raises(UsageError) as refused:
        site.rollout([plan])
    assert refused.value.code == "commands-refused"
    assert site.log == []


def test_a_hook_shows_no_secret_and_commands_no_terminal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DB_PASSWORD", "geheim-4711")
    text = "env | grep DB_; printf 'a\\033[2Jb\\n'; exit 1"
    site = Site(file=tmp_path / "hosts.yaml", hooks=Hooks(before_rollout=LocalCommand(text=text)))
    with pytest.raises(ProvisionError) as refused:
        site.rollout([deploy(WORKERS[0])])
    assert "geheim" not in str(refused.value)
    assert "DB_PASSWORD=********" in refused.value.seen
    assert r"a\x1b[2Jb" in refused.value.seen
