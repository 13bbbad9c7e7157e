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


class Record(Value, kw_only=True):
    """What is to be written down of one node's turn.

    The script that started the node goes on with it: once it has the lines it writes them, even
    if the client is lost. Without such a script, or if that was ended, another one does it.
    """

    host: Host[Node]
    joined: Joined | None
    audit: str
    failed: bool = False
    """It was started, and did not come up or join."""
    unfinished: Unfinished | None = None
    removed: bool = False
    """It is taken out for good."""
    start: Start | None = None

    def begin(self) -> None:
        """Send the lines to the script that started the node, if there is one."""
        if self.start is not None:
            self.start.send(*self._lines())

    def finish(self) -> None:
        """Wait until the lines are written. Raises ScriptError and what the connection raises."""
        outcome = self.start.outcome_of_record() if self.start else None
        outcome = outcome or self._write()
        outcome.check(host=self.host.name, step="record", remedy=_FULL)

    def finish_quietly(self, progress: Progress) -> None:
        """Do so, and only say what fails: it ends nothing else."""
        try:
            self.finish()
        except ProvisionError as failure:
            progress.say(self.host.name, f"not recorded: {failure.seen}")
        finally:
            if self.start is not None:
                self.start.close()

    def _write(self) -> Outcome:
        payload = "".join(f"{line}\n" for line in self._lines()).encode(errors="surrogateescape")
        return self.host.outcome_of(self.host.script("record"), payload=payload)

    def _lines(self) -> Iterator[str]:
        """Yield the lines that the script takes; the last one is empty.

        The evidence comes last: what a full disk cuts off before it counts for nothing.
        """
        joined, unfinished = self.joined, self.unfinished
        yield self.audit
        yield "joined" if joined else "failed" if self.failed else "removed" if self.removed else ""
        yield str(joined.pid) if joined else str(unfinished.pid) if unfinished else ""
        if unfinished is not None:
            yield f"unfinished={unfinished.what}"
        if joined is not None:
            yield f"seconds={joined.seconds:.1f}"
            yield f"proof={joined.proof}"
            yield f"evidence={joined.evidence}"
        yield ""
