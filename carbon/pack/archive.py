"""A pack on the operator's machine: a zip or tar.gz with one folder, examined before it travels.

The archive is foreign text: a name that leads out, a link or a device, two entries of one name,
or far more than any product has, ends it here, before a server is touched.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import re
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path, PurePosixPath
from typing import IO, NamedTuple

from carbon.cluster import Pack
from carbon.errors import InventoryError
from carbon.home import layout
from carbon.value import Value

MAX_BYTES = 8 * 1024**3
MAX_FILES = 200_000
KERNEL_FILE = PurePosixPath("bin/wso2carbon-version.txt")
PIECE_BYTES = 256 * 1024
REFETCH = "fetch it again"
OTHER = "a link or device"
ENCRYPTED = "encrypted"
KERNELS = ((4, 2), (4, 4))
"""The first and the last kernel that this tool knows."""
DIRECTORY_MODE = 0o755
_EXECUTABLE, _PLAIN = 0o755, 0o644
BROKEN = (zipfile.BadZipFile, tarfile.TarError, zlib.error, EOFError, NotImplementedError)


class Member(Value, kw_only=True):
    """One file or directory of a pack."""

    path: str
    """Relative to AS_HOME."""
    is_directory: bool
    mode: int
    size: int = 0


class Contents(Value, kw_only=True):
    """What a pack holds."""

    pack: Pack
    top: str
    """The folder that everything is in."""
    members: tuple[Member, ...]
    """Each directory before what is in it."""
    kernel: str

    @property
    def content_bytes(self) -> int:
        """The size of all files."""
        return sum(member.size for member in self.members)


class _Entry(NamedTuple):
    name: str
    kind: str
    """`file`, `directory`, OTHER or ENCRYPTED."""
    mode: int
    size: int


def look_into(pack: Pack) -> Contents:
    """Return what a pack holds; its checksum is compared first, if hosts.yaml has one.

    Raises InventoryError if it cannot be read, is not the one that was meant, or is not a whole
    pack of a product that this tool knows.
    """
    try:
        _compare_checksum(pack)
        entries, kernel = _examine(pack.file)
        top = _top(entries, pack)
        members = _members(entries, top, pack)
    except OSError as error:
        raise _refused(pack, f"cannot be read: {error.strerror}") from None
    except BROKEN as error:
        raise _refused(pack, f"is not a whole archive: {error}") from None
    _demand_layout(pack, {member.path for member in members}, kernel)
    return Contents(pack=pack, top=top, members=members, kernel=kernel)


def files(contents: Contents) -> Iterator[tuple[Member, Iterator[bytes]]]:
    """Yield every file with the pieces of its content, in the order of the archive.

    Raises OSError, and what BROKEN names, if the archive is damaged or changes meanwhile.
    """
    by_path = {member.path: member for member in contents.members}
    for entry, opened in _walk(contents.pack.file):
        member = by_path.get(_inside(entry.name, contents.top))
        if member is not None and not member.is_directory:
            yield member, _pieces(member, opened())


def _pieces(member: Member, content: IO[bytes]) -> Iterator[bytes]:
    left = member.size
    while piece := content.read(PIECE_BYTES):
        left -= len(piece)
        if left < 0:
            break
        yield piece
    if left:
        raise EOFError(f"{member.path} is cut off" if left > 0 else f"{member.path} is longer")


def read_through(contents: Contents) -> Iterator[int]:
    """Read all of a pack, so that its checksums are compared; yield how many bytes were read.

    `look_into` reads the list of a zip alone. Raises InventoryError if the archive is damaged.
    """
    pack = contents.pack
    try:
        for _, pieces in files(contents):
            yield from map(len, pieces)
        if not _is_zip(pack.file):
            with gzip.open(pack.file) as stream:  # its checksum comes behind the end of the tar
                while stream.read(PIECE_BYTES):
                    yield 0
    except (OSError, *BROKEN) as error:
        raise _refused(pack, f"is damaged: {error}", REFETCH) from None


def _compare_checksum(pack: Pack) -> None:
    if pack.sha256 is None:
        return
    with pack.file.open("rb") as file:
        actual = hashlib.file_digest(file, "sha256").hexdigest()
    if actual != pack.sha256:
        raise _refused(
            pack, f"has the sha256 {actual}, not {pack.sha256}", "fetch it again, or correct sha256"
        )


def _is_zip(file: Path) -> bool:
    return file.name.lower().endswith(".zip")


def _examine(file: Path) -> tuple[list[_Entry], str]:
    """Return all entries, and the kernel that the pack says it is of; empty if it says none."""
    entries, kernel = [], ""
    for entry, opened in _walk(file):
        entries.append(entry)
        below_top = entry.name.removeprefix("./").partition("/")[2]
        if below_top == str(KERNEL_FILE) and entry.kind == "file":
            lines = opened().read(200).decode(errors="replace").splitlines()
            kernel = lines[0].strip() if lines else ""
    return entries, kernel


def _walk(file: Path) -> Iterator[tuple[_Entry, Callable[[], IO[bytes]]]]:
    """Yield each entry of an archive, with what opens it before the next one is asked for."""
    if _is_zip(file):
        with zipfile.ZipFile(file) as archive:
            for info in archive.infolist():
                unix = info.external_attr >> 16
                kind = "directory" if info.is_dir() else _kind_of(unix)
                kind = ENCRYPTED if info.flag_bits & 1 else kind
                entry = _Entry(info.filename, kind, unix & 0o777, info.file_size)
                yield entry, partial(archive.open, info)
        return
    with tarfile.open(file, "r|gz") as stream:
        for member in stream:
            kind = "file" if member.isreg() else "directory" if member.isdir() else OTHER
            entry = _Entry(member.name, kind, member.mode & 0o777, member.size)
            yield entry, partial(_content, stream, member)


def _content(stream: tarfile.TarFile, member: tarfile.TarInfo) -> IO[bytes]:
    return stream.extractfile(member) or io.BytesIO()


def _kind_of(unix: int) -> str:
    """Return what a zip's entry is by the mode of a Unix; zips of other systems have none."""
    return "file" if unix >> 12 in (0, 0o10) else OTHER


def _top(entries: Iterable[_Entry], pack: Pack) -> str:
    tops = {entry.name.removeprefix("./").partition("/")[0] for entry in entries} - {"", "."}
    if len(tops) != 1:
        raise _refused(pack, "does not hold one folder with everything in it")
    return tops.pop()


def _inside(name: str, top: str) -> str:
    """Return the path of an entry below the top folder; empty for that folder itself."""
    return name.removeprefix("./").removeprefix(top).strip("/")


def _members(entries: Iterable[_Entry], top: str, pack: Pack) -> tuple[Member, ...]:
    members: dict[str, Member] = {}
    for entry in entries:
        path = _inside(entry.name, top)
        if not path:
            continue
        if ".." in path.split("/") or str(PurePosixPath(path)) != path or not path.isprintable():
            raise _refused(pack, f"holds the name {entry.name!r}, which no product has")
        if entry.kind in (OTHER, ENCRYPTED):
            raise _refused(pack, f"holds {entry.name!r}, which is {entry.kind}")
        above = [str(parent) for parent in reversed(PurePosixPath(path).parents[:-1])]
        member = _directory(path) if entry.kind == "directory" else _file(path, entry)
        for each in (*map(_directory, above), member):
            if members.setdefault(each.path, each) != each:
                raise _refused(pack, f"holds {each.path!r} twice")
    if len(members) > MAX_FILES or sum(member.size for member in members.values()) > MAX_BYTES:
        raise _refused(pack, "unpacks to far more than any product is")
    return tuple(members[path] for path in sorted(members, key=lambda path: path.split("/")))


def _directory(path: str) -> Member:
    return Member(path=path, is_directory=True, mode=DIRECTORY_MODE)


def _file(path: str, entry: _Entry) -> Member:
    """Nobody but the owner may write; what the product runs can be run."""
    script = path.startswith("bin/") and path.endswith(".sh")
    mode = _EXECUTABLE if script or entry.mode & 0o100 else _PLAIN
    return Member(path=path, is_directory=False, mode=mode, size=entry.size)


def _demand_layout(pack: Pack, paths: set[str], kernel: str) -> None:
    if str(layout.CONF_AT_ROOT) in paths:
        raise _refused(
            pack,
            "keeps its configuration in conf/, beside repository/ (Enterprise Integrator 6): this"
            " tool does not know that layout",
            "install that product by hand",
        )
    for needed in (layout.SCRIPT, layout.AXIS2):
        if str(needed) not in paths:
            raise _refused(pack, f"has no {needed}: it is not a Carbon pack of kernel 4.2 to 4.4")
    version = re.search(r"(\d+)\.(\d+)", kernel)
    if version and not KERNELS[0] <= (int(version[1]), int(version[2])) <= KERNELS[1]:
        raise _refused(pack, f"is of {kernel}; kernels 4.2 to 4.4 are supported")


def _refused(pack: Pack, seen: str, action: str = "") -> InventoryError:
    return InventoryError(
        f"the pack {pack.file} {seen}", action=action or "correct `pack` in hosts.yaml"
    )
