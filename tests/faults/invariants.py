"""What must hold after every fault, and after the same command was run again; pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from tests.faults.client import Ran
from tests.faults.look import DEPLOYMENT, HOSTS, STATE, Entry, Files, Look

AUDIT = re.compile(
    r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ \S+@\S+ uid=\d+ (?P<verb>\S+)"
    r" inventory=[0-9a-f]{12}( git=[0-9a-f]{12})? .+"
)
NOT_FOR_OPERATORS = ("Traceback", "a defect of this tool")

Looks = Mapping[str, Look]
"""By the names of the hosts, in the order in which they have their turns."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """What an undisturbed run of the same command makes of the same state."""

    verb: str
    turns: tuple[str, ...]
    """The workers, in the order in which they have their turns."""
    bystanders: tuple[str, ...]
    """Hosts that are looked at and never touched."""
    lands: bool
    """AS_HOME comes as a whole, from a pack or another server."""
    halfway: Looks
    """What a command of its own makes of the hosts on the way: whole, too."""
    old: Looks
    new: Looks


def after_fault(expected: Expected, ran: Ran, now: Looks, busy: Sequence[str]) -> Iterator[str]:
    """Yield what must not be so after a run that was broken at one point."""
    yield from _ended(ran)
    yield from busy
    for name in expected.turns:
        old, new = expected.old[name], expected.new[name]
        if expected.lands:
            yield from _landed(old, new, now[name], expected.halfway.get(name))
        else:
            yield from _whole(name, old, new, now[name])
        yield from _hosts_whole(name, old, new, now[name])
        yield from _on_one_state(now[name], old, new)
    yield from _in_turn(expected, ran, now)
    yield from _bystanders(expected, now)
    if ran.status == 0:
        for name in expected.turns:
            yield from _done(expected, ran, now[name], "though the run said that all went well")


def after_rerun(expected: Expected, ran: Ran, now: Looks, busy: Sequence[str]) -> Iterator[str]:
    """Yield what must not be so after the same command was run again, undisturbed."""
    yield from _ended(ran)
    yield from busy
    if ran.status != 0:
        yield f"the run again ended with status {ran.status}"
    for name in expected.turns:
        look = now[name]
        yield from _desired(expected, look, "after the run again")
        yield from _on_one_state(look, expected.old[name], expected.new[name])
        yield from (f"{name}: left behind: {path}" for path in look.leftovers)
        if _lastings(look.aside) != _lastings(expected.new[name].aside):
            yield f"{name}: the AS_HOME that was replaced is not kept"
        if look.kept != expected.new[name].kept:
            yield f"{name}: what is kept for a rollback is not the true old: {look.kept}"
        yield from _audited(expected, look)
    yield from _bystanders(expected, now)
    for name in expected.bystanders:
        yield from (f"{name}: left behind: {path}" for path in now[name].leftovers)


def _ended(ran: Ran) -> Iterator[str]:
    if ran.hung:
        yield f"the run did not end within {ran.seconds:.0f} s"
    elif ran.status not in (0, 1, -9):
        yield f"the run ended with status {ran.status}"
    yield from (f"the run said {text!r}" for text in NOT_FOR_OPERATORS if text in ran.said)


def _whole(name: str, old: Look, new: Look, now: Look) -> Iterator[str]:
    """Every file is the old one or the new one, with owner and mode.

    The deployment directory is kept aside by one rename, and made anew or brought back by another
    step; the journal stands meanwhile, so that no server starts without it.
    """
    is_between = f"{STATE}/journal" in now.files
    for path in sorted({*old.home, *new.home, *now.home}):
        states = [look.home.get(path) for look in (old, new)]
        if path == DEPLOYMENT or (is_between and path.startswith(f"{DEPLOYMENT}/")):
            states.append(None)
        if now.home.get(path) not in states:
            yield f"{name}: {path} is neither the old nor the new one: {now.home.get(path)}"


def _hosts_whole(name: str, old: Look, new: Look, now: Look) -> Iterator[str]:
    states = [_lasting(look.files.get(HOSTS)) for look in (old, new)]
    if _lasting(now.files.get(HOSTS)) not in states:
        yield f"{name}: {HOSTS} is neither the old nor the new one: {now.files.get(HOSTS)}"


def _landed(old: Look, new: Look, now: Look, halfway: Look | None) -> Iterator[str]:
    """A clone comes as a whole or not at all, and what it replaces is kept as a whole.

    No rename exchanges two directories: between two of them there is no AS_HOME.
    """
    if halfway and now.home and now.home != old.home:
        yield from _whole(now.name, halfway, new, now)
        return
    kept = _lastings(now.aside) == _lastings(new.aside)
    if now.home == old.home or (kept and now.home in (new.home, {})):
        return
    lacking = sorted(new.home.keys() - now.home.keys())
    what = f"AS_HOME is there in part, without {lacking[:5]}" if lacking else "AS_HOME is a mixture"
    yield f"{now.name}: {what}" if kept else f"{now.name}: what was replaced is not kept"


def _lastings(files: Files) -> dict[str, tuple[str, ...]]:
    return {path: one.lasting for path, one in files.items()}


def _lasting(entry: Entry | None) -> tuple[str, ...] | None:
    return entry.lasting if entry else None


def _on_one_state(now: Look, old: Look, new: Look) -> Iterator[str]:
    """No server was started on a mixture, and none runs on files that were changed under it."""
    if len(now.servers) > 1:
        yield f"{now.name}: {len(now.servers)} servers run from one AS_HOME"
    for pid, found in now.starts.items():
        if found not in (old.readable_at_start, new.readable_at_start):
            yield f"{now.name}: the server {pid} started on a mixture: {_unlike(found, old, new)}"
    for pid, _ in now.servers:
        if pid in now.starts and now.starts[pid] != now.readable_at_start:
            yield f"{now.name}: files were changed under the server {pid}"


def _unlike(found: Mapping[str, str], old: Look, new: Look) -> str:
    differ = [
        f"{label}: {sorted(dict(found.items() ^ state.readable_at_start.items()))}"
        for label, state in (("old", old), ("new", new))
    ]
    return "; ".join(differ)


def _in_turn(expected: Expected, ran: Ran, now: Looks) -> Iterator[str]:
    """Before its turn a worker is as it was; its turn comes when the one before is done."""
    for at, name in enumerate(expected.turns):
        if not _touched(expected.old[name], now[name]):
            continue
        for earlier in expected.turns[:at]:
            yield from _done(expected, ran, now[earlier], f"though {name} was touched")


def _touched(old: Look, now: Look) -> bool:
    return _with_times(old) != _with_times(now) or old.servers != now.servers


def _with_times(look: Look) -> dict[str, tuple[str, ...]]:
    """Every file as it is; the tool's own folder changes the time of AS_HOME itself."""
    return {
        path: entry.lasting if entry.kind == "d" else (*entry.lasting, entry.time)
        for path, entry in look.managed.items()
    }


def _bystanders(expected: Expected, now: Looks) -> Iterator[str]:
    for name in expected.bystanders:
        if expected.old[name].files != now[name].files:
            yield f"{name}: touched, and had no turn"
        if expected.old[name].servers != now[name].servers:
            yield f"{name}: its server was touched"


def _done(expected: Expected, ran: Ran, now: Look, when: str) -> Iterator[str]:
    """It is what it should be, but for a record that could not be written and was told of."""
    told = re.search(rf"^{now.name}  not recorded: ", ran.said, re.MULTILINE)
    for seen in _desired(expected, now, when):
        if not (told and "not recorded as seen joining" in seen):
            yield seen


def _desired(expected: Expected, now: Look, when: str) -> Iterator[str]:
    """It is what an undisturbed run makes of it, and its server runs and was seen joining."""
    new = expected.new[now.name]
    for path in sorted({*new.managed, *now.managed}):
        if _lasting(now.managed.get(path)) != _lasting(new.managed.get(path)):
            yield f"{now.name}: {path} is not as it should be {when}"
    if not now.servers:
        yield f"{now.name}: no server runs {when}"
    elif not now.member:
        yield f"{now.name}: not recorded as seen joining {when}: {dict(now.record)}"


def _audited(expected: Expected, now: Look) -> Iterator[str]:
    for line in now.audit:
        if not AUDIT.fullmatch(line):
            yield f"{now.name}: a torn audit line: {line!r}"
    fresh = now.audit[len(expected.old[now.name].audit) :]
    if not any(line.endswith(" ok") and f" {expected.verb} " in line for line in fresh):
        yield f"{now.name}: no audit line tells of the run: {fresh}"
