"""What a host looks like at one moment: files, servers, locks, and what the tool keeps there."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property

STATE = ".provision"
DEPLOYMENT = "repository/deployment/server"
HOSTS = "/etc/hosts"
READ_AT_START = (
    "repository/conf/",
    "repository/components/lib/",
    "repository/components/dropins/",
    f"{DEPLOYMENT}/",
)
KEPT_FOR_GOOD = {"audit.log", "cloned", "generations", "record", "started"}
"""What the tool leaves in its folder, beside the console's logs, when nothing is under way."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A file, directory or link."""

    kind: str
    owner: str
    mode: str
    time: str
    link: str
    digest: str = ""

    @property
    def lasting(self) -> tuple[str, ...]:
        """All but the time, at which it may be written without a difference."""
        return (self.kind, self.owner, self.mode, self.link, self.digest)


Files = Mapping[str, Entry]


@dataclass(frozen=True)
class Look:
    """One host at one moment."""

    name: str
    files: Files
    """Of AS_HOME without what the server itself writes, and /etc/hosts with what lies beside it."""
    record: Mapping[str, str]
    audit: tuple[str, ...]
    metas: Mapping[str, Mapping[str, str]]
    """What the generations say of themselves, by their names."""
    manifests: Mapping[str, tuple[str, ...]]
    servers: tuple[tuple[str, str], ...]
    """Pid and start time of each server that runs from AS_HOME."""
    starts: Mapping[str, Mapping[str, str]]
    """By the pid of each server that ever started: path and digest of what it found."""
    aside: Files
    """Of an AS_HOME that a clone replaced and keeps."""
    beside: tuple[str, ...]
    """What else lies beside AS_HOME."""
    locks: tuple[str, ...]
    steps: tuple[str, ...]

    @cached_property
    def managed(self) -> Files:
        """The files of AS_HOME that are not the tool's own, and /etc/hosts."""
        return {
            path: entry
            for path, entry in self.files.items()
            if path.split("/")[0] != STATE and not path.startswith("/etc/hosts.")
        }

    @cached_property
    def readable_at_start(self) -> dict[str, str]:
        """Path and digest of all that a server would find if it started now."""
        return {
            path: entry.digest
            for path, entry in self.files.items()
            if entry.kind == "f" and (path.startswith(READ_AT_START) or path == HOSTS)
        }

    @cached_property
    def home(self) -> dict[str, tuple[str, ...]]:
        """What AS_HOME holds, but for the tool's own."""
        return {path: one.lasting for path, one in self.managed.items() if path != HOSTS}

    @property
    def member(self) -> bool:
        """One server runs, and was recorded as seen joining."""
        if len(self.servers) != 1:
            return False
        same = (self.record.get("pid"), self.record.get("ticks")) == self.servers[0]
        return same and bool(self.record.get("evidence"))

    @property
    def leftovers(self) -> list[str]:
        """What must not be there while nothing is under way."""
        own = {path.split("/")[1] for path in self.files if path.startswith(f"{STATE}/")}
        below = [
            path
            for path in self.files
            if path.startswith(f"{STATE}/generations/")
            and path.split("/")[2] not in self.metas
            and path.count("/") == 2
        ]
        return [
            *sorted(own - KEPT_FOR_GOOD),
            *below,
            *(path for path in self.files if path.endswith((".new", "/copy", "password-tmp"))),
            *(path for path in self.files if path.startswith("/etc/hosts.")),
            *self.beside,
            *self.locks,
        ]

    @cached_property
    def kept(self) -> list[object]:
        """What the generations keep, without their names, which differ from run to run."""
        order = {name: at for at, name in enumerate(sorted(self.metas))}
        return [
            (
                self.metas[name].get("verb"),
                [order.get(one) for one in self.metas[name].get("undoes", "").split()],
                sorted(self.manifests.get(name, ())),
                self._kept_files(name),
            )
            for name in order
        ]

    def _kept_files(self, generation: str) -> list[tuple[str, str, str]]:
        folder = f"{STATE}/generations/{generation}/"
        return sorted(
            (path.removeprefix(folder), entry.kind, entry.digest)
            for path, entry in self.files.items()
            if path.startswith((f"{folder}files", f"{folder}deployment-server"))
        )


def parse(name: str, answer: str) -> Look:
    """Read what look.sh prints."""
    rows: defaultdict[str, list[list[str]]] = defaultdict(list)
    for line in answer.splitlines():
        word, *fields = line.split("\t")
        rows[word].append(fields)
    return Look(
        name=name,
        files=_files(rows["tree"] + rows["hosts"], rows["digest"]),
        record=_pairs(fields[0] for fields in rows["record"]),
        audit=tuple("\t".join(fields) for fields in rows["audit"]),
        metas={
            generation: _pairs(text for other, text in rows["meta"] if other == generation)
            for generation, _ in rows["meta"]
        },
        manifests={
            generation: tuple(text for other, text in rows["manifest"] if other == generation)
            for generation, _ in rows["manifest"]
        },
        servers=tuple((pid, ticks) for pid, ticks in rows["server"]),
        starts=_starts(rows["start"]),
        aside=_files(rows["aside"], rows["digest_aside"]),
        beside=tuple(path for (path,) in rows["beside"]),
        locks=tuple(" ".join(fields) for fields in rows["lock"]),
        steps=tuple("\t".join(fields) for fields in rows["step"]),
    )


def _files(rows: Iterable[list[str]], sums: Iterable[list[str]]) -> Files:
    digests = {path: digest for digest, path in sums}
    return {
        path: Entry(kind, owner, mode, time, link, digests.get(path, ""))
        for kind, owner, mode, time, link, path in rows
    }


def _pairs(lines: Iterable[str]) -> dict[str, str]:
    return dict(line.split("=", 1) for line in lines if "=" in line)


def _starts(rows: list[list[str]]) -> dict[str, dict[str, str]]:
    found: defaultdict[str, dict[str, str]] = defaultdict(dict)
    for pid, text in rows:
        digest, _, path = text.partition(" ")
        found[pid][path] = digest
    return dict(found)
