"""A copied home: whole, alike, in its own directory, or not there at all."""

from __future__ import annotations

import io
import shutil
import tarfile
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from itertools import chain, repeat
from pathlib import Path, PurePosixPath

import pytest

from carbon.clone import contents, target
from carbon.clone.contents import Selection
from carbon.cluster import Limits, Node
from carbon.errors import ConnectError, ProvisionError, ScriptError, UnfitError
from carbon.home import layout
from remote.clone.copy import HomeCopy, inspect_site, list_home
from remote.clone.partial import PartialHome
from remote.host.script import Script
from remote.host.server import Outcome, Reading
from remote.observe.facts import gather_facts
from remote.rollout.record import Record
from remote.rollout.start import Joined
from tests.unit.carbon.nodes import make_cluster, make_node
from tests.unit.remote.local_server import LocalFleet, LocalReading, LocalServer

SECONDS = 10.0
BUNDLES = "repository/components/worker/configuration/org.eclipse.equinox.simpleconfigurator"

STAYS = {
    "wso2carbon.pid": "4711\n",
    "password-tmp": "secret",
    "tmp/axis2.tmp": "x",
    "repository/logs/wso2carbon.log": "WSO2 Carbon started in 5 sec",
    "repository/database/WSO2CARBON_DB.h2.db": "tables",
    "repository/deployment/server/.svn/entries": "12",
    "repository/components/worker/configuration/org.eclipse.osgi/.manager": "cache",
    "lib/tomcat/work/index_jsp.class": "x",
    "repository/data/DB.h2.db": "x",
    ".provision/record": "pid=1",
}
TRAVELS = {
    "bin/wso2server.sh": "#!/bin/sh\n",
    f"{BUNDLES}/bundles.info": "profile",
    "repository/conf/carbon.xml": "<Server/>",
    'repository/resources/a b\'s "file" ü\\.txt': "odd",
    "-rf": "a name like an option",
    "repository/resources/empty": "",
}


@dataclass
class Source(LocalServer):
    """A server whose home changes, or whose tar does what it should not, as a test wants."""

    before_list: Callable[[int], None] = lambda _count: None
    sends: Callable[[Iterator[bytes]], Iterator[bytes]] | None = None
    lists: Callable[[], bytes] | None = None
    listed: int = field(default=0)

    def run(self, script: Script, **how: object) -> Outcome:
        if script.name == "home_list":
            self.listed += 1
            self.before_list(self.listed)
            if self.lists is not None:
                return Outcome(0, self.lists(), b"")
        return super().run(script, **how)  # type: ignore[arg-type]

    def read(self, script: Script, *, payload: bytes = b"", stall_seconds: float) -> Reading:
        reading = super().read(script, payload=payload, stall_seconds=stall_seconds)
        if script.name == "clone_send" and self.sends is not None:
            return Altered(reading, self.sends)
        return reading


class Altered:
    """What a script sends, and what a test makes of it."""

    def __init__(
        self, reading: Reading, sends: Callable[[Iterator[bytes]], Iterator[bytes]]
    ) -> None:
        self._reading = reading
        self._sends = sends

    def __iter__(self) -> Iterator[bytes]:
        yield from self._sends(iter(self._reading))

    def outcome(self) -> Outcome:
        for _ in self._reading:
            continue
        return self._reading.outcome()

    def close(self) -> None:
        self._reading.close()


@dataclass
class Told:
    """What a run said."""

    lines: list[str] = field(default_factory=list)
    progress: list[tuple[int, int]] = field(default_factory=list)

    def say(self, _name: str, text: str) -> None:
        self.lines.append(text)

    def now(self, _name: str, text: str) -> None:
        pass

    def copied(self, _name: str, done_bytes: int, total_bytes: int) -> None:
        self.progress.append((done_bytes, total_bytes))


class Site:
    """Two places of this machine as two servers: a home to copy, and where it goes."""

    def __init__(self, folder: Path) -> None:
        self.home = folder / "source/as"
        self.target = folder / "target/as"
        self.partial = folder / "target/.as.provision-clone"
        self.kept = folder / "target/as.provision-kept"
        for path, text in (STAYS | TRAVELS).items():
            file = self.home / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)
        (self.home / "bin/wso2server.sh").chmod(0o755)
        (self.home / "repository/conf/carbon.xml").chmod(0o640)
        (self.home / "bin/link").symlink_to("../repository/conf/carbon.xml")
        (self.home / "repository/tenants").mkdir()
        self.home.chmod(0o750)
        self.target.parent.mkdir(parents=True)
        self.source: Node = make_node("worker1", home=PurePosixPath(self.home))
        self.node: Node = make_node("worker3", home=PurePosixPath(self.target))
        self.server = Source("worker1")
        self.told = Told()
        servers = {"worker1": self.server, "worker3": LocalServer("worker3")}
        cluster = make_cluster(self.source, self.node, limits=Limits(command_seconds=SECONDS))
        self.fleet = LocalFleet(cluster, servers)
        self.copy = PartialHome(
            fleet=self.fleet,  # type: ignore[arg-type]
            node=self.node,
            verb="clone",
            size_bytes=0,
            progress=self.told,
        )

    def select(self) -> Selection:
        listed = list_home(self.fleet.host(self.source))
        return contents.select(listed, databases=(PurePosixPath("repository/data/DB"),))

    def clone(self, *, replacing: bool = False, first_start: str = "") -> bool:
        """Copy and land, as a run does."""
        selection = self.select()
        HomeCopy(
            source=self.fleet.host(self.source),
            home=self.copy,
            databases=(PurePosixPath("repository/data/DB"),),
        ).fetch(selection)
        return self.copy.land(replacing=replacing, source="worker1", first_start=first_start)

    def files(self, home: Path | None = None) -> dict[str, str]:
        """Return the regular files of a home by path, but what this tool keeps of its own."""
        top = home or self.target
        return {
            str(file.relative_to(top)): file.read_text()
            for file in top.rglob("*")
            if file.is_file() and not file.is_symlink() and ".provision" not in file.parts
        }


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path)


# ---- A copy that succeeds


def test_the_clone_holds_what_travels_and_nothing_else(site: Site) -> None:
    site.clone()
    assert site.files() == TRAVELS


def test_modes_and_links_are_kept_and_directories_that_a_server_needs_are_there(site: Site) -> None:
    site.clone()
    assert site.target.stat().st_mode & 0o777 == 0o750
    assert (site.target / "bin/wso2server.sh").stat().st_mode & 0o777 == 0o755
    assert (site.target / "repository/conf/carbon.xml").stat().st_mode & 0o777 == 0o640
    assert (site.target / "bin/link").readlink() == Path("../repository/conf/carbon.xml")
    for directory in (*layout.EMPTY_DIRECTORIES, "repository/tenants"):
        assert list((site.target / directory).iterdir()) == []


def test_the_source_is_not_changed(site: Site) -> None:
    def state() -> dict[str, tuple[int, int, int]]:
        found = {str(one): one.lstat() for one in (site.home, *site.home.rglob("*"))}
        return {path: (at.st_mtime_ns, at.st_ctime_ns, at.st_mode) for path, at in found.items()}

    before = state()
    site.clone()
    assert state() == before


def test_setuid_and_setgid_do_not_travel(site: Site) -> None:
    (site.home / "bin/wso2server.sh").chmod(0o6755)
    (site.home / "repository/conf").chmod(0o2755)
    site.clone()
    assert (site.target / "bin/wso2server.sh").stat().st_mode & 0o7777 == 0o755
    assert (site.target / "repository/conf").stat().st_mode & 0o7777 == 0o755


def test_two_names_of_one_file_travel_as_two_files(site: Site) -> None:
    (site.home / "bin/twin").hardlink_to(site.home / "bin/wso2server.sh")
    site.clone()
    assert site.files()["bin/twin"] == TRAVELS["bin/wso2server.sh"]
    assert (site.target / "bin/twin").stat().st_nlink == 1


def test_what_a_clone_is_and_what_its_first_start_needs_is_written_down(site: Site) -> None:
    site.clone(first_start="-Dsetup")
    found = gather_facts(site.fleet.host(site.node))
    assert found.cloned["source"] == "worker1"
    assert found.cloned["when"].endswith("Z")
    assert found.lacks_tables


def test_once_seen_joining_a_clone_starts_like_any_other(site: Site) -> None:
    site.clone(first_start="-Dsetup")
    joined = Joined(pid=1, evidence="JOIN", proof="x", started_seconds=1, seconds=1.0)
    for evidence, lacking in ((None, True), (joined, False)):
        Record(host=site.fleet.host(site.node), joined=evidence, audit="x").finish()
        found = gather_facts(site.fleet.host(site.node))
        assert found.lacks_tables == lacking
    assert found.first_start is None
    assert found.cloned["source"] == "worker1"


def test_progress_comes_to_its_end_and_never_goes_back(site: Site) -> None:
    (site.home / "bin/large").write_bytes(b"x" * 100_000)
    site.clone()
    done = [one for one, _ in site.told.progress]
    assert done == sorted(done)
    assert done[-1] >= site.told.progress[-1][1]


# ---- A source that changes meanwhile


def changes(file: Path, *, until: int) -> Callable[[int], None]:
    """Write to a file each time that the home is listed, so often."""

    def change(count: int) -> None:
        if 1 < count <= until:
            file.write_text(f"{count}")

    return change


def test_what_changes_while_it_is_copied_is_copied_again(site: Site) -> None:
    site.server.before_list = changes(site.home / "bin/wso2server.sh", until=3)
    site.clone()
    assert site.files()["bin/wso2server.sh"] == "3"
    assert "changed meanwhile, copied again: bin/wso2server.sh" in site.told.lines


def test_what_comes_goes_and_turns_into_something_else_meanwhile_is_followed(site: Site) -> None:
    def change(count: int) -> None:
        if count == 2:
            (site.home / "-rf").unlink()
            (site.home / "repository/resources/empty").unlink()
            (site.home / "repository/resources/empty").mkdir()
            (site.home / "repository/resources/empty/new").write_text("new")
            (site.home / "bin/link").unlink()
            (site.home / "bin/link").write_text("a file by now")

    site.server.before_list = change
    site.clone()
    expected = {path: text for path, text in TRAVELS.items() if path != "-rf"}
    del expected["repository/resources/empty"]
    expected |= {"repository/resources/empty/new": "new", "bin/link": "a file by now"}
    assert site.files() == expected


def test_a_file_that_never_comes_to_rest_is_named(site: Site) -> None:
    site.server.before_list = changes(site.home / "bin/wso2server.sh", until=100)
    with pytest.raises(ScriptError, match=r"faster than they can be copied: bin/wso2server\.sh"):
        site.clone()
    assert not site.target.exists()


# ---- A copy that fails


def test_a_stream_that_is_cut_leaves_the_target_as_it_was(site: Site) -> None:
    def cut(pieces: Iterator[bytes]) -> Iterator[bytes]:
        yield next(pieces)

    site.server.sends = cut
    with pytest.raises(ScriptError, match="broke off"):
        site.clone()
    site.copy.discard()
    assert list(site.target.parent.iterdir()) == []


def test_a_connection_that_is_lost_is_told_as_such(site: Site) -> None:
    def lose(pieces: Iterator[bytes]) -> Iterator[bytes]:
        yield next(pieces)
        raise ConnectError("the connection failed", host="worker1")

    site.server.sends = lose
    with pytest.raises(ConnectError) as caught:
        site.clone()
    assert caught.value.host == "worker1"
    assert not site.target.exists()


def test_what_a_broken_run_left_goes_away_with_the_next(site: Site) -> None:
    """Directories that nobody may write in included: rm alone stops at these."""
    stale = site.partial / "closed/inner"
    stale.mkdir(parents=True)
    (stale / "file").write_text("stale")
    stale.chmod(0o500)
    stale.parent.chmod(0o500)
    site.clone()
    assert site.files() == TRAVELS
    assert not site.partial.exists()


def test_a_full_disk_is_told_in_tars_own_words(site: Site) -> None:
    site.partial.mkdir()
    (site.partial / "bin").write_text("a file where a directory is to be")
    receive = Script(
        name="home_receive", values={"partial": str(site.partial), "fresh": "no", "need_kb": 1}
    )
    send = Script(name="clone_send", values={"home_dir": str(site.home)})
    with closing(LocalReading(send, b"./bin/wso2server.sh\0")) as reading:
        outcome = LocalServer("x").run(receive, payload=iter(reading), timeout_seconds=SECONDS)
    assert outcome.status == 1
    assert "could not be unpacked whole: tar: ./bin/wso2server.sh: Cannot open" in outcome.complaint


def test_space_is_checked_again_before_the_first_byte(site: Site) -> None:
    script = Script(
        name="home_receive",
        values={"partial": str(site.partial), "fresh": "yes", "need_kb": 1 << 50},
    )
    outcome = LocalServer("x").run(script, timeout_seconds=SECONDS)
    assert "are needed" in outcome.complaint
    assert not site.partial.exists()


# ---- A source that is not to be trusted


def hostile(*members: tarfile.TarInfo) -> Callable[[Iterator[bytes]], Iterator[bytes]]:
    """Replace what the source sends."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w", format=tarfile.GNU_FORMAT) as tar:
        for one in members:
            tar.addfile(one, io.BytesIO(b"evil" if one.size else b""))

    def send(pieces: Iterator[bytes]) -> Iterator[bytes]:
        for _ in pieces:
            continue
        yield packed.getvalue()

    return send


def member(name: str, *, kind: bytes = tarfile.REGTYPE, link: str = "") -> tarfile.TarInfo:
    made = tarfile.TarInfo(name)
    made.type, made.linkname = kind, link
    made.size = 4 if kind == tarfile.REGTYPE else 0
    return made


@pytest.mark.parametrize(
    "members",
    [
        [member("../evil")],
        [member("/tmp/evil-clone-test")],
        [member("./bin/../../evil")],
        [member("./bin", kind=tarfile.SYMTYPE, link="../.."), member("./bin/evil")],
        [member("./bin/link", kind=tarfile.SYMTYPE, link="../.."), member("./bin/link/evil")],
        [member("./bin/wso2server.sh", kind=tarfile.LNKTYPE, link="../../source/as/-rf")],
    ],
    ids=["climbing", "absolute", "through", "link for directory", "link out", "hard link"],
)
def test_a_hostile_stream_writes_nothing_outside_the_clones_directory(
    site: Site, members: list[tarfile.TarInfo]
) -> None:
    site.server.sends = hostile(*members)
    with pytest.raises(ScriptError) as caught:
        site.clone()
    assert caught.value.host == "worker1"
    site.copy.discard()
    assert list(site.target.parent.iterdir()) == []
    assert not Path("/tmp/evil-clone-test").exists()


def listing(*entries: tuple[str, str, str]) -> bytes:
    """Write a list as home_list does: type, path and link of each entry."""
    lines = (f"{kind} r 755 4\0{path}\0{link}\0" for kind, path, link in entries)
    return "".join(lines).encode()


TOP = ("d", "", "")
LOOP = [TOP, ("l", "a", "."), ("l", "a/a/evil", "..")]
"""The text of the second link leads into AS_HOME; where it really lies, it leads out."""


def test_a_link_of_one_round_is_never_followed_in_the_next(site: Site) -> None:
    """Round 2 places a link that leads out; round 3 writes below it: ~/.ssh/authorized_keys2."""
    (site.target.parent / ".ssh").mkdir()
    attack = [*LOOP, ("l", "evil", ".."), ("f", "evil/.ssh/authorized_keys2", "")]
    lists = chain([[TOP, ("l", "a", ".")], LOOP], repeat(attack))
    streams = chain(
        [
            [member(".", kind=tarfile.DIRTYPE), member("./a", kind=tarfile.SYMTYPE, link=".")],
            [member("./a/a/evil", kind=tarfile.SYMTYPE, link="..")],
        ],
        repeat([member("./evil/.ssh/authorized_keys2")]),
    )
    site.server.lists = lambda: listing(*next(lists))
    site.server.sends = lambda pieces: hostile(*next(streams))(pieces)
    with pytest.raises(ScriptError) as caught:
        site.clone()
    assert caught.value.host == "worker1"
    site.copy.discard()
    assert [file for file in site.target.parent.rglob("*") if file.name != ".ssh"] == []


def test_no_link_is_there_while_files_are_unpacked_again(site: Site) -> None:
    site.server.before_list = changes(site.home / "bin/wso2server.sh", until=2)
    unpacked: list[bool] = []

    def send(pieces: Iterator[bytes]) -> Iterator[bytes]:
        unpacked.append((site.partial / "bin/link").is_symlink())
        yield from pieces

    site.server.sends = send
    site.clone()
    assert unpacked == [False, False]
    assert (site.target / "bin/link").readlink() == Path("../repository/conf/carbon.xml")


def test_links_out_of_the_home_are_found_before_anything_is_copied(site: Site) -> None:
    (site.home / "repository/resources/etc").symlink_to("/etc")
    reasons = contents.unfit_selection(site.select(), source=site.source, user="x")
    assert "repository/resources/etc -> /etc" in reasons[0].seen


# ---- Landing


def test_an_existing_home_is_not_replaced_unasked(site: Site) -> None:
    """It may have come there after the look."""
    site.target.mkdir()
    (site.target / "file").write_text("theirs")
    with pytest.raises(UnfitError, match="there is an AS_HOME"):
        site.clone()
    assert site.files() == {"file": "theirs"}


def test_an_empty_directory_is_no_home(site: Site) -> None:
    site.target.mkdir()
    assert not site.clone()
    assert site.files() == TRAVELS
    assert not site.kept.exists()


def test_a_home_that_is_replaced_is_kept_aside_and_the_one_before_it_goes(site: Site) -> None:
    for text in ("first", "second"):
        shutil.rmtree(site.target, ignore_errors=True)
        site.target.mkdir()
        (site.target / "file").write_text(text)
        assert site.clone(replacing=True)
        assert site.files(site.kept) == {"file": text}
        assert site.files() == TRAVELS


def test_a_clone_that_never_joined_does_not_push_out_what_it_replaced(site: Site) -> None:
    site.target.mkdir()
    (site.target / "file").write_text("the last good one")
    site.clone(replacing=True)
    assert not site.clone(replacing=True)
    assert site.files(site.kept) == {"file": "the last good one"}


def test_what_was_kept_stays_where_no_home_is_replaced(site: Site) -> None:
    """As after a run that ended between the two renames."""
    site.kept.mkdir()
    (site.kept / "file").write_text("the old home")
    assert not site.clone(replacing=True)
    assert site.files(site.kept) == {"file": "the old home"}


def test_the_place_is_told_without_changing_it(site: Site) -> None:
    def look(node: Node) -> target.Site:
        return inspect_site(site.fleet.host(node))

    assert look(site.node) == target.Site(state="absent", parent="writable")
    source = look(site.source)
    assert source.state == "filled"
    other_name = make_node("worker3", home=PurePosixPath(site.home.parent / "." / "as"))
    assert look(other_name).identity == source.identity != ""
    site.target.mkdir()
    assert look(site.node).state == "empty"
    site.target.rmdir()
    site.target.symlink_to("nowhere")
    assert look(site.node).state == "filled"
    site.partial.mkdir()
    (site.partial / "x").write_bytes(b"x" * 100_000)
    assert look(site.node).leftover_kb >= 100
    orphan = make_node("worker3", home=PurePosixPath(site.target.parent / "no/such/as"))
    assert look(orphan).parent == "missing"


def test_errors_name_the_server_and_what_to_do(site: Site) -> None:
    shutil.rmtree(site.home)
    with pytest.raises(ProvisionError) as caught:
        site.select()
    assert caught.value.host == "worker1"
    assert caught.value.action
