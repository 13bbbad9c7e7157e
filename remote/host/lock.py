"""The lock of a server: held while this run works on it, dead with its connection."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from carbon.errors import LockedError, ScriptError
from remote.host.audit import utc_now, who
from remote.host.script import Script, changing
from remote.host.server import Outcome, Server

LOCK_PATH = "/tmp/carbon-provision.lock"
"""One for each server and account: the link `held` in LOCK_PATH.UID, a directory that only the
account can write. A link is created in one step, and its text says who holds it."""

_UNLOCK = (
    'while read -r word _ uid _; do [ "$word" != Uid: ] || break; done < /proc/self/status;'
    " LOCK=$LOCK.$uid/held;"
    ' case $(readlink "$LOCK") in *" run=$RUN "*" pid=$$ "*) rm -f "$LOCK" ;; esac'
)
_SPARE_SECONDS = 5.0
"""For the answer itself, if the script waits as long as it may."""


@contextmanager
def locked(
    server: Server,
    *,
    run: str,
    verb: str,
    run_as: str | None,
    break_lock: bool,
    audit: str = "",
    timeout_seconds: float,
) -> Iterator[None]:
    """Hold the server's lock for the length of the block.

    Who comes first in a run holds it, and others of the run share it. A lock whose holder is gone
    is cleared, and what a lost run left at work on the server is waited for.
    `audit` goes into the server's system log, if it has one: a run that is killed leaves it.
    Raises LockedError, in the words of the holder, if the holder lives.
    """
    text = f"{who()} since {utc_now()} for `{verb}`"
    values = {
        "lock": LOCK_PATH,
        "text": text,
        "run": run,
        "break": "yes" if break_lock else "no",
        "changing": "|".join(name for name in changing() if name != "lock"),
        "wait_seconds": int(timeout_seconds),
        "audit": audit,
    }
    script = Script(name="lock", values=values, run_as=run_as, at_end=_UNLOCK)
    held = server.hold(script, timeout_seconds=timeout_seconds + _SPARE_SECONDS)
    try:
        _demand_held(server, held.outcome, run)
        yield
    finally:
        held.release()


def _demand_held(server: Server, outcome: Outcome, run: str) -> None:
    """See from the last line that it was taken, after dead ones that were cleared."""
    last = outcome.out.decode(errors="replace").strip("\n").rpartition("\n")[2]
    word, _, rest = last.partition(" ")
    if word in ("held", "shared") and rest == run:
        return
    match word:
        case "taken":
            raise _taken(server, rest)
        case "busy":
            pid, _, script = rest.partition(" ")
            raise LockedError(
                "an earlier run was interrupted, and its script"
                f" {script} is still at work (pid {pid})",
                host=server.name,
                step="lock",
                action="wait for it to end (limits: command), or find out what it hangs on",
            )
        case _:
            raise ScriptError(
                f"the lock {LOCK_PATH} can be neither taken nor cleared:"
                f" {rest or outcome.complaint}",
                host=server.name,
                step="lock",
                action=f"if no run is under way, remove {LOCK_PATH}.* on the server as its"
                " owner or as root",
            )


def _taken(server: Server, text: str) -> LockedError:
    who_since, _, rest = text.partition(" run=")
    error = LockedError(
        f"another run works on it: {who_since}",
        host=server.name,
        step="lock",
        action="wait for it to end; if you know that it is dead, use --break-lock",
    )
    error.holder = rest.partition(" ")[0]
    return error
