"""Artifacts on a server: seen in the one look, staged, swapped by the journal, rolled back."""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Any

import pytest

from carbon.checks.case import Case
from carbon.checks.files import places
from carbon.cluster import Artifact, Node
from carbon.errors import InventoryError, ProvisionError, UnfitError
from carbon.home import layout
from carbon.plan.model import Options, Plan, Step
from carbon.plan.plan import plan, plan_rollback
from carbon.value import replace
from remote.host.host import Host
from remote.host.script import Script
from remote.observe.facts import gather_facts
from remote.rollout.generation import NewGeneration
from remote.rollout.stage import WHOLE_BYTES, stage
from remote.rollout.swap import swap, swap_script
from tests.unit.carbon.looks import running
from tests.unit.carbon.nodes import make_cluster
from tests.unit.remote.homes import Home
from tests.unit.remote.local_server import LocalServer, local_host
from tests.unit.remote.silent import Silent

JKS = PurePosixPath("repository/resources/security/wso2carbon.jks")
WAR = PurePosixPath("repository/deployment/server/webapps/new/x.war")
OLD = PurePosixPath("repository/components/dropins/old_1.0.0.jar")
LOG4J = PurePosixPath("repository/conf/log4j.properties")
TOOL = PurePosixPath("bin/tool with blank.sh")
BACK = "20260102T000000Z-ab"


class Heard(Silent):
    """Remembers how far a copy came."""

    def __init__(self) -> None:
        self.names: set[str] = set()
        self.copies: list[int] = []
        self.total_bytes = 0

    def copied(self, name: str, done_bytes: int, total_bytes: int) -> None:
        self.names.add(name)
        self.copies.append(done_bytes)
        self.total_bytes = total_bytes


class Shop:
    """One home, the local files for it, and the steps of a deploy."""

    def __init__(self, home: Home, server: LocalServer, folder: Path) -> None:
        self.home = home
        self.server = server
        self.folder = folder
        self.node: Node = home.node()

    @property
    def host(self) -> Host[Node]:
        return local_host(self.node, self.server)

    def brings(self, to: PurePosixPath, data: bytes, *, mode: int = 0o644, **own: Any) -> None:
        local = self.folder / f"local-{to.name}"
        local.write_bytes(data)
        local.chmod(mode)
        self._add(Artifact(to=to, source=local, **own))

    def takes_away(self, to: PurePosixPath, **own: Any) -> None:
        self._add(Artifact(to=to, **own))

    def _add(self, entry: Artifact) -> None:
        others = [each for each in self.node.artifacts if each.to != entry.to]
        self.node = replace(self.node, artifacts=(*others, entry))

    def plan(self) -> Plan:
        options = Options(steps=frozenset({Step.CONFIG, Step.START}))
        return plan(self.node, gather_facts(self.host), options=options)

    def do(self, made: Plan, *, generation: str = "20260101T000000Z-ab") -> None:
        stage(self.host, made, generation=named(generation), progress=Silent())
        swap(self.host, self.swap_script(made, generation))

    def swap_script(self, made: Plan, generation: str) -> Script:
        given = named(generation)
        return swap_script(self.host, made, generation=given, keep_generations=5, down=True)

    def roll_back(self) -> None:
        self.do(plan_rollback(self.node, gather_facts(self.host)), generation=BACK)

    def everything(self) -> dict[str, tuple[int, str]]:
        """Return the modes and contents of all of AS_HOME, but for the tool's own."""
        return {
            str(path.relative_to(self.home.path)): (
                path.stat().st_mode & 0o7777,
                hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else "",
            )
            for path in self.home.path.rglob("*")
            if ".provision" not in path.parts and "logs" not in path.parts
        }


def named(generation: str) -> NewGeneration:
    return NewGeneration(id=generation, meta="when=then\nwho=op@desk\nverb=deploy")


@pytest.fixture
def shop(home: Home, server: LocalServer, tmp_path: Path) -> Iterator[Shop]:
    made = Shop(home, server, tmp_path)
    for path, data in ((JKS, b"old keys\0"), (OLD, b"PK old"), (LOG4J, b"level=INFO\n")):
        home.file(path).parent.mkdir(parents=True, exist_ok=True)
        home.file(path).write_bytes(data)
    home.file(JKS).chmod(0o640)
    home.file(OLD).chmod(0o664)
    yield made


def full(shop: Shop) -> None:
    shop.brings(JKS, b"new keys\0")
    shop.brings(WAR, b"PK\0war")
    shop.brings(TOOL, b"#!/bin/sh\n", mode=0o755)
    shop.brings(LOG4J, b"level=DEBUG ${name}\n", template=True)
    shop.takes_away(OLD)


def test_a_deploy_puts_all_in_place_and_the_next_plan_is_empty(shop: Shop) -> None:
    full(shop)
    made = shop.plan()
    signs = {change.path: change.sign for change in made.artifacts}
    assert signs == {JKS: "~", WAR: "+", TOOL: "+", LOG4J: "~", OLD: "-"}
    shop.do(made)
    file = shop.home.file
    assert file(JKS).read_bytes() == b"new keys\0"
    assert file(WAR).read_bytes() == b"PK\0war"
    assert file(LOG4J).read_bytes() == b"level=DEBUG worker1\n"
    assert not file(OLD).exists()
    modes = [file(path).stat().st_mode & 0o777 for path in (JKS, WAR, TOOL, LOG4J, WAR.parent)]
    assert modes == [0o640, 0o644, 0o755, 0o644, 0o755]
    assert not shop.plan().swaps


def test_a_rollback_restores_every_byte_mode_and_folder(shop: Shop) -> None:
    before = shop.everything()
    full(shop)
    shop.do(shop.plan())
    assert shop.everything() != before
    shop.roll_back()
    assert shop.everything() == before


def test_a_mode_that_hosts_yaml_names_is_set_and_rolled_back(shop: Shop) -> None:
    shop.brings(LOG4J, b"level=INFO\n", mode=0o644)
    assert not shop.plan().artifacts
    shop.node = replace(shop.node, artifacts=(replace(shop.node.artifacts[0], mode=0o600),))
    shop.do(shop.plan())
    assert shop.home.file(LOG4J).stat().st_mode & 0o777 == 0o600
    assert not shop.plan().artifacts
    shop.roll_back()
    assert shop.home.file(LOG4J).stat().st_mode & 0o777 == 0o644


def test_a_large_file_travels_in_pieces_that_are_shown(shop: Shop) -> None:
    data = bytes(range(256)) * (WHOLE_BYTES // 256 * 3 + 1)
    shop.brings(WAR, data)
    heard = Heard()
    stage(shop.host, shop.plan(), generation=named("20260101T000000Z-ab"), progress=heard)
    (staged,) = shop.home.path.glob(f".provision/staged*/**/{WAR.name}")
    assert staged.read_bytes() == data
    assert heard.copies == sorted(heard.copies)
    assert len(heard.copies) > 3
    assert heard.names == {shop.node.name}
    assert heard.copies[-1] == heard.total_bytes >= len(data)


@pytest.mark.parametrize("large", [False, True])
def test_no_script_limit_ends_the_way_of_a_large_file(shop: Shop, large: bool) -> None:
    shop.brings(WAR, bytes(WHOLE_BYTES * 2 if large else WHOLE_BYTES // 2))
    stage(shop.host, shop.plan(), generation=named("20260101T000000Z-ab"), progress=Silent())
    limit_seconds = shop.server.limits_seconds["stage"]
    assert limit_seconds == (None if large else shop.host.limits.command_seconds)


def test_a_local_file_that_changes_meanwhile_ends_the_staging(shop: Shop) -> None:
    shop.brings(WAR, b"PK\0war")
    made = shop.plan()
    (shop.folder / f"local-{WAR.name}").write_bytes(b"PK\0wa2")
    with pytest.raises(ProvisionError, match="damaged"):
        stage(shop.host, made, generation=named("20260101T000000Z-ab"), progress=Silent())
    (shop.folder / f"local-{WAR.name}").write_bytes(b"PK")
    with pytest.raises(ProvisionError, match="changed while it was read"):
        stage(shop.host, made, generation=named("20260101T000000Z-ab"), progress=Silent())


def test_what_somebody_changes_on_the_server_meanwhile_is_not_replaced(shop: Shop) -> None:
    full(shop)
    made = shop.plan()
    shop.home.file(JKS).write_bytes(b"another's keys")
    with pytest.raises(UnfitError, match="changed by somebody else"):
        stage(shop.host, made, generation=named("20260101T000000Z-ab"), progress=Silent())


def test_an_interrupted_swap_is_completed_and_keeps_the_true_old(shop: Shop) -> None:
    before = shop.everything()
    full(shop)
    made = shop.plan()
    stage(shop.host, made, generation=named("20260101T000000Z-ab"), progress=Silent())
    script = replace(
        shop.swap_script(made, "20260101T000000Z-ab"),
        prelude='step() { case $1 in "remove "*) exit 5 ;; esac; }',
    )
    with pytest.raises(ProvisionError):
        swap(shop.host, script)
    again = shop.plan()
    assert again.finish_swap
    shop.do(again, generation="20260103T000000Z-ab")
    assert not shop.home.file(OLD).exists()
    shop.roll_back()
    assert shop.everything() == before


@pytest.mark.parametrize(
    ("path", "own", "starts"),
    [
        (WAR, {}, False),
        (JKS, {}, True),
        (LOG4J, {"restart": False}, False),
        (WAR, {"restart": True}, True),
    ],
)
def test_only_what_wants_a_restart_restarts_a_server(
    shop: Shop, path: PurePosixPath, own: dict[str, Any], starts: bool
) -> None:
    shop.do(shop.plan())
    shop.brings(path, b"new content", **own)
    facts = replace(gather_facts(shop.host), process=running())
    made = plan(shop.node, facts, options=Options(steps=frozenset({Step.CONFIG, Step.START})))
    assert [change.path for change in made.artifacts] == [path]
    assert (made.swaps, made.start, made.stops, made.rotates) == (True, starts, starts, starts)
    assert not starts or str(path) in made.reason


def test_what_was_swapped_and_not_yet_heeded_wants_a_restart_later(shop: Shop) -> None:
    """A dropin is no configuration; that it is newer than the start is seen all the same."""
    shop.home.start()
    new = OLD.with_name("new.jar")
    shop.brings(new, b"PK new")
    shop.brings(LOG4J, b"level=TRACE\n", restart=False)
    shop.home.file(new).write_bytes(b"PK new")
    shop.home.file(LOG4J).write_bytes(b"level=TRACE\n")
    later = time.time() + 100
    for path in (new, LOG4J):
        os.utime(shop.home.file(path), (later, later))
    process = gather_facts(shop.host).process
    assert process is not None
    assert [path for path in process.newer if path in map(str, (new, LOG4J))] == [str(new)]


@pytest.mark.parametrize("restart", [None, False])
def test_what_was_taken_away_and_not_yet_heeded_wants_a_restart_later(
    shop: Shop, restart: bool | None
) -> None:
    """A file that is gone has no time to be newer than the start: the swap leaves a mark."""
    shop.home.start()
    shop.takes_away(OLD, restart=restart)
    made = plan(shop.node, gather_facts(shop.host), options=Options(steps=frozenset({Step.CONFIG})))
    stage(shop.host, made, generation=named("20260101T000000Z-ab"), progress=Silent())
    script = swap_script(
        shop.host, made, generation=named("20260101T000000Z-ab"), keep_generations=5
    )
    time.sleep(2.1)  # a start by hand is known to the second
    swap(shop.host, script)
    assert not shop.home.file(OLD).exists()
    process = gather_facts(shop.host).process
    assert process is not None
    assert (str(layout.TAKEN_AWAY) in process.newer) == (restart is not False)


def case_of(shop: Shop) -> list[str]:
    made = shop.plan()
    cluster = make_cluster(shop.node)
    case = Case(node=shop.node, cluster=cluster, facts=made.facts, plan=made)
    return [finding.code for finding in places(case) if finding.blocks]


def test_a_folder_behind_a_link_is_not_touched(shop: Shop, tmp_path: Path) -> None:
    shared = tmp_path / "shared apps"
    shared.mkdir()
    shop.home.file(WAR.parent.parent).rename(tmp_path / "webapps")
    shop.home.file(WAR.parent.parent).symlink_to(shared)
    shop.brings(WAR, b"PK\0war")
    assert case_of(shop) == ["artifact-shared"]


def test_a_folder_or_link_in_the_place_of_a_file_is_not_touched(shop: Shop) -> None:
    shop.home.file(TOOL).mkdir()
    shop.brings(TOOL, b"x")
    assert case_of(shop) == ["artifact-in-the-way"]
    shop.home.file(TOOL).rmdir()
    shop.home.file(TOOL).symlink_to("wso2server.sh")
    assert case_of(shop) == ["artifact-in-the-way"]


def test_a_home_that_is_a_link_itself_is_its_own(shop: Shop, tmp_path: Path) -> None:
    link = tmp_path / "as-link"
    link.symlink_to(shop.home.path)
    shop.node = replace(shop.node, home=PurePosixPath(link))
    full(shop)
    assert case_of(shop) == []
    shop.do(shop.plan())
    assert not shop.plan().artifacts


def test_a_rollback_needs_no_local_file(shop: Shop) -> None:
    before = shop.everything()
    full(shop)
    shop.do(shop.plan())
    for local in shop.folder.glob("local-*"):
        local.unlink()
    with pytest.raises(InventoryError):
        shop.plan()
    shop.roll_back()
    assert shop.everything() == before


def test_without_artifacts_no_hash_is_asked_for(shop: Shop) -> None:
    facts = gather_facts(shop.host)
    assert facts.artifacts.files == {}
