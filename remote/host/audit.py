"""Who did what, with which inventory: one line before a run and one after it."""

from __future__ import annotations

import os
import pwd
import socket
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

from carbon.cluster import Cluster
from carbon.errors import ProvisionError


@cache
def who() -> str:
    """Return who runs this, from where, for locks, audit lines and the history.

    The account is that of the process, whatever its environment says; behind sudo comes who
    called it: `root(alice)@desk`.
    """
    uid = os.getuid()
    try:
        account = pwd.getpwuid(uid).pw_name
    except KeyError:
        account = str(uid)
    caller = os.environ.get("SUDO_USER")
    sudo = f"({caller})" if caller and caller != account else ""
    return f"{account}{sudo}@{socket.gethostname()}"


def utc_now() -> str:
    """Return the time as audit lines and generations write it."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def outcome_of(error: ProvisionError | None) -> str:
    """Return how a run ended, in the words of an audit line."""
    return "ok" if error is None else f"failed: {error.headline}"


def audit_line(cluster: Cluster, verb: str, *, outcome: str) -> str:
    """Return one line: when, who, verb, hash of hosts.yaml and its git commit, outcome.

    `outcome` is `begin` for the line before a run.
    """
    commit = git_commit(cluster.file.parent)
    git = f" git={commit[:12]}" if commit else ""
    actor = f"{who()} uid={os.getuid()}"
    return f"{utc_now()} {actor} {verb} inventory={cluster.digest[:12]}{git} {outcome}"


@cache
def git_commit(folder: Path) -> str:
    """Return the commit of the git work tree that holds a folder; empty if there is none.

    Read from its files: git itself would cost more than all the rest of the line.
    """
    for parent in (folder.absolute(), *folder.absolute().parents):
        head = parent / ".git/HEAD"
        if head.is_file():
            return _resolved(head)
    return ""


def _resolved(head: Path) -> str:
    try:
        text = head.read_text().strip()
        if not text.startswith("ref: "):
            return text
        ref = text.removeprefix("ref: ")
        loose = head.parent / ref
        if loose.is_file():
            return loose.read_text().strip()
        packed = (head.parent / "packed-refs").read_text().splitlines()
        return next((line.split(" ")[0] for line in packed if line.endswith(f" {ref}")), "")
    except OSError:
        return ""
