"""`tighten: true` on a server: rights go, nothing else changes, and a rollback brings them back."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory

import pytest

from carbon.cluster import Node
from carbon.home import layout
from carbon.plan.model import Options, Plan, Step
from carbon.plan.plan import plan, plan_rollback
from remote.host.host import Host
from remote.observe.facts import gather_facts
from remote.rollout.generation import NewGeneration
from remote.rollout.stage import stage
from remote.rollout.swap import swap, swap_script
from tests.unit.remote.homes import Home
from tests.unit.remote.local_server import LocalServer, local_host
from tests.unit.remote.silent import Silent

KEYSTORE = PurePosixPath("repository/resources/security/wso2carbon.jks")
USERS = layout.CONF / "user-mgt.xml"
SECRETS = (KEYSTORE, USERS, layout.CARBON_XML)


def generation(number: int) -> NewGeneration:
    return NewGeneration(id=f"2026010{number}T000000Z-ab", meta="when=then\nverb=deploy")


@pytest.fixture
def home() -> Iterator[Home]:
    """An AS_HOME below folders that every user may enter, which pytest's own are not."""
    with TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        home = Home(Path(folder) / "as")
        yield home
        home.close()


@pytest.fixture
def host(home: Home, server: LocalServer) -> Host[Node]:
    """A server that is configured, with secrets that everybody may read."""
    for path in (KEYSTORE, USERS):
        home.file(path).parent.mkdir(parents=True, exist_ok=True)
        home.file(path).write_text("secret")
    host = local_host(home.node(tighten=True), server)
    for path in home.path.rglob("*"):
        path.chmod(path.stat().st_mode | 0o044 | (0o011 if path.is_dir() else 0))
    home.path.chmod(0o755)
    return host


def planned(host: Host[Node], node: Node | None = None) -> Plan:
    options = Options(steps=frozenset({Step.CONFIG, Step.START}))
    return plan(node or host.node, gather_facts(host), options=options)


def do(host: Host[Node], drafted: Plan, number: int = 1) -> None:
    stage(host, drafted, generation=generation(number), progress=Silent())
    swap(host, swap_script(host, drafted, generation=generation(number), keep_generations=5))


def modes(home: Home) -> list[int]:
    return [home.file(path).stat().st_mode & 0o777 for path in SECRETS]


def configured(host: Host[Node], home: Home) -> None:
    """Bring the files to what hosts.yaml says, without `tighten`."""
    do(host, planned(host, home.node()), 1)


def test_what_is_swapped_and_what_is_not_gets_the_mode(host: Host[Node], home: Home) -> None:
    do(host, planned(host))
    assert modes(home) == [0o640] * 3
    assert planned(host).modes == {}
    assert not planned(host).files


def test_without_the_key_the_modes_are_seen_and_stay(host: Host[Node], home: Home) -> None:
    before = modes(home)
    drafted = planned(host, home.node())
    assert set(drafted.facts.secrets.readable) >= {KEYSTORE, USERS}
    do(host, drafted)
    assert modes(home) == before


def test_a_mode_alone_changes_no_file_and_wants_no_restart(host: Host[Node], home: Home) -> None:
    configured(host, home)
    before = {path: home.file(path).stat() for path in SECRETS}
    drafted = planned(host)
    assert not drafted.files
    assert set(drafted.narrowed) >= set(SECRETS)
    do(host, drafted, 2)
    assert modes(home) == [0o640] * 3
    for path, old in before.items():
        new = home.file(path).stat()
        assert (new.st_ino, new.st_mtime_ns, new.st_size) == (
            old.st_ino,
            old.st_mtime_ns,
            old.st_size,
        )


def test_a_server_that_runs_is_not_restarted_for_a_mode(host: Host[Node], home: Home) -> None:
    configured(host, home)
    home.start()
    config = Options(steps=frozenset({Step.CONFIG}))
    drafted = plan(host.node, gather_facts(host), options=config)
    assert drafted.modes
    assert drafted.notes == ()
    do(host, drafted, 2)
    after = plan(host.node, gather_facts(host), options=config)
    assert after.empty
    assert after.notes == ()
    assert after.facts.process is not None
    assert after.facts.process.newer == ()


def test_a_generation_keeps_the_mode_and_a_rollback_brings_it_back(
    host: Host[Node], home: Home
) -> None:
    configured(host, home)
    before = modes(home)
    do(host, planned(host), 2)
    assert modes(home) != before
    do(host, plan_rollback(host.node, gather_facts(host)), 3)
    assert modes(home) == before
    assert home.file(KEYSTORE).read_text() == "secret"
    assert set(planned(host).modes) >= set(SECRETS)


def test_a_closed_as_home_needs_nothing(host: Host[Node], home: Home) -> None:
    home.path.chmod(0o750)
    assert planned(host).modes == {}


def test_a_closed_folder_above_or_below_as_home_needs_nothing(host: Host[Node], home: Home) -> None:
    """AS_HOME is often in /home/USER, which nobody else enters: every mode in it is fine."""
    home.path.parent.chmod(0o700)
    assert planned(host).modes == {}
    home.path.parent.chmod(0o711)
    assert {KEYSTORE, USERS} <= set(planned(host).modes)
    home.file(KEYSTORE).parent.chmod(0o750)
    assert KEYSTORE not in planned(host).modes
    assert USERS in planned(host).modes
    home.file("repository").chmod(0o750)
    assert planned(host).modes == {}


def test_a_name_that_is_not_utf_8_is_left_alone(host: Host[Node], home: Home) -> None:
    """It cannot be named to the server again, and no deploy may fail over it."""
    odd = os.fsencode(home.file(KEYSTORE).parent) + b"/schl\xfcssel.jks"
    Path(os.fsdecode(odd)).write_text("secret")
    Path(os.fsdecode(odd)).chmod(0o644)
    drafted = planned(host)
    assert any(path.name.endswith("ssel.jks") for path in drafted.facts.secrets.readable)
    do(host, drafted)
    assert modes(home) == [0o640] * 3


def test_a_file_that_goes_away_meanwhile_stops_no_swap(host: Host[Node], home: Home) -> None:
    drafted = planned(host)
    home.file(KEYSTORE).unlink()
    do(host, drafted)
    assert not home.file(KEYSTORE).exists()
    assert home.file(USERS).stat().st_mode & 0o777 == 0o640


def test_a_link_is_not_followed(host: Host[Node], home: Home) -> None:
    elsewhere = home.path.parent / "elsewhere.jks"
    elsewhere.write_text("theirs")
    elsewhere.chmod(0o644)
    home.file(KEYSTORE).unlink()
    home.file(KEYSTORE).symlink_to(elsewhere)
    home.file("password").symlink_to(elsewhere)
    assert not {KEYSTORE, PurePosixPath("password")} & set(planned(host).modes)
