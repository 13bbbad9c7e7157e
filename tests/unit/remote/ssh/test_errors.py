"""Sudo is blamed for what sudo itself says, and for nothing else."""

from __future__ import annotations

import paramiko
import pytest

from carbon.errors import ConnectError, PrivilegeError
from remote.host.script import Script
from remote.host.server import Outcome
from remote.ssh.errors import refuse_sudo_failure, translated

SCRIPT = Script(name="hosts_read")


def refused(err: str) -> None:
    refuse_sudo_failure("worker1", SCRIPT, Outcome(1, b"", err.encode()))


@pytest.mark.parametrize(
    ("err", "remedy"),
    [
        ("sudo: a password is required", "--prompt-for-sudo-password"),
        ("sudo: sorry, you must have a tty to run sudo", "requiretty"),
        ("Sorry, user deploy is not allowed to execute '/bin/cp' as root on w1.", "fab sudoers"),
        ("deploy is not in the sudoers file.", "fab sudoers"),
        ("sudo: nginx: command not found", "secure_path"),
        ("env: 'sudo': No such file or directory", "install sudo"),
        ("provision:hosts: 9: sudo: not found", "install sudo"),
    ],
)
def test_a_refusal_of_sudo_is_told_with_its_remedy(err: str, remedy: str) -> None:
    with pytest.raises(PrivilegeError) as failure:
        refused(f"Welcome!\n{err}\ncannot copy /etc/hosts\n")
    assert (failure.value.seen, remedy in failure.value.action) == (err, True)


@pytest.mark.parametrize(
    "err",
    [
        "cp: cannot create regular file '/etc/hosts.provision-new': Read-only file system",
        "tee: /etc/hosts.provision-new: No space left on device",
        "sudo: unable to resolve host worker1: Name or service not known",
        "cannot copy /etc/hosts",
    ],
)
def test_what_a_program_says_that_sudo_runs_is_no_refusal_of_sudo(err: str) -> None:
    refused(f"{err}\ncannot copy /etc/hosts\n")


def test_a_refused_login_says_who_tried_with_which_keys() -> None:
    login = " as deploy, with /keys/id"
    with pytest.raises(ConnectError, match="login refused as deploy, with /keys/id: no"):  # noqa: SIM117
        with translated("worker1", "worker1:22", login=login):
            raise paramiko.AuthenticationException("no")


def test_a_server_that_closes_before_its_banner_is_told_as_such() -> None:
    with pytest.raises(ConnectError, match="closed the connection before its banner"):  # noqa: SIM117
        with translated("worker1", "worker1:22"):
            raise paramiko.SSHException("Error reading SSH protocol banner")


@pytest.mark.parametrize(
    ("error", "seen", "remedy"),
    [
        (paramiko.SSHException("No authentication methods available"), "no key", "identity_file"),
        (FileNotFoundError(2, "No such file", "/keys/id"), "/keys/id cannot", "identity_file"),
        (PermissionError(13, "Permission denied", "/keys/id"), "/keys/id cannot", "identity_file"),
        (paramiko.PasswordRequiredException("encrypted"), "encrypted", "--prompt-for-passphrase"),
    ],
)
def test_a_key_that_cannot_be_used_is_never_told_as_a_server_that_is_down(
    error: Exception, seen: str, remedy: str
) -> None:
    with pytest.raises(ConnectError) as failure:  # noqa: SIM117
        with translated("worker1", "worker1:22", login=" as deploy, with /keys/id"):
            raise error
    assert seen in failure.value.seen
    assert remedy in failure.value.action
    assert "server is up" not in failure.value.action
