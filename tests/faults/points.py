"""Where a run can break, and how: from a recorded run to the list of all faults."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

Area = Literal["/opt/faults", "/etc", "/tmp"]
AREAS: tuple[Area, ...] = ("/opt/faults", "/etc", "/tmp")
Disk = Literal["full", "read-only"]
DISK_FAULTS: tuple[Disk, ...] = ("full", "read-only")

OPERATION_FAULTS = {
    "open": ("kill-before", "cut-after", "kill-after"),
    "line": ("cut-after", "kill-after"),
    "piece": ("cut-after", "kill-after"),
    "close": ("cut-before", "kill-before", "kill-after"),
}
"""There is nothing to cut before a connection or after it, and no moment before a line."""
ANY_FAULTS = ("cut-before", "cut-after", "kill-before", "kill-after")

WRITES_NOTHING = ("terminate", "kill")
"""Steps that signal a process: a full disk is nothing to them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """A moment of a run, as tests/faults names it."""

    name: str
    step: str = ""
    """What a step of a script is about to do."""

    @property
    def server(self) -> str:
        return self.name.split(":")[0]

    @property
    def kind(self) -> str:
        """`open`, `run`, `step` and so on."""
        return self.name.split(":")[1]

    @property
    def script(self) -> str:
        """The script, where the point is one of a script."""
        return self.name.split(":")[2]

    @property
    def area(self) -> Area:
        """The file system that this step writes on."""
        if self.script.startswith("hosts"):
            return "/etc"
        return "/tmp" if self.script == "lock" else "/opt/faults"

    def __str__(self) -> str:
        return f"{self.name} ({self.step})" if self.step else self.name


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One thing that goes wrong at one point."""

    point: Point
    what: str
    """As PROVISION_FAULT has it, or what becomes of the disk."""

    @property
    def disk(self) -> bool:
        """The script is held at its step while its file system is made unfit."""
        return self.what in DISK_FAULTS

    @property
    def asked(self) -> str:
        """The text for PROVISION_FAULT."""
        return f"{self.point.name} {'hold' if self.disk else self.what}"

    def __str__(self) -> str:
        return f"{self.what} at {self.point}"


def points(operations: Iterable[str], steps: Iterable[str]) -> list[Point]:
    """Return the points of a recorded run: its operations, then the steps of its scripts."""
    named = dict(line.split("\t", 1) for line in steps)
    return [
        *(Point(name=name) for name in operations if _means_the_same_each_time(name)),
        *(
            Point(name=name, step=step)
            for name, step in named.items()
            if not _tries_again(name, step)
        ),
    ]


def _means_the_same_each_time(name: str) -> bool:
    """How many pieces a stream comes in is chance; the first one always comes."""
    return ":piece:" not in name or name.endswith(":1")


def _tries_again(name: str, step: str) -> bool:
    """Whether a lock is asked for twice is chance: the run before may just be giving it back."""
    return step == "lock" and not name.endswith(":1")


def faults(found: Iterable[Point]) -> Iterator[Fault]:
    """Yield every fault of every point."""
    for point in found:
        if point.kind != "step":
            whats: Sequence[str] = OPERATION_FAULTS.get(point.kind, ANY_FAULTS)
        elif point.step in WRITES_NOTHING:
            whats = ("kill",)
        else:
            whats = ("kill", *DISK_FAULTS)
        for what in whats:
            yield Fault(point=point, what=what)


def spread(all_faults: Sequence[Fault], count: int) -> list[Fault]:
    """Return `count` faults: of each kind as many, each as evenly spread over the run as can be."""
    of_a_kind: defaultdict[str, list[int]] = defaultdict(list)
    for at, fault in enumerate(all_faults):
        of_a_kind[fault.what].append(at)
    chosen: set[int] = set()
    for nth, places in enumerate(of_a_kind.values()):
        share = len(range(nth, count, len(of_a_kind)))
        chosen |= {places[(2 * at + 1) * len(places) // (2 * share)] for at in range(share)}
    return [all_faults[at] for at in sorted(chosen)]
