"""The figures: single runs, and what is published of them."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from statistics import median
from typing import Literal, Self

from benchmarks.timing import Time
from benchmarks.tools import Tool

Kind = Literal["cold", "no-op"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One run that counted."""

    tool: str
    hosts: int
    kind: Kind
    seconds: float
    cpu_seconds: float
    """On the operator's side; processes that outlive the run, as Ansible's ssh, not included."""
    peak_kb: int
    handover_ms: float | None = None
    """From a join line to the next server's first act, the median of this run."""

    @classmethod
    def of(
        cls, tool: str, hosts: int, kind: Kind, time: Time, *, handover_ms: float | None = None
    ) -> Self:
        return cls(tool=tool, hosts=hosts, kind=kind, handover_ms=handover_ms, **asdict(time))


@dataclass(frozen=True, slots=True, kw_only=True)
class Crowd:
    """A no-op through few sshd at their default MaxStartups; it failed on no host."""

    hosts: int
    sshds: int
    dropped: int
    """Connections that an sshd dropped and that were tried again."""
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Light:
    """Against Fabric's own, with an empty fabfile."""

    list_ratio: float
    completion_ratio: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Clone:
    """`clone` through the operator's machine, against `ssh source tar c | ssh target tar x`."""

    megabytes: int
    throughput_ratio: float
    """Of copying and verifying."""
    whole_ratio: float
    """Of the whole command, which also looks, deploys, starts and sees the clone join."""
    peak_kb: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Install:
    """`install` of a pack on empty servers, all at once, against one `ssh tar` to each."""

    hosts: int
    megabytes: int
    seconds: dict[str, float]
    """By tool: `floor` is the plain tar."""
    peak_kb: int


@dataclass(kw_only=True)
class Results:
    """All figures of one run of the benchmark."""

    date: str
    machine: str
    load_before: float
    """The machine's load when the benchmark began: more than 0.2 was not ours."""
    versions: dict[str, str]
    runs: list[Run] = field(default_factory=list)
    crowd: Crowd | None = None
    light: Light | None = None
    clone: Clone | None = None
    installs: list[Install] = field(default_factory=list)

    @classmethod
    def begin(cls, tools: Iterable[Tool]) -> Self:
        """Return empty results that say where and with what they are made."""
        pages = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
        versions = {tool.title: tool.version() for tool in tools if tool.version()}
        packages = ", ".join(f"{name} {version(name)}" for name in ("fabric", "paramiko"))
        return cls(
            date=datetime.now(UTC).strftime("%Y-%m-%d"),
            machine=f"{os.cpu_count()} cores, {pages // 2**30} GiB, {platform.system()}"
            f" {platform.machine()}, Python {platform.python_version()}",
            load_before=round(os.getloadavg()[0], 2),
            versions={"this project": packages, **versions},
        )

    @classmethod
    def read(cls, file: Path) -> Self:
        """Read what `write` wrote."""
        found = json.loads(file.read_text())
        for name, kind in (("crowd", Crowd), ("light", Light), ("clone", Clone)):
            found[name] = kind(**found[name]) if found[name] else None
        found["runs"] = [Run(**run) for run in found["runs"]]
        found["installs"] = [Install(**each) for each in found.get("installs", ())]
        return cls(**found)

    def write(self, file: Path) -> None:
        file.write_text(json.dumps(asdict(self), indent=1) + "\n")

    def sizes(self) -> list[int]:
        return sorted({run.hosts for run in self.runs})

    def of(self, tool: str, hosts: int, kind: Kind) -> list[Run]:
        """Return all runs of a tool on that many hosts."""
        return [run for run in self.runs if (run.tool, run.hosts, run.kind) == (tool, hosts, kind)]

    def seconds(self, tool: str, hosts: int, kind: Kind) -> float | None:
        """Return the median time; None where it was not measured."""
        runs = self.of(tool, hosts, kind)
        return median(run.seconds for run in runs) if runs else None

    def ratio(self, tool: str, other: str, hosts: int, kind: Kind) -> float | None:
        """Return how many times as long as the other a tool takes."""
        own, against = self.seconds(tool, hosts, kind), self.seconds(other, hosts, kind)
        return own / against if own and against else None
