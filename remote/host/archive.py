"""Files in one stream: the archives that travel to a server and back, small enough for memory."""

from __future__ import annotations

import errno
import io
import tarfile
from collections.abc import Iterable, Iterator
from pathlib import Path

from carbon.errors import ScriptError
from carbon.value import Value

PRIVATE = 0o600
_PIECE_BYTES = 1 << 20
_END = bytes(2 * tarfile.BLOCKSIZE)


class Member(Value, kw_only=True):
    """A file of an archive, or a folder without its content."""

    name: str
    data: bytes = b""
    mode: int = PRIVATE
    owner: str = ""
    is_folder: bool = False
    local: Path | None = None
    """A file of `size` bytes that is read only while the archive is sent."""
    size: int = 0


def stream(members: Iterable[Member]) -> Iterator[bytes]:
    """Yield an archive in pieces, so that no large file is ever held in memory.

    Raises OSError for a local file that cannot be read, or has not its size any more.
    """
    for member in members:
        head = tarfile.TarInfo(member.name)
        head.size = len(member.data) if member.local is None else member.size
        head.mode = member.mode
        yield head.tobuf(tarfile.USTAR_FORMAT)
        yield from (member.data,) if member.local is None else _read(member.local, member.size)
        yield bytes(-head.size % tarfile.BLOCKSIZE)
    yield _END


def _read(path: Path, size: int) -> Iterator[bytes]:
    left = size
    with path.open("rb") as file:
        while left and (piece := file.read(min(left, _PIECE_BYTES))):
            left -= len(piece)
            yield piece
        if left or file.read(1):
            raise OSError(errno.EIO, "it changed while it was read")


def pack(members: Iterable[Member]) -> bytes:
    """Return an archive of files; names of more than 256 bytes have no place in it."""
    return b"".join(stream(members))


def unpack(archive: bytes, *, host: str, step: str) -> Iterator[Member]:
    """Yield the files and folders of an archive; nothing if nothing came.

    Raises ScriptError for an archive that did not arrive whole, and for a member that would be
    longer in memory than it is in the archive: a sparse file, or a hard link to another member.
    """
    if not archive:
        return
    try:
        if not archive.endswith(_END):
            raise tarfile.ReadError("it has no end")
        with tarfile.open(fileobj=io.BytesIO(archive), mode="r:") as tar:
            for head in tar:
                if head.islnk() or head.issparse() or head.type == tarfile.GNUTYPE_SPARSE:
                    raise tarfile.ReadError(f"{head.name!r} is a sparse file or a hard link")
                if not (head.isfile() or head.isdir()):
                    continue
                source = tar.extractfile(head)
                yield Member(
                    name=head.name,
                    data=source.read() if source else b"",
                    mode=head.mode,
                    owner=head.uname,
                    is_folder=head.isdir(),
                )
    except (tarfile.TarError, ValueError, OverflowError) as error:
        raise ScriptError(
            f"its files did not arrive whole: {error}",
            host=host,
            step=step,
            action="run the same command again",
        ) from error
