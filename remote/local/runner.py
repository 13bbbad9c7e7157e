"""Commands of the operator as a run has them: with its variables, shown, and judged."""

from __future__ import annotations

import time
from collections.abc import Mapping

from carbon.cluster import Cluster, LocalCommand
from carbon.errors import Interrupted, ProvisionError, ScriptError, TimeLimitError
from remote.local.command import Finished, run_local
from remote.local.environment import cleaner
from remote.local.failure import describe_end
from remote.run.progress import Progress

ROLLOUT = "rollout"
"""In the place of a host's name, for what concerns them all."""


class Runner:
    """Runs commands of hosts.yaml in one run of a verb."""

    def __init__(self, cluster: Cluster, *, verb: str, run: str, progress: Progress) -> None:
        self._cluster = cluster
        self.verb = verb
        self._run = run
        self._progress = progress

    def finish(
        self,
        point: str,
        command: LocalCommand,
        *,
        name: str,
        variables: Mapping[str, str],
        shows: bool = True,
        heeds_interrupt: bool = True,
    ) -> Finished:
        """Run a command to its end; `name` stands before each line that it prints."""
        file = self._cluster.file.absolute()
        about_run = {
            "PROVISION_POINT": point,
            "PROVISION_VERB": self.verb,
            "PROVISION_RUN": self._run,
            "PROVISION_DOMAIN": self._cluster.domain,
            "PROVISION_INVENTORY": str(file),
        }

        def show(line: str) -> None:
            if shows:
                self._progress.say(name, f"{point} | {line}")

        return run_local(
            command,
            folder=file.parent,
            environment={**about_run, **variables},
            show=show,
            clean=cleaner(self._cluster),
            heeds_interrupt=heeds_interrupt,
        )

    def demand(
        self,
        point: str,
        command: LocalCommand,
        *,
        name: str,
        variables: Mapping[str, str],
        action: str,
        code: str,
        heeds_interrupt: bool = True,
    ) -> float:
        """Run a command that has to end well; return how long that took, in seconds.

        Raises ScriptError with CODE-failed, TimeLimitError with CODE-time-limit, Interrupted.
        """
        began = time.monotonic()
        self._progress.now(name, f"runs {point}")
        finished = self.finish(
            point, command, name=name, variables=variables, heeds_interrupt=heeds_interrupt
        )
        self._progress.now(name, "")
        if not finished.succeeded:
            host = None if name == ROLLOUT else name
            raise error_of(point, command, finished, host=host, action=action, code=code)
        return time.monotonic() - began


def error_of(
    point: str,
    command: LocalCommand,
    finished: Finished,
    *,
    host: str | None,
    action: str,
    code: str,
) -> ProvisionError:
    """Return the error for a command that did not end well."""
    seen = f"the command {describe_end(command, finished)}"
    if finished.end == "interrupted":
        return Interrupted(seen, host=host, step=point, action=action)
    if finished.end == "time limit":
        late = f"{code}-time-limit"
        return TimeLimitError(seen, host=host, step=point, action=action, code=late)
    return ScriptError(seen, host=host, step=point, action=action, code=f"{code}-failed")
