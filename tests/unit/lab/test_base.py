"""The base image is taken where it is, pulled, or made from the machine's own sources."""

from __future__ import annotations

import pytest

from lab.base import provide_base_image, sources
from lab.engine import Machine
from lab.shell import LabError
from tests.unit.lab.fake_machine import Answer, FakeMachine

ROOT_ON_DEBIAN = Machine(is_root=True, is_debian=True, has_systemd=False)
TARGETS = """\
Debian|http://mirror.example/debian/|bookworm
Debian|http://mirror.example/debian/|bookworm
Debian|http://mirror.example/debian-security/|bookworm-security
Somebody Else|http://apt.example/|bookworm
"""


def silent(_: str) -> None:
    """Report to nobody."""


def test_an_image_that_is_there_is_neither_pulled_nor_made() -> None:
    machine = FakeMachine({})
    provide_base_image(silent, machine=ROOT_ON_DEBIAN, run=machine)
    assert machine.commands == ["docker image inspect debian:bookworm-slim"]


def test_a_missing_image_is_pulled() -> None:
    machine = FakeMachine({"docker image": 1})
    provide_base_image(silent, machine=ROOT_ON_DEBIAN, run=machine)
    assert machine.ran("docker pull") == ["docker pull debian:bookworm-slim"]
    assert not machine.ran("mmdebstrap")


def test_what_cannot_be_pulled_is_made_and_imported_under_that_name() -> None:
    machine = FakeMachine({"docker image": 1, "docker pull": 1, "apt-get indextargets": TARGETS})
    provide_base_image(silent, machine=ROOT_ON_DEBIAN, run=machine)
    (made,) = machine.ran("mmdebstrap --variant=minbase")
    assert made.endswith(
        "deb http://mirror.example/debian/ bookworm main "
        "deb http://mirror.example/debian-security/ bookworm-security main"
    )
    (imported,) = machine.ran("docker import")
    assert imported.endswith(" debian:bookworm-slim")


def test_mmdebstrap_is_installed_where_it_is_missing() -> None:
    answers: dict[str, Answer] = {"docker image": 1, "docker pull": 1, "mmdebstrap --version": 127}
    machine = FakeMachine({**answers, "apt-get indextargets": TARGETS})
    provide_base_image(silent, machine=ROOT_ON_DEBIAN, run=machine)
    assert machine.ran("apt-get install") == ["apt-get install -y mmdebstrap"]


def test_elsewhere_the_reason_of_the_failed_pull_is_told() -> None:
    machine = FakeMachine({"docker image": 1, "docker pull": 1})
    elsewhere = Machine(is_root=False, is_debian=True, has_systemd=False)
    with pytest.raises(LabError, match=r"pulling debian:bookworm-slim failed: docker refuses"):
        provide_base_image(silent, machine=elsewhere, run=machine)


def test_another_release_of_debian_lends_its_mirror() -> None:
    later = FakeMachine({"apt-get": "Debian|http://mirror.example/debian/|trixie\n"})
    assert sources(later) == ["deb http://mirror.example/debian/ bookworm main"]


def test_a_machine_without_package_lists_is_told_to_update() -> None:
    with pytest.raises(LabError, match="apt-get update"):
        sources(FakeMachine({"apt-get": ""}))
