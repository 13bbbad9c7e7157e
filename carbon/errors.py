"""The error tree: everything that an operator may read, and nothing else reaches one.

Each error says where (host or file), at which step, what was seen, and what to do next. Its
`code` stays the same while sentences get better. Foreign exceptions are translated into these
once, where the outside is touched; the command line turns them into one paragraph and an exit
status (carbon/exits.py).
"""

from __future__ import annotations

from collections.abc import Sequence

from carbon import exits


class ProvisionError(Exception):
    """Base of all errors that this tool raises on purpose.

    `seen` is the fact, in a sentence without its full stop; `action` is what the operator
    can do about it; `host` is the name in hosts.yaml; `step` is the word for what was going on;
    `code` is more particular than that of the class if one was given.
    """

    exit_status = exits.ERROR
    code = "failed"

    def __init__(
        self,
        seen: str,
        *,
        action: str = "",
        host: str | None = None,
        step: str | None = None,
        code: str = "",
    ) -> None:
        super().__init__(seen)
        self.code = code or type(self).code
        self.seen = seen
        self.action = action
        self.host = host
        self.step = step

    def __str__(self) -> str:
        where = ": ".join(part for part in (self.host, self.step) if part)
        head = f"{where}: {self.seen}" if where else self.seen
        return f"{head}\n  → {self.action}" if self.action else head

    @property
    def headline(self) -> str:
        """The first line of what was seen: lines of logs may be quoted below it."""
        return next(iter(self.seen.splitlines()), self.code)

    def at(self, *, host: str | None = None, step: str | None = None) -> ProvisionError:
        """Fill in host and step if the raiser did not know them, and return self."""
        self.host = self.host or host
        self.step = self.step or step
        return self


class UsageError(ProvisionError):
    """The command line asks for something that cannot be: unknown name, missing -H, bad value."""

    code = "usage"


class InventoryError(ProvisionError):
    """hosts.yaml cannot be used; names file, line and a remedy before any host is touched."""

    code = "inventory"

    def __init__(
        self, seen: str, *, action: str = "", file: str | None = None, line: int | None = None
    ) -> None:
        where = file if file is None or line is None else f"{file}:{line}"
        super().__init__(seen, action=action, host=where)
        self.file = file
        self.line = line


class ConfigFileError(ProvisionError):
    """A configuration file on a server cannot be patched safely; it is named and left alone."""

    code = "config-file"

    def __init__(
        self,
        seen: str,
        *,
        file: str,
        line: int | None = None,
        action: str = "",
        host: str | None = None,
    ) -> None:
        where = file if line is None else f"{file}:{line}"
        super().__init__(f"{where}: {seen}", action=action, host=host, step="config")
        self.file = file
        self.line = line


class ConnectError(ProvisionError):
    """A server cannot be reached or entered over SSH."""

    code = "connection"


class WatchError(ConnectError):
    """The script that watched a start ended without a word: the server may tell why."""

    code = "watch-ended"


class HostKeyError(ConnectError):
    """A server's host key is unknown, changed or revoked."""

    code = "host-key"


class PrivilegeError(ProvisionError):
    """sudo refuses what a step needs, or a file belongs to somebody else."""

    code = "privilege"


class UnfitError(ProvisionError):
    """A look at the server found a reason not to begin; nothing was changed."""

    code = "unfit"


class LockedError(ProvisionError):
    """Another run holds the server's lock."""

    code = "locked"
    holder = ""
    """Which run, if its lock says so."""


class ScriptError(ProvisionError):
    """A step's script on the server failed in a way that no other error describes."""

    code = "script-failed"


class TimeLimitError(ProvisionError):
    """A wait reached its limit from hosts.yaml; the limit is named."""

    code = "time-limit"

    @classmethod
    def unanswered(
        cls, limit_seconds: float | None, *, limit: str, host: str | None, step: str
    ) -> TimeLimitError:
        """Return the error for a server that did not answer in time; `limit` names which one."""
        return cls(
            f"no answer within {limit_seconds:g} s" if limit_seconds else "no answer",
            host=host,
            step=step,
            action="check whether the server hangs; if it is only slow, raise"
            f" `limits: {limit}` in hosts.yaml",
        )


class StartError(ProvisionError):
    """A server did not come up: died, hung, or came up in another role."""

    code = "start-failed"


class JoinError(ProvisionError):
    """A worker came up and did not join the cluster as hosts.yaml says."""

    code = "join-failed"


class Interrupted(ProvisionError):
    """The operator pressed Ctrl-C; work ended at a safe point."""

    exit_status = exits.INTERRUPTED
    code = "interrupted"


class Failures(ProvisionError):
    """Several servers failed, each for a reason of its own."""

    code = "several"

    def __init__(self, errors: Sequence[ProvisionError]) -> None:
        super().__init__("\n".join(str(error) for error in errors))
        self.errors = tuple(errors)


def refuse(errors: Sequence[ProvisionError]) -> None:
    """Raise what there is to raise: the one error, or all of them together.

    What several servers suffer from alike, as a mistake in hosts.yaml, is said once.
    """
    different = tuple({str(error): error for error in errors}.values())
    if len(different) == 1:
        raise different[0]
    if different:
        raise Failures(different)
