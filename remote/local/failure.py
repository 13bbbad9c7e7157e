"""How a command of the operator ended, in words."""

from __future__ import annotations

import signal

from carbon.cluster import LocalCommand
from carbon.errors import UsageError
from remote.local.command import Finished


def describe_end(command: LocalCommand, finished: Finished) -> str:
    """Say how it ended, and what it printed last; the sentence begins with its name."""
    match finished.end:
        case "not started":
            how = "could not be started"
        case "interrupted":
            how = "was ended, as asked (Ctrl-C, a signal, or an output that was closed)"
        case "time limit":
            how = f"did not end within {command.within_seconds:g} s (its `within`) and was ended"
        case "exited" if finished.status < 0:
            how = f"was ended by {_signal(-finished.status)}"
        case _:
            how = f"ended with exit status {finished.status}"
    last = [line for line in finished.last if line.strip()]
    lines = "".join(f"\n    | {line}" for line in last)
    return f"{how}{f'; it printed last:{lines}' if last else ', and printed nothing'}"


def refuse_forbidden(key: str, command: LocalCommand | None) -> None:
    """Raise UsageError for a command that `--no-commands` forbids."""
    if command is not None and not command.allowed:
        raise UsageError(
            f"hosts.yaml has a command under `{key}`, and --no-commands is given",
            action="run without --no-commands if you trust this hosts.yaml, or remove the command",
            code="commands-refused",
        )


def _signal(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
