"""The error tree: everything that an operator may be told, and nothing else reaches one.

Each error says where (host or file), at which step, what was seen, and what to do next.
Foreign exceptions are translated into these once, where the outside is touched; the command
line turns them into one paragraph and an exit status.
"""

from __future__ import annotations

from collections.abc import Sequence

from carbon import exits


class ProvisionError(Exception):
    """Base of all errors that this tool raises on purpose.

    `seen` is the fact, in a sentence without its full stop; `action` is what the operator
    can do about it; `host` is the name in hosts.yaml; `step` is the word for what was going on.
    """

    exit_status = exits.ERROR

    def __init__(
        self, seen: str, *, action: str = "", host: str | None = None, step: str | None = None
    ) -> None:
        super().__init__(seen)
        self.seen = seen
        self.action = action
        self.host = host
        self.step = step

    def __str__(self) -> str:
        where = ": ".join(part for part in (self.host, self.step) if part)
        head = f"{where}: {self.seen}" if where else self.seen
        return f"{head}\n  → {self.action}" if self.action else head

    def at(self, *, host: str | None = None, step: str | None = None) -> ProvisionError:
        """Fill in host and step where the raiser did not know them, and return self."""
        self.host = self.host or host
        self.step = self.step or step
        return self


class UsageError(ProvisionError):
    """The command line asks for something that cannot be: unknown name, missing -H, bad value."""


class InventoryError(ProvisionError):
    """hosts.yaml cannot be used; names file, line and a remedy before any host is touched."""

    def __init__(
        self, seen: str, *, action: str = "", file: str | None = None, line: int | None = None
    ) -> None:
        where = None
        if file is not None:
            where = file if line is None else f"{file}:{line}"
        super().__init__(seen, action=action, host=where)
        self.file = file
        self.line = line


class ConfigFileError(ProvisionError):
    """A configuration file on a server cannot be patched safely; it is named and left alone."""

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


class HostKeyError(ConnectError):
    """A server's host key is unknown, changed or revoked."""


class PrivilegeError(ProvisionError):
    """sudo refuses what a step needs, or a file belongs to somebody else."""


class UnfitError(ProvisionError):
    """A look at the server found a reason not to begin; nothing was changed."""


class LockedError(ProvisionError):
    """Another run holds the server's lock."""

    holder = ""
    """Which run, where its lock says so."""


class ScriptError(ProvisionError):
    """A step's script on the server failed in a way that no other error describes."""


class TimeLimitError(ProvisionError):
    """A wait reached its limit from hosts.yaml; the limit is named."""

    @classmethod
    def unanswered(
        cls, limit_seconds: float | None, *, host: str | None, step: str
    ) -> TimeLimitError:
        """Return the error for a server that did not answer in time."""
        return cls(
            f"no answer within {limit_seconds:g} s" if limit_seconds else "no answer",
            host=host,
            step=step,
            action="look whether the server hangs; the limits stand in hosts.yaml under `limits`",
        )


class StartError(ProvisionError):
    """A server did not come up: died, hung, or came up in another role."""


class JoinError(ProvisionError):
    """A worker came up and did not join the cluster as hosts.yaml says."""


class Interrupted(ProvisionError):
    """The operator pressed Ctrl-C; work ended at a safe point."""

    exit_status = exits.INTERRUPTED


class Failures(ProvisionError):
    """Several servers failed, each for a reason of its own."""

    def __init__(self, errors: Sequence[ProvisionError]) -> None:
        super().__init__("\n".join(str(error) for error in errors))
        self.errors = tuple(errors)
        self.exit_status = max(error.exit_status for error in errors)


def refuse(errors: Sequence[ProvisionError]) -> None:
    """Raise what there is to raise: the one error, or all of them together."""
    if len(errors) == 1:
        raise errors[0]
    if errors:
        raise Failures(errors)
