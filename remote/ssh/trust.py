"""Host keys: judge what a server shows, and accept what the operator has compared."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Collection, Sequence
from pathlib import Path

from carbon.errors import HostKeyError
from remote.ssh.hostkeys import Door, HostKey, Judged, KnownHosts, Verdict


def judge(door: Door) -> tuple[Judged, ...]:
    """Compare every key that is shown with the known_hosts files, each with those of its type.

    Raises HostKeyError if nothing is shown at all.
    """
    if not door.keys:
        raise HostKeyError(
            "it shows no host key of a type that is accepted here",
            host=door.label,
            step="trust",
            action="if this is an OpenSSH 5.3 server, set `legacy_ssh: true` below its `ssh:`",
        )
    known = KnownHosts.load(door.files, revoked=door.revoked)
    return tuple(known.judge(door.name, key, shows_all=True) for key in door.keys)


def refuse_changed(door: Door, judged: Sequence[Judged]) -> None:
    """Refuse keys that contradict what is known; nothing is ever overwritten here.

    Raises HostKeyError with the lines to remove, if the operator knows why the keys changed.
    """
    for judgement in judged:
        if judgement.verdict is Verdict.REVOKED:
            raise HostKeyError(
                f"it shows a key that {judgement.line} revokes:"
                f" {judgement.key.type} {judgement.key.fingerprint}",
                host=door.label,
                step="trust",
                action="do not connect; find out who answers at this address",
            )
    changed = [judgement for judgement in judged if judgement.verdict is Verdict.CHANGED]
    if changed:
        shown = "; ".join(
            f"{judgement.key.type} {judgement.key.fingerprint} is not the key in {judgement.line}"
            for judgement in changed
        )
        raise HostKeyError(
            f"its host key has changed: {shown}",
            host=door.label,
            step="trust",
            action="somebody may be in between. If you know that the server was reinstalled,"
            f" remove {_lines_of(changed)} and run this again",
        )


def _lines_of(judged: Sequence[Judged]) -> str:
    by_file: dict[str, list[int]] = {}
    for judgement in judged:
        file, _, number = judgement.line.rpartition(":")
        by_file.setdefault(file, []).append(int(number))
    return ", ".join(f"{_counted(sorted(at))} of {file}" for file, at in by_file.items())


def _counted(numbers: Sequence[int]) -> str:
    *others, last = map(str, numbers)
    return f"lines {', '.join(others)} and {last}" if others else f"line {last}"


def confirmed(judged: Sequence[Judged], fingerprints: Collection[str]) -> tuple[HostKey, ...]:
    """Return the new keys whose fingerprints somebody has compared; no other one is believed."""
    wanted = {text.strip().removeprefix("SHA256:").rstrip("=") for text in fingerprints}
    return tuple(
        judgement.key
        for judgement in judged
        if judgement.verdict is Verdict.NEW
        and judgement.key.fingerprint.removeprefix("SHA256:") in wanted
    )


def accept(door: Door, keys: Sequence[HostKey]) -> None:
    """Add keys to the door's known_hosts file, which is replaced in one step.

    Its mode stays; a new one is readable by its owner alone. Raises HostKeyError if the file
    cannot be written.
    """
    added = "".join(f"{door.name} {key.type} {key.blob}\n" for key in keys)
    try:
        _replace(door.target.expanduser().resolve(), added.encode())
    except OSError as error:
        raise HostKeyError(
            f"{door.target} cannot be written: {error.strerror}",
            host=door.label,
            step="trust",
            action="see who owns it and its directory, and whether the disk is full",
        ) from error


def _replace(file: Path, added: bytes) -> None:
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    old = file.read_bytes() if file.exists() else b""
    mode = file.stat().st_mode & 0o777 if file.exists() else 0o600
    if old and not old.endswith(b"\n"):
        old += b"\n"
    number, name = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name}.")
    try:
        with os.fdopen(number, "wb") as new:
            new.write(old + added)
            new.flush()
            os.fsync(number)
            os.fchmod(number, mode)
        Path(name).replace(file)
    except OSError:
        with contextlib.suppress(OSError):
            Path(name).unlink()
        raise
