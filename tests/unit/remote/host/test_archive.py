"""Archives in memory: what goes in comes out, here and in a server's own tar."""

from __future__ import annotations

import contextlib
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carbon.errors import ScriptError
from remote.host.archive import Member, pack, stream, unpack

MEMBERS = (
    Member(name="manifest", data=b"one block, of 512 bytes".ljust(512)),
    Member(name="files/repository/conf/axis2/axis2.xml", data=b"<a/>\r\n", mode=0o640),
    Member(name="empty", mode=0o444),
)


@given(st.lists(st.binary(max_size=2000), max_size=5))
def test_what_is_packed_is_unpacked(contents: list[bytes]) -> None:
    members = [Member(name=f"a/{at}", data=data) for at, data in enumerate(contents)]
    assert list(unpack(pack(members), host="worker1", step="look")) == members


def test_tar_takes_it_with_its_modes(tmp_path: Path) -> None:
    subprocess.run(["tar", "-xpf", "-", "-C", str(tmp_path)], input=pack(MEMBERS), check=True)
    for member in MEMBERS:
        file = tmp_path / member.name
        assert (file.read_bytes(), file.stat().st_mode & 0o777) == (member.data, member.mode)


def test_what_tar_makes_is_taken_with_folders_and_owners(tmp_path: Path) -> None:
    (tmp_path / "server").mkdir(mode=0o750)
    (tmp_path / "hosts").write_bytes(b"127.0.0.1 localhost\n")
    (tmp_path / "link").symlink_to("hosts")
    command = ["tar", "--no-recursion", "-cf", "-", "-C", str(tmp_path), "server", "hosts", "link"]
    made = subprocess.run(command, capture_output=True, check=True).stdout
    folder, file = unpack(made, host="worker1", step="look")
    assert (folder.name, folder.is_folder, folder.mode) == ("server", True, 0o750)
    assert (file.name, file.data) == ("hosts", b"127.0.0.1 localhost\n")
    assert file.owner == (tmp_path / "hosts").owner()


@pytest.mark.parametrize("size", [700, 1300])
def test_an_archive_that_was_cut_off_is_told(size: int) -> None:
    with pytest.raises(ScriptError, match="did not arrive whole"):
        list(unpack(pack(MEMBERS)[:size], host="worker1", step="look"))


def test_nothing_is_longer_in_memory_than_it_came(tmp_path: Path) -> None:
    """13 kB of sparse files, or of second names of one file, were 3 GB."""
    with (tmp_path / "sparse").open("wb") as file:
        file.truncate(1 << 30)
    (tmp_path / "once").write_bytes(b"once")
    (tmp_path / "twice").hardlink_to(tmp_path / "once")
    for names in (["sparse"], ["once", "twice"]):
        for kind in ("gnu", "posix"):
            command = ["tar", "-cSf", "-", f"--format={kind}", "-C", str(tmp_path), *names]
            archive = subprocess.run(command, capture_output=True, check=True).stdout
            with pytest.raises(ScriptError, match="sparse file or a hard link"):
                list(unpack(archive, host="lb", step="look"))


@given(st.binary(min_size=512, max_size=512), st.integers(0, 2))
def test_no_header_ends_in_anything_but_a_sentence(block: bytes, at: int) -> None:
    archive = pack(MEMBERS)
    archive = archive[: at * 512] + block + archive[at * 512 + 512 :]
    with contextlib.suppress(ScriptError):
        list(unpack(archive, host="lb", step="look"))


def test_no_archive_has_no_files() -> None:
    assert list(unpack(b"", host="worker1", step="look")) == []


def test_a_local_file_is_read_only_while_it_is_sent_and_in_pieces(tmp_path: Path) -> None:
    """A WAR of 50 MB to eight servers is never in memory, let alone eight times."""
    large = tmp_path / "large"
    large.write_bytes(b"x" * (5 << 20))
    pieces = stream([Member(name="a", local=large, size=5 << 20)])
    sizes = [len(piece) for piece in pieces]
    assert max(sizes) == 1 << 20
    assert sum(sizes) == (5 << 20) + 512 + 1024


@pytest.mark.parametrize("size", [2, 4])
def test_a_local_file_of_another_size_than_it_had_is_not_sent(tmp_path: Path, size: int) -> None:
    file = tmp_path / "file"
    file.write_bytes(b"xxx")
    with pytest.raises(OSError, match="changed while it was read"):
        list(stream([Member(name="a", local=file, size=size)]))
