"""An engine is found, started or installed; or one line says what to install."""

from __future__ import annotations

from pathlib import Path

import pytest

from lab.engine import Machine, provide_engine, remove_stale_pid_file
from lab.shell import LabError
from tests.unit.lab.fake_machine import FakeMachine

ROOT_ON_DEBIAN = Machine(is_root=True, is_debian=True, has_systemd=False)
SOMEBODY = Machine(is_root=False, is_debian=True, has_systemd=False)


def silent(_: str) -> None:
    """Report to nobody."""


class Engine:
    """Answers from its second question on, as one that had to be started first."""

    def __init__(self) -> None:
        self.asked = 0

    def answer(self) -> int | str:
        self.asked += 1
        return 1 if self.asked <= 2 else "20.10"


def test_a_running_engine_is_used_as_it_is() -> None:
    machine = FakeMachine({"docker compose": 1})
    assert provide_engine(silent, machine=SOMEBODY, run=machine) == ("docker-compose",)
    assert not machine.ran("apt-get")
    assert not machine.ran("setsid")


def test_compose_as_a_plugin_is_preferred() -> None:
    assert provide_engine(silent, machine=SOMEBODY, run=FakeMachine({})) == ("docker", "compose")


def test_an_installed_engine_is_started_detached(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DOCKER_HOST", raising=False)
    machine = FakeMachine({"docker version": Engine().answer})
    provide_engine(silent, machine=ROOT_ON_DEBIAN, run=machine)
    assert machine.ran("setsid") == ["setsid --fork dockerd"]
    assert not machine.ran("apt-get")


def test_systemd_starts_the_engine_where_it_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DOCKER_HOST", raising=False)
    machine = FakeMachine({"docker version": Engine().answer})
    with_systemd = Machine(is_root=True, is_debian=True, has_systemd=True)
    provide_engine(silent, machine=with_systemd, run=machine)
    assert machine.ran("systemctl") == ["systemctl start docker"]
    assert not machine.ran("setsid")


def test_root_on_debian_gets_an_engine_installed_and_is_told() -> None:
    machine = FakeMachine({"docker --version": 127})
    told: list[str] = []
    provide_engine(told.append, machine=ROOT_ON_DEBIAN, run=machine)
    assert told == ["installing docker.io and docker-compose with apt-get"]
    (install,) = machine.ran("env DEBIAN_FRONTEND=noninteractive apt-get install")
    assert install.endswith(" -y docker.io docker-compose")


def test_a_client_without_an_engine_gets_its_engine_installed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("DOCKER_HOST", raising=False)
    installed: list[str] = []
    machine = FakeMachine(
        {
            "dockerd --version": lambda: 0 if installed else 127,
            "docker version": lambda: 0 if installed else 1,
        }
    )
    provide_engine(installed.append, machine=ROOT_ON_DEBIAN, run=machine)
    assert installed == ["installing docker.io and docker-compose with apt-get"]


def test_a_client_of_an_engine_elsewhere_gets_none_installed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("DOCKER_HOST", "tcp://127.0.0.1:1")
    machine = FakeMachine({"docker version": 1, "dockerd --version": 127})
    with pytest.raises(LabError, match="no Docker engine answers"):
        provide_engine(silent, machine=ROOT_ON_DEBIAN, run=machine)
    assert not machine.ran("env DEBIAN_FRONTEND=noninteractive apt-get install")


def test_a_missing_compose_is_installed_alone() -> None:
    machine = FakeMachine({"docker compose": 1, "docker-compose": 127})
    assert provide_engine(silent, machine=ROOT_ON_DEBIAN, run=machine) == ("docker-compose",)
    (install,) = machine.ran("env DEBIAN_FRONTEND=noninteractive apt-get install")
    assert install.endswith(" -y docker-compose")


@pytest.mark.parametrize(
    "machine",
    [SOMEBODY, Machine(is_root=True, is_debian=False, has_systemd=False)],
    ids=["not root", "not Debian"],
)
def test_elsewhere_one_line_says_what_to_install(machine: Machine) -> None:
    with pytest.raises(LabError, match=r"docker\.io and docker-compose") as raised:
        provide_engine(silent, machine=machine, run=FakeMachine({"docker --version": 127}))
    assert "\n" not in str(raised.value)


def test_an_engine_that_this_account_may_not_use_is_not_started() -> None:
    machine = FakeMachine({"docker version": 1})
    with pytest.raises(LabError, match="group docker"):
        provide_engine(silent, machine=SOMEBODY, run=machine)
    assert not machine.ran("setsid")


def process(proc: Path, pid: str, name: str) -> None:
    (proc / pid).mkdir(parents=True)
    (proc / pid / "comm").write_text(f"{name}\n")


def test_the_pid_file_of_a_dead_engine_is_removed(tmp_path: Path) -> None:
    file = tmp_path / "docker.pid"
    file.write_text("4711")
    remove_stale_pid_file(file, program="dockerd", proc=tmp_path / "proc")
    assert not file.exists()


def test_a_pid_file_whose_number_is_by_now_another_program_is_removed(tmp_path: Path) -> None:
    file = tmp_path / "docker.pid"
    file.write_text("4711\n")
    process(tmp_path / "proc", "4711", "sshd")
    remove_stale_pid_file(file, program="dockerd", proc=tmp_path / "proc")
    assert not file.exists()


def test_the_pid_file_of_a_running_engine_stays(tmp_path: Path) -> None:
    file = tmp_path / "docker.pid"
    file.write_text("4711\n")
    process(tmp_path / "proc", "4711", "dockerd")
    remove_stale_pid_file(file, program="dockerd", proc=tmp_path / "proc")
    assert file.exists()


def test_no_pid_file_is_no_trouble(tmp_path: Path) -> None:
    remove_stale_pid_file(tmp_path / "docker.pid", program="dockerd", proc=tmp_path)
