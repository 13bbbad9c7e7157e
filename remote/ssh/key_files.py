"""Which files say whom to believe, and by which name they know a server: ssh_config(5)."""

from __future__ import annotations

import getpass
import re
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from carbon.cluster import Ssh
from carbon.errors import UsageError
from carbon.value import Value

USER_FILES = "~/.ssh/known_hosts ~/.ssh/known_hosts2"
GLOBAL_FILES = "/etc/ssh/ssh_known_hosts /etc/ssh/ssh_known_hosts2"
_TOKEN = re.compile(r"%(.?)|\$\{")


class KeyFiles(Value, kw_only=True):
    """The files that count for one server."""

    known: tuple[Path, ...]
    revoked: tuple[Path, ...] = ()


def key_files(ssh: Ssh, rules: Mapping[str, Any]) -> KeyFiles:
    """Return the files that ~/.ssh/config and hosts.yaml name for a server.

    Raises UsageError for a token that is not honoured here.
    """

    def paths(key: str, default: str) -> tuple[Path, ...]:
        text = str(rules.get(key.lower(), default))
        try:
            words = shlex.split(text)
        except ValueError:
            raise _refused(key, text, "close its quotes") from None
        return tuple(
            Path(_expand(word, key, ssh, rules)).expanduser()
            for word in words
            if word.lower() != "none"
        )

    user = paths("UserKnownHostsFile", USER_FILES)
    system = paths("GlobalKnownHostsFile", GLOBAL_FILES)
    revoked = paths("RevokedHostKeys", "none")
    return KeyFiles(known=(*user, *system, *ssh.known_hosts), revoked=revoked)


def key_alias(rules: Mapping[str, Any]) -> str:
    """Return the HostKeyAlias of a server, empty if it has none."""
    return str(rules.get("hostkeyalias", ""))


def _expand(word: str, key: str, ssh: Ssh, rules: Mapping[str, Any]) -> str:
    values = {
        "%": "%",
        "d": str(Path.home()),
        "h": str(rules.get("hostname", ssh.host)),
        "k": key_alias(rules) or ssh.host,
        "n": ssh.host,
        "u": getpass.getuser(),
    }

    def value(match: re.Match[str]) -> str:
        if match[1] not in values:
            raise _refused(key, word, f"write the path without `{match[0]}`")
        return values[match[1]]

    return _TOKEN.sub(value, word)


def _refused(key: str, text: str, remedy: str) -> UsageError:
    return UsageError(
        f"`{key} {text}` of your ssh configuration cannot be honoured",
        action=f"{remedy}, or choose another file with -S",
    )
