"""The files that say whom to believe are those of ssh_config(5); none is passed over."""

from __future__ import annotations

import getpass
from pathlib import Path

import pytest

from carbon.cluster import Ssh
from carbon.errors import UsageError
from remote.ssh.key_files import key_alias, key_files

SSH = Ssh(host="worker1", known_hosts=(Path("/own/known_hosts"),))
HOME = Path.home()
SYSTEM = (Path("/etc/ssh/ssh_known_hosts"), Path("/etc/ssh/ssh_known_hosts2"))


def test_without_a_word_they_are_those_of_ssh_and_the_one_of_hosts_yaml() -> None:
    files = key_files(SSH, {})
    own = (HOME / ".ssh/known_hosts", HOME / ".ssh/known_hosts2")
    assert files.known == (*own, *SYSTEM, Path("/own/known_hosts"))
    assert files.revoked == ()


def test_what_the_configuration_names_counts() -> None:
    rules = {
        "userknownhostsfile": '"~/a b" ~/c',
        "globalknownhostsfile": "none",
        "revokedhostkeys": "/etc/ssh/revoked",
    }
    files = key_files(SSH, rules)
    assert files.known == (HOME / "a b", HOME / "c", Path("/own/known_hosts"))
    assert files.revoked == (Path("/etc/ssh/revoked"),)


def test_tokens_are_those_of_ssh() -> None:
    rules = {
        "hostname": "10.0.0.4",
        "hostkeyalias": "cluster",
        "userknownhostsfile": "%d/%u/%h/%n/%k/%%",
        "globalknownhostsfile": "none",
    }
    (file, _) = key_files(SSH, rules).known
    assert file == HOME / getpass.getuser() / "10.0.0.4/worker1/cluster/%"
    assert key_alias(rules) == "cluster"


@pytest.mark.parametrize("path", ["~/.ssh/%C", "${HOME}/known", "odd%", 'a"b'])
def test_what_cannot_be_honoured_is_refused_in_one_sentence(path: str) -> None:
    with pytest.raises(UsageError, match=r"UserKnownHostsFile .* cannot be honoured"):
        key_files(SSH, {"userknownhostsfile": path})
