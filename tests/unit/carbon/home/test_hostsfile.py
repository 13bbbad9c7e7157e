"""/etc/hosts: our block is ours, and every other byte is somebody else's."""

from __future__ import annotations

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from carbon.cluster import HostsEntry
from carbon.errors import InventoryError, UnfitError
from carbon.home.hostsfile import plan, remove

OWNER = "wso2.as.domain"
DATABASE = HostsEntry(address="10.0.0.5", names=("carbondb.mysql-wso2.com",))
MANAGER = HostsEntry(address="10.0.0.3", names=("mgt.as.wso2.com",))
STOCK = (
    b"127.0.0.1\tlocalhost\n"
    b"127.0.1.1\tworker1.example.com worker1\n"
    b"\n"
    b"# IPv6\n"
    b"::1     ip6-localhost ip6-loopback\n"
)
BLOCK = (
    b"# carbon-provision: begin wso2.as.domain\n"
    b"# Managed by carbon-provision: what stands between these two lines is replaced.\n"
    b"10.0.0.5\tcarbondb.mysql-wso2.com\n"
    b"10.0.0.3\tmgt.as.wso2.com\n"
    b"# carbon-provision: end wso2.as.domain\n"
)


def entry(address: str, *names: str) -> HostsEntry:
    return HostsEntry(address=address, names=names)


def test_a_missing_block_is_appended_once() -> None:
    made = plan(STOCK, [DATABASE, MANAGER], owner=OWNER)
    assert made.new == STOCK + BLOCK
    assert made.changed
    assert made.added == ("10.0.0.5\tcarbondb.mysql-wso2.com", "10.0.0.3\tmgt.as.wso2.com")
    assert made.removed == ()


def test_a_second_run_changes_nothing() -> None:
    made = plan(STOCK + BLOCK, [DATABASE, MANAGER], owner=OWNER)
    assert made.new == STOCK + BLOCK
    assert not made.changed
    assert made.added == made.removed == ()


def test_a_changed_block_is_replaced_where_it_stands() -> None:
    after = b"10.9.9.9 later\n"
    moved = entry("10.0.0.6", "carbondb.mysql-wso2.com")
    made = plan(STOCK + BLOCK + after, [moved, MANAGER], owner=OWNER)
    assert made.new == STOCK + BLOCK.replace(b"10.0.0.5", b"10.0.0.6") + after
    assert made.added == ("10.0.0.6\tcarbondb.mysql-wso2.com",)
    assert made.removed == ("10.0.0.5\tcarbondb.mysql-wso2.com",)


def test_what_somebody_wrote_into_the_block_is_lost_and_told() -> None:
    meddled = BLOCK.replace(b"10.0.0.3\t", b"10.7.7.7 mine\n10.0.0.3\t")
    made = plan(STOCK + meddled, [DATABASE, MANAGER], owner=OWNER)
    assert made.new == STOCK + BLOCK
    assert made.removed == ("10.7.7.7 mine",)


def test_without_entries_there_is_no_block() -> None:
    made = remove(STOCK + BLOCK, owner=OWNER)
    assert made.new == STOCK
    assert made.removed == ("10.0.0.5\tcarbondb.mysql-wso2.com", "10.0.0.3\tmgt.as.wso2.com")
    assert not remove(STOCK, owner=OWNER).changed


def test_a_missing_final_newline_is_added_before_the_block() -> None:
    made = plan(b"127.0.0.1 localhost", [DATABASE, MANAGER], owner=OWNER)
    assert made.new == b"127.0.0.1 localhost\n" + BLOCK


def test_an_empty_file_gets_only_the_block() -> None:
    assert plan(b"", [DATABASE, MANAGER], owner=OWNER).new == BLOCK


def test_several_names_of_one_address_share_a_line() -> None:
    made = plan(b"", [entry("10.0.0.3", "a", "b"), entry("10.0.0.3", "c", "a")], owner=OWNER)
    assert b"\n10.0.0.3\ta b c\n" in made.new


def test_addresses_are_written_in_one_spelling() -> None:
    assert b"\nfd00::4\ta\n" in plan(b"", [entry("FD00:0::4", "a")], owner=OWNER).new


def test_each_owner_has_a_block_of_its_own() -> None:
    first = plan(STOCK, [DATABASE], owner="one").new
    both = plan(first, [MANAGER], owner="one two").new
    assert both.startswith(first)
    assert plan(both, [DATABASE], owner="one").new == both
    assert remove(both, owner="one two").new == first
    assert remove(remove(both, owner="one").new, owner="one two").new == STOCK


def test_a_block_with_foreign_line_ends_is_still_ours() -> None:
    """Somebody may have saved the file with CRLF: the block is found, and written anew."""
    made = plan((STOCK + BLOCK).replace(b"\n", b"\r\n"), [DATABASE, MANAGER], owner=OWNER)
    assert made.new == STOCK.replace(b"\n", b"\r\n") + BLOCK
    assert made.added == made.removed == ()


# Names that others map


def test_a_name_mapped_to_another_address_is_an_error_that_shows_the_line() -> None:
    current = STOCK + b"10.9.9.9\tdb MGT.as.wso2.com # old\n"
    with pytest.raises(UnfitError) as caught:
        plan(current, [DATABASE, MANAGER], owner=OWNER)
    assert "/etc/hosts:6 maps mgt.as.wso2.com to 10.9.9.9" in caught.value.seen
    assert "10.9.9.9\tdb MGT.as.wso2.com # old" in caught.value.seen
    assert caught.value.action


def test_a_name_mapped_twice_by_others_is_an_error_though_one_is_right() -> None:
    current = b"10.0.0.3 mgt.as.wso2.com\n10.9.9.9 mgt.as.wso2.com\n"
    with pytest.raises(UnfitError, match="/etc/hosts:2 "):
        plan(current, [MANAGER], owner=OWNER)


def test_a_name_that_others_map_to_the_same_address_is_left_to_them() -> None:
    current = STOCK + b"10.0.0.3 mgt.as.wso2.com\n"
    made = plan(current, [DATABASE, MANAGER], owner=OWNER)
    assert made.added == ("10.0.0.5\tcarbondb.mysql-wso2.com",)
    assert made.new.count(b"mgt.as.wso2.com") == 1
    assert not plan(current, [MANAGER], owner=OWNER).changed


def test_a_name_in_another_block_of_this_tool_is_repeated() -> None:
    """The other cluster's block may be removed one day, and ours must still stand."""
    other = plan(STOCK, [DATABASE], owner="other").new
    made = plan(other, [DATABASE], owner=OWNER)
    assert made.added == ("10.0.0.5\tcarbondb.mysql-wso2.com",)


def test_another_block_of_this_tool_may_conflict_too() -> None:
    other = plan(STOCK, [entry("10.9.9.9", *DATABASE.names)], owner="other").new
    with pytest.raises(UnfitError, match=r"10\.9\.9\.9"):
        plan(other, [DATABASE], owner=OWNER)


@pytest.mark.parametrize(
    "line",
    [
        b"# 10.9.9.9 mgt.as.wso2.com\n",
        b"10.9.9.9 other # mgt.as.wso2.com\n",
        b"10.9.9.9 xmgt.as.wso2.com mgt.as.wso2.com.au\n",
        b"mgt.as.wso2.com\n",
    ],
)
def test_a_comment_or_a_similar_name_is_no_mapping(line: bytes) -> None:
    assert plan(line, [MANAGER], owner=OWNER).new.startswith(line + b"# carbon-provision: begin")


def test_an_own_line_is_no_conflict() -> None:
    made = plan(STOCK + BLOCK, [entry("10.9.9.9", "mgt.as.wso2.com")], owner=OWNER)
    assert made.added == ("10.9.9.9\tmgt.as.wso2.com",)


# Damage

BEGIN, _, _, _, END, _ = BLOCK.split(b"\n")


@pytest.mark.parametrize(
    ("current", "line"),
    [
        (BEGIN + b"\n10.0.0.5 x\n", 1),
        (b"127.0.0.1 localhost\n" + END + b"\n", 2),
        (BLOCK + BLOCK, 6),
        (BEGIN + b"\n" + BLOCK, 1),
        (BLOCK + END + b"\n", 6),
        (BLOCK.replace(b"end wso2.as.domain", b"end other"), 5),
        (BLOCK.replace(b"wso2.as.domain", b"other") + b"# carbon-provision: begin other\n", 6),
    ],
)
def test_marker_lines_that_do_not_pair_are_refused_with_their_line(
    current: bytes, line: int
) -> None:
    with pytest.raises(UnfitError, match=rf"/etc/hosts:{line}: a block of this tool") as caught:
        plan(current, [DATABASE], owner=OWNER)
    assert "by hand" in caught.value.action


# Values


@pytest.mark.parametrize(
    "wrong",
    [
        entry("10.0.0.300", "a"),
        entry("db", "a"),
        entry("10.0.0.1\n10.0.0.2 x", "a"),
        entry("fe80::1%eth0", "a"),
        entry("", "a"),
        entry("10.0.0.1", "a b"),
        entry("10.0.0.1", "a\nb"),
        entry("10.0.0.1", "a\n"),
        entry("10.0.0.1", "a#b"),
        entry("10.0.0.1", "-a"),
        entry("10.0.0.1", ""),
        entry("10.0.0.1", "é"),
        entry("10.0.0.1", "$(reboot)"),
        entry("10.0.0.1", "a" * 10_000),
    ],
)
def test_a_value_that_is_no_address_or_name_never_reaches_the_file(wrong: HostsEntry) -> None:
    with pytest.raises(InventoryError):
        plan(STOCK, [wrong], owner=OWNER)


@pytest.mark.parametrize("owner", ["", " ", "a\nb", " a", "a ", "a\0b", "a\x85b", "a\u2028b"])
def test_an_owner_that_would_break_its_marker_line_is_refused(owner: str) -> None:
    with pytest.raises(InventoryError):
        plan(STOCK, [DATABASE], owner=owner)


def test_one_name_at_two_addresses_is_refused() -> None:
    with pytest.raises(InventoryError, match=r"A is to be mapped to both 10\.0\.0\.1 and 10"):
        plan(b"", [entry("10.0.0.1", "a"), entry("10.0.0.2", "A")], owner=OWNER)


# Properties

others = st.one_of(
    st.binary(max_size=200),
    st.lists(
        st.sampled_from(
            [
                b"127.0.0.1\tlocalhost\n",
                b"::1 ip6-localhost\r\n",
                b"# caf\xe9 \xff\n",
                b"\n",
                b"\t \n",
                b"10.0.0.9 x y\x0bz\n",
                b"10.0.0.9\rx\n",
                b"no newline",
            ]
        )
    ).map(b"".join),
)
labels = st.from_regex(r"[a-z][a-z0-9-]{0,8}[a-z0-9]", fullmatch=True)
entries = st.dictionaries(
    labels.map(lambda label: f"{label}.example"), st.ip_addresses().map(str), max_size=4
).map(lambda mapped: [entry(address, name) for name, address in mapped.items()])
owners = st.text(st.characters(exclude_categories=["C", "Z"]), min_size=1, max_size=20)


def planned(current: bytes, wanted: list[HostsEntry], owner: str) -> bytes:
    try:
        return plan(current, wanted, owner=owner).new
    except UnfitError:
        assume(False)
        raise


@given(others, entries, owners)
def test_the_bytes_of_others_are_never_touched(
    current: bytes, wanted: list[HostsEntry], owner: str
) -> None:
    new = planned(current, wanted, owner)
    assert new.startswith(current)
    added = new.removeprefix(current)
    assert added == b"" or added.removeprefix(b"\n").startswith(b"# carbon-provision: begin ")


@given(others, entries, owners)
def test_planning_twice_is_planning_once(
    current: bytes, wanted: list[HostsEntry], owner: str
) -> None:
    once = planned(current, wanted, owner)
    again = plan(once, wanted, owner=owner)
    assert again.new == once
    assert not again.changed


@given(others, entries, entries, others, owners)
def test_removing_the_block_leaves_exactly_the_others(
    before: bytes, first: list[HostsEntry], second: list[HostsEntry], after: bytes, owner: str
) -> None:
    """Whatever was done to the block; only a missing final newline stays added."""
    with_block = planned(before, first, owner)
    replaced = planned(with_block + after, second, owner) if first else with_block + after
    removed = remove(replaced, owner=owner).new
    newline = b"\n" if with_block != before and before and not before.endswith(b"\n") else b""
    assert removed in (before + newline + after, before + newline + after + b"\n")


@given(others, entries, owners)
def test_every_wanted_name_is_mapped_in_the_end(
    current: bytes, wanted: list[HostsEntry], owner: str
) -> None:
    lines = planned(current, wanted, owner).decode("latin-1").split("\n")
    mapped = {
        (name.lower(), line.split()[0])
        for line in (text.split("#")[0] for text in lines)
        for name in line.split()[1:]
    }
    for one in wanted:
        assert (one.names[0], one.address) in mapped


def test_a_name_may_have_an_address_of_each_family() -> None:
    """Dual stack: `::1` or a site's IPv6 line beside ours is no contradiction, and no answer."""
    current = b"fd00::5 carbondb.example.com\n"
    planned = plan(current, [entry("10.0.0.5", "carbondb.example.com")], owner="d")
    assert planned.added == ("10.0.0.5\tcarbondb.example.com",)
    with pytest.raises(UnfitError):
        plan(current, [entry("fd00::6", "carbondb.example.com")], owner="d")


def test_a_block_with_the_note_of_an_earlier_version_stays_until_its_mappings_change() -> None:
    note = BLOCK.splitlines(keepends=True)[1]
    earlier = BLOCK.replace(
        note, b'# Written by "fab hosts": what stands between these two lines is replaced.\n'
    )
    assert not plan(earlier, [DATABASE, MANAGER], owner=OWNER).changed
    changed = plan(earlier, [DATABASE], owner=OWNER)
    assert note in changed.new
    assert b"fab hosts" not in changed.new
