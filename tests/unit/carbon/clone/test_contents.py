"""What of a home travels, whether it may, and whether it arrived."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import Any

import pytest

from carbon.clone import contents, target
from carbon.clone.contents import Entry, Selection
from carbon.clone.target import Site
from carbon.clone.tarstream import Kind
from carbon.cluster import DeploymentSynchronizer
from carbon.errors import ScriptError
from carbon.home import layout
from carbon.home.facts import RemoteFile, ServerFacts
from carbon.plan.model import Plan
from carbon.secret import Secret
from carbon.value import replace
from tests.unit.carbon.looks import running
from tests.unit.carbon.nodes import make_cluster, make_node

SOURCE = make_node("worker1")
NODE = make_node("worker3", local_member_host="10.0.0.6", home=PurePosixPath("/opt/wso2/as"))
FREE = Site(state="absent", parent="writable")
H2 = "jdbc:h2:repository/database/WSO2CARBON_DB;DB_CLOSE_ON_EXIT=FALSE"


def entry(path: str, kind: Kind = "file", **own: Any) -> Entry:
    values: dict[str, Any] = {"mode": 0o644, "size": 1 if kind == "file" else 0}
    return Entry(path=path, kind=kind, **values | own)


def selection(*entries: Entry) -> Selection:
    return Selection(entries=entries)


def facts(**own: Any) -> ServerFacts:
    values: dict[str, Any] = {
        "name": "worker3",
        "user": "deploy",
        "now": 0.0,
        "seen_at": 0.0,
        "home_real": None,
        "disk_free_kb": 1 << 20,
        "java_home": PurePosixPath("/opt/java"),
    }
    return ServerFacts(**values | own)


def datasources(*urls: str) -> bytes:
    listed = "".join(
        f"<datasource><name>DB{n}</name><definition><configuration><url>{url}</url>"
        "</configuration></definition></datasource>"
        for n, url in enumerate(urls)
    )
    within = f"<datasources>{listed}</datasources>"
    return f"<datasources-configuration>{within}</datasources-configuration>".encode()


def plan_with(*urls: str, node: Any = NODE) -> Plan:
    file = RemoteFile(data=datasources(*urls), mode=0o644, owner="deploy")
    return Plan(node=node, facts=facts(files={layout.DATASOURCES: file}))


def reasons(
    site: Site = FREE,
    *,
    found: ServerFacts | None = None,
    need_bytes: int = 1000,
    replacing: bool = False,
    source_site: Site | None = None,
    **cluster: Any,
) -> list[str]:
    errors = target.unfit_target(
        NODE,
        found or facts(),
        site,
        source=SOURCE,
        source_site=source_site or Site(state="filled", parent="writable", identity="boot 1 2"),
        need_bytes=need_bytes,
        replacing=replacing,
        cluster=make_cluster(SOURCE, NODE, **cluster),
    )
    assert all(error.host == "worker3" and error.action for error in errors)
    return [f"{error.seen} → {error.action}" for error in errors]


# ---- Lists


def test_a_listing_is_read_with_any_names() -> None:
    listed = (
        "d r 750 4096\0\0\0d r 755 4096\0bin\0\0f r 4755 12\0bin/a b\0\0f - 600 1\0key\nx\0\0"
        "l r 777 5\0bin/link\0a b\0s r 755 0\0socket\0\0"
    )
    assert contents.parse_listing(listed.encode(), name="worker1") == (
        entry(".", "directory", mode=0o750),
        entry("bin", "directory", mode=0o755),
        entry("bin/a b", mode=0o755, size=12),
        entry("key\nx", mode=0o600, readable=False),
        entry("bin/link", "link", mode=0o777, link="a b"),
    )


def test_names_that_are_not_utf_8_come_back_as_they_were() -> None:
    _, found = contents.parse_listing(b"d r 755 0\0\0\0f r 644 1\0\xe4\0\0", name="worker1")
    assert selection(found).names == b"./\xe4\0"


@pytest.mark.parametrize(
    "answer",
    [b"f r 644 1\0x", b"f r 644 1\0x\0", b"f r 644 1\0x\0\0f", b"oops\0\0\0", b"f r x y\0x\0\0"],
)
def test_a_listing_that_is_not_whole_is_refused(answer: bytes) -> None:
    with pytest.raises(ScriptError, match="did not arrive whole"):
        contents.parse_listing(answer, name="worker1")


@pytest.mark.parametrize(
    "entries",
    [
        "l r 777 1\0a\0.\0f r 644 1\0a/b\0\0",
        "f r 644 1\0a\0\0f r 644 1\0a/b\0\0",
        "f r 644 1\0a/b\0\0",
        "l r 777 1\0a\0b\0d r 755 1\0a\0\0",
        "f r 644 1\0../a\0\0",
        "f r 644 1\0/etc/passwd\0\0",
        "d r 755 1\0a\0\0d r 755 1\0a/..\0\0f r 644 1\0a/../b\0\0",
        "d r 755 1\0a\0\0f r 644 1\0a//b\0\0",
        "d r 755 1\0a\0\0f r 644 1\0a/\0\0",
    ],
    ids=[
        "link",
        "file",
        "no parent",
        "twice",
        "climbing",
        "absolute",
        "dots",
        "slashes",
        "no name",
    ],
)
def test_a_listing_that_no_directory_can_have_is_refused(entries: str) -> None:
    with pytest.raises(ScriptError, match="cannot be that of a directory"):
        contents.parse_listing(f"d r 755 0\0\0\0{entries}".encode(), name="worker1")


def test_the_home_itself_is_asked_for_by_its_own_name() -> None:
    assert selection(entry(".", "directory"), entry("-x")).names == b".\0./-x\0"


# ---- What travels


def paths(*entries: Entry, databases: tuple[PurePosixPath, ...] = ()) -> list[str]:
    return [one.path for one in contents.select(entries, databases=databases).entries]


def test_a_link_in_the_place_of_a_directory_that_stays_empty_does_not_travel() -> None:
    """Logs on another disk are common; the clone gets a directory of its own."""
    logs = entry("repository/logs", "link", link="/var/log/wso2")
    assert paths(logs, entry("tmp", "directory"), entry("bin", "link", link="b")) == ["tmp", "bin"]


def test_a_local_database_stays_wherever_it_is() -> None:
    """Copied from a running server it would be half a database, and another node's state."""
    found = [entry("data/DB.h2.db"), entry("data/DB.lock.db"), entry("data/DBX.txt")]
    assert paths(*found, databases=(PurePosixPath("data/DB"),)) == ["data/DBX.txt"]


def test_nothing_is_pruned_from_a_list_that_would_travel() -> None:
    assert all(not layout.travels(f"{directory}/x") for directory in contents.PRUNED)
    assert "tmp" in contents.PRUNED


def test_the_size_of_the_stream_counts_headers_and_whole_blocks() -> None:
    chosen = selection(entry(".", "directory"), entry("a", size=513))
    assert chosen.content_bytes == 513
    assert chosen.stream_bytes == 512 + 512 + 1024


def unfit(*entries: Entry) -> list[str]:
    errors = contents.unfit_selection(selection(*entries), source=SOURCE, user="deploy")
    assert all(error.host == "worker1" and error.action for error in errors)
    return [error.seen for error in errors]


def test_a_home_of_plain_files_and_inner_links_is_fit() -> None:
    assert unfit(entry("."), entry("bin/a"), entry("bin/b", "link", link="../lib/c")) == []


def test_links_out_of_the_home_are_named() -> None:
    outward = [entry(f"x{n}", "link", link="/etc") for n in range(7)]
    assert unfit(*outward) == [
        "these links may lead out of AS_HOME: x0 -> /etc, x1 -> /etc, x2 -> /etc, x3 -> /etc,"
        " x4 -> /etc and 2 more"
    ]


def test_files_that_the_account_cannot_read_are_named() -> None:
    assert unfit(entry("bin/a", readable=False)) == ["deploy cannot read bin/a"]


def test_names_with_line_ends_are_named_in_one_line() -> None:
    assert unfit(entry("a\nb")) == [r"line ends are part of these names: a\nb"]


# ---- Whether it arrived


def compared(source: list[Entry], target: list[Entry], sums: dict[str, str] | None = None) -> Any:
    same = {one.path: "1 1" for one in source}
    return contents.compare(
        selection(*source),
        selection(*target),
        source_checksums=same,
        target_checksums=same | (sums or {}),
    )


def test_two_homes_that_are_alike_differ_in_nothing() -> None:
    home = [entry(".", "directory"), entry("a"), entry("l", "link", link="a", mode=0o777)]
    other = [*home[:2], replace(home[2], mode=0o755)]
    assert compared(home, other).paths == ()


@pytest.mark.parametrize(
    "other",
    [
        entry("a", mode=0o755),
        entry("a", size=2),
        entry("a", "link", link="b"),
        entry("a", "directory"),
        entry("b"),
    ],
)
def test_whatever_differs_is_sent_again(other: Entry) -> None:
    found = compared([entry("a")], [other])
    assert [one.path for one in found.stale.entries] == ["a"]


def test_a_file_of_the_same_size_and_another_content_is_sent_again() -> None:
    assert [
        one.path for one in compared([entry("a")], [entry("a")], {"a": "2 1"}).stale.entries
    ] == ["a"]


def test_links_are_removed_before_anything_is_sent_again_and_come_last() -> None:
    link, changed = entry("l", "link", link="a"), entry("a", size=2)
    found = compared([link, changed], [link, entry("a")])
    assert found.surplus == ("l",)
    assert found.stale.names == b"./a\0./l\0"
    assert found.paths == ("a",)


def test_what_the_source_has_no_more_or_as_another_type_is_removed_first() -> None:
    found = compared([entry("a")], [entry("a", "directory"), entry("gone")])
    assert found.surplus == ("a", "gone")
    assert found.summary == "a, gone"


def test_checksums_are_read_by_path() -> None:
    answer = b"4294967295 0 ./a b\n12 7 ./c\\d\nnoise\n"
    assert contents.parse_checksums(answer) == {"a b": "4294967295 0", "c\\d": "12 7"}


# ---- Where it goes


def test_a_free_place_is_fit() -> None:
    assert reasons() == []
    assert reasons(Site(state="empty", parent="writable", identity="boot 1 3")) == []


def test_an_existing_home_is_refused_with_the_option_that_keeps_it_aside() -> None:
    filled = Site(state="filled", parent="writable", identity="boot 1 3")
    (reason,) = reasons(filled)
    assert "there is an AS_HOME at /opt/wso2/as already" in reason
    assert "--replace to keep it aside as /opt/wso2/as.provision-kept" in reason
    assert reasons(filled, replacing=True) == []


def test_a_home_whose_server_runs_is_never_replaced() -> None:
    found = facts(home_real=PurePosixPath("/opt/wso2/as"), process=running())
    filled = Site(state="filled", parent="writable")
    (reason,) = reasons(filled, found=found, replacing=True)
    assert "a server runs from /opt/wso2/as (pid 4711)" in reason
    assert "fab -H worker3 stop" in reason


def test_the_sources_own_directory_is_recognised_under_another_name() -> None:
    """Two entries of hosts.yaml for one directory: keeping it aside would move the source away."""
    same = Site(state="filled", parent="writable", identity="boot 1 2")
    (reason,) = reasons(same, replacing=True)
    assert "the very directory of worker1" in reason


@pytest.mark.parametrize(
    ("site", "seen"),
    [
        (Site(state="absent", parent="missing"), "the directory /opt/wso2 does not exist"),
        (Site(state="absent", parent="closed"), "deploy may not write in /opt/wso2"),
        (Site(state="mount", parent="writable"), "/opt/wso2/as is a mount point"),
    ],
)
def test_a_place_that_no_rename_can_reach_is_refused(site: Site, seen: str) -> None:
    (reason,) = reasons(site)
    assert seen in reason


def test_space_is_counted_with_what_a_broken_run_left_and_goes_first() -> None:
    found = facts(disk_free_kb=60 * 1024)
    (reason,) = reasons(found=found, need_bytes=40 << 20)
    assert "60 MB are free at /opt/wso2, 90 MB are needed" in reason
    left = Site(state="absent", parent="writable", leftover_kb=30 * 1024)
    assert reasons(left, found=found, need_bytes=40 << 20) == []


def test_taken_ports_are_refused_with_free_values_as_lines_for_hosts_yaml() -> None:
    found = facts(listening={4000: "other", 9763: "other", 9443: "other"})
    (reason,) = reasons(found=found)
    assert "localMemberPort 4000, HTTP port 9763, HTTPS port 9443" in reason
    assert "\n      Offset: 1\n      localMemberPort: 4001" in reason


# ---- What it will be, and what it was


def test_what_will_land_is_judged_by_the_sources_files_on_the_targets_machine() -> None:
    source = facts(
        name="worker1",
        home_real=PurePosixPath("/opt/as"),
        present=frozenset({"bin/wso2server.sh"}),
        generations=(),
        java_home=None,
        record={"pid": "1"},
    )
    machine = facts(addresses=frozenset({"10.0.0.6"}), home_blocked=True, listening={4000: "other"})
    made = target.as_cloned(NODE, machine, source)
    assert made.home_real == NODE.home
    assert made.home_writable and not made.home_blocked
    assert made.present == source.present
    assert made.java_home == machine.java_home
    assert made.addresses == machine.addresses
    assert made.process is None and made.record == {} and made.listening == {}


def test_a_source_with_an_open_journal_is_none() -> None:
    """Its files are a mixture of two configurations."""
    found = facts(
        home_real=PurePosixPath("/opt/as"), present=frozenset({str(layout.SCRIPT)}), journal="x"
    )
    (error,) = target.unfit_source(SOURCE, found, cluster=make_cluster())
    assert "a mixture" in error.seen
    assert "fab -H worker1 deploy" in error.action
    assert target.unfit_source(SOURCE, replace(found, journal=None), cluster=make_cluster()) == []


def test_a_source_must_be_a_home() -> None:
    assert "does not exist" in target.unfit_source(SOURCE, facts(), cluster=make_cluster())[0].seen
    empty = facts(home_real=PurePosixPath("/opt/as"))
    assert (
        "has no bin/wso2server.sh"
        in target.unfit_source(SOURCE, empty, cluster=make_cluster())[0].seen
    )


def test_a_clone_that_is_there_already_is_not_copied_again_unless_it_is_to_be_replaced() -> None:
    done = facts(home_real=PurePosixPath("/opt/wso2/as"), cloned={"source": "worker1"})
    assert target.resumes(done, SOURCE, replacing=False)
    assert not target.resumes(done, SOURCE, replacing=True)
    assert not target.resumes(replace(done, cloned={"source": "worker2"}), SOURCE, replacing=False)
    assert not target.resumes(facts(), SOURCE, replacing=False)
    unfinished = replace(done, process=running(), first_start="")
    assert target.resumes(unfinished, SOURCE, replacing=True)


def test_artifacts_stay_behind_and_that_is_said_where_nothing_refills_them() -> None:
    synchronizer = DeploymentSynchronizer(
        enabled=True, svn_url="x", svn_user="y", svn_password=Secret("literal", "z")
    )
    assert "deploy its artifacts there" in target.notes(NODE)[0]
    assert target.notes(replace(NODE, deployment_synchronizer=synchronizer)) == ()


# ---- Local databases


@pytest.mark.parametrize(
    "url",
    [
        H2,
        "jdbc:h2:./repository/database/X",
        "jdbc:h2:file:repository/database/X",
        "jdbc:h2:${carbon.home}/repository/database/X",
        "jdbc:h2:~/x",
    ],
)
def test_a_node_with_a_local_database_needs_its_tables_made(url: str) -> None:
    assert target.needs_setup(plan_with("jdbc:mariadb://db/x", url))


@pytest.mark.parametrize(
    "url", ["jdbc:mariadb://db/x", "jdbc:h2:mem:x", "jdbc:h2:tcp://db/x", "jdbc:h2:ssl://db/x"]
)
def test_a_node_without_one_does_not(url: str) -> None:
    assert not target.needs_setup(plan_with(url))
    assert not target.needs_setup(Plan(node=NODE, facts=facts()))


def test_databases_in_the_home_are_known_by_their_relative_path() -> None:
    text = datasources(H2, "jdbc:h2:./data/X", "jdbc:h2:/var/x", "jdbc:h2:~/x", "jdbc:h2:mem:x")
    assert [str(path) for path in target.relative_databases(text)] == [
        "repository/database/WSO2CARBON_DB",
        "data/X",
    ]


def test_a_database_that_both_servers_would_open_is_refused() -> None:
    """H2 lets in one server only: the clone would not start, or its source not again."""
    inside = plan_with("jdbc:h2:/opt/as/repository/database/X")
    (error,) = target.unfit_databases(inside, source=SOURCE)
    assert "DB0 is /opt/as/repository/database/X on worker1 and on worker3" in error.seen
    outside = plan_with("jdbc:h2:/var/x")
    assert target.unfit_databases(outside, source=SOURCE) == []
    neighbour = replace(NODE, server="worker1")
    shared = plan_with("jdbc:h2:/var/x", node=neighbour)
    assert len(target.unfit_databases(shared, source=SOURCE)) == 1
    assert target.unfit_databases(plan_with(H2, node=neighbour), source=SOURCE) == []
