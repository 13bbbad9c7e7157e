"""The copy of an AS_HOME: streamed from one server to another, compared, renamed into place."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import closing
from pathlib import PurePosixPath

from carbon.checks.home import SPARE_KB
from carbon.clone import contents, target
from carbon.clone.contents import Differences, Entry, Selection
from carbon.clone.target import Site
from carbon.clone.tarstream import TarWatch
from carbon.cluster import Node
from carbon.errors import ProvisionError, ScriptError
from carbon.home import layout
from carbon.value import replace
from remote.host.audit import utc_now
from remote.host.fleet import Fleet
from remote.host.host import Host
from remote.host.script import Script
from remote.host.server import Outcome, Reading
from remote.run.interrupt import safe_point
from remote.run.progress import Progress
from remote.run.threads import all_or_errors, parallel

ROUNDS = 3
"""How often files are sent again that changed while they were copied."""
_CHECKSUM_BYTES = 64
"""What cksum prints for a file beside its path: two numbers."""
SLOWEST_BYTES_PER_SECOND = 5_000_000
"""What a disk is trusted to do, where a limit has to grow with what is read or written."""


def inspect_site(host: Host[Node]) -> Site:
    """Inspect the place where a home stands, or is to stand."""
    partial = str(contents.partial_of(host.node.home))
    outcome = host.run(host.script("home_look", partial=partial), step="look")
    return target.parse_site(outcome.out)


def list_home(host: Host[Node], *, whole: bool = False) -> tuple[Entry, ...]:
    """List what is in a home; unless `whole`, without what never travels to a clone."""
    prune = [] if whole else contents.PRUNED
    outcome = host.run(host.script("home_list", prune=prune), step="look")
    return contents.parse_listing(outcome.out, name=host.name)


class HomeCopy:
    """One copy: it grows in `partial`, beside the AS_HOME that it is to be.

    `databases` are the local ones of the source, which stay there.
    """

    def __init__(
        self,
        fleet: Fleet,
        *,
        source: Node,
        node: Node,
        databases: tuple[PurePosixPath, ...] = (),
        progress: Progress,
    ) -> None:
        self.partial = replace(node, home=contents.partial_of(node.home))
        self._fleet = fleet
        self._source = source
        self._node = node
        self._databases = databases
        self._progress = progress

    def fetch(self, selection: Selection) -> None:
        """Stream what is selected, through this process alone, and compare both sides.

        What changed on the source meanwhile is sent again. Raises ScriptError if files do
        not come to rest, where either side fails, or where the stream is not what was asked for.
        """
        self._progress.now(self._source.name, f"being copied to {self._node.name}")
        self._send(selection, fresh=True)
        for attempt in range(ROUNDS + 1):
            self._progress.now(self._node.name, "verifying the copy")
            differences = self._compare()
            if not differences.paths:
                return
            if attempt < ROUNDS:
                self._send_again(differences)
        raise ScriptError(
            f"these files change faster than they can be copied: {differences.told}",
            host=self._source.name,
            step="copy",
            action=f"find out who writes them, or stop {self._source.name} for the clone",
        )

    def land(self, selection: Selection, *, replacing: bool, first_start: str) -> bool:
        """Rename the copy into place; return whether an old AS_HOME was kept aside for it."""
        self._progress.now(self._node.name, "writing to disk and renaming into place")
        script = self._script(
            "home_land",
            home_dir=str(self._node.home),
            partial=str(self.partial.home),
            kept=str(contents.kept_of(self._node.home)),
            replace="yes" if replacing else "no",
            empty=[str(path) for path in layout.EMPTY_DIRECTORIES],
            cloned=f"source={self._source.name}\nwhen={utc_now()}",
            first_start=first_start,
        )
        landed = self._run(script, size_bytes=selection.content_bytes)
        return b"kept" in landed.out.split()

    def discard(self) -> None:
        """Take the partial directory away; where that fails, the next run does it."""
        discard = self._script("home_discard", partial=str(self.partial.home))
        try:
            self._run(discard)
        except ProvisionError as failure:
            self._progress.say(
                self._node.name, f"{self.partial.home} is left until the next clone: {failure.seen}"
            )

    def _send(self, selection: Selection, *, fresh: bool) -> None:
        """Stream files from the source to the partial directory, through this process alone."""
        total_bytes = selection.stream_bytes
        spare_bytes = SPARE_KB * 1024
        source = self._fleet.host(self._source)
        send = source.script("clone_send", limited=False)
        receive = self._script(
            "home_receive",
            partial=str(self.partial.home),
            fresh="yes" if fresh else "no",
            need_kb=(total_bytes + spare_bytes) // 1024,
        )
        watch = TarWatch(
            selection.kinds, limit_bytes=total_bytes + spare_bytes, origin=self._source.name
        )
        with closing(source.read(send, payload=selection.names)) as reading:
            pieces = self._watched(reading, watch, total_bytes=total_bytes)
            self._run(receive, payload=pieces, size_bytes=total_bytes)

    def _watched(self, reading: Reading, watch: TarWatch, *, total_bytes: int) -> Iterator[bytes]:
        """Pass the stream on, piece by piece, each only after it was looked at."""
        done_bytes = 0
        for piece in reading:
            watch.feed(piece)
            yield piece
            done_bytes += len(piece)
            self._progress.copied(self._node.name, done_bytes, total_bytes)
            safe_point()
        reading.outcome().check(host=self._source.name, step="copy")
        watch.finish()

    def _compare(self) -> Differences:
        def read(node: Node) -> tuple[Selection, dict[str, str]]:
            host = self._fleet.host(node)
            selection = contents.select(list_home(host), databases=self._databases)
            return selection, _checksums(host, selection)

        results, errors = all_or_errors(parallel((self._source, self.partial), read))
        if errors:
            raise errors[0]
        (source, source_sums), (target, target_sums) = results
        return contents.compare(
            source, target, source_checksums=source_sums, target_checksums=target_sums
        )

    def _send_again(self, differences: Differences) -> None:
        self._progress.say(self._node.name, f"changed meanwhile, copied again: {differences.told}")
        if differences.surplus:
            drop = self._script("clone_drop", partial=str(self.partial.home))
            self._run(drop, payload=contents.names_of(differences.surplus))
        if differences.stale.entries:
            self._send(differences.stale, fresh=False)

    def _script(self, name: str, **values: str | int | list[str]) -> Script:
        return self._fleet.host(self._node).script(name, values, limited=False)

    def _run(
        self, script: Script, *, payload: bytes | Iterable[bytes] = b"", size_bytes: int = 0
    ) -> Outcome:
        return self._fleet.host(self._node).run(
            script,
            step=script.name.partition("_")[2],
            payload=payload,
            more_seconds=_patience_seconds(size_bytes),
        )


def _patience_seconds(size_bytes: int) -> float:
    return size_bytes / SLOWEST_BYTES_PER_SECOND


def _checksums(host: Host[Node], selection: Selection) -> dict[str, str]:
    script = host.script("clone_checksum", limited=False)
    more_seconds = _patience_seconds(selection.content_bytes)
    payload = selection.files.names
    with closing(host.read(script, payload=payload, more_seconds=more_seconds)) as reading:
        answer = _up_to(
            reading, len(payload) + _CHECKSUM_BYTES * len(selection.files.entries), host
        )
        reading.outcome().check(host=host.name, step="copy")
    return contents.parse_checksums(answer)


def _up_to(reading: Reading, limit_bytes: int, host: Host[Node]) -> bytes:
    answer = bytearray()
    for piece in reading:
        answer += piece
        if len(answer) > limit_bytes:
            raise ScriptError(
                "its checksums are longer than its list of files",
                host=host.name,
                step="copy",
                action="find out what its `cksum` really is",
            )
    return bytes(answer)
