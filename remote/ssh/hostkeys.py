"""Host keys: who a server proves to be, against known_hosts files, strictly.

Fabric accepts every key and loads no known_hosts, and Paramiko's own loader fails
on marker lines, so the files are read here: plain, hashed, wildcard and `[host]:port` names;
`@revoked` keys are refused; `@cert-authority` lines are passed over, since a certificate is
never asked for.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import Enum
from fnmatch import fnmatchcase
from functools import cached_property
from pathlib import Path

from carbon.errors import HostKeyError
from carbon.value import Value


class Verdict(Enum):
    """What the known_hosts files say of one key that somebody shows."""

    KNOWN = "known"
    NEW = "new"
    CHANGED = "changed"
    REVOKED = "revoked"


class HostKey(Value):
    """A public host key: its type and its base64 blob, as they stand in known_hosts."""

    type: str
    blob: str

    @property
    def fingerprint(self) -> str:
        """The SHA256 fingerprint, as `ssh-keygen -lf` prints it."""
        digest = hashlib.sha256(base64.b64decode(self.blob)).digest()
        return "SHA256:" + base64.b64encode(digest).decode().rstrip("=")


class Judged(Value, kw_only=True):
    """One key that a server shows, and what is known of it."""

    key: HostKey
    verdict: Verdict
    line: str = ""
    """`file:line` of what decided."""


class Door(Value, kw_only=True):
    """Someone who shows host keys: a server, or a gateway on the way to it."""

    label: str
    """Its name, for messages."""
    host: str
    port: int
    name: str
    """The name that known_hosts files have for it: see `host_name`."""
    keys: tuple[HostKey, ...]
    """All that it proved to hold."""
    files: tuple[Path, ...]
    """The known_hosts files that count for it."""
    revoked: tuple[Path, ...] = ()
    """The files of its RevokedHostKeys."""
    target: Path
    """The one of them that new keys go into."""


class Entry(Value):
    """One line of a known_hosts file."""

    patterns: tuple[str, ...]
    key: HostKey
    marker: str = ""
    source: str = ""
    """`file:line`, for messages."""

    def covers(self, name: str) -> bool:
        """Tell whether the line speaks of `name` (a host, or `[host]:port`)."""
        negated = [pattern[1:] for pattern in self.patterns if pattern.startswith("!")]
        plain = [pattern for pattern in self.patterns if not pattern.startswith("!")]
        return any(_matches(pattern, name) for pattern in plain) and not any(
            _matches(pattern, name) for pattern in negated
        )


_NOT_PLAIN = frozenset("*?!|")
"""What makes a pattern of known_hosts more than a name: wildcards, negation, a hash."""


@dataclass(frozen=True)
class KnownHosts:
    """All lines of all known_hosts files that count for a connection."""

    entries: tuple[Entry, ...]

    @classmethod
    def load(cls, paths: Iterable[Path], *, revoked: Iterable[Path] = ()) -> KnownHosts:
        """Read the files that exist; lines that cannot be understood are passed over.

        One that revokes a key is not: the key would be believed. `revoked` are files of
        RevokedHostKeys: as with ssh, nobody is believed unless each of them can be read. Raises
        HostKeyError for a file that cannot be read.
        """
        entries: list[Entry] = []
        for path in paths:
            for place, line in _lines(path, may_be_missing=True):
                if entry := parse_line(line, source=place):
                    entries.append(entry)
                elif line.lstrip().lower().startswith("@revoked"):
                    raise _unreadable(Path(place), "the line revokes a key, and holds none")
        for path in revoked:
            entries += _revoked(path)
        return cls(tuple(entries))

    def types(self, name: str) -> tuple[str, ...]:
        """Return the key types recorded for a server, to ask it for one of them first.

        A server asked for a type that is not recorded would look like an attack.
        """
        return tuple(dict.fromkeys(entry.key.type for entry in self._of(name)))

    def judge(self, name: str, key: HostKey, *, shows_all: bool = False) -> Judged:
        """Judge a key that a server has proved to hold.

        A server that `shows_all` its keys has one of each type: a recorded key of another type
        says nothing against this one.
        """
        recorded = self._of(name)
        same_type = [entry for entry in recorded if entry.key.type == key.type]
        for verdict, entries in (
            (
                Verdict.REVOKED,
                [each for each in self.entries if each.marker == "@revoked" and each.key == key],
            ),
            (Verdict.KNOWN, [entry for entry in same_type if entry.key == key]),
            (Verdict.CHANGED, same_type if shows_all else same_type or recorded),
        ):
            if entries:
                return Judged(key=key, verdict=verdict, line=entries[0].source)
        return Judged(key=key, verdict=Verdict.NEW)

    def _of(self, name: str) -> list[Entry]:
        plain, others = self._by_name
        asked = (self.entries[at] for at in sorted({*plain.get(name, ()), *others}))
        return [entry for entry in asked if not entry.marker and entry.covers(name)]

    @cached_property
    def _by_name(self) -> tuple[dict[str, list[int]], list[int]]:
        """Where the entries of a plain name stand, and those that have to be asked for any.

        Each of 200 servers would otherwise ask the lines of all 200.
        """
        plain: defaultdict[str, list[int]] = defaultdict(list)
        others: list[int] = []
        for at, entry in enumerate(self.entries):
            if any(set(pattern) & _NOT_PLAIN for pattern in entry.patterns):
                others.append(at)
            else:
                for pattern in entry.patterns:
                    plain[pattern.lower()].append(at)
        return dict(plain), others


def _lines(path: Path, *, may_be_missing: bool) -> list[tuple[str, str]]:
    """Return the lines of a file, each with its place."""
    try:
        text = path.expanduser().read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        if may_be_missing and isinstance(error, FileNotFoundError | NotADirectoryError):
            return []
        raise _unreadable(path, str(error.strerror)) from error
    return [(f"{path}:{number}", line) for number, line in enumerate(text.splitlines(), start=1)]


def _revoked(path: Path) -> Iterator[Entry]:
    lines = _lines(path, may_be_missing=False)
    if lines and lines[0][1].startswith("SSHKRL"):
        raise _unreadable(path, "it is a binary list (KRL); only a text file with keys can be read")
    for place, line in lines:
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        entry = parse_line(f"@revoked * {line}", source=place)
        if entry is None:
            raise _unreadable(Path(place), "the line is not a public key")
        yield entry


def _unreadable(path: Path, cause: str) -> HostKeyError:
    return HostKeyError(
        f"{path} cannot be read: {cause}",
        action="correct it, or name other files in your ssh configuration (UserKnownHostsFile,"
        " GlobalKnownHostsFile, RevokedHostKeys)",
    )


def host_name(host: str, port: int, *, alias: str = "") -> str:
    """Return the name under which known_hosts files record a server.

    Its HostKeyAlias stands there in place of host and port.
    """
    if alias:
        return alias.lower()
    return host.lower() if port == 22 else f"[{host.lower()}]:{port}"


def parse_line(line: str, *, source: str = "") -> Entry | None:
    """Read one line of known_hosts; None for comments and lines that make no sense."""
    fields = line.split()
    if not fields or fields[0].startswith("#"):
        return None
    marker = fields.pop(0) if fields[0].startswith("@") else ""
    if len(fields) < 3:
        return None
    names, kind, blob = fields[:3]
    try:
        base64.b64decode(blob, validate=True)
    except (binascii.Error, ValueError):
        return None
    return Entry(tuple(names.split(",")), HostKey(kind, blob), marker, source)


def _matches(pattern: str, name: str) -> bool:
    if not pattern.startswith("|1|"):
        return fnmatchcase(name, pattern.lower().replace("[", "[[]"))
    try:
        _, _, salt, digest = pattern.split("|")
        expected = hmac.new(base64.b64decode(salt), name.encode(), hashlib.sha1).digest()
        return hmac.compare_digest(expected, base64.b64decode(digest))
    except (ValueError, binascii.Error):
        return False
