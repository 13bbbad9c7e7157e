"""A home that grows beside the AS_HOME that it is to be, and is renamed into its place."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from carbon.checks.home import SPARE_KB
from carbon.clone.contents import kept_of, partial_of
from carbon.cluster import Node
from carbon.errors import ProvisionError
from carbon.home import layout
from carbon.value import Value, replace
from remote.host.audit import utc_now
from remote.host.fleet import Fleet
from remote.host.script import Given
from remote.host.server import Outcome
from remote.run.interrupt import safe_point
from remote.run.progress import Progress

_SLOWEST_BYTES_PER_SECOND = 5_000_000
"""What a disk is trusted to do, if a limit has to grow with what is read or written."""


def patience_seconds(size_bytes: int) -> float:
    """Return what comes on top of a limit for so much to read or to write."""
    return size_bytes / _SLOWEST_BYTES_PER_SECOND


class PartialHome(Value, kw_only=True):
    """The partial home of a node, for `clone` and for `install`."""

    fleet: Fleet
    node: Node
    verb: str
    size_bytes: int
    """How much it is to hold."""
    progress: Progress
    step: str = ""
    """Of all its errors; if empty, each script is a step of its own."""

    @property
    def partial(self) -> Node:
        """The node with the partial home as its AS_HOME."""
        return replace(self.node, home=partial_of(self.node.home))

    def receive(self, pieces: Iterable[bytes], *, total_bytes: int, fresh: bool = True) -> None:
        """Unpack a stream there, into an empty folder if it is `fresh`."""
        self.run(
            "home_receive",
            payload=self._counted(pieces, total_bytes),
            fresh="yes" if fresh else "no",
            need_kb=total_bytes // 1024 + SPARE_KB,
        )

    def _counted(self, pieces: Iterable[bytes], total_bytes: int) -> Iterator[bytes]:
        done_bytes = 0
        for piece in pieces:
            yield piece
            done_bytes += len(piece)
            self.progress.copied(self.node.name, done_bytes, total_bytes)
            safe_point()

    def land(self, *, replacing: bool, source: str = "", first_start: str = "") -> bool:
        """Rename it into place; return whether an old AS_HOME was kept aside for it.

        A clone names its `source`, and has what its first start needs besides.
        """
        self.progress.now(self.node.name, "writing to disk and renaming into place")
        landed = self.run(
            "home_land",
            kept=str(kept_of(self.node.home)),
            replace="yes" if replacing else "no",
            empty=[str(path) for path in layout.EMPTY_DIRECTORIES] if source else [],
            cloned=f"source={source}\nwhen={utc_now()}" if source else "",
            first_start=first_start,
        )
        return b"kept" in landed.out.split()

    def discard(self) -> None:
        """Take it away; if that fails, the next run does it."""
        try:
            self.run("home_discard")
        except ProvisionError as failure:
            text = f"{self.partial.home} is left until the next {self.verb}: {failure.seen}"
            self.progress.say(self.node.name, text)

    def run(self, name: str, *, payload: bytes | Iterable[bytes] = b"", **values: Given) -> Outcome:
        """Run a script on it."""
        host = self.fleet.host(self.node)
        return host.run(
            host.script(name, values, partial=str(self.partial.home), limited=False),
            step=self.step or name.partition("_")[2],
            payload=payload,
            more_seconds=patience_seconds(self.size_bytes),
        )
