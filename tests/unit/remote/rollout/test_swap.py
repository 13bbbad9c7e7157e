"""Bringing files to a server: staged beside the live ones, swapped, what they replace kept."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import pytest

from carbon.cluster import Driver, Node
from carbon.errors import ProvisionError, ScriptError, UnfitError
from carbon.home import driver, layout
from carbon.home.driver import WantedDriver
from carbon.home.facts import Generation
from carbon.plan.model import Options, Plan, Step
from carbon.plan.plan import plan, plan_rollback
from carbon.value import replace
from remote.host.host import Host
from remote.host.script import Script, declared_values
from remote.observe.facts import gather_facts
from remote.rollout.generation import NewGeneration, generation_id
from remote.rollout.stage import stage, unstage
from remote.rollout.swap import swap, swap_script
from tests.unit.remote.homes import Home
from tests.unit.remote.local_server import LocalServer, local_host
from tests.unit.remote.silent import Silent

SECONDS = 20.0
GENERATION = "20260101T000000Z-ab"
CONFIG = frozenset({Step.CONFIG})
RESET = frozenset({Step.RESET})
FILES = (layout.AXIS2, layout.CARBON_XML)


def named(generation: str) -> NewGeneration:
    return NewGeneration(id=generation, meta="when=then\nwho=op@desk\nverb=deploy")


@dataclass
class Workshop:
    """One home on this machine, and the steps of a deploy that change files."""

    home: Home
    server: LocalServer
    node: Node
    jar: Path

    @property
    def host(self) -> Host[Node]:
        return local_host(self.node, self.server)

    def plan(self, *steps: Step, **options: bool) -> Plan:
        facts = gather_facts(self.host)
        wanted = WantedDriver(
            name=self.jar.name,
            sha256=hashlib.sha256(self.jar.read_bytes()).hexdigest(),
            driver_class="org.example.Driver",
        )
        asked = Options(steps=frozenset(steps), reset=options.get("reset", False))
        return plan(self.node, facts, options=asked, wanted=wanted)

    def stage(self, made: Plan, *, generation: str = GENERATION) -> None:
        stage(self.host, made, generation=named(generation), progress=Silent())

    def swap(
        self, made: Plan, *, generation: str = GENERATION, down: bool = True, keep: int = 5
    ) -> None:
        swap(self.host, self.swap_script(made, generation=generation, down=down, keep=keep))

    def swap_script(
        self, made: Plan, *, generation: str = GENERATION, down: bool = True, keep: int = 5
    ) -> Script:
        return swap_script(
            self.host, made, generation=named(generation), keep_generations=keep, down=down
        )

    def do(self, *steps: Step, generation: str = GENERATION, **options: bool) -> None:
        made = self.plan(*steps, **options)
        self.stage(made, generation=generation)
        self.swap(made, generation=generation)

    def kept(self, path: PurePosixPath, *, generation: str = GENERATION) -> Path:
        return self.home.state / "generations" / generation / "files" / path

    def contents(self, *paths: PurePosixPath) -> Mapping[PurePosixPath, bytes]:
        return {path: self.home.file(path).read_bytes() for path in paths or FILES}


@pytest.fixture
def shop(home: Home, server: LocalServer, tmp_path: Path) -> Workshop:
    jar = tmp_path / "driver-2.0.jar"
    jar.write_bytes(b"PK driver 2.0")
    node = home.node(driver=Driver(jar=jar, driver_class="org.example.Driver"))
    return Workshop(home=home, server=server, node=node, jar=jar)


def test_staging_touches_nothing_that_is_live(shop: Workshop) -> None:
    before = {path: path.stat().st_mtime_ns for path in shop.home.path.rglob("*") if path.is_file()}
    shop.stage(shop.plan(Step.CONFIG, Step.DRIVER))
    for path, time in before.items():
        assert path.stat().st_mtime_ns == time


def test_what_is_staged_is_private(shop: Workshop) -> None:
    shop.stage(shop.plan(Step.CONFIG, Step.DRIVER))
    staged = shop.home.state / "staged"
    assert [
        path for path in (shop.home.state, *staged.rglob("*")) if path.stat().st_mode & 0o077
    ] == []


def test_a_mode_that_changed_since_the_look_is_given_in_the_turn(shop: Workshop) -> None:
    made = shop.plan(Step.CONFIG)
    shop.home.file(layout.AXIS2).chmod(0o640)
    shop.stage(made)
    shop.swap(made)
    assert shop.home.file(layout.AXIS2).stat().st_mode & 0o777 == 0o640


def test_a_swap_puts_all_in_place_and_the_next_plan_is_empty(shop: Workshop) -> None:
    made = shop.plan(Step.CONFIG, Step.DRIVER)
    shop.stage(made)
    shop.swap(made)
    assert shop.contents() == {change.path: change.new for change in made.files}
    assert (shop.home.file(layout.LIB) / shop.jar.name).read_bytes() == shop.jar.read_bytes()
    assert shop.plan(Step.CONFIG, Step.DRIVER).empty
    assert not (shop.home.state / "staged").exists()
    assert not (shop.home.state / "journal").exists()


def test_what_somebody_changes_between_staging_and_swap_is_not_replaced(shop: Workshop) -> None:
    """A roll may take an hour: what the last server's files are is looked at again in its turn."""
    made = shop.plan(Step.CONFIG)
    shop.stage(made)
    theirs = shop.home.file(layout.AXIS2)
    theirs.write_bytes(theirs.read_bytes() + b"<!-- theirs -->")
    before = shop.contents()
    with pytest.raises(UnfitError, match=f"{layout.AXIS2} was changed by somebody else"):
        shop.swap(made)
    assert shop.contents() == before
    assert not (shop.home.state / "journal").exists()


def test_what_was_touched_and_not_changed_is_replaced(shop: Workshop) -> None:
    """A backup that makes hard links, or a chown to whom it belongs, may not stop a roll."""
    made = shop.plan(Step.CONFIG)
    shop.stage(made)
    touched = shop.home.file(layout.AXIS2)
    touched.with_suffix(".link").hardlink_to(touched)
    shop.home.file(layout.CARBON_XML).touch()
    shop.swap(made)
    assert shop.contents() == {change.path: change.new for change in made.files}


def test_a_mode_that_somebody_changes_between_staging_and_swap_is_not_lost(
    shop: Workshop,
) -> None:
    made = shop.plan(Step.CONFIG)
    shop.stage(made)
    shop.home.file(layout.AXIS2).chmod(0o640)
    with pytest.raises(UnfitError, match=f"{layout.AXIS2} was changed by somebody else"):
        shop.swap(made)


def test_a_file_that_appears_between_staging_and_swap_is_not_replaced(shop: Workshop) -> None:
    made = shop.plan(Step.DRIVER)
    shop.stage(made)
    theirs = shop.home.file(layout.LIB) / shop.jar.name
    theirs.write_bytes(b"theirs")
    with pytest.raises(UnfitError, match=f"{shop.jar.name} was changed by somebody else"):
        shop.swap(made)
    assert theirs.read_bytes() == b"theirs"


def test_what_is_replaced_is_kept_in_private_and_told_by_whom(shop: Workshop) -> None:
    before = shop.contents()
    shop.do(Step.CONFIG)
    for path, data in before.items():
        assert shop.kept(path).read_bytes() == data
        assert shop.kept(path).stat().st_mode & 0o777 == 0o600
    (one,) = gather_facts(shop.host).generations
    assert (one.id, one.meta["verb"]) == (GENERATION, "deploy")
    assert "@" in one.meta["who"]


def test_modes_stay_those_of_what_is_replaced_and_new_files_are_readable(shop: Workshop) -> None:
    shop.home.file(layout.AXIS2).chmod(0o640)
    shop.home.file(layout.CARBON_XML).chmod(0o604)
    shop.do(Step.CONFIG, Step.DRIVER)
    modes = [shop.home.file(path).stat().st_mode & 0o777 for path in FILES]
    assert modes == [0o640, 0o604]
    assert (shop.home.file(layout.LIB) / shop.jar.name).stat().st_mode & 0o777 == 0o644


def test_swapped_files_are_new_to_a_server_that_runs(shop: Workshop) -> None:
    """By its time a file is seen to be newer than a process: it must not come with an old one."""
    before = shop.home.file(layout.AXIS2).stat().st_mtime
    shop.do(Step.CONFIG)
    assert shop.home.file(layout.AXIS2).stat().st_mtime >= before


def test_an_older_driver_goes_with_its_bundle_and_both_are_kept(shop: Workshop) -> None:
    old, bundle = layout.LIB / "driver-1.0.jar", layout.DROPINS / "driver_1.0_1.0.0.jar"
    for path in (old, bundle):
        shop.home.file(path).write_bytes(b"old")
    shop.do(Step.DRIVER)
    assert [path.name for path in shop.home.file(layout.LIB).iterdir()] == ["driver-2.0.jar"]
    assert list(shop.home.file(layout.DROPINS).iterdir()) == []
    assert [shop.kept(path).read_bytes() for path in (old, bundle)] == [b"old", b"old"]


def test_a_file_that_was_changed_since_the_look_stops_the_staging(shop: Workshop) -> None:
    made = shop.plan(Step.CONFIG)
    with shop.home.file(layout.CARBON_XML).open("ab") as file:
        file.write(b"<!-- by hand -->")
    with pytest.raises(UnfitError, match=r"carbon\.xml was changed by somebody else"):
        shop.stage(made)


def test_a_payload_that_is_cut_short_is_never_swapped(shop: Workshop) -> None:
    class Cutting(LocalServer):
        def run(self, script, *, payload=b"", timeout_seconds):  # type: ignore[no-untyped-def]
            return super().run(
                script, payload=payload[: len(payload) // 2], timeout_seconds=timeout_seconds
            )

    made = shop.plan(Step.CONFIG, Step.DRIVER)
    shop.server = Cutting("worker1")
    before = shop.contents()
    with pytest.raises(ScriptError, match="arrive"):
        shop.stage(made)
    assert shop.contents() == before


def test_a_disk_without_room_is_told_before_anything_is_written(shop: Workshop) -> None:
    values = {name.lower(): "" for name in declared_values("stage")}
    script = Script(
        name="stage", values={**values, "home_dir": str(shop.home.path), "need_kb": 10**12}
    )
    outcome = shop.server.run(script, timeout_seconds=SECONDS)
    assert outcome.status == 1
    assert "kB are free, 1000000000000 kB are needed" in outcome.complaint
    assert not shop.home.state.exists()


def test_a_server_that_was_started_by_another_path_keeps_its_deployment_directory(
    shop: Workshop,
) -> None:
    made = shop.plan(Step.RESET, reset=True)
    place = shop.home.file(layout.DEPLOYMENT_SERVER)
    before = sorted(place.rglob("*"))
    shop.home.start_as(f"{shop.home.path}/bin/..")
    with pytest.raises(ScriptError, match="the server runs"):
        shop.swap(made)
    assert before and sorted(place.rglob("*")) == before


@pytest.mark.parametrize("place", ["repository", "repository/deployment"])
def test_what_lies_behind_a_link_is_never_moved(shop: Workshop, place: str) -> None:
    """Also if it became a link after the server was read."""
    made = shop.plan(Step.RESET, reset=True)
    shared = shop.home.path.parent / "shared"
    shop.home.file(place).rename(shared)
    shop.home.file(place).symlink_to(shared)
    before = sorted(shared.rglob("*"))
    with pytest.raises(ScriptError, match=f"{place} is a link"):
        shop.swap(made)
    assert sorted(shared.rglob("*")) == before


def test_a_running_server_keeps_its_files_where_it_has_to_be_down(shop: Workshop) -> None:
    made = shop.plan(Step.CONFIG)
    shop.stage(made)
    before = shop.contents()
    shop.home.start()
    with pytest.raises(ProvisionError, match="the server runs"):
        shop.swap(made)
    assert shop.contents() == before
    shop.swap(made, down=False)
    assert shop.contents() != before


def test_a_swap_that_was_cut_off_is_completed_and_keeps_the_true_old(shop: Workshop) -> None:
    """Half of the files are new, the journal is open: the next run goes on where it ended."""
    before = shop.contents()
    made = shop.plan(Step.CONFIG)
    shop.stage(made)
    cut = f'step() {{ case $1 in "swap {layout.CARBON_XML}"*) exit 9 ;; esac; }}'
    with pytest.raises(ProvisionError):
        swap_with_prelude(shop, made, cut)
    half = shop.contents()
    assert half[layout.AXIS2] != before[layout.AXIS2]
    assert half[layout.CARBON_XML] == before[layout.CARBON_XML]
    again = shop.plan(Step.CONFIG)
    assert again.finish_swap
    assert again.facts.journal == GENERATION
    shop.stage(again)
    shop.swap(again, generation="20260202T000000Z-cd")
    assert shop.plan(Step.CONFIG).empty
    assert {path: shop.kept(path).read_bytes() for path in FILES} == before


def swap_with_prelude(shop: Workshop, made: Plan, prelude: str) -> None:
    class Faulty(LocalServer):
        def run(self, script, *, payload=b"", timeout_seconds):  # type: ignore[no-untyped-def]
            return super().run(
                replace(script, prelude=prelude), payload=payload, timeout_seconds=timeout_seconds
            )

    whole, shop.server = shop.server, Faulty("worker1")
    try:
        shop.swap(made)
    finally:
        shop.server = whole


def test_files_that_were_only_staged_need_no_restart_and_are_cleared(shop: Workshop) -> None:
    made = shop.plan(Step.CONFIG)
    shop.stage(made)
    unstage(shop.host)
    assert not shop.home.state.exists(), "nothing of ours is left where nothing was"


def test_an_open_journal_keeps_what_is_staged(shop: Workshop) -> None:
    made = shop.plan(Step.CONFIG)
    shop.stage(made)
    (shop.home.state / "journal").write_text(GENERATION)
    unstage(shop.host)
    assert (shop.home.state / "staged").is_dir()


# ---- The deployment directory


def test_a_reset_leaves_an_empty_directory_of_the_same_mode_and_keeps_the_old(
    shop: Workshop,
) -> None:
    place = shop.home.file(layout.DEPLOYMENT_SERVER)
    (place / "read-only").mkdir()
    (place / "read-only" / "file").touch()
    (place / "read-only").chmod(0o500)
    (place / "link").symlink_to("/etc")
    place.chmod(0o750)
    names = {path.relative_to(place) for path in place.rglob("*")}
    shop.do(Step.RESET, reset=True)
    assert list(place.iterdir()) == []
    assert place.stat().st_mode & 0o777 == 0o750
    kept = shop.home.state / "generations" / GENERATION / "deployment-server"
    assert {path.relative_to(kept) for path in kept.rglob("*")} == names
    (kept / "read-only").chmod(0o700)


def test_a_missing_deployment_directory_is_created(shop: Workshop) -> None:
    place = shop.home.file(layout.DEPLOYMENT_SERVER)
    place.rename(shop.home.path / "elsewhere")
    shop.do(Step.RESET)
    assert list(place.iterdir()) == []


def test_a_link_is_never_reset_even_if_it_was_none_when_the_run_looked(shop: Workshop) -> None:
    made = shop.plan(Step.RESET, reset=True)
    place = shop.home.file(layout.DEPLOYMENT_SERVER)
    place.rename(shop.home.path / "elsewhere")
    place.symlink_to(shop.home.path / "elsewhere")
    shop.stage(made)
    with pytest.raises(ProvisionError, match="is a link"):
        shop.swap(made)
    assert list((shop.home.path / "elsewhere").iterdir()) != []


# ---- Generations


def test_only_so_many_generations_are_kept_the_oldest_go_first(shop: Workshop) -> None:
    place = shop.home.file(layout.DEPLOYMENT_SERVER)
    for number in range(4):
        (place / "new").touch()
        made = shop.plan(Step.RESET, reset=True)
        generation = f"2026010{number + 1}T000000Z-ab"
        shop.stage(made, generation=generation)
        shop.swap(made, generation=generation, keep=2)
    kept = sorted(path.name for path in (shop.home.state / "generations").iterdir())
    assert kept == ["20260103T000000Z-ab", "20260104T000000Z-ab"]


def outcome(shop: Workshop, generation: str, word: str) -> None:
    meta = shop.home.state / "generations" / generation / "meta"
    with meta.open("a") as file:
        file.write(f"outcome={word}\n")


def test_deploys_that_failed_never_push_out_the_way_back_to_the_last_that_joined(
    shop: Workshop,
) -> None:
    place = shop.home.file(layout.DEPLOYMENT_SERVER)
    for number, word in enumerate(("joined", "failed", "failed", "failed"), start=1):
        (place / "new").touch()
        made = shop.plan(Step.RESET, reset=True)
        generation = f"2026010{number}T000000Z-ab"
        shop.stage(made, generation=generation)
        shop.swap(made, generation=generation, keep=1)
        outcome(shop, generation, word)
    kept = sorted(path.name for path in (shop.home.state / "generations").iterdir())
    assert kept == [f"2026010{number}T000000Z-ab" for number in (1, 2, 3, 4)]


def test_a_rollback_takes_the_bundle_along_that_carbon_made_of_the_driver(shop: Workshop) -> None:
    """Else the server goes on with the classes of the driver that was rolled back."""
    shop.do(Step.DRIVER)
    bundle = shop.home.file(layout.DROPINS) / driver.bundle_name(shop.jar.name)
    bundle.write_bytes(b"made by Carbon")
    back = plan_rollback(shop.node, gather_facts(shop.host))
    shop.stage(back)
    shop.swap(back, generation="20260202T000000Z-cd", down=False)
    assert not bundle.exists()
    assert not shop.home.file(layout.LIB / shop.jar.name).exists()


def test_what_this_tool_did_not_make_is_not_cleared_away(shop: Workshop) -> None:
    strange = shop.home.state / "generations" / "my own copy"
    strange.mkdir(parents=True)
    for number in range(2):
        (shop.home.file(layout.DEPLOYMENT_SERVER) / "new").touch()
        made = shop.plan(Step.RESET, reset=True)
        generation = f"2026010{number + 1}T000000Z-ab"
        shop.stage(made, generation=generation)
        shop.swap(made, generation=generation, keep=1)
    assert strange.is_dir()


def test_a_generation_sorts_after_those_that_are_there_whatever_the_clocks_say() -> None:
    """Two swaps in one second, or an operator whose clock is ahead."""
    first = generation_id("ff")
    again = generation_id("00", [Generation(id=first, meta={})])
    assert again > first
    ahead = Generation(id="29991231T235958Z-ab", meta={})
    strange = Generation(id="20269999T000000Z-x", meta={})
    assert generation_id("00", [ahead, strange]) == "29991231T235959Z-00"


def test_a_swap_that_was_cut_off_before_its_meta_is_known_all_the_same(shop: Workshop) -> None:
    """Else a rollback that is run again would not know what it was taking back."""
    made = shop.plan(Step.CONFIG)
    shop.stage(made)
    with pytest.raises(ProvisionError):
        swap_with_prelude(shop, made, 'step() { [ "$1" != meta-complete ] || exit 9; }')
    facts = gather_facts(shop.host)
    assert facts.journal == GENERATION
    assert [(one.id, one.meta["verb"]) for one in facts.generations] == [(GENERATION, "deploy")]
