"""The copy of an AS_HOME: streamed from one server to another, compared, renamed into place."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import PurePosixPath

from carbon.checks.home import SPARE_KB
from carbon.clone import contents, target
from carbon.clone.contents import Differences, Entry, Selection
from carbon.clone.target import Site
from carbon.clone.tarstream import TarWatch
from carbon.cluster import Node
from carbon.errors import ScriptError
from carbon.value import Value
from remote.clone.partial import PartialHome, patience_seconds
from remote.host.host import Host
from remote.host.server import Reading
from remote.run.threads import all_or_errors, parallel

ROUNDS = 3
"""How often files are sent again that changed while they were copied."""
_CHECKSUM_BYTES = 64
"""What cksum prints for a file beside its path: two numbers."""


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


class HomeCopy(Value, kw_only=True):
    """One copy: from the source to the partial home of a node."""

    source: Host[Node]
    home: PartialHome
    databases: tuple[PurePosixPath, ...] = ()
    """The local ones of the source, which stay there."""

    def fetch(self, selection: Selection) -> None:
        """Stream what is selected, through this process alone, and compare both sides.

        What changed on the source meanwhile is sent again. Raises ScriptError if files do
        not come to rest, where either side fails, or where the stream is not what was asked for.
        """
        progress = self.home.progress
        progress.now(self.source.name, f"being copied to {self.home.node.name}")
        self._send(selection, fresh=True)
        for attempt in range(ROUNDS + 1):
            progress.now(self.home.node.name, "verifying the copy")
            differences = self._compare()
            if not differences.paths:
                return
            if attempt < ROUNDS:
                self._send_again(differences)
        raise ScriptError(
            f"these files change faster than they can be copied: {differences.summary}",
            host=self.source.name,
            step="copy",
            action=f"find out who writes them, or stop {self.source.name} for the clone",
        )

    def _send(self, selection: Selection, *, fresh: bool) -> None:
        """Stream files from the source to the partial home, through this process alone."""
        total_bytes = selection.stream_bytes
        send = self.source.script("clone_send", limited=False)
        limit_bytes = total_bytes + SPARE_KB * 1024
        watch = TarWatch(selection.kinds, limit_bytes=limit_bytes, origin=self.source.name)
        with closing(self.source.read(send, payload=selection.names)) as reading:
            pieces = self._watched(reading, watch)
            self.home.receive(pieces, total_bytes=total_bytes, fresh=fresh)

    def _watched(self, reading: Reading, watch: TarWatch) -> Iterator[bytes]:
        """Pass the stream on, piece by piece, each only after it was looked at."""
        for piece in reading:
            watch.feed(piece)
            yield piece
        reading.outcome().check(host=self.source.name, step="copy")
        watch.finish()

    def _compare(self) -> Differences:
        def read(host: Host[Node]) -> tuple[Selection, dict[str, str]]:
            selection = contents.select(list_home(host), databases=self.databases)
            return selection, _checksums(host, selection)

        partial = self.home.fleet.host(self.home.partial)
        results, errors = all_or_errors(parallel((self.source, partial), read))
        if errors:
            raise errors[0]
        (source, source_sums), (target, target_sums) = results
        return contents.compare(
            source, target, source_checksums=source_sums, target_checksums=target_sums
        )

    def _send_again(self, differences: Differences) -> None:
        text = f"changed meanwhile, copied again: {differences.summary}"
        self.home.progress.say(self.home.node.name, text)
        if differences.surplus:
            self.home.run("clone_drop", payload=contents.names_of(differences.surplus))
        if differences.stale.entries:
            self._send(differences.stale, fresh=False)


def _checksums(host: Host[Node], selection: Selection) -> dict[str, str]:
    script = host.script("clone_checksum", limited=False)
    more_seconds = patience_seconds(selection.content_bytes)
    payload = selection.files.names
    limit_bytes = len(payload) + _CHECKSUM_BYTES * len(selection.files.entries)
    answer = bytearray()
    with closing(host.read(script, payload=payload, more_seconds=more_seconds)) as reading:
        for piece in reading:
            answer += piece
            if len(answer) > limit_bytes:
                raise ScriptError(
                    "its checksums are longer than its list of files",
                    host=host.name,
                    step="copy",
                    action="find out what its `cksum` really is",
                )
        reading.outcome().check(host=host.name, step="copy")
    return contents.parse_checksums(bytes(answer))
