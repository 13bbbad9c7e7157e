"""The plan: what a deploy would do to a server, from what was seen there, and why."""

from __future__ import annotations

from pathlib import Path, PurePosixPath
from typing import Any

import pytest

import lab
from carbon import secret
from carbon.cluster import DeploymentSynchronizer, HostsEntry, Member, Node
from carbon.config import files as config_files
from carbon.errors import ConfigFileError, ProvisionError, UnfitError
from carbon.home import layout
from carbon.home.driver import JarFacts, WantedDriver
from carbon.home.facts import DeploymentState, HostsFacts, LogFacts, RemoteFile, ServerFacts
from carbon.home.hostsfile import plan as hosts_plan
from carbon.plan.model import ALL_STEPS, Options, Plan, Step
from carbon.plan.plan import edit_hosts_once, plan, plan_stop
from carbon.plan.start import given_digest
from carbon.value import replace
from tests.unit.carbon.looks import RECORD, make_facts, running
from tests.unit.carbon.nodes import make_manager, make_node

PACK = Path(lab.__file__).parent / "image/pack"
NODE = make_node(
    hosts_entries=(HostsEntry(address="10.0.0.5", names=("carbondb.mysql-wso2.com",)),)
)
WANTED = WantedDriver(name="driver-2.0.jar", sha256="2" * 64, driver_class="org.example.Driver")
SYNCHRONIZER = DeploymentSynchronizer(
    enabled=True, svn_url="http://svn/", svn_user="u", svn_password=secret.literal("p")
)


def stock_files() -> dict[PurePosixPath, RemoteFile]:
    paths = (layout.AXIS2, layout.CARBON_XML, layout.CATALINA, layout.DATASOURCES)
    return {
        path: RemoteFile(data=(PACK / path).read_bytes(), mode=0o644, owner="wso2")
        for path in paths
    }


def stock(**own: Any) -> ServerFacts:
    """Return what is seen of an unpacked server."""
    values: dict[str, Any] = {
        "process": None,
        "files": stock_files(),
        "jars": (),
        "hosts": HostsFacts(data=b"127.0.0.1 localhost\n"),
        "deployment": "empty",
        "log": LogFacts(state="missing"),
        "listening": {},
    }
    return make_facts(**values | own)


def deployed(node: Node = NODE, **own: Any) -> ServerFacts:
    """Return what is seen of a server that a deploy made a member."""
    files = stock_files()
    for path in config_files.managed_files(node):
        data = config_files.patch(node, path, files[path].data).data
        files[path] = replace(files[path], data=data)
    hosts = hosts_plan(b"127.0.0.1 localhost\n", node.hosts_entries, owner=node.domain).new
    values: dict[str, Any] = {
        "process": running(),
        "record": RECORD,
        "files": files,
        "jars": (JarFacts(name=WANTED.name, sha256=WANTED.sha256, has_driver_class=True),),
        "hosts": HostsFacts(data=hosts),
        "log": LogFacts(state="readable"),
    }
    return stock(**values | own)


def planned(facts: ServerFacts, *steps: Step, node: Node = NODE, **options: Any) -> Plan:
    asked = Options(steps=frozenset(steps) or ALL_STEPS, **options)
    return plan(node, facts, options=asked, wanted=WANTED)


# ---- What is to be done


def test_a_stock_server_gets_every_step() -> None:
    made = planned(stock())
    assert [change.path for change in made.files] == [layout.AXIS2, layout.CARBON_XML]
    assert made.driver is not None
    assert made.upload == layout.LIB / "driver-2.0.jar"
    assert made.hosts is not None
    assert (made.start, made.restart, made.reason) == (True, False, "it is not running")
    assert not made.empty


def test_a_deployed_server_gets_nothing() -> None:
    made = planned(deployed())
    assert made.empty
    assert made.notes == ()


@pytest.mark.parametrize("step", list(Step))
def test_a_step_on_its_own_plans_its_own_part_only(step: Step) -> None:
    made = planned(stock(deployment="filled"), step, reset=True)
    assert bool(made.files) == (step is Step.CONFIG)
    assert bool(made.driver) == (step is Step.DRIVER)
    assert bool(made.hosts) == (step is Step.HOSTS)
    assert made.reset == (step is Step.RESET)
    assert made.start == (step is Step.START)


def test_nodes_of_one_server_leave_the_edit_of_hosts_to_the_first_of_them() -> None:
    nodes = [replace(NODE, name=f"worker{number}", server="big") for number in (1, 2)]
    elsewhere = replace(NODE, name="worker3", server="other")
    plans = [planned(stock(), Step.HOSTS, node=node) for node in (*nodes, elsewhere)]
    made = list(edit_hosts_once(plans))
    assert [one.edits_hosts for one in made] == [True, False, True]
    assert [one.empty for one in made] == [False, True, False]
    assert made[1].hosts_by == "worker1"


@pytest.mark.parametrize("what", ["they want other lines", "they saw another file"])
def test_nodes_of_one_server_edit_hosts_themselves_where(what: str) -> None:
    nodes = [replace(NODE, name=f"worker{number}", server="big") for number in (1, 2)]
    seen = b"127.0.0.1 localhost\n"
    if what == "they want other lines":
        entry = HostsEntry(address="10.0.0.6", names=("mgt.as.wso2.com",))
        nodes[1] = replace(nodes[1], hosts_entries=(entry,))
    else:
        seen = b"127.0.0.1 localhost\n10.0.0.7 other\n"
    plans = [
        planned(stock(hosts=HostsFacts(data=hosts)), Step.HOSTS, node=node)
        for node, hosts in zip(nodes, (b"127.0.0.1 localhost\n", seen), strict=True)
    ]
    assert all(one.edits_hosts for one in edit_hosts_once(plans))


def test_what_is_done_to_a_plan_makes_the_next_one_empty() -> None:
    """Idempotent in the pure part already: patched bytes patch to themselves."""
    first = planned(stock(), Step.CONFIG)
    files = stock_files() | {
        change.path: RemoteFile(data=change.new, mode=0o644, owner="wso2") for change in first.files
    }
    assert planned(stock(files=files), Step.CONFIG).empty


# ---- Restart if and only if something is newer


@pytest.mark.parametrize(
    ("facts", "reason"),
    [
        (deployed(process=None), "it is not running"),
        (deployed(files=stock_files()), "its configuration changes"),
        (deployed(jars=()), "its driver changes"),
        (deployed(journal="20260101T000000Z-ab"), "an interrupted run has to be completed"),
        (deployed(process=running(newer=("bin/a",))), "bin/a changed after its start"),
        (
            deployed(process=running(newer=("bin/a", "bin/b", "bin/c"))),
            "bin/a and 2 more changed after its start",
        ),
        (deployed(record={**RECORD, "given": "other"}), "java_home or environment changed"),
        (deployed(record={}, process=running(worker=False)), "it runs as a manager"),
        (deployed(record={}, process=running(port_offset=1)), "it runs with -DportOffset=1"),
        (
            deployed(record={}, process=running(unlike=("JAVA_HOME", "JAVA_OPTS"))),
            "it runs with another JAVA_HOME, JAVA_OPTS",
        ),
    ],
    ids=lambda one: one if isinstance(one, str) else "",
)
def test_a_server_is_started_for_a_reason_that_is_told(facts: ServerFacts, reason: str) -> None:
    made = planned(facts)
    assert made.start
    assert made.reason == reason
    assert made.restart == (facts.process is not None)


@pytest.mark.parametrize(
    "facts",
    [
        deployed(hosts=HostsFacts(data=b"127.0.0.1 localhost\n")),
        deployed(hosts=HostsFacts(leftover=True)),
        deployed(staged=True),
        deployed(deployment="filled"),
        deployed(deployment="missing"),
    ],
)
def test_a_healthy_server_is_not_restarted_for_anything_that_it_does_not_read(
    facts: ServerFacts,
) -> None:
    made = planned(facts)
    assert not made.start
    assert not made.reset


def test_force_restarts_what_needs_nothing() -> None:
    made = planned(deployed(), restart="always")
    assert made.restart
    assert made.reason == "asked for"


def test_start_alone_never_restarts_and_says_what_is_pending() -> None:
    made = planned(deployed(process=running(newer=("bin/a",))), Step.START, restart="never")
    assert not made.start
    assert made.notes == (
        "restart pending: the server runs with the old files until it is restarted",
    )


@pytest.mark.parametrize("step", [Step.CONFIG, Step.DRIVER])
def test_a_step_that_changes_a_running_server_says_that_a_restart_is_pending(step: Step) -> None:
    made = planned(stock(process=running()), step)
    assert not made.start
    assert "restart pending" in made.notes[0]


def test_a_manager_that_knows_only_itself_is_restarted_with_a_warning() -> None:
    """Its cluster splits then, and stays so: the workers find it again only when they restart."""
    itself = Member(host="10.0.0.3", port=4000)
    for members, warned in (
        ((itself,), True),
        ((itself, Member(host="10.0.0.4", port=4000)), False),
    ):
        manager = make_manager(members=members)
        facts = deployed(manager, process=running(worker=False), addresses=frozenset())
        made = planned(facts, node=manager, restart="always")
        assert any("members list only itself" in note for note in made.notes) is warned
        stop = plan_stop(manager, facts)
        assert any("members list only itself" in note for note in stop.notes) is warned
    assert plan_stop(manager, replace(facts, process=None)).notes == ()


def test_what_the_start_script_changes_is_no_reason_to_restart_for_ever() -> None:
    """A start by this tool gave it what hosts.yaml says: another start would give it the same."""
    record = {**RECORD, "given": given_digest(NODE)}
    facts = deployed(record=record, process=running(port_offset=1, unlike=("JAVA_HOME",)))
    assert planned(facts).empty
    assert planned(deployed(record=RECORD)).empty  # an older version wrote no digest


@pytest.mark.parametrize(
    ("kernel", "warned"),
    [("WSO2 Carbon Framework v4.2.0", True), ("v4.4.2", True), ("v4.4.3", False), ("4.4.8", False)],
)
def test_a_variable_that_the_kernel_ignores_is_told_before_the_start(
    kernel: str, warned: bool
) -> None:
    node = replace(NODE, environment={"JVM_MEM_OPTS": "-Xmx2g"})
    notes = planned(deployed(node, kernel=kernel), node=node, restart="always").notes
    assert any("JVM_MEM_OPTS has no effect" in note for note in notes) is warned


# ---- What was seen joining


def test_a_start_that_nobody_saw_joining_is_verified_and_not_repeated() -> None:
    made = planned(deployed(record={"pid": "4711", "ticks": "815", "run": "ab"}))
    assert made.verify
    assert not made.start


def test_a_clone_whose_record_was_cut_off_is_verified_again_which_ends_it() -> None:
    """Its first start is still noted, so it would pass for one that never joined."""
    made = planned(deployed(record=RECORD, first_start=""))
    assert made.verify
    assert not made.start
    assert not planned(deployed(record=RECORD)).verify


@pytest.mark.parametrize(
    "record",
    [{}, {**RECORD, "ticks": "816"}, {**RECORD, "pid": "4712"}],
    ids=["none", "another start", "another process"],
)
def test_a_server_that_this_tool_did_not_start_is_left_running_and_told(
    record: dict[str, str],
) -> None:
    made = planned(deployed(record=record))
    assert made.empty
    assert made.notes == ("join not verified: it was not started by this tool",)


# ---- The deployment directory


@pytest.mark.parametrize(
    ("state", "synchronized", "asked", "reset"),
    [
        ("filled", False, False, False),
        ("filled", False, True, True),
        ("filled", True, False, True),
        ("empty", True, True, False),
        ("missing", False, False, True),
        ("link", False, False, False),
        ("mount", False, False, False),
    ],
)
def test_the_deployment_directory_is_reset_where_something_refills_it_or_on_demand(
    state: DeploymentState, synchronized: bool, asked: bool, reset: bool
) -> None:
    node = replace(NODE, deployment_synchronizer=SYNCHRONIZER if synchronized else None)
    made = planned(stock(deployment=state), node=node, reset=asked)
    assert made.reset == reset
    left_alone = state == "filled" and not reset
    assert any("left alone" in note for note in made.notes) == left_alone


@pytest.mark.parametrize("state", ["link", "mount"])
@pytest.mark.parametrize("asked", [True, False])
def test_a_link_or_mount_is_never_emptied(state: DeploymentState, asked: bool) -> None:
    node = NODE if asked else replace(NODE, deployment_synchronizer=SYNCHRONIZER)
    with pytest.raises(ProvisionError, match="never emptied"):
        planned(stock(deployment=state, deployment_target="/srv/x"), node=node, reset=asked)


def test_a_deploy_that_starts_nothing_resets_nothing() -> None:
    node = replace(NODE, deployment_synchronizer=SYNCHRONIZER)
    assert not planned(deployed(node, deployment="filled"), node=node).reset


# ---- Refusals


@pytest.mark.parametrize(
    ("numbers", "said"),
    [
        ({"local_member_port": 4001}, "localMemberPort 4000 → 4001"),
        ({"offset": 2}, "Offset 0 → 2"),
        ({"local_member_port": 4001, "offset": 1}, "localMemberPort 4000 → 4001, Offset 0 → 1"),
    ],
)
def test_a_deployed_worker_is_not_renumbered_without_a_word(
    numbers: dict[str, int], said: str
) -> None:
    moved = replace(NODE, **numbers)
    with pytest.raises(ProvisionError, match="would renumber") as failure:
        planned(deployed(), node=moved)
    assert said in failure.value.seen
    assert failure.value.host == "worker1"
    assert planned(deployed(), node=moved, renumber=True).restart


@pytest.mark.parametrize(
    ("path", "old", "new"),
    [
        (layout.AXIS2, b">4000<", b">${LOCAL_MEMBER_PORT}<"),
        (layout.CARBON_XML, b"<Offset>0<", b"<Offset>${portOffset}<"),
    ],
)
def test_a_placeholder_is_no_number_to_protect(path: PurePosixPath, old: bytes, new: bytes) -> None:
    """What hosts.yaml says is written over it, also on a worker that is deployed."""
    facts = deployed()
    file = facts.files[path]
    data = file.data.replace(old, new)
    assert data != file.data
    changed = replace(facts, files={**facts.files, path: replace(file, data=data)})
    assert [change.path for change in planned(changed).files] == [path]


def test_a_placeholder_in_one_file_does_not_unprotect_the_other() -> None:
    facts = deployed()
    file = facts.files[layout.CARBON_XML]
    data = file.data.replace(b"<Offset>0<", b"<Offset>${portOffset}<")
    changed = replace(facts, files={**facts.files, layout.CARBON_XML: replace(file, data=data)})
    with pytest.raises(ProvisionError, match="localMemberPort 4000 → 4001"):
        planned(changed, node=replace(NODE, local_member_port=4001))


def test_a_renumbered_worker_leaves_the_cluster_under_its_old_port() -> None:
    moved = planned(deployed(), node=replace(NODE, local_member_port=4001), renumber=True)
    assert moved.as_running.local_member_port == 4000
    assert moved.node.local_member_port == 4001
    assert planned(stock(files={}), Step.HOSTS).as_running == NODE


def test_a_stock_server_or_a_clone_gets_its_numbers_without_a_word() -> None:
    """Clustering is off in the one, the other still has its source's address."""
    moved = replace(NODE, local_member_port=4001, offset=1)
    assert planned(stock(), node=moved).start
    source = replace(NODE, local_member_host="10.0.0.77")
    assert planned(deployed(source), node=moved).start


@pytest.mark.parametrize(
    ("own", "said"),
    [
        ({"symlinks": frozenset({str(layout.CARBON_XML)})}, "symbolic link"),
        ({"unreadable": frozenset({str(layout.CARBON_XML)}), "files": {}}, "cannot be read"),
        ({"files": {}}, "it is not there"),
    ],
)
def test_a_file_that_cannot_be_swapped_safely_is_refused_by_name(
    own: dict[str, Any], said: str
) -> None:
    axis2 = {layout.AXIS2: stock_files()[layout.AXIS2]}
    facts = stock(**{"files": stock_files(), **own})
    if not facts.files:
        facts = replace(facts, files=axis2)
    with pytest.raises(ConfigFileError, match=said) as failure:
        planned(facts, Step.CONFIG)
    assert failure.value.file == str(layout.CARBON_XML)
    assert failure.value.host == "worker1"


def test_a_name_that_is_mapped_elsewhere_is_refused_for_the_hosts_step_only() -> None:
    facts = stock(hosts=HostsFacts(data=b"192.0.2.7 carbondb.mysql-wso2.com\n"))
    with pytest.raises(UnfitError, match=r"/etc/hosts:1 maps"):
        planned(facts)
    assert planned(facts, Step.CONFIG).files


def test_an_open_journal_is_closed_by_the_steps_that_change_files() -> None:
    facts = deployed(journal="20260101T000000Z-ab")
    assert planned(facts, Step.CONFIG).finish_swap
    assert not planned(facts, Step.HOSTS).finish_swap
