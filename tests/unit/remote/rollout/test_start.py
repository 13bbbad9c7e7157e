"""Starting a server and seeing it join, with real scripts and a process that poses as the JVM."""

from __future__ import annotations

import dataclasses
import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from queue import Empty
from types import SimpleNamespace
from typing import Any

import pytest

import remote.rollout.start
import remote.run.pause
from carbon.cluster import Cluster, Evidence, Limits, Node
from carbon.errors import (
    JoinError,
    ProvisionError,
    ScriptError,
    StartError,
    TimeLimitError,
    UnfitError,
)
from carbon.home import layout
from carbon.plan.model import Options, Plan, Step
from carbon.plan.plan import plan
from carbon.secret import literal
from carbon.value import replace
from remote.host.script import Script
from remote.observe.facts import gather_facts
from remote.observe.follow import Followers
from remote.rollout.generation import new_generation
from remote.rollout.record import Record
from remote.rollout.stage import stage
from remote.rollout.start import Joined, Start
from remote.rollout.stop import Stop, Stopped
from remote.rollout.swap import swap_script
from remote.run.pause import paused_seconds
from tests.unit.carbon.nodes import make_cluster, make_manager
from tests.unit.remote.homes import Home, words
from tests.unit.remote.local_server import LocalFleet, LocalServer
from tests.unit.remote.silent import Silent
from tests.waiting import wait_for

WKA = "org.wso2.carbon.core.clustering.hazelcast.wka.WKABasedMembershipScheme"
HAZELCAST = "org.wso2.carbon.core.clustering.hazelcast.HazelcastClusteringAgent"
TRIBES = "org.apache.axis2.clustering.tribes.RpcMembershipRequestHandler"
UUID = "12345678-1234-1234-1234-123456789abc"
OTHER_PORT = (
    "Host:10.0.0.4, Remote Host:null, Port: 4700, HTTP:9763, HTTPS:9443, "
    "Domain: wso2.as.domain, Sub-domain:worker, Active:true"
)
SECONDS = 20.0
AUDIT = "then op@desk deploy inventory=0 ok"


def logged(logger: str, message: str) -> str:
    return f"TID: [-1234] [] [2026-11-22 12:00:00,000]  INFO {{{logger}}} -  {message} \n"


def joined(address: str = "10.0.0.4:4000") -> str:
    return logged(WKA, f"Member joined [{UUID}]: /{address}")


@dataclasses.dataclass
class Site:
    """A worker and its manager on this machine."""

    home: Home
    node: Node
    fleet: LocalFleet
    manager_log: Path
    joining: str = ""
    """What the manager logs once the worker's JVM is up."""

    @property
    def cluster(self) -> Cluster:
        return self.fleet.cluster

    def limited(self, **limits: float) -> None:
        self.fleet.cluster = replace(self.cluster, limits=replace(self.cluster.limits, **limits))

    @contextmanager
    def attempt(self) -> Iterator[Start]:
        followers = Followers(self.fleet, [self.node])  # type: ignore[arg-type]
        start = Start(self.fleet, self.node, followers=followers, progress=Silent())  # type: ignore[arg-type]
        with followers:
            try:
                yield start
            finally:
                start.close()

    def start(self) -> Joined:
        with self._manager_at_work(), self.attempt() as attempt:
            attempt.start()
            return attempt.await_join()

    def record(
        self,
        joined: Joined | None,
        *,
        audit: str = AUDIT,
        started: Start | None = None,
    ) -> None:
        record = Record(host=self.fleet.host(self.node), joined=joined, audit=audit, start=started)
        record.begin()
        record.finish()

    @contextmanager
    def started(self) -> Iterator[tuple[Joined, Start]]:
        with self.attempt() as attempt:
            with self._manager_at_work():
                attempt.start()
                result = attempt.await_join()
            attempt.detach()
            yield result, attempt

    def facts(self) -> Any:
        return gather_facts(self.fleet.host(self.node))

    def staged(self) -> tuple[Plan, Script]:
        """Stage what the node's files lack, and return the plan and the script of the swap."""
        made = plan(self.node, self.facts(), options=Options(steps=frozenset({Step.CONFIG})))
        generation = new_generation(made, cluster=self.cluster, verb="deploy", run="ab")
        host = self.fleet.host(self.node)
        stage(host, made, generation=generation, progress=Silent())
        return made, swap_script(host, made, generation=generation, keep_generations=5, down=True)

    def leave(self, *, patience: float = 5, seen: float = 0.2) -> Stopped:
        self.limited(stop_seconds=patience)
        with Followers(self.fleet, [self.node]) as followers:  # type: ignore[arg-type]
            stop = Stop(self.fleet, self.node, followers=followers, progress=Silent())  # type: ignore[arg-type]
            return stop.run(leave_seconds=seen)

    def log(self, text: str) -> None:
        with self.manager_log.open("a") as log:
            log.write(text)

    @contextmanager
    def _manager_at_work(self) -> Iterator[None]:
        done = threading.Event()

        def wait_and_log() -> None:
            while not done.wait(0.01):
                if self.home.pids():
                    self.log(self.joining)
                    return

        thread = threading.Thread(target=wait_and_log)
        thread.start()
        try:
            yield
        finally:
            done.set()
            thread.join()


@pytest.fixture
def site(home: Home, tmp_path: Path) -> Site:
    manager = make_manager(home=tmp_path / "manager")
    manager_log = tmp_path / "manager" / layout.LOG
    manager_log.parent.mkdir(parents=True)
    manager_log.write_text(joined())
    node = home.node(environment={"JVM_MEM_OPTS": "-Xmx1m -Dx='$HOME'"})
    limits = Limits(command_seconds=5, start_seconds=5, join_seconds=5, stop_seconds=5)
    cluster = make_cluster(node, manager=manager, limits=limits, load_balancer=None)
    servers = {"manager": LocalServer("manager"), "worker1": LocalServer("worker1")}
    fleet = LocalFleet(cluster, servers)
    return Site(home=home, node=node, fleet=fleet, manager_log=manager_log, joining=joined())


def test_a_start_that_joins_tells_pid_evidence_and_times(site: Site) -> None:
    result = site.start()
    assert [result.pid] == site.home.pids()
    assert result.evidence == "Member joined"
    assert result.proof.strip() == joined().strip()
    assert result.started_seconds == 1
    assert 0 < result.seconds < 5


def test_the_server_outlives_the_run_and_its_console_is_kept(site: Site) -> None:
    result = site.start()
    assert os.path.realpath(f"/proc/{result.pid}") == f"/proc/{result.pid}"
    console = (site.home.state / "console.log").read_text()
    assert console == "CARBON_HOME is unset\nstarting -Xmx1m -Dx='$HOME'\n"
    site.home.close()
    site.start()
    assert (site.home.state / "console.log.1").read_text().startswith(console)


def test_a_carbon_home_of_the_login_is_not_inherited(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CARBON_HOME", "/opt/another/product")
    site.start()
    assert "CARBON_HOME is unset" in (site.home.state / "console.log").read_text()


def test_an_older_line_of_the_same_address_proves_nothing(site: Site) -> None:
    site.joining = ""
    site.limited(join_seconds=0.5)
    with pytest.raises(JoinError, match=r"the manager logged no join within 0\.5 s"):
        site.start()
    assert joined() in site.manager_log.read_text(), "there is one, from before"


def test_a_line_of_another_port_or_address_proves_nothing(site: Site) -> None:
    site.joining = joined("10.0.0.40:4000") + joined("110.0.0.4:4000") + joined("10.0.0.4:40001")
    site.limited(join_seconds=0.5)
    with pytest.raises(JoinError, match="the manager logged no join"):
        site.start()


def test_a_log_that_is_rotated_before_the_join_is_followed_into_the_new_file(site: Site) -> None:
    old = site.manager_log.with_suffix(".log.2014-06-30")

    def rotate_and_log(text: str) -> None:
        site.manager_log.rename(old)
        site.manager_log.write_text(text)

    site.log = rotate_and_log  # type: ignore[method-assign]
    assert site.start().evidence == "Member joined"


def test_a_line_that_is_written_in_two_halves_is_one_line(site: Site) -> None:
    def log_in_halves(text: str) -> None:
        with site.manager_log.open("a", buffering=1) as log:
            log.write(text[:90])
            log.flush()
            time.sleep(0.3)  # long enough to be read: half a line must not count
            log.write(text[90:])

    site.log = log_in_halves  # type: ignore[method-assign]
    assert site.start().proof.strip() == joined().strip()


@pytest.mark.parametrize(
    ("evidence", "message", "wording"),
    [
        ("any", "Received JOIN message from 10.0.0.4:4000(wso2.as.domain)", "JOIN"),
        (
            "strict",
            "Received GetConfigurationCommand initialization request message from "
            "10.0.0.4:4000(wso2.as.domain)",
            "GetConfigurationCommand",
        ),
    ],
)
def test_the_words_of_tribes_are_understood(
    site: Site, evidence: Evidence, message: str, wording: str
) -> None:
    site.fleet.cluster = replace(site.cluster, evidence=evidence)
    site.joining = logged(TRIBES, message)
    assert site.start().evidence == wording


def test_a_process_that_ends_is_a_failed_start_with_its_console(site: Site) -> None:
    site.home.turn("die")
    began = time.monotonic()
    with pytest.raises(StartError, match="its process ended") as failure:
        site.start()
    assert "starting -Xmx1m" in str(failure.value)
    assert time.monotonic() - began < 4, "no limit is waited for"


def test_the_end_of_a_process_is_seen_though_its_console_ends_within_a_line(site: Site) -> None:
    """A full disk cuts the last line short; what the script says next is a line of its own."""
    site.home.turn("torn")
    site.home.turn("die")
    with pytest.raises(StartError, match="its process ended") as failure:
        site.start()
    assert "| cut sho\n" in str(failure.value)


@pytest.mark.parametrize("end", ["", "\\n"], ids=["within a line", "with its line"])
def test_a_script_that_starts_no_process_is_a_failed_start_with_its_console(
    site: Site, end: str
) -> None:
    site.home.file(layout.SCRIPT).write_text(f"printf 'no luck{end}'; exit 0")
    with pytest.raises(StartError, match="its process ended") as failure:
        site.start()
    assert "| no luck" in str(failure.value)


def test_a_server_that_never_says_started_fails_at_the_limit_that_is_named(site: Site) -> None:
    site.home.turn("silent")
    site.limited(start_seconds=1)
    with pytest.raises(StartError, match=r"within 1 s \(limits: start\)"):
        site.start()
    assert site.home.pids(), "it is left to be looked at"


@pytest.mark.parametrize(("knob", "runs"), [("silent", True), ("die", False)])
def test_a_start_that_failed_tells_the_process_that_still_runs(
    site: Site, knob: str, runs: bool
) -> None:
    """An operator has to look at it, or to end it."""
    site.home.turn(knob)
    site.limited(start_seconds=1)
    with site.attempt() as attempt:
        attempt.start()
        with pytest.raises(StartError):
            attempt.await_join()
    assert [attempt.pid] == (site.home.pids() if runs else [0])


def test_a_server_whose_jvm_was_told_to_log_elsewhere_is_followed_there(
    site: Site, tmp_path: Path
) -> None:
    """Old lines of that log do not count, and its place is what an interrupted run goes on from."""
    elsewhere = tmp_path / "logs"
    elsewhere.mkdir()
    log = elsewhere / "wso2carbon.log"
    log.write_text(logged("x.StartupFinalizerServiceComponent", "WSO2 Carbon started in 9 sec"))
    site.home.set_property(f"-Dcarbon.logs.path={elsewhere}")
    place = log.stat()
    joined = site.start()
    assert (joined.evidence, joined.started_seconds) == ("Member joined", 1)
    assert site.facts().record["own_log"] == f"{place.st_ino} {place.st_size}"


def test_a_server_that_logs_elsewhere_by_its_log4j_counts_by_its_console(site: Site) -> None:
    site.home.turn("console-only")
    site.limited(start_seconds=SECONDS)
    assert site.start().evidence == "Member joined"


def test_the_console_counts_beside_a_log_that_grows_and_cannot_say_that_it_started(
    site: Site,
) -> None:
    """Its threshold lets only warnings through: log4j.properties says so beforehand."""
    site.home.turn("console-only")
    site.home.turn("warns")
    site.limited(start_seconds=SECONDS)
    with site._manager_at_work(), site.attempt() as attempt:
        attempt.prepare(by_console=True)
        attempt.start()
        assert attempt.await_join().evidence == "Member joined"


def test_what_cannot_come_is_given_up_within_5_seconds_of_its_line(site: Site) -> None:
    """The product logs nothing more, and its JVM stays: a limit of minutes would be waited for."""
    site.home.turn("silent")
    site.limited(start_seconds=30)
    with site.attempt() as attempt:
        attempt.start()
        wait_for("its process", lambda: site.home.pids() != [])
        with site.home.log.open("a") as log:
            line = logged("org.wso2.carbon.user.core.x.Y", "Cannot initialize the realm.")
            log.write(line.replace(" INFO", "ERROR"))
        began = time.monotonic()
        with pytest.raises(StartError, match="it hangs: Cannot initialize the realm"):
            attempt.await_join()
    assert time.monotonic() - began < 5
    assert site.home.pids() != []


def test_an_old_started_line_of_the_own_log_does_not_count(site: Site) -> None:
    site.home.log.write_text(
        logged("x.StartupFinalizerServiceComponent", "WSO2 Carbon started in 9 sec")
    )
    site.home.turn("silent")
    site.limited(start_seconds=0.5)
    with pytest.raises(StartError, match="did not say that it started"):
        site.start()


def test_a_log_that_is_a_link_is_followed_from_where_its_target_ends(
    site: Site, tmp_path: Path
) -> None:
    """The size of the link itself is smaller: old lines of the target counted as new."""
    target = tmp_path / "volume.log"
    target.write_text(
        logged("x.StartupFinalizerServiceComponent", "WSO2 Carbon started in 9 sec") * 20
    )
    site.home.log.unlink(missing_ok=True)
    site.home.log.symlink_to(target)
    site.home.turn("silent")
    site.limited(start_seconds=0.5)
    with pytest.raises(StartError, match="did not say that it started"):
        site.start()


def test_a_manager_log_that_cannot_be_followed_stops_the_start_before_it_begins(
    site: Site,
) -> None:
    site.manager_log.unlink()
    with pytest.raises(ScriptError, match="cannot be followed"):
        site.start()
    assert site.home.pids() == []


def test_a_running_server_is_not_started_twice(site: Site) -> None:
    first = site.start()
    with pytest.raises(ScriptError, match=rf"it already runs \(pid {first.pid}\)"):
        site.start()
    assert site.home.pids() == [first.pid]


def test_an_open_journal_stops_the_start(site: Site) -> None:
    """Files may be a mixture of old and new."""
    site.home.state.mkdir()
    (site.home.state / "journal").write_text("20260101T000000Z-ab\n")
    with pytest.raises(ScriptError, match="left its journal open"):
        site.start()
    assert site.home.pids() == []


def test_a_swap_that_was_brought_with_the_start_is_whole_before_the_start_is_told(
    site: Site,
) -> None:
    made, swap = site.staged()
    with site._manager_at_work(), site.attempt() as attempt:
        attempt.prepare(swap=swap)
        assert (site.home.state / "staged").exists(), "until it is told, it changes nothing"
        attempt.swap()
        attempt.await_swap()
        for change in made.files:
            assert site.home.file(change.path).read_bytes() == change.new
        assert not (site.home.state / "journal").exists()
        assert site.home.pids() == []
        attempt.start()
        assert attempt.await_join().evidence == "Member joined"
    assert site.fleet.server(site.node).ran.count("start") == 1


def test_a_start_that_is_told_while_files_are_swapped_comes_after_the_swap(site: Site) -> None:
    made, swap = site.staged()
    with site._manager_at_work(), site.attempt() as attempt:
        attempt.prepare(swap=swap)
        attempt.swap()
        attempt.start()
        attempt.await_swap()
        for change in made.files:
            assert site.home.file(change.path).read_bytes() == change.new
        assert attempt.await_join().evidence == "Member joined"
    assert site.facts().process.newer == (), "no file is newer than the start"


@pytest.mark.parametrize("is_told", [False, True])
def test_a_swap_that_was_brought_with_the_start_tells_why_it_refuses(
    site: Site, is_told: bool
) -> None:
    _, swap = site.staged()
    with site.attempt() as attempt:
        attempt.prepare(swap=swap)
        site.home.file(layout.AXIS2).write_text("somebody else was here")
        attempt.swap()
        if is_told:
            attempt.start()
        with pytest.raises(UnfitError, match="changed by somebody else") as failure:
            attempt.await_swap()
    assert (failure.value.host, failure.value.step) == (site.node.name, "swap")
    assert site.home.pids() == []


def test_a_swap_that_refuses_is_told_whatever_the_servers_own_log_said_before(site: Site) -> None:
    """Somebody starts the server by hand, as it was configured, while its turn is awaited."""
    _, swap = site.staged()
    with site.attempt() as attempt:
        attempt.prepare(swap=swap)
        attempt._sink("own", prefix="log:")(
            logged(HAZELCAST, f"Local member: [{UUID}] - {OTHER_PORT}")
        )
        site.home.file(layout.AXIS2).write_text("somebody else was here")
        began = time.monotonic()
        with pytest.raises(UnfitError, match="changed by somebody else"):
            attempt.swap()
            attempt.await_swap()
        assert attempt._tracker.failure, "of the other start"
        assert time.monotonic() - began < 4, "no limit is waited for"


def test_a_swap_that_does_not_end_in_time_says_that_a_start_follows(site: Site) -> None:
    """Its script is told of the start already, and goes on where it can."""
    _, swap = site.staged()
    site.limited(command_seconds=0.2)
    with site.attempt() as attempt:
        attempt.follow_others()
        attempt.prepare(swap=swap)
        with attempt._script.held():  # type: ignore[union-attr]
            attempt.swap()
            attempt.start()
            with pytest.raises(TimeLimitError, match="no answer within") as failure:
                attempt.await_swap()
    assert failure.value.step == "swap"
    assert failure.value.action.endswith("it starts then: the same command verifies it")


def test_a_swap_that_goes_on_is_waited_for_where_the_managers_log_is_lost(site: Site) -> None:
    """What is staged may be cleared away after it, and never beside it."""
    made, swap = site.staged()
    with site.attempt() as attempt:
        attempt.follow_others()
        attempt.prepare(swap=swap)
        manager = attempt._followers.manager._feed.stream
        manager.close()  # type: ignore[union-attr]
        attempt.swap()
        attempt.await_swap()
        for change in made.files:
            assert site.home.file(change.path).read_bytes() == change.new
        attempt.start()
        with pytest.raises(ScriptError, match="the connection that followed its log ended"):
            attempt.await_join()


def test_a_swap_whose_connection_is_lost_is_an_error_and_not_waited_for(site: Site) -> None:
    _, swap = site.staged()
    with site.attempt() as attempt:
        attempt.prepare(swap=swap)
        attempt._script.break_off()  # type: ignore[union-attr]
        with pytest.raises(ProvisionError) as failure:
            attempt.swap()
            attempt.await_swap()
    assert failure.value.step == "swap"


# ---- What is written down, and a later run finds


def test_what_was_verified_is_recorded_for_this_very_process(site: Site) -> None:
    result = site.start()
    site.record(result)
    facts = site.facts()
    assert facts.process.pid == result.pid
    assert facts.process.command.worker_node
    assert facts.joined == "Member joined"
    assert facts.process.newer == ()
    assert (site.home.state / "audit.log").read_text().endswith("deploy inventory=0 ok\n")
    site.home.close()
    assert site.facts().joined is None


def test_the_script_that_started_a_node_records_it_itself(site: Site) -> None:
    with site.started() as (result, started):
        site.record(result, started=started)
    assert site.facts().joined == "Member joined"
    assert site.facts().record["proof"] == site.joining.rstrip("\n")
    assert "manager_log" in site.facts().record
    assert (site.home.state / "audit.log").read_text() == f"{AUDIT}\n"
    assert "record" not in site.fleet.server(site.node).ran


def test_a_password_that_no_vault_read_does_not_stay(site: Site) -> None:
    """The product takes password-tmp away once it has read it; this one has no vault."""
    password = site.home.path / "password-tmp"
    site.node = replace(site.node, keystore_password=literal("geheim"))
    with site.started() as (result, started):
        assert password.read_text() == "geheim\n"
        site.record(result, started=started)
    assert not password.exists()


def test_what_was_told_is_recorded_though_the_client_goes(site: Site) -> None:
    with site.started() as (result, started):
        started.send(AUDIT, "joined", str(result.pid), "evidence=Member joined", "")
    assert site.facts().joined == "Member joined"


def test_what_became_of_a_deploy_is_written_into_its_generation(site: Site) -> None:
    """Failed, and joined once a later start joined; a failure after that takes nothing back."""
    meta = site.home.state / "generations" / "20260101T000000Z-ab" / "meta"
    meta.parent.mkdir(parents=True)
    meta.write_text("verb=deploy\n")
    site.record(None)
    assert meta.read_text() == "verb=deploy\n", "nothing was started"
    for failed, outcome in ((True, "failed"), (True, "failed"), (False, "joined")):
        result = None if failed else site.start()
        Record(host=site.fleet.host(site.node), joined=result, audit=AUDIT, failed=failed).finish()
        (generation,) = site.facts().generations
        assert generation.meta["outcome"] == outcome
    Record(host=site.fleet.host(site.node), joined=None, audit=AUDIT, failed=True).finish()
    assert site.facts().generations[0].meta["outcome"] == "joined"


def test_a_node_whose_script_is_gone_is_recorded_by_another(site: Site) -> None:
    with site.started() as (result, started):
        started._script.break_off()  # type: ignore[attr-defined]
        site.record(result, started=started)
    assert site.facts().joined == "Member joined"
    assert (site.home.state / "audit.log").read_text() == f"{AUDIT}\n"
    assert site.fleet.server(site.node).ran.count("record") == 1


def test_a_record_that_does_not_end_in_time_is_not_written_twice(site: Site) -> None:
    with (
        site.started() as (result, started),
        started._script.held(),  # type: ignore[attr-defined]
        pytest.raises(TimeLimitError),
    ):
        site.record(result, started=started)
    assert "record" not in site.fleet.server(site.node).ran
    assert (site.home.state / "audit.log").read_text() == f"{AUDIT}\n", "once it went on"


def test_an_operator_whose_name_is_no_utf8_is_recorded(site: Site) -> None:
    audit = "then m\udcfcller@desk deploy inventory=0 ok"
    with site.started() as (result, started):
        started.send(audit, "joined", str(result.pid), "evidence=Member joined", "")
    site.record(None, audit=audit)
    line = audit.encode(errors="surrogateescape") + b"\n"
    assert (site.home.state / "audit.log").read_bytes() == line * 2


def test_a_record_that_is_cut_off_on_its_way_is_not_written(site: Site) -> None:
    with site.started() as (_, started):
        started.send(AUDIT, "joined", "1", "evidence=Member joined")
    assert site.facts().record.get("evidence") is None
    assert not (site.home.state / "audit.log").exists()


def test_a_follower_that_is_killed_ends_the_wait_for_its_start(site: Site) -> None:
    """Its script reads what comes from the client, and dash asks for no dead child meanwhile."""
    site.joining = ""
    with site._manager_at_work(), site.attempt() as attempt:
        attempt.start()
        while attempt.state != "running":
            attempt._take(*attempt._lines.get(timeout=SECONDS))
        os.kill(follower_of(site.home.log), signal.SIGKILL)
        began = time.monotonic()
        with pytest.raises(
            ProvisionError,
            match="the script that watched its start, or the connection to it, ended",
        ):
            attempt.await_join()
        assert time.monotonic() - began < 3, "no limit is waited for"


def follower_of(log: Path) -> int:
    """Return the process that picks lines from a log's tail: the reader of its pipe."""
    tail = next(one for one in processes("tail") if str(log).encode() in words(one))
    pipe = (tail / "fd/1").readlink()
    return next(int(one.name) for one in processes("grep") if input_of(one) == pipe)


def input_of(process: Path) -> Path | None:
    """Return what a process reads; None if it is gone by now, such as one of another test."""
    try:
        return (process / "fd/0").readlink()
    except OSError:
        return None


def processes(program: str) -> list[Path]:
    return [one for one in Path("/proc").glob("[0-9]*") if words(one)[:1] == [program.encode()]]


def test_what_cannot_be_recorded_is_told_in_the_scripts_words(site: Site) -> None:
    with site.started() as (result, started):
        (site.home.state / "audit.log").mkdir()
        with pytest.raises(ScriptError) as failure:
            site.record(result, started=started)
    assert failure.value.step == "record"
    assert failure.value.seen.startswith("cannot write the audit line: ")
    assert failure.value.seen.endswith("Is a directory")
    assert "record" not in site.fleet.server(site.node).ran


def test_a_start_whose_client_goes_is_noted_with_its_process_all_the_same(site: Site) -> None:
    with site.attempt() as attempt:
        attempt.start()
    assert site.home.pids() != []
    recorded = site.facts().recorded
    assert recorded["pid"] == str(site.home.pids()[0])
    assert "manager_log" in recorded


def test_the_manager_may_be_watched_before_the_start_and_is_then_watched_once(site: Site) -> None:
    with site._manager_at_work(), site.attempt() as attempt:
        attempt.follow_others()
        attempt.start()
        assert attempt.await_join().evidence == "Member joined"
    assert site.fleet.server(site.cluster.manager).ran == ["follow"]


def test_a_start_that_was_brought_and_ended_before_it_was_told_is_not_waited_for(
    site: Site,
) -> None:
    """It may wait for hours while others start: its turn then brings another."""
    with site.attempt() as attempt:
        attempt.prepare()
        assert attempt.waits
        attempt._script.break_off()  # type: ignore[union-attr]
        assert not attempt.waits


def test_places_of_an_older_start_are_not_recorded_for_a_new_one(site: Site) -> None:
    """A proof is looked for from where a start began: an older place would find an older proof."""
    result = site.start()
    (site.home.state / "record").write_text("pid=1\nticks=1\nrun=old\nmanager_log=1 2\n")
    site.record(result)
    assert "manager_log" not in site.facts().record
    assert site.facts().joined == "Member joined"


def test_a_file_that_is_newer_than_the_start_is_told(site: Site) -> None:
    site.start()
    site.home.file(layout.CARBON_XML).touch()
    (site.home.file(layout.LIB) / "new.jar").touch()
    site.home.log.touch()
    newer = site.facts().process.newer
    assert set(newer) == {str(layout.CARBON_XML), str(layout.LIB / "new.jar")}


def test_a_start_whose_run_was_lost_is_verified_from_where_it_began(site: Site) -> None:
    """Both logs hold the proof already when the second run comes, and one was rotated."""
    site.joining = ""
    site.limited(join_seconds=0.3)
    with pytest.raises(JoinError):
        site.start()
    site.log(joined())
    site.manager_log.rename(site.manager_log.with_suffix(".log.2014-06-30"))
    site.manager_log.touch()
    facts = site.facts()
    assert facts.joined is None
    with site.attempt() as attempt:
        result = attempt.verify(facts)
    assert (result.pid, result.evidence) == (facts.process.pid, "Member joined")


@pytest.mark.parametrize("noted", ["", "pid=4", "pid=4711\n", "pid=4711\ntick"])
def test_a_start_that_was_cut_off_while_it_noted_its_process_is_found_and_recorded(
    site: Site, noted: str
) -> None:
    """The process is the one that began after the start did; where the logs were is known."""
    result = site.start()
    record = site.home.state / "record"
    record.write_text(record.read_text().partition("pid=")[0] + noted)
    found = site.facts()
    assert found.recorded["pid"] == str(result.pid)
    assert "manager_log" in found.recorded
    assert found.joined is None
    site.record(result)
    assert site.facts().joined == "Member joined"
    assert "manager_log" in site.facts().recorded


def test_a_server_that_was_started_by_hand_is_not_taken_for_what_is_recorded(site: Site) -> None:
    """It began after the recorded start did, too, but that one has noted its process."""
    site.record(site.start())
    site.home.close()
    site.home.file(layout.PID_FILE).unlink()
    site.home.start()
    found = site.facts()
    assert found.process is not None
    assert found.recorded == {}


def test_evidence_that_was_cut_off_counts_for_nothing(site: Site) -> None:
    """A full disk: what was verified is recorded whole, or it is verified once more."""
    result = site.start()
    site.record(result)
    record = site.home.state / "record"
    started, seconds, verified = record.read_text().partition("seconds=")
    for end in range(0, len(verified), 20):
        record.write_text(started + seconds + verified[:end])
        assert site.facts().joined is None, verified[:end]
    site.record(result)
    assert site.facts().joined == "Member joined"
    assert site.facts().record["proof"] == site.joining.rstrip("\n")


# ---- Stopping


def test_a_server_is_stopped_and_waited_for(site: Site) -> None:
    site.start()
    stopped = site.leave()
    assert stopped.was_running
    assert not stopped.killed
    assert stopped.seen_leaving is False
    assert site.home.pids() == []


def test_a_server_that_is_no_member_is_not_waited_for(site: Site) -> None:
    """The manager cannot see it leave: it waited for its line as long as a stop may take."""
    site.start()
    site.log(logged(WKA, f"Member left [{UUID}]: /10.0.0.4:4000"))
    began = time.monotonic()
    stopped = site.leave(seen=SECONDS)
    assert stopped.was_running and stopped.seen_leaving is None
    assert time.monotonic() - began < SECONDS / 2
    assert site.home.pids() == []


def test_a_server_that_is_down_has_nothing_to_stop(site: Site) -> None:
    assert not site.leave().was_running


def test_a_server_that_ignores_the_request_is_killed_after_its_patience(site: Site) -> None:
    site.home.turn("deaf")
    site.start()
    stopped = site.leave(patience=1)
    assert stopped.killed
    assert site.home.pids() == []


@pytest.mark.parametrize("content", ["{stranger}\n", "{stranger}", "", "garbage\n", "999999999\n"])
def test_the_pid_of_a_stranger_in_the_pid_file_is_never_signalled(site: Site, content: str) -> None:
    """The pid file outlives its process, and its number may be anybody's by now."""
    stranger = os.getpid()
    pid_file = site.home.file(layout.PID_FILE)
    pid_file.write_bytes(content.format(stranger=stranger).encode().ljust(100, b"\0"))
    assert not site.leave().was_running
    site.start()
    pid_file.write_bytes(content.format(stranger=stranger).encode().ljust(100, b"\0"))
    assert site.facts().process is not None, "found without its pid file"
    assert site.leave().was_running
    assert site.home.pids() == []


def test_the_server_of_another_home_is_left_alone(
    site: Site, tmp_path: Path, server: LocalServer
) -> None:
    other = Home(tmp_path / "as-2")
    neighbour = dataclasses.replace(site, home=other, node=other.node())
    neighbour.fleet = LocalFleet(
        replace(site.cluster, workers=(neighbour.node,)), {**site.fleet.servers, "worker1": server}
    )
    try:
        first, second = site.start(), neighbour.start()
        assert site.leave().was_running
        assert (site.home.pids(), other.pids()) == ([], [second.pid])
        assert first.pid != second.pid
    finally:
        other.close()


# ---- A process that was stopped for a while


def test_the_time_in_which_this_process_was_stopped_counts_against_no_limit() -> None:
    now = time.monotonic()
    assert paused_seconds(since=now) == 0
    assert paused_seconds(since=now - 300) >= 300


def test_what_came_in_that_time_is_read_before_a_start_is_judged(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SIGSTOP, or a laptop that slept: the proofs are there by then, and the limit is long over."""
    slept = [0.0]

    def clock() -> float:
        return time.monotonic() + slept[0]

    def has_started() -> bool:
        log = site.home.log
        return log.exists() and "WSO2 Carbon started" in log.read_text()

    for module in (remote.rollout.start, remote.run.pause):
        monkeypatch.setattr(module, "time", SimpleNamespace(monotonic=clock))
    with site._manager_at_work(), site.attempt() as attempt:
        attempt.start()
        lines = attempt._lines

        def get(*, timeout: float) -> Any:
            """Sleep at the first look, and have all lines after it."""
            if not slept[0]:
                wait_for("its start", has_started)
                wait_for("its join", lambda: site.manager_log.read_text().count(joined()) == 2)
                slept[0] = 3600.0
                raise Empty
            return lines.get(timeout=timeout)

        attempt._lines = SimpleNamespace(get=get, put=lines.put)  # type: ignore[assignment]
        assert attempt.await_join().evidence == "Member joined"


def test_a_second_server_that_somebody_starts_meanwhile_is_no_success(site: Site) -> None:
    site.home.turn("silent")  # it joins nothing: the wait goes on
    with site.attempt() as attempt:
        attempt.start()
        wait_for("the first", lambda: site.home.pids() != [])
        site.home.start_as(str(site.home.path))
        with pytest.raises(ProvisionError, match="a second server \\(pid") as failure:
            attempt.await_join()
    assert "find out who starts it" in failure.value.action


def test_a_server_that_was_removed_is_known_as_such_until_it_starts_again(site: Site) -> None:
    site.home.state.mkdir(exist_ok=True)
    Record(host=site.fleet.host(site.node), joined=None, audit=AUDIT, removed=True).finish()
    assert str(layout.REMOVED) in site.facts().present
    site.start()
    assert str(layout.REMOVED) not in site.facts().present
