"""A pack as the tar stream that a server unpacks: it needs neither unzip nor gzip."""

from __future__ import annotations

import tarfile
from collections.abc import Iterator

from carbon.clone.tarstream import BLOCK, archived_bytes
from carbon.errors import InventoryError
from carbon.pack.archive import BROKEN, Contents, Member, files

HOME = Member(path=".", is_directory=True, mode=0o750)
"""AS_HOME itself: its configuration holds passwords, and nobody else needs to enter it."""


def stream_bytes(contents: Contents) -> int:
    """Return how long the stream is, but for its end."""
    members = (HOME, *contents.members)
    return sum(archived_bytes(member.path, link="", size=member.size) for member in members)


def tar_of(contents: Contents) -> Iterator[bytes]:
    """Yield the stream: all directories, then each file as it comes out of the archive.

    Raises InventoryError if the archive is not what it was when it was looked into.
    """
    written_at = int(contents.pack.file.stat().st_mtime)
    yield _header(HOME, written_at)
    for member in contents.members:
        if member.is_directory:
            yield _header(member, written_at)
    left = {member.path for member in contents.members if not member.is_directory}
    try:
        for member, pieces in files(contents):
            left.discard(member.path)
            yield _header(member, written_at)
            yield from pieces
            yield bytes(-member.size % BLOCK)
        if left:
            raise EOFError
    except (OSError, *BROKEN):
        raise InventoryError(
            f"the pack {contents.pack.file} changed while it was sent, or is damaged",
            action="fetch it again, and run the same command again",
        ) from None
    yield bytes(2 * BLOCK)


def _header(member: Member, written_at: int) -> bytes:
    info = tarfile.TarInfo(member.path)
    info.type = tarfile.DIRTYPE if member.is_directory else tarfile.REGTYPE
    info.mode, info.size, info.mtime = member.mode, member.size, written_at
    return info.tobuf(tarfile.GNU_FORMAT, "utf-8", "surrogateescape")
