"""The copy of an AS_HOME: streamed from one server to another, compared, renamed into place."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import closing
from pathlib import PurePosixPath

from carbon.checks.home import SPARE_KB
from carbon.clone import contents
from carbon.clone.contents import Differences, Entry, Selection, Site
from carbon.clone.tarstream import TarWatch
from carbon.cluster import Node
from carbon.errors import ProvisionError, ScriptError
from carbon.home import layout
from carbon.value import replace
from remote.host.fleet import Fleet
from remote.host.lock import utc_now
from remote.host.script import Script
from remote.host.server import Outcome, Reading, Server
from remote.run.interrupt import safe_point
from remote.run.progress import Progress
from remote.run.threads import all_or_errors, parallel

ROUNDS = 3
"""How often files are sent again that changed while they were copied."""
SLOWEST_BYTES_PER_SECOND = 5_000_000
"""What a disk is trusted to do, where a limit has to grow with what is read or written."""


def look_at_site(server: Server, node: Node, *, timeout_seconds: float) -> Site:
    """Look at the place where a home stands, or is to stand."""
    script = Script(
        name="clone_look",
        values={"home_dir": str(node.home), "partial": str(contents.partial_of(node.home))},
        run_as=node.run_as,
        limit_seconds=timeout_seconds,
    )
    outcome = server.run(script, timeout_seconds=timeout_seconds)
    _demand(outcome, node, "look")
    return contents.parse_site(outcome.out)


def list_home(server: Server, node: Node, *, timeout_seconds: float) -> tuple[Entry, ...]:
    """List what is in a home."""
    script = Script(
        name="clone_list",
        values={"home_dir": str(node.home), "prune": contents.PRUNED},
        run_as=node.run_as,
        limit_seconds=timeout_seconds,
    )
    outcome = server.run(script, timeout_seconds=timeout_seconds)
    _demand(outcome, node, "look")
    return contents.parse_listing(outcome.out, name=node.name)


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
        self._seconds = fleet.cluster.limits.command_seconds

    def fetch(self, selection: Selection) -> None:
        """Stream what is selected, through this process alone, and compare both sides.

        What changed on the source meanwhile is sent again. Raises ScriptError where files do
        not come to rest, where either side fails, or where the stream is not what was asked for.
        """
        self._progress.now(self._source.name, f"being copied to {self._node.name}")
        self._send(selection, fresh=True)
        for attempt in range(ROUNDS + 1):
            self._progress.now(self._node.name, "verifying the copy")
            found = self._compare()
            if not found.paths:
                return
            if attempt < ROUNDS:
                self._send_again(found)
        raise ScriptError(
            f"these files change faster than they can be copied: {found.told}",
            host=self._source.name,
            step="copy",
            action=f"find out who writes them, or stop {self._source.name} for the clone",
        )

    def land(self, selection: Selection, *, replacing: bool, first_start: str) -> bool:
        """Rename the copy into place; return whether an old AS_HOME was kept aside for it."""
        self._progress.now(self._node.name, "writing to disk and renaming into place")
        script = self._script(
            "clone_land",
            home_dir=str(self._node.home),
            partial=str(self.partial.home),
            kept=str(contents.kept_of(self._node.home)),
            replace="yes" if replacing else "no",
            empty=[str(path) for path in layout.EMPTY_DIRECTORIES],
            cloned=f"source={self._source.name}\nwhen={utc_now()}",
            first_start=first_start,
        )
        landed = self._run(script, seconds=self._patience(selection.content_bytes))
        return b"kept" in landed.out.split()

    def discard(self) -> None:
        """Take the partial directory away; where that fails, the next run does it."""
        discard = self._script("clone_discard", partial=str(self.partial.home))
        try:
            self._run(discard, seconds=self._seconds)
        except ProvisionError as failure:
            self._progress.say(
                self._node.name, f"{self.partial.home} is left until the next clone: {failure.seen}"
            )

    def _send(self, selection: Selection, *, fresh: bool) -> None:
        """Stream files from the source to the partial directory, through this process alone."""
        total_bytes = selection.stream_bytes
        spare_bytes = SPARE_KB * 1024
        send = Script(
            name="clone_send",
            values={"home_dir": str(self._source.home)},
            run_as=self._source.run_as,
        )
        receive = self._script(
            "clone_receive",
            partial=str(self.partial.home),
            fresh="yes" if fresh else "no",
            need_kb=(total_bytes + spare_bytes) // 1024,
        )
        watch = TarWatch(
            selection.kinds, limit_bytes=total_bytes + spare_bytes, origin=self._source.name
        )
        reading = self._fleet.server(self._source).read(
            send, payload=selection.names, stall_seconds=self._seconds
        )
        with closing(reading):
            pieces = self._watched(reading, watch, total_bytes=total_bytes)
            self._run(receive, payload=pieces, seconds=self._patience(total_bytes))

    def _watched(self, reading: Reading, watch: TarWatch, *, total_bytes: int) -> Iterator[bytes]:
        """Pass the stream on, piece by piece, each only after it was looked at."""
        done_bytes = 0
        for piece in reading:
            watch.feed(piece)
            yield piece
            done_bytes += len(piece)
            self._progress.copied(self._node.name, done_bytes, total_bytes)
            safe_point()
        _demand(reading.outcome(), self._source, "copy")
        watch.finish()

    def _compare(self) -> Differences:
        def read(node: Node) -> tuple[Selection, dict[str, str]]:
            server = self._fleet.server(node)
            listed = list_home(server, node, timeout_seconds=self._seconds)
            selection = contents.select(listed, databases=self._databases)
            seconds = self._patience(selection.content_bytes)
            return selection, _checksums(server, node, selection.files, stall_seconds=seconds)

        results, errors = all_or_errors(parallel((self._source, self.partial), read))
        if errors:
            raise errors[0]
        (source, source_sums), (target, target_sums) = results
        return contents.compare(
            source, target, source_checksums=source_sums, target_checksums=target_sums
        )

    def _send_again(self, found: Differences) -> None:
        self._progress.say(self._node.name, f"changed meanwhile, copied again: {found.told}")
        if found.surplus:
            drop = self._script("clone_drop", partial=str(self.partial.home))
            self._run(drop, payload=contents.names_of(found.surplus), seconds=self._seconds)
        if found.stale.entries:
            self._send(found.stale, fresh=False)

    def _script(self, name: str, **values: str | int | list[str]) -> Script:
        return Script(name=name, values=values, run_as=self._node.run_as)

    def _run(
        self, script: Script, *, payload: bytes | Iterable[bytes] = b"", seconds: float
    ) -> Outcome:
        server = self._fleet.server(self._node)
        outcome = server.run(script, payload=payload, timeout_seconds=seconds)
        _demand(outcome, self._node, script.name.removeprefix("clone_"))
        return outcome

    def _patience(self, size_bytes: int) -> float:
        return self._seconds + size_bytes / SLOWEST_BYTES_PER_SECOND


def _checksums(
    server: Server, node: Node, files: Selection, *, stall_seconds: float
) -> dict[str, str]:
    script = Script(name="clone_checksum", values={"home_dir": str(node.home)}, run_as=node.run_as)
    reading = server.read(script, payload=files.names, stall_seconds=stall_seconds)
    with closing(reading):
        answer = b"".join(reading)
        _demand(reading.outcome(), node, "copy")
    return contents.parse_checksums(answer)


def _demand(outcome: Outcome, node: Node, step: str) -> None:
    if outcome.status != 0:
        raise ScriptError(
            outcome.complaint,
            host=node.name,
            step=step,
            action="remove the cause; then run the same command again",
        )
