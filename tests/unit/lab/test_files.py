"""What stands in lab/run: made once, kept, readable by its owner where it is secret."""

from __future__ import annotations

from pathlib import Path

import pytest

from lab import rundir
from lab.hosts import LabHost
from lab.image import digest
from lab.machine import down
from tests.unit.lab.fake_machine import FakeMachine

KEY = "ssh-ed25519 AAAA lab\nPRIVATE\n"
HOST = LabHost(name="worker1", address="172.30.0.5", ssh_port=23456, container="c_worker1_1")


def environment(folder: Path) -> dict[str, str]:
    lines = (folder / rundir.ENVIRONMENT).read_text().splitlines()
    return dict(line.split("=", 1) for line in lines)


def test_preparing_twice_keeps_keys_ports_and_password(tmp_path: Path) -> None:
    machine = FakeMachine({"docker run": KEY})
    rundir.prepare(tmp_path / "lab", image="carbon-lab:1", extras_image="x", run=machine)
    first = environment(tmp_path / "lab")
    rundir.prepare(tmp_path / "lab", image="carbon-lab:2", extras_image="x", run=machine)
    assert environment(tmp_path / "lab") == {**first, "LAB_IMAGE": "carbon-lab:2"}
    assert len(machine.commands) == 2


def test_two_labs_share_neither_password_nor_ports(tmp_path: Path) -> None:
    machine = FakeMachine({"docker run": KEY})
    for name in ("one", "other"):
        rundir.prepare(tmp_path / name, image="carbon-lab:1", extras_image="x", run=machine)
    one, other = environment(tmp_path / "one"), environment(tmp_path / "other")
    assert one["LAB_DB_PASSWORD"] != other["LAB_DB_PASSWORD"]
    assert [one[name] for name in rundir.PORTS] != [other[name] for name in rundir.PORTS]


@pytest.mark.parametrize("name", ["id_ed25519", "id_rsa", "db_password", rundir.ENVIRONMENT])
def test_what_is_secret_is_for_its_owner_alone(tmp_path: Path, name: str) -> None:
    rundir.prepare(
        tmp_path / "lab", image="i", extras_image="x", run=FakeMachine({"docker run": KEY})
    )
    assert (tmp_path / "lab" / name).stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "lab").stat().st_mode & 0o777 == 0o700


def test_the_login_key_comes_apart_into_its_two_files(tmp_path: Path) -> None:
    rundir.prepare(tmp_path, image="i", extras_image="x", run=FakeMachine({"docker run": KEY}))
    assert (tmp_path / "id_ed25519").read_text() == "PRIVATE\n"
    assert (tmp_path / "id_ed25519.pub").read_text() == "ssh-ed25519 AAAA lab\n"


def test_free_ports_are_all_different() -> None:
    ports = rundir.free_ports(200)
    assert len(set(ports)) == 200


def test_every_kind_of_host_key_is_known_under_the_published_port() -> None:
    machine = FakeMachine({"docker exec": "ssh-ed25519 AAAA root@worker1\nssh-rsa BBBB root@w\n"})
    assert rundir.host_keys(HOST, run=machine) == [
        "[127.0.0.1]:23456,172.30.0.5 ssh-ed25519 AAAA",
        "[127.0.0.1]:23456,172.30.0.5 ssh-rsa BBBB",
    ]


def test_the_images_name_changes_with_content_name_and_mode(tmp_path: Path) -> None:
    file = tmp_path / "boot"
    file.write_text("one")
    digests = {digest(tmp_path)}
    file.write_text("two")
    digests.add(digest(tmp_path))
    file.chmod(0o755)
    digests.add(digest(tmp_path))
    file.rename(tmp_path / "start")
    digests.add(digest(tmp_path))
    assert len(digests) == 4


def test_down_removes_what_bears_the_labs_label_and_nothing_else() -> None:
    machine = FakeMachine(
        {"docker container ls": "aaa\nbbb\n", "docker network ls": "ccc\n", "docker volume ls": ""}
    )
    down("no-such-lab", progress=lambda _: None, run=machine)
    listings = [command for command in machine.commands if " ls " in command]
    removals = [command for command in machine.commands if " rm " in command]
    project = "--filter label=com.docker.compose.project=carbon-no-such-lab"
    assert all(command.endswith(project) for command in listings)
    assert removals == [
        "docker container rm --force --volumes aaa bbb",
        "docker network rm ccc",
    ]
