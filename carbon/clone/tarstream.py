"""A tar stream, watched as it passes: what was asked for, in whole, and nothing else.

The stream of a clone comes from one server and is unpacked on another. Neither needs to trust
the other: every header is read here before its bytes go on, and a member that was not asked
for, of another type, or a link that leads out of the directory, ends the stream. Links come last:
while files are unpacked there is none to follow.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Literal

from carbon.errors import ScriptError

Kind = Literal["file", "directory", "link"]

BLOCK = 512
_GNU_MAGIC = b"ustar  \0"
_KINDS: dict[bytes, Kind] = {
    b"0": "file",
    b"\0": "file",
    b"5": "directory",
    b"2": "link",
}
_LONG = {b"L": "name", b"K": "link"}
_LONGEST = 16 * 1024
"""No path of Linux is longer than 4096 bytes."""
_ZEROS = bytes(BLOCK)


def leads_out(path: str, target: str) -> bool:
    """Tell whether a symbolic link at `path` may lead out of the directory it is in.

    Sure to stay inside is what first climbs, no higher than the top, and then only descends:
    `a/..` could climb out through an `a` that is a link itself.
    """
    climbs, descends = 0, False
    for step in target.split("/"):
        if step == "..":
            climbs += 1
            if descends:
                return True
        elif step not in ("", "."):
            descends = True
    depth = len(PurePosixPath(path).parts) - 1
    return not target or target.startswith("/") or climbs > depth


def archived_bytes(path: str, *, link: str, size: int) -> int:
    """Return how much of a GNU tar stream one member takes."""
    lengths = (
        len(f"./{path}/".encode(errors="surrogateescape")),
        len(link.encode(errors="surrogateescape")),
    )
    long = sum(BLOCK + _whole_blocks(length + 1) for length in lengths if length > 100)
    return long + BLOCK + _whole_blocks(size)


class TarWatch:
    """Reads along: `feed` every chunk before it is passed on, `finish` at the end.

    `expected` are the paths asked for, relative to the directory, which itself is `.`; the
    stream may hold `limit_bytes`, whatever its headers say. Raises ScriptError, with `origin`
    as the server to look at.
    """

    def __init__(self, expected: Mapping[str, Kind], *, limit_bytes: int, origin: str) -> None:
        self._expected = expected
        self._origin = origin
        self._left = limit_bytes
        self._passing = 0
        """Bytes of content that may go by unread."""
        self._wanted = BLOCK
        self._held = bytearray()
        self._reads_long: bytes | None = None
        self._long: dict[str, bytes] = {}
        self._zero_blocks = 0
        self._links_began = False

    def feed(self, chunk: bytes) -> None:
        """Look at the next bytes of the stream."""
        self._left -= len(chunk)
        if self._left < 0:
            raise self._hostile("far more than was listed")
        at = 0
        while at < len(chunk):
            if self._passing:
                step = min(self._passing, len(chunk) - at)
                self._passing -= step
            else:
                step = min(self._wanted - len(self._held), len(chunk) - at)
                self._held += chunk[at : at + step]
                if len(self._held) == self._wanted:
                    held, self._held = bytes(self._held), bytearray()
                    self._take(held)
            at += step

    def finish(self) -> None:
        """Make sure that the stream was whole."""
        if self._zero_blocks < 2 or self._held or self._passing:
            raise ScriptError(
                "its stream of files broke off",
                host=self._origin,
                step="copy",
                action="run the same command again; nothing but a directory of its own was touched",
            )

    def _take(self, held: bytes) -> None:
        if self._reads_long is not None:
            self._long[_LONG[self._reads_long]] = held.partition(b"\0")[0]
            self._reads_long, self._wanted = None, BLOCK
        elif held == _ZEROS:
            self._zero_blocks += 1
        elif self._zero_blocks:
            raise self._hostile("something after its end")
        else:
            self._header(held)

    def _header(self, block: bytes) -> None:
        checksum = sum(block[:148]) + 8 * ord(" ") + sum(block[156:])
        if block[257:265] != _GNU_MAGIC or _number(block[148:156]) != checksum:
            raise self._hostile("what is not a header of GNU tar")
        size, kind = _number(block[124:136]), block[156:157]
        if kind in _LONG:
            if not 0 < size <= _LONGEST:
                raise self._hostile(f"a name of {size} bytes")
            self._reads_long, self._wanted = kind, _whole_blocks(size)
            return
        self._member(_KINDS.get(kind), kind, block)
        self._passing = _whole_blocks(size)

    def _member(self, kind: Kind | None, letter: bytes, block: bytes) -> None:
        written = self._long.pop("name", None) or block[:100].partition(b"\0")[0]
        target = self._long.pop("link", None) or block[157:257].partition(b"\0")[0]
        name = _text(written)
        path = name.removeprefix("./").rstrip("/") or "."
        wanted = self._expected.get(path)
        if wanted is None:
            raise self._hostile(f"{name!r}, which was not asked for")
        if kind != wanted:
            raise self._hostile(f"{name!r} as type {letter!r}, where a {wanted} was asked for")
        if self._links_began and kind != "link":
            raise self._hostile(f"{name!r} after a link")
        self._links_began = kind == "link"
        if kind == "link" and leads_out(path, _text(target)):
            raise self._hostile(f"the link {name!r}, which leads out of AS_HOME")
        if kind != "file" and _number(block[124:136]):
            raise self._hostile(f"{name!r} with content, which a {kind} has not")

    def _hostile(self, what: str) -> ScriptError:
        return ScriptError(
            f"its stream of files holds {what}",
            host=self._origin,
            step="copy",
            action="if its files change while they are copied, run the same command again;"
            " otherwise find out what its `tar` and `find` really are",
        )


def _whole_blocks(size: int) -> int:
    return -(-size // BLOCK) * BLOCK


def _number(field: bytes) -> int:
    """Read a number of a header: octal digits, or base 256 for what these cannot hold."""
    if field[0] & 0x80:
        return int.from_bytes(bytes([field[0] & 0x7F]) + field[1:], "big")
    digits = field.strip(b" \0")
    return int(digits, 8) if digits.isdigit() and not digits.strip(b"01234567") else 0


def _text(name: bytes) -> str:
    return name.decode(errors="surrogateescape")
