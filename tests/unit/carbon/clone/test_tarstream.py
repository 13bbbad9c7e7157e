"""A tar stream may hold what was asked for, and cannot leave its directory."""

from __future__ import annotations

import io
import os
import subprocess
import tarfile
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from carbon.clone.tarstream import Kind, TarWatch, archived_bytes, leads_out
from carbon.errors import ScriptError

HOME: Mapping[str, Kind] = {
    ".": "directory",
    "bin": "directory",
    "bin/run.sh": "file",
    "bin/link": "link",
}
PLENTY = 1 << 20
LONG = "n" * 120


def archive(*members: tarfile.TarInfo) -> bytes:
    """Pack members as GNU tar does; regular files hold as many x as their size says."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w", format=tarfile.GNU_FORMAT) as tar:
        for one in members:
            tar.addfile(one, io.BytesIO(b"x" * one.size))
    return packed.getvalue()


def member(
    name: str, kind: bytes = tarfile.REGTYPE, *, link: str = "", size: int = 0
) -> tarfile.TarInfo:
    made = tarfile.TarInfo(name)
    made.type, made.linkname, made.size = kind, link, size
    return made


def watch(
    stream: bytes,
    expected: Mapping[str, Kind] = HOME,
    *,
    piece: int = 4096,
    limit_bytes: int = PLENTY,
) -> None:
    """Let a stream pass in pieces."""
    watched = TarWatch(expected, limit_bytes=limit_bytes, origin="worker1")
    for at in range(0, len(stream), piece):
        watched.feed(stream[at : at + piece])
    watched.finish()


def test_nothing_comes_after_a_link() -> None:
    link, file = member("bin/link", tarfile.SYMTYPE, link="run.sh"), member("bin/run.sh")
    watch(archive(file, link))
    with pytest.raises(ScriptError, match="after a link"):
        watch(archive(link, file))


def refusal(*members: tarfile.TarInfo) -> str:
    with pytest.raises(ScriptError) as caught:
        watch(archive(*members))
    assert caught.value.host == "worker1"
    assert caught.value.action
    return caught.value.seen


WHOLE = archive(
    member("./", tarfile.DIRTYPE),
    member("./bin/", tarfile.DIRTYPE),
    member("./bin/run.sh", size=1000),
    member("./bin/link", tarfile.SYMTYPE, link="run.sh"),
)


@pytest.mark.parametrize("piece", [1, 7, 511, 512, 513, 100_000])
def test_what_was_asked_for_passes_however_the_stream_is_cut(piece: int) -> None:
    watch(WHOLE, piece=piece)


def test_what_the_servers_tar_makes_passes(tmp_path: Path) -> None:
    """The options are those of clone_send.sh; names and links longer than a header included."""
    home = tmp_path / "home"
    (home / LONG).mkdir(parents=True)
    (home / LONG / "ü\\odd 'name'").write_bytes(b"x" * 1500)
    (home / "link").symlink_to(f"{LONG}/{LONG}")
    names = b".\0./" + LONG.encode() + b"\0./" + f"{LONG}/ü\\odd 'name'".encode() + b"\0./link\0"
    tar = ["tar", "--create", "--format=gnu", "--hard-dereference", "--no-recursion"]
    packed = subprocess.run(
        [*tar, "--file=-", "--null", "--files-from=-"],
        cwd=home,
        input=names,
        capture_output=True,
        check=True,
    ).stdout
    expected: dict[str, Kind] = {
        ".": "directory",
        LONG: "directory",
        f"{LONG}/ü\\odd 'name'": "file",
        "link": "link",
    }
    watch(packed, expected, piece=100)
    sizes = sum(
        archived_bytes(
            path, link=f"{LONG}/{LONG}" if kind == "link" else "", size=1500 * (kind == "file")
        )
        for path, kind in expected.items()
    )
    assert sizes <= len(packed) <= sizes + 10_240, "all but the padding at the end is foreseen"


@pytest.mark.parametrize(
    "name", ["../bin/run.sh", "/etc/passwd", "bin/../../x", "./bin/other", "bin/run.sh/x"]
)
def test_a_member_that_was_not_asked_for_ends_the_stream(name: str) -> None:
    assert "which was not asked for" in refusal(member(name))


def test_a_long_name_is_judged_whole() -> None:
    assert "which was not asked for" in refusal(member(f"./bin/../{LONG}/../../x"))


@pytest.mark.parametrize("target", ["/etc", "../..", "../../etc", "a/../../x", "", f"../../{LONG}"])
def test_a_link_that_may_lead_out_ends_the_stream(target: str) -> None:
    assert "leads out of AS_HOME" in refusal(member("./bin/link", tarfile.SYMTYPE, link=target))


@pytest.mark.parametrize(
    ("kind", "path"),
    [
        (tarfile.SYMTYPE, "./bin/run.sh"),
        (tarfile.SYMTYPE, "./bin"),
        (tarfile.LNKTYPE, "./bin/run.sh"),
        (tarfile.REGTYPE, "./bin/link"),
        (tarfile.DIRTYPE, "./bin/run.sh"),
        (tarfile.CHRTYPE, "./bin/run.sh"),
        (tarfile.FIFOTYPE, "./bin/run.sh"),
        (tarfile.GNUTYPE_SPARSE, "./bin/run.sh"),
        (tarfile.XHDTYPE, "./bin/run.sh"),
        (tarfile.XGLTYPE, "./bin/run.sh"),
    ],
)
def test_a_member_of_another_type_ends_the_stream(kind: bytes, path: str) -> None:
    """A link where a directory was asked for would take what follows out of the home."""
    assert "was asked for" in refusal(member(path, kind, link="run.sh"))


def test_a_pax_header_that_renames_a_member_ends_the_stream() -> None:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as tar:
        made = member("./bin/run.sh")
        made.pax_headers = {"path": "/etc/passwd"}
        tar.addfile(made)
    with pytest.raises(ScriptError):
        watch(packed.getvalue())


def test_a_stream_that_breaks_off_is_noticed_even_between_two_members() -> None:
    """tar itself takes the end of the stream there for the end of the archive."""
    for end in (0, 512, 1024, 1536, 2000, len(WHOLE) - len(WHOLE.rstrip(b"\0"))):
        with pytest.raises(ScriptError, match="broke off"):
            watch(WHOLE[:end])


def test_nothing_may_follow_the_end() -> None:
    with pytest.raises(ScriptError, match="after its end"):
        watch(WHOLE + archive(member("./bin/run.sh")))


def test_what_is_no_tar_is_refused() -> None:
    with pytest.raises(ScriptError, match="not a header"):
        watch(b"Welcome to worker1!\n" * 100)


def test_a_stream_may_not_be_much_longer_than_what_was_listed() -> None:
    """A source that sends without end would fill the disk of the target."""
    with pytest.raises(ScriptError, match="more than was listed"):
        watch(archive(member("./bin/run.sh", size=PLENTY)))


def test_a_name_without_end_is_not_collected() -> None:
    with pytest.raises(ScriptError, match="a name of"):
        watch(archive(member("n" * 100_000)))


@given(st.binary(max_size=3000), st.integers(1, 600))
def test_any_bytes_pass_or_are_refused_in_words(noise: bytes, piece: int) -> None:
    for stream in (noise, WHOLE[:1536] + noise, noise + WHOLE):
        try:
            watch(stream, piece=piece)
        except ScriptError as refused:
            assert refused.action


@pytest.mark.parametrize(
    ("path", "target"),
    [
        ("link", "bin/run.sh"),
        ("link", "./bin//x"),
        ("bin/link", "../lib/x"),
        ("a/b/link", "../../x"),
        ("a/link", ".."),
    ],
)
def test_a_link_that_climbs_no_higher_than_the_top_stays_inside(path: str, target: str) -> None:
    assert not leads_out(path, target)


STEPS = st.sampled_from(["..", "..", "a", "b", "c", "."])
TARGETS = st.lists(STEPS, min_size=1, max_size=6).map("/".join)
PLACES = st.lists(st.sampled_from(["a", "b", "c"]), min_size=1, max_size=3).map("/".join)


@settings(max_examples=200)
@given(st.dictionaries(PLACES, TARGETS, max_size=8))
def test_links_that_stay_inside_each_stay_inside_together(links: dict[str, str]) -> None:
    """However links are chained, following one never leaves the directory."""
    with TemporaryDirectory() as folder:
        top = Path(folder).resolve() / "top"
        top.mkdir()
        for path, target in sorted(links.items()):
            place = top / path
            with_parents = _made(place.parent, top)
            if with_parents and not leads_out(path, target) and not os.path.lexists(place):
                place.symlink_to(target)
        for found in top.rglob("*"):
            if not found.is_symlink():
                continue
            try:
                real = found.resolve(strict=False)
            except (OSError, RuntimeError):  # links in a circle lead nowhere
                continue
            assert real.is_relative_to(top), (links, found)


def _made(parent: Path, top: Path) -> bool:
    """Make real directories, as tar would, unless a link is in the way."""
    ancestors = [one for one in (parent, *parent.parents) if one.is_relative_to(top)]
    if any(one.is_symlink() for one in ancestors):
        return False
    parent.mkdir(parents=True, exist_ok=True)
    return True
