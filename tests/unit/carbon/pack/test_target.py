"""What keeps a pack from landing, and what is only a note."""

from __future__ import annotations

from pathlib import Path

import pytest

from carbon.clone.contents import Entry
from carbon.clone.target import Site
from carbon.cluster import Pack
from carbon.pack.archive import Contents, Member
from carbon.pack.target import differing, jdk_note, unfit_target
from tests.unit.carbon.looks import make_facts, running
from tests.unit.carbon.nodes import make_cluster, make_node

NODE = make_node()
CONTENTS = Contents(
    pack=Pack(file=Path("x.zip")),
    top="x",
    members=(
        Member(path="bin", is_directory=True, mode=0o755),
        Member(path="bin/a", is_directory=False, mode=0o644, size=3),
    ),
    kernel="v4.4.1",
)


def refused(site: Site, *, replacing: bool = False, **own: object) -> str:
    facts = make_facts(**{"process": None, "present": frozenset(), **own})
    errors = unfit_target(
        NODE, facts, site, CONTENTS, replacing=replacing, cluster=make_cluster(NODE)
    )
    return "\n".join(error.seen for error in errors)


def test_an_empty_place_is_fit() -> None:
    assert refused(Site(state="absent", parent="writable")) == ""


@pytest.mark.parametrize(
    ("site", "own", "said"),
    [
        (Site(state="absent", parent="missing"), {}, "does not exist"),
        (Site(state="absent", parent="closed"), {}, "may not write"),
        (Site(state="mount", parent="writable"), {}, "mount point"),
        (Site(state="filled", parent="writable"), {}, "is not a Carbon installation"),
        (Site(state="absent", parent="writable"), {"disk_free_kb": 10}, "MB are needed"),
        (Site(state="absent", parent="writable"), {"java_home": None}, "no bin/java"),
    ],
)
def test_what_would_fail_is_refused_before_anything_is_sent(
    site: Site, own: dict[str, object], said: str
) -> None:
    assert said in refused(site, **own)


def test_a_running_server_is_never_replaced() -> None:
    site = Site(state="filled", parent="writable")
    assert "never replaced" in refused(site, replacing=True, process=running())
    assert refused(site, replacing=True) == ""


@pytest.mark.parametrize(
    ("kernel", "version", "noted"),
    [
        ("v4.2.0", "1.7.0_80", False),
        ("v4.4.1", "1.8.0_392", False),
        ("v4.4.1", "17.0.2", True),
        ("", "17.0.2", False),
        ("v4.4.1", "", False),
    ],
)
def test_a_jdk_that_the_kernel_is_not_made_for_is_a_note(
    kernel: str, version: str, noted: bool
) -> None:
    assert bool(jdk_note(kernel, version)) is noted


def test_what_came_is_compared_by_kind_mode_and_size() -> None:
    listed = [
        Entry(path=".", kind="directory", mode=0o750),
        Entry(path="bin", kind="directory", mode=0o755, size=4096),
        Entry(path="bin/a", kind="file", mode=0o644, size=3),
    ]
    assert differing(CONTENTS, listed) == ()
    assert differing(CONTENTS, listed[:-1]) == ("bin/a",)
    cut = Entry(path="bin/a", kind="file", mode=0o644, size=2)
    more = Entry(path="bin/b", kind="link", mode=0o777)
    assert differing(CONTENTS, [*listed[:-1], cut, more]) == ("bin/a", "bin/b")
