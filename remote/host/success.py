"""Whether a script did what it was sent for, by its exit status."""

from __future__ import annotations

from carbon.errors import ProvisionError, ScriptError, UnfitError
from remote.host.exit_status import ExitStatus
from remote.host.server import Outcome

_KINDS: dict[int, tuple[type[ProvisionError], str]] = {
    ExitStatus.CHANGED: (UnfitError, "run the same command again: it looks first"),
    ExitStatus.NOT_NOW: (
        ScriptError,
        "see `fab status`; what is allowed now depends on whether it runs",
    ),
}
_OTHER = (ScriptError, "remove the cause; then run the same command again")


def demand_success(outcome: Outcome, *, host: str, step: str) -> None:
    """Raise UnfitError or ScriptError, in the script's own words, where it failed."""
    if outcome.status == 0:
        return
    kind, action = _KINDS.get(outcome.status, _OTHER)
    raise kind(outcome.complaint, host=host, step=step, action=action)
