"""How a function becomes a verb, and how a verb ends: in a sentence and an exit status."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import fabric
import pytest
from invoke import Call, Exit

import fabfile
from carbon.errors import Interrupted, ProvisionError, UsageError
from tasks.executor import FleetExecutor, VerbCall, VerbContext, VerbTask
from tasks.session import Session
from tasks.verb import verb

HOSTS = """
cluster: {domain: d, home: /opt/as, java_home: /opt/java, HostName: as.wso2.com}
manager: {localMemberHost: 10.0.0.3}
load_balancer: {ssh: {host: lb}}
workers:
  worker1: {localMemberHost: 10.0.0.4}
  worker2: {localMemberHost: 10.0.0.5}
"""


@pytest.fixture
def inventory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The hosts.yaml that every verb here finds."""
    file = tmp_path / "hosts.yaml"
    file.write_text(HOSTS)
    monkeypatch.setenv("PROVISION_HOSTS", str(file))
    monkeypatch.delenv("PROVISION_DEBUG", raising=False)
    return file


def context(*names: str) -> VerbContext:
    return VerbContext(fabric.Config(lazy=True), names or None)


def ended(task: Any, *names: str, **options: Any) -> Exit:
    """Run a verb that ends in another way than well."""
    with pytest.raises(Exit) as end:
        task(context(*names), inventory=options.pop("inventory", ""), **options)
    return end.value


@pytest.mark.usefixtures("inventory")
def test_a_verb_is_called_once_with_all_its_nodes_in_the_order_named() -> None:
    calls = []

    @verb()
    def look(session: Session) -> None:
        """Look."""
        calls.append([node.name for node in session.nodes])

    look(context("worker2", "worker1", "worker2"), inventory="")
    look(context(), inventory="")
    assert calls == [["worker2", "worker1"], ["worker1", "worker2"]]


@pytest.mark.usefixtures("inventory")
def test_what_a_verb_returns_is_the_exit_status() -> None:
    @verb()
    def check(_: Session) -> int:
        """Check."""
        return 2

    assert ended(check).code == 2


@pytest.mark.usefixtures("inventory")
@pytest.mark.parametrize(
    ("error", "status", "said"),
    [
        (ProvisionError("no", action="try", host="worker1"), 1, "error: worker1: no\n  → try"),
        (UsageError("what"), 1, "error: what"),
        (Interrupted("stopped"), 130, "error: stopped"),
        (KeyboardInterrupt(), 130, "interrupted"),
    ],
)
def test_an_error_becomes_a_paragraph_and_a_status(
    error: BaseException, status: int, said: str
) -> None:
    @verb()
    def fail(_: Session) -> None:
        """Fail."""
        raise error

    end = ended(fail)
    assert (end.code, end.message) == (status, said)


@pytest.mark.usefixtures("inventory")
def test_a_defect_is_named_without_values_that_could_be_secret(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    @verb()
    def fail(_: Session) -> None:
        """Fail."""
        raise ValueError("hunter2")

    end = ended(fail)
    assert end.code == 1
    assert "a defect of this tool: ValueError" in (end.message or "")
    assert "hunter2" not in (end.message or "")
    monkeypatch.setenv("PROVISION_DEBUG", "1")
    with pytest.raises(ValueError, match="hunter2"):
        fail(context(), inventory="")


@pytest.mark.usefixtures("inventory")
def test_a_verb_that_removes_something_wants_names_or_all() -> None:
    calls = []

    @verb(every_worker=False)
    def remove(session: Session) -> None:
        """Remove."""
        calls.append(len(session.nodes))

    assert "--all" in (ended(remove, all=False).message or "")
    remove(context(), all=True, inventory="")
    remove(context("worker1"), all=False, inventory="")
    assert calls == [2, 1]


@pytest.mark.usefixtures("inventory")
def test_the_load_balancer_is_no_carbon_server() -> None:
    @verb()
    def look(session: Session) -> None:
        """Look."""
        assert session.nodes is None

    assert "lb is the load balancer" in (ended(look, "lb").message or "")


def test_options_of_a_verb_are_those_of_its_body_and_what_all_share() -> None:
    @verb(help={"force": "Do it."})
    def work(session: Session, *, force: bool = False, lines: int = 3) -> None:
        """Work."""

    assert isinstance(work, VerbTask)
    told = {one.name: (one.kind, one.help) for one in work.get_arguments()}
    assert told["force"] == (bool, "Do it.")
    assert told["lines"][0] is int
    assert told["inventory"][0] is str
    assert set(told) == {"force", "lines", "inventory", "no_commands"}


def test_no_short_flags_are_made_up_that_could_mean_something_else_one_day() -> None:
    @verb()
    def work(session: Session, *, force: bool = False) -> None:
        """Work."""

    assert [one.names for one in work.get_arguments()] == [
        ("force",),
        ("inventory",),
        ("no-commands",),
    ]


def test_one_call_carries_all_names_of_H() -> None:
    """Fabric itself would call it once for each host."""

    @verb()
    def work(session: Session) -> None:
        """Work."""

    executor = FleetExecutor.__new__(FleetExecutor)
    for given, names in (("worker1,worker2", ("worker1", "worker2")), (None, None)):
        executor.core = [_Core(given)]
        (call,) = executor.expand_calls([Call(work)])
        assert isinstance(call, VerbCall)
        assert call.names == names


class _Core:
    """What Fabric knows of the core options."""

    def __init__(self, hosts: str | None) -> None:
        self.args = type("Args", (), {"hosts": type("Value", (), {"value": hosts})})


@pytest.mark.usefixtures("inventory")
def test_a_verb_that_changes_something_can_take_over_a_lock(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    taken: list[bool] = []

    @verb(audited="change")
    def change(session: Session) -> None:
        """Change."""
        taken.append(session.break_lock)

    @verb(audited="ask", locks=False)
    def ask(_: Session) -> None:
        """Ask."""

    change(context(), inventory="", break_lock=True)
    change(context(), inventory="")
    assert taken == [True, False]
    assert not [argument for argument in ask.get_arguments() if argument.name == "break_lock"]


def test_every_verb_that_holds_locks_has_break_lock() -> None:
    """The others change no file of a server: `run` and `trust` hold none."""
    verbs = {**fabfile.ns.tasks, "lb.config": fabfile.ns["lb.config"]}
    locking = {
        name
        for name, task in verbs.items()
        if any(argument.attr_name == "break_lock" for argument in task.get_arguments())
    }
    assert locking == {
        *("install", "deploy", "driver", "config", "hosts", "reset", "start", "clone", "lb.config"),
        *("restart", "stop", "remove", "rollback", "boot"),
    }
