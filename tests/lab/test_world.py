"""Servers as they are: what a login script prints, what a file system refuses, who spells how."""

from __future__ import annotations

import shlex
from contextlib import AbstractContextManager

import pytest

from tests.lab.cli import Fab
from tests.lab.hosts import HOME, Host, spoiled
from tests.lab.inventory import ClusterFile

CONF = f"{HOME}/repository/conf"
BASHRC = "/home/deploy/.bashrc"


def bashrc(host: Host, text: str) -> AbstractContextManager[None]:
    """Let the login of a host have this ~/.bashrc for a block."""
    spoil = f"printf '%s\\n' {shlex.quote(text)} > {BASHRC}"
    return spoiled(host, spoil, mend=f"cp /etc/skel/.bashrc {BASHRC}")


@pytest.mark.usefixtures("stock_workers")
def test_folders_that_cannot_be_written_are_named_and_once_mended_all_goes_on(
    fab: Fab, cluster_file: ClusterFile, worker1: Host
) -> None:
    """The copy takes the modes of the folders along, and has to be removed all the same."""
    with spoiled(worker1, f"chmod -R a-w {CONF}", mend=f"chmod -R u+w {CONF}"):
        ran = fab.fails("-H", "worker1", "deploy", hosts=cluster_file())
    assert "Permission denied" in ran.err
    fab.succeeds("-H", "worker1", "config", hosts=cluster_file())


@pytest.mark.usefixtures("stock_workers")
def test_what_the_program_said_is_told_and_not_that_sudo_refused(
    fab: Fab, cluster_file: ClusterFile, worker1: Host
) -> None:
    frozen = "mount --bind /etc /etc; mount -o remount,ro,bind /etc"
    with spoiled(worker1, frozen, mend="umount /etc"):
        ran = fab.fails("-H", "worker1", "hosts", hosts=cluster_file())
    assert "Read-only file system" in ran.said
    assert "sudo" not in ran.said


@pytest.mark.usefixtures("stock_workers")
def test_what_a_login_script_prints_disturbs_no_verb(
    fab: Fab, cluster_file: ClusterFile, worker1: Host
) -> None:
    with bashrc(worker1, 'echo "Welcome, production!"'):
        assert fab("-H", "worker1", "plan", hosts=cluster_file()).status == 2
        ran = fab.succeeds("-H", "worker1", "run", "echo $((6 * 7))", hosts=cluster_file())
        assert "42" in ran.out, "what its own shell prints, comes along as with ssh"


@pytest.mark.usefixtures("stock_workers")
@pytest.mark.parametrize("text", ["read -r answer", "exec sh"])
@pytest.mark.parametrize("verb", ["plan", "status", "logs", "stop"])
def test_a_login_script_that_takes_what_is_sent_is_named_in_every_verb(
    fab: Fab, cluster_file: ClusterFile, worker1: Host, text: str, verb: str
) -> None:
    with bashrc(worker1, text):
        ran = fab("-H", "worker1", verb, hosts=cluster_file())
    assert ran.status != 0
    assert "a login script of the account" in ran.said
    assert "`ssh HOST true` must print nothing" in ran.said
    assert "run_as" not in ran.said, "which cannot help"


@pytest.mark.usefixtures("stock_workers")
def test_a_version_that_the_login_may_not_read_hinders_nothing(
    fab: Fab, cluster_file: ClusterFile, worker1: Host
) -> None:
    file = f"{HOME}/bin/version.txt"
    with spoiled(worker1, f"chown root {file}; chmod 600 {file}", mend=f"chown deploy {file}"):
        assert fab("-H", "worker1", "plan", hosts=cluster_file()).status == 2
