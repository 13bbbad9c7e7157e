"""The files below `ssh:` in hosts.yaml, judged before anybody is connected to."""

from __future__ import annotations

import base64
import binascii
import os
import stat
from collections.abc import Iterable, Iterator
from pathlib import Path

from carbon.cluster import Ssh
from carbon.errors import InventoryError

_LONGEST_BYTES = 1 << 16
_OPENSSH = b"openssh-key-v1\0"
_UNENCRYPTED = b"\0\0\0\x04none"
_PUBLIC = ("ssh-", "ecdsa-", "sk-ssh-", "sk-ecdsa-", "---- BEGIN SSH2 PUBLIC", "-----BEGIN PUBLIC")

Problem = tuple[str, str]
"""What was seen of a file, and what to do."""


def ssh_file_errors(machines: Iterable[Ssh], *, asks_passphrase: bool) -> Iterator[InventoryError]:
    """Yield an error, with the line of hosts.yaml, for each file that cannot be what it should.

    An encrypted key is right if an agent runs, which may hold it, or if its passphrase was asked.
    """
    opens_encrypted = asks_passphrase or bool(os.environ.get("SSH_AUTH_SOCK"))
    for ssh in machines:
        for path in ssh.identity_files:
            if problem := _key_problem(path, opens_encrypted=opens_encrypted):
                yield _error(ssh, ssh.identity_line, f"the private key {path}", problem)
        for path in ssh.known_hosts:
            if problem := _host_keys_problem(path):
                yield _error(ssh, ssh.known_hosts_line, f"the file of host keys {path}", problem)


def _error(ssh: Ssh, line: int | None, file: str, problem: Problem) -> InventoryError:
    seen, action = problem
    return InventoryError(f"{file} {seen}", action=action, file=ssh.inventory, line=line)


def _key_problem(path: Path, *, opens_encrypted: bool) -> Problem | None:
    action = "correct `identity_file`"
    try:
        text = _text(path)
    except OSError as error:
        return f"cannot be read: {error.strerror}", action
    if text.startswith(_PUBLIC):
        return "is a public key", f"{action}: the private key is the file without `.pub`"
    if text.startswith("PuTTY-User-Key-File"):
        return "is a key of PuTTY", "convert it: puttygen KEY -O private-openssh -o FILE"
    if "PRIVATE KEY-----" not in text:
        return (
            "holds no private key",
            f"{action}: its first line is -----BEGIN ... PRIVATE KEY-----",
        )
    if _is_encrypted(text) and not opens_encrypted:
        return (
            "has a passphrase",
            "load it into your agent with ssh-add, or use --prompt-for-passphrase",
        )
    return None


def _host_keys_problem(path: Path) -> Problem | None:
    """A file that is not there is not wrong: `trust` writes it."""
    try:
        _text(path)
    except FileNotFoundError:
        return None
    except OSError as error:
        return f"cannot be read: {error.strerror}", "correct `known_hosts`"
    return None


def _text(path: Path) -> str:
    """Return the beginning of a regular file; a fifo is not waited for. Raises OSError."""
    if not stat.S_ISREG(path.stat().st_mode):
        raise OSError(0, "it is not a regular file")
    with path.open("rb") as file:
        return file.read(_LONGEST_BYTES).decode("latin-1").lstrip()


def _is_encrypted(text: str) -> bool:
    """Tell whether a private key has a passphrase: by its headers, or by its name of a cipher."""
    if "ENCRYPTED" in text:
        return True
    lines = text.splitlines()[1:]
    body = "".join(line for line in lines if not line.startswith("-"))
    try:
        blob = base64.b64decode(body)
    except (binascii.Error, ValueError):
        return False
    return blob.startswith(_OPENSSH) and not blob.startswith(_OPENSSH + _UNENCRYPTED)
