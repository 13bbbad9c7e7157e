"""The look at a server: what is there becomes facts, and nothing is changed by looking."""

from __future__ import annotations

import hashlib
import os
import shutil
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import IPv6Address
from pathlib import Path, PurePosixPath
from typing import Any

import pytest

from carbon.cluster import Driver, FileEdit, Node
from carbon.errors import ProvisionError, ScriptError
from carbon.home import layout
from carbon.home.facts import ServerFacts
from carbon.join.membership import sight_pattern
from carbon.value import replace
from remote.host.script import Script
from remote.host.server import Outcome
from remote.observe.facts import gather_facts, parse
from tests.unit.carbon.looks import left_line, own_lines
from tests.unit.carbon.nodes import make_manager
from tests.unit.remote.homes import Home
from tests.unit.remote.local_server import LocalServer, local_host
from tests.waiting import wait_for

SECONDS = 20.0


def look(server: LocalServer, node: Node) -> ServerFacts:
    return gather_facts(local_host(node, server))


@pytest.fixture
def seen(server: LocalServer, home: Home) -> ServerFacts:
    """The facts of a stock home."""
    return look(server, home.node())


def test_a_stock_home_is_seen_as_it_is(seen: ServerFacts, home: Home) -> None:
    assert seen.home_real == PurePosixPath(os.path.realpath(home.path))
    assert seen.home_writable
    assert seen.version == "WSO2 Application Server v5.3.0"
    assert seen.kernel == "WSO2 Carbon Framework v4.4.1"
    assert str(layout.WORKER_PROFILE) in seen.present
    assert str(layout.HAZELCAST_XML) not in seen.present
    assert seen.java_home == PurePosixPath(home.java)
    assert seen.disk_free_kb > 0
    assert "127.0.0.1" in seen.addresses
    assert seen.process is None
    assert seen.deployment == "filled"
    assert seen.log.state == "missing"
    assert (seen.journal, seen.staged, seen.record, seen.generations) == (None, False, {}, ())


def test_the_configuration_arrives_byte_for_byte(seen: ServerFacts, home: Home) -> None:
    for path in (layout.AXIS2, layout.CARBON_XML):
        assert seen.files[path].data == home.file(path).read_bytes()
        assert seen.files[path].digest == hashlib.sha256(home.file(path).read_bytes()).hexdigest()


def test_the_levels_of_the_log_arrive_with_the_configuration(
    server: LocalServer, home: Home
) -> None:
    """Whether a log can show a start is known without another question."""
    home.file(layout.LOG4J).write_bytes(b"log4j.rootLogger=OFF\n")
    assert look(server, home.node()).files[layout.LOG4J].data == b"log4j.rootLogger=OFF\n"


def test_what_a_running_server_says_of_its_manager_comes_with_the_facts(
    server: LocalServer, home: Home
) -> None:
    """That it lost the manager stands in its own log alone; another question would cost time."""
    pattern = sight_pattern(make_manager())
    lines = [own_lines()[0], left_line("10.0.0.3", ago=5), left_line("10.0.0.9", ago=4)]
    host = local_host(home.node(), server)
    home.log.write_text("".join(f"{line}\n" for line in lines))
    assert gather_facts(host, member=pattern).said == {}, "it is down"
    home.start()
    assert gather_facts(host, member=pattern).said["own"] == tuple(lines[:2])
    assert gather_facts(host).said == {}


def test_the_hosts_file_arrives_byte_for_byte(seen: ServerFacts) -> None:
    assert seen.hosts.data == Path("/etc/hosts").read_bytes()


def test_a_lock_that_is_held_is_told_from_that_of_a_dead_run(
    server: LocalServer, home: Home, lock_path: Path
) -> None:
    lock = lock_path
    ticks = Path("/proc/self/stat").read_text().rpartition(")")[2].split()[19]
    text = "op@desk since then for `deploy` run=ab pid={} ticks={}"
    lock.symlink_to(text.format(os.getpid(), ticks))
    assert not look(server, home.node()).lock_dead
    lock.unlink()
    lock.symlink_to(text.format(os.getpid(), "1"))
    assert look(server, home.node()).lock_dead


@pytest.mark.parametrize(
    "spelling",
    ["{}/", "{}/bin/..", "//{}", "{}/../as", "current", "."],
    ids=["slash", "bin/..", "two slashes", "..", "link", "relative"],
)
def test_a_server_is_known_by_the_directory_it_runs_from_however_it_is_spelled(
    server: LocalServer, home: Home, spelling: str
) -> None:
    (home.path.parent / "current").symlink_to(home.path)
    link = str(home.path.parent / "current")
    pid = home.start_as(link if spelling == "current" else spelling.format(home.path))
    process = look(server, home.node()).process
    assert process is not None and process.pid == pid
    home.file(layout.PID_FILE).unlink()
    process = look(server, home.node()).process
    assert process is not None and process.pid == pid, "without a pid file, too"


def test_a_server_of_another_home_is_not_the_one_of_this(server: LocalServer, home: Home) -> None:
    other = Home(home.path.parent / "as2")
    try:
        pid = other.start_as(str(other.path))
        home.file(layout.PID_FILE).write_text(f"{pid}\n")
        assert look(server, home.node()).process is None
    finally:
        other.close()


def test_all_servers_of_one_home_are_counted_and_that_of_the_pid_file_is_the_first(
    server: LocalServer, home: Home
) -> None:
    """There must be one: two that write to one AS_HOME spoil it."""
    first = home.start_as(str(home.path))
    second = home.start_as(f"{home.path}/")
    process = look(server, home.node()).process
    assert process is not None
    assert (process.pid, process.others) == (second, (first,))


def test_who_started_a_server_is_told_by_its_control_group_and_its_parents(
    server: LocalServer, home: Home
) -> None:
    home.start_as(str(home.path))
    process = look(server, home.node()).process
    assert process is not None
    groups = Path(f"/proc/{process.pid}/cgroup").read_text().splitlines()
    assert f"0::{process.cgroup}" in groups or process.cgroup in "\n".join(groups)
    pid, name = process.parents[0]
    assert (pid, name) == (os.getpid(), Path("/proc/self/comm").read_text().strip())


def test_looking_changes_nothing(server: LocalServer, home: Home) -> None:
    before = {path: path.lstat().st_mtime_ns for path in home.path.rglob("*")}
    look(server, home.node())
    assert before == {path: path.lstat().st_mtime_ns for path in home.path.rglob("*")}


def test_a_home_that_is_not_there_is_told_from_one_that_is_no_directory(
    server: LocalServer, tmp_path: Path, home: Home
) -> None:
    nowhere = look(server, home.node(home=PurePosixPath(tmp_path / "nowhere")))
    assert nowhere.home_real is None
    assert not nowhere.home_blocked
    (tmp_path / "file").touch()
    assert look(server, home.node(home=PurePosixPath(tmp_path / "file"))).home_blocked


def test_a_home_behind_a_link_is_known_by_its_real_path(
    server: LocalServer, tmp_path: Path, home: Home
) -> None:
    (tmp_path / "link").symlink_to(home.path)
    facts = look(server, home.node(home=PurePosixPath(tmp_path / "link")))
    assert facts.home_real == PurePosixPath(os.path.realpath(home.path))


def test_a_missing_jdk_is_told_with_the_place_that_was_looked_at(
    server: LocalServer, home: Home
) -> None:
    facts = look(server, home.node(java_home=PurePosixPath("/no/java")))
    assert (facts.java_home, facts.java_missing) == (None, "/no/java")


def test_symbolic_links_among_the_configuration_are_told(server: LocalServer, home: Home) -> None:
    carbon = home.file(layout.CARBON_XML)
    carbon.rename(carbon.with_suffix(".real"))
    carbon.symlink_to(carbon.with_suffix(".real"))
    assert look(server, home.node()).symlinks == {str(layout.CARBON_XML)}


def test_files_with_difficult_names_arrive(server: LocalServer, home: Home) -> None:
    name = 'it\'s a "file" $(touch x) -n.xml'
    home.file(layout.CONF / name).write_text("<a/>")
    edit = FileEdit(file=PurePosixPath(name), xpath="/a", value="1")
    facts = look(server, home.node(files=(edit,)))
    assert facts.files[layout.CONF / name].data == b"<a/>"


DRIVER = Driver(jar=Path("new-driver-2.0.jar"), driver_class="org.example.Driver")


def test_jars_are_hashed_where_they_matter_and_searched_for_the_driver_class(
    server: LocalServer, home: Home
) -> None:
    lib = home.file(layout.LIB)
    (lib / "old-driver-1.0.jar").write_bytes(b"PK..org/example/Driver.class..")
    (lib / "new-driver-2.0.jar").write_bytes(b"PK..")
    (lib / "else.jar").write_bytes(b"PK..org.example.Driver.class")
    (lib / "shading.jar").write_bytes(b"PK..com/acme/shaded/org/example/Driver.class..")
    home.file(layout.DROPINS / "old_driver_1.0_1.0.0.jar").touch()
    facts = look(server, home.node(driver=DRIVER))
    by_name = {jar.name: jar for jar in facts.jars}
    assert by_name["old-driver-1.0.jar"].has_driver_class
    assert not by_name["new-driver-2.0.jar"].has_driver_class
    assert by_name["new-driver-2.0.jar"].sha256 == hashlib.sha256(b"PK..").hexdigest()
    assert not by_name["else.jar"].has_driver_class, "a dot is only a dot"
    assert not by_name["shading.jar"].has_driver_class, "a relocated copy is no driver"
    assert facts.dropins == ("old_driver_1.0_1.0.0.jar",)


def test_the_deployment_directory_is_told_in_all_its_states(
    server: LocalServer, home: Home, tmp_path: Path
) -> None:
    place = home.file(layout.DEPLOYMENT_SERVER)
    place.rename(tmp_path / "elsewhere")
    assert look(server, home.node()).deployment == "missing"
    place.mkdir()
    assert look(server, home.node()).deployment == "empty"
    (place / ".svn").mkdir()
    assert look(server, home.node()).deployment == "filled"
    (place / ".svn").rmdir()
    place.rmdir()
    place.symlink_to(tmp_path / "elsewhere")
    facts = look(server, home.node())
    assert facts.deployment == "link"
    assert facts.deployment_target == os.path.realpath(tmp_path / "elsewhere")


@pytest.mark.parametrize("place", ["repository", "repository/deployment"])
def test_a_deployment_directory_behind_a_link_is_as_shared_as_one_that_is_a_link(
    server: LocalServer, home: Home, tmp_path: Path, place: str
) -> None:
    home.file(place).rename(tmp_path / "shared")
    home.file(place).symlink_to(tmp_path / "shared")
    facts = look(server, home.node())
    assert facts.deployment == "link"
    assert facts.deployment_target == os.path.realpath(home.file(layout.DEPLOYMENT_SERVER))


def test_ipv6_addresses_of_the_server_are_told_in_one_spelling(seen: ServerFacts) -> None:
    told = Path("/proc/net/if_inet6").read_text().split("\n")[:-1]
    assert {
        str(IPv6Address(int(line.split()[0], 16))) for line in told if line.split()[3] != "20"
    } <= seen.addresses


def test_our_own_state_is_read_back(server: LocalServer, home: Home) -> None:
    generation = home.state / "generations/20260101T000000Z-ab"
    generation.mkdir(parents=True)
    (generation / "meta").write_text("when=then\nwho=op@desk\nverb=deploy\n")
    (home.state / "generations/20260101T000001Z-unfinished").mkdir()
    (home.state / "journal").write_text("20260101T000000Z-ab\n")
    (home.state / "staged").mkdir()
    (home.state / "record").write_text("pid=7\nticks=9\nevidence=JOIN\n")
    facts = look(server, home.node())
    assert facts.journal == "20260101T000000Z-ab"
    assert facts.staged
    (one,) = facts.generations
    assert (one.id, one.meta["who"]) == ("20260101T000000Z-ab", "op@desk")
    assert facts.joined is None, "the record is of another process"


def replace_program(name: str, text: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a script run in the place of a program."""
    (folder / name).write_text(f"#!/bin/sh\n{text}\n")
    (folder / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")


def test_a_slow_server_tells_what_time_it_is_when_it_answers(
    server: LocalServer, home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When its answer came is taken for the same moment, on the operator's clock."""
    replace_program("ss", "sleep 1", tmp_path, monkeypatch)
    began = time.time()
    facts = look(server, home.node())
    assert facts.now - began > 0.9
    assert abs(facts.seen_at - time.monotonic()) < 0.5


@pytest.mark.parametrize("has_ss", [True, False], ids=["by ss", "from /proc"])
@pytest.mark.parametrize(
    ("family", "address"), [(socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::")]
)
def test_ports_that_are_listened_on_are_told(
    server: LocalServer,
    home: Home,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    family: socket.AddressFamily,
    address: str,
    *,
    has_ss: bool,
) -> None:
    """`ss` is quicker, and no server has to have it."""
    if not has_ss:
        replace_program("ss", "exit 127", tmp_path, monkeypatch)
    with socket.create_server((address, 0), family=family) as listener:
        facts = look(server, home.node())
        assert facts.listening[listener.getsockname()[1]] == "other"


def test_an_answer_that_makes_no_sense_is_an_error_and_not_a_guess() -> None:
    for answer in (b"", b"Welcome!\nfacts 1\n", b"facts 1\nno end", b"facts 1\nnow x\nfiles\n"):
        with pytest.raises(ScriptError, match="unexpected output"):
            parse(answer, name="worker1", seen_at=0.0)


def answered(*lines: str) -> ServerFacts:
    text = "\n".join(("facts 1", "user deploy", *lines, "files", ""))
    return parse(text.encode(), name="worker1", seen_at=0.0)


def test_an_owner_with_a_space_is_read() -> None:
    """Accounts of a Windows domain may have one."""
    path = PurePosixPath("repository/resources/security/a b.jks")
    facts = answered(f"readable_secret 644 AD\\\\svc wso2 {path}")
    assert facts.secrets.readable[path].owner == "AD\\\\svc wso2"


@pytest.mark.parametrize(
    "line",
    [
        "jar - - ../../../../../home/deploy/.ssh/authorized_keys",
        "jar - driver a/b.jar",
        "dropin ../a.jar",
        "generation ../../../../tmp/stranger when=now",
        "generation 20260101T000000Z-../x when=now",
        "journal ../../etc",
        "address6 zz",
        "readable_secret 644 wso2 repository/resources/security/../../../../home/deploy/x.jks",
        "readable_secret 644 wso2 /etc/passwd",
    ],
)
def test_a_name_that_a_server_gives_has_the_form_that_it_must_have(line: str) -> None:
    """It becomes part of a path: of a file that a deploy removes, or that a rollback moves."""
    with pytest.raises(ScriptError, match="unexpected output"):
        answered(line)


@pytest.mark.parametrize("word", ["user", "home", "lock", "journal", "process", "deployment"])
def test_a_line_that_comes_once_and_comes_twice_is_an_error(word: str) -> None:
    with pytest.raises(ScriptError, match="comes twice"):
        answered(f"{word} 20260101T000000Z-ab", f"{word} 20260101T000000Z-ab")


@pytest.mark.parametrize("place", ["a[$(touch x)] 1", "1 2 3", "$((1)) 2", "-1 2"])
def test_a_place_in_a_log_is_two_numbers_or_none(place: str) -> None:
    """It becomes part of a script that runs on the manager."""
    assert answered(f"record manager_log={place}", "record own_log=12 34").record == {
        "own_log": "12 34"
    }


def test_no_text_of_a_lock_forges_a_line_of_the_answer(
    server: LocalServer, home: Home, lock_path: Path
) -> None:
    forged = "jar - driver ../../x\ngeneration ../../../../tmp/stranger when=now"
    lock_path.symlink_to(f"op@desk\n{forged}\n run=x pid=1 ticks=1")
    facts = look(server, home.node())
    assert facts.lock is not None and "?jar - driver" in facts.lock
    assert (facts.jars, facts.generations) == ((), ())


def test_a_lock_in_a_directory_that_is_not_the_accounts_own_is_none(
    server: LocalServer, home: Home, lock_path: Path, tmp_path: Path
) -> None:
    """A stranger can put one there: a link, or a directory of his own."""
    lock_path.symlink_to("op@desk since then run=x pid=1 ticks=1")
    lock_path.parent.rename(tmp_path / "strangers")
    lock_path.parent.symlink_to(tmp_path / "strangers")
    assert look(server, home.node()).lock is None
    if os.geteuid() == 0:
        lock_path.parent.unlink()
        (tmp_path / "strangers").rename(lock_path.parent)
        os.chown(lock_path.parent, 65534, 65534)
        assert look(server, home.node()).lock is None


def test_no_file_name_with_a_line_break_forges_a_line_of_the_answer(
    server: LocalServer, home: Home
) -> None:
    home.file(layout.LIB / "a\njournal x\nb.jar").write_bytes(b"PK")
    home.file(layout.DROPINS / "a\njournal x\nb.jar").write_bytes(b"PK")
    home.start()
    home.file(layout.CONF / "a\njournal x").write_bytes(b"")
    os.utime(home.file(layout.CONF / "a\njournal x"), (2e9, 2e9))
    facts = look(server, home.node())
    assert facts.journal is None
    assert facts.dropins == ("a?journal x?b.jar",)


@dataclass
class Altered(LocalServer):
    """A server whose answers are altered on their way."""

    alter: Callable[[Outcome], Outcome] = lambda outcome: outcome

    def run(self, script: Script, **how: Any) -> Outcome:
        return self.alter(super().run(script, **how))


def test_files_that_did_not_arrive_whole_are_an_error(home: Home) -> None:
    server = Altered("worker1", alter=lambda one: Outcome(0, one.out[: len(one.out) // 2], b""))
    with pytest.raises(ProvisionError, match="did not arrive whole"):
        look(server, home.node())


def test_a_script_that_fails_is_told_by_its_last_words(home: Home) -> None:
    server = Altered("worker1", alter=lambda _: Outcome(3, b"", b"one\nno such shell\n"))
    with pytest.raises(ScriptError, match="no such shell"):
        look(server, home.node())


def test_the_log_of_a_running_server_is_where_its_jvm_was_told_to_write(
    server: LocalServer, home: Home, tmp_path: Path
) -> None:
    elsewhere = tmp_path / "logs"
    elsewhere.mkdir()
    log = elsewhere / "wso2carbon.log"
    log.write_text("12:00:00 Starting WSO2 Carbon...\n")
    home.start_as(str(home.path), f"-Dcarbon.logs.path={elsewhere}")
    asked = {"own": "Starting"}
    seen = gather_facts(local_host(home.node(), server), asked=asked)
    assert seen.log.path == PurePosixPath(log)
    assert seen.log.state == "readable" and seen.log.size <= log.stat().st_size
    assert seen.said["own"] == ("12:00:00 Starting WSO2 Carbon...",)


@pytest.mark.parametrize("gone", ["the log", "repository/logs"])
def test_a_log_that_a_start_would_create_can_be_written(
    server: LocalServer, home: Home, gone: str
) -> None:
    """A start makes the folder, too, if somebody cleared it away."""
    if gone == "the log":
        home.log.unlink(missing_ok=True)
    else:
        shutil.rmtree(home.log.parent)
    assert look(server, home.node()).log.writable


def test_a_rotated_log_that_ends_within_a_line_takes_no_line_of_the_next_along(
    server: LocalServer, home: Home
) -> None:
    """A full disk cuts the last line short."""
    home.start()
    wait_for("it has said all", lambda: home.log.exists() and "started" in home.log.read_text())
    rotated = home.log.with_name(f"{home.log.name}.1")
    rotated.write_text("x one\nx tw")
    os.utime(rotated, (0, 0))
    home.log.write_text("x three\n")
    seen = gather_facts(local_host(home.node(), server), asked={"own": "x"})
    assert seen.said["own"] == ("x one", "x tw", "x three")


def test_a_log_that_has_not_grown_since_the_start_is_known_as_such(
    server: LocalServer, home: Home
) -> None:
    home.start()
    now = look(server, home.node())
    assert now.log.written_at is not None and not now.log_is_old
    os.utime(home.log, (0, 0))
    old = look(server, home.node())
    assert old.log.written_at == 0
    assert replace(old, now=old.now + 3600).log_is_old


def test_a_log_has_the_zone_of_its_jvm(server: LocalServer, home: Home) -> None:
    home.start()
    wait_for("it has said all", lambda: home.log.exists() and "started" in home.log.read_text())
    ahead = datetime.now(UTC) + timedelta(hours=5, minutes=30)
    home.log.write_text(f"[{ahead:%Y-%m-%d %H:%M:%S},000]  INFO {{a.B}} - x\n")
    seen = gather_facts(local_host(home.node(), server), asked={"own": "x"})
    assert seen.zone_seconds == 5.5 * 3600


def test_a_jvm_that_hosts_yaml_would_start_in_another_way_is_seen(
    server: LocalServer, home: Home
) -> None:
    home.start()
    alike = look(server, home.node()).process
    assert alike is not None and alike.unlike == ()
    other = home.node(environment={"JAVA_OPTS": "-Da=b c"}, java_home=PurePosixPath("/usr/other"))
    process = look(server, other).process
    assert process is not None and process.unlike == ("JAVA_HOME", "JAVA_OPTS")
