"""A tar stream, watched as it passes: what was asked for, in whole, and nothing else.

The stream of a clone comes from one server and is unpacked on another. Neither needs to trust
the other: every header is read here before its bytes go on, and a member that was not asked
for, of another type, or a link that leads out of the directory, ends the stream. Links come last:
while files are unpacked there is none to follow.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping
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
_LONG_NAME, _LONG_LINK = b"L", b"K"
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
        self._held = bytearray()
        self._zero_blocks = 0
        self._links_began = False
        self._reader = self._headers()
        self._wanted = next(self._reader)

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
                    self._wanted = self._reader.send(held)
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

    def _headers(self) -> Generator[int, bytes, None]:
        """Judge what is not the content of a member; yield how much to read of it next."""
        long: dict[bytes, bytes] = {}
        while True:
            block = yield BLOCK
            if block == _ZEROS:
                self._zero_blocks += 1
                continue
            if self._zero_blocks:
                raise self._hostile("something after its end")
            checksum = sum(block[:148]) + 8 * ord(" ") + sum(block[156:])
            if block[257:265] != _GNU_MAGIC or _number(block[148:156]) != checksum:
                raise self._hostile("what is not a header of GNU tar")
            size, kind = _number(block[124:136]), block[156:157]
            if kind not in (_LONG_NAME, _LONG_LINK):
                name, link = long.get(_LONG_NAME, block[:100]), long.get(_LONG_LINK, block[157:257])
                self._member(kind, _text(name), _text(link), size=size)
                self._passing, long = _whole_blocks(size), {}
            elif 0 < size <= _LONGEST:
                long[kind] = yield _whole_blocks(size)
            else:
                raise self._hostile(f"a name of {size} bytes")

    def _member(self, letter: bytes, name: str, link: str, *, size: int) -> None:
        kind = _KINDS.get(letter)
        path = name.removeprefix("./").rstrip("/") or "."
        wanted = self._expected.get(path)
        if wanted is None:
            raise self._hostile(f"{name!r}, which was not asked for")
        if kind != wanted:
            raise self._hostile(f"{name!r} as type {letter!r}, where a {wanted} was asked for")
        if self._links_began and kind != "link":
            raise self._hostile(f"{name!r} after a link")
        self._links_began = kind == "link"
        if kind == "link" and leads_out(path, link):
            raise self._hostile(f"the link {name!r}, which leads out of AS_HOME")
        if kind != "file" and size:
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
    return name.partition(b"\0")[0].decode(errors="surrogateescape")
