"""Write down on the server what was verified, and what the run did: record and audit log."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from carbon.cluster import Node
from carbon.errors import ProvisionError
from carbon.value import Value
from remote.host.host import Host
from remote.host.server import Outcome
from remote.rollout.start import Joined, Start
from remote.run.progress import Progress

_FULL = "make room in AS_HOME/.provision; the server itself is up"


class Unfinished(Value, kw_only=True):
    """What did not follow a join: the next deploy or start does it. Empty: all was done."""

    what: Literal["", "after_join", "rotation"]
    pid: int


class Record:
    """What is to be written down of one node's turn.

    The script that started the node goes on with it: once it has the lines it writes them, even
    if the client is lost. Without such a script, or if that was ended, another one does it.
    """

    def __init__(
        self,
        host: Host[Node],
        *,
        joined: Joined | None,
        audit: str,
        failed: bool = False,
        unfinished: Unfinished | None = None,
        removed: bool = False,
        start: Start | None = None,
    ) -> None:
        """`failed`: it was started, and did not come up or join; `removed`: it is taken out."""
        self._host = host
        self._lines = tuple(
            _lines(joined, audit, failed=failed, removed=removed, unfinished=unfinished)
        )
        self._start = start

    def begin(self) -> None:
        """Send the lines to the script that started the node, if there is one."""
        if self._start is not None:
            self._start.send(*self._lines)

    def finish(self) -> None:
        """Wait until the lines are written. Raises ScriptError and what the connection raises."""
        outcome = self._start.outcome_of_record() if self._start else None
        outcome = outcome or self._write()
        outcome.check(host=self._host.name, step="record", remedy=_FULL)

    def finish_quietly(self, progress: Progress) -> None:
        """Do so, and only say what fails: it ends nothing else."""
        try:
            self.finish()
        except ProvisionError as failure:
            progress.say(self._host.name, f"not recorded: {failure.seen}")
        finally:
            if self._start is not None:
                self._start.close()

    def _write(self) -> Outcome:
        payload = "".join(f"{line}\n" for line in self._lines).encode(errors="surrogateescape")
        return self._host.outcome_of(self._host.script("record"), payload=payload)


def _lines(
    joined: Joined | None,
    audit: str,
    *,
    failed: bool,
    removed: bool,
    unfinished: Unfinished | None,
) -> Iterator[str]:
    """Yield the lines that the script takes; the last one is empty.

    The evidence comes last: what a full disk cuts off before it counts for nothing.
    """
    yield audit
    yield "joined" if joined else "failed" if failed else "removed" if removed else ""
    yield str(joined.pid) if joined else str(unfinished.pid) if unfinished else ""
    if unfinished is not None:
        yield f"unfinished={unfinished.what}"
    if joined is not None:
        yield f"seconds={joined.seconds:.1f}"
        yield f"proof={joined.proof}"
        yield f"evidence={joined.evidence}"
    yield ""
