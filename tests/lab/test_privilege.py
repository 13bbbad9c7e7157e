"""sudo as servers have it: with a password, without any right, with requiretty, for an account."""

from __future__ import annotations

import os
import pty
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.lab.cli import FAB, ROOT, Fab
from tests.lab.hosts import HOME, Host, untouched
from tests.lab.inventory import ClusterFile

SUDOERS = "/etc/sudoers.d/deploy"
PASSWORD = "planted pass-word$1'\""
PROMPT = b"config value: "
"""The end of Fabric's own question for a sudo password."""

Rules = Callable[[str], None]


@pytest.fixture
def rules(worker2: Host, stock: Callable[..., None]) -> Iterator[Rules]:
    """Give the login other sudo rules on worker2, whose AS_HOME belongs to another account."""
    stock("worker2")
    as_installed = worker2.read(SUDOERS)
    yield lambda text: worker2.write(SUDOERS, text)
    worker2.write(SUDOERS, as_installed)
    worker2.sh("usermod --password '*' deploy")


@pytest.fixture
def with_password(rules: Rules, worker2: Host) -> None:
    """Let sudo ask the login for its password, for whatever the fragment allows."""
    worker2.sh('printf "deploy:%s" "$1" | chpasswd', PASSWORD)
    rules(worker2.read(SUDOERS).replace("NOPASSWD: ", ""))


def answering(password: str, *words: str, hosts: Path, home: Path) -> tuple[int, str]:
    """Run `fab` at a terminal of its own, answer its question for the password."""
    environment = {"HOME": str(home), "PATH": os.environ["PATH"], "LANG": "C.UTF-8"}
    pid, terminal = pty.fork()
    if pid == 0:
        os.chdir(ROOT)
        os.execve(FAB, [str(FAB), *words], environment | {"PROVISION_HOSTS": str(hosts)})
    printed = b""
    try:
        while chunk := os.read(terminal, 65536):
            printed += chunk
            if printed.endswith(PROMPT):
                os.write(terminal, password.encode() + b"\n")
    except OSError:  # Linux tells so that the other end is closed
        pass
    os.close(terminal)
    _, status = os.waitpid(pid, 0)
    return os.waitstatus_to_exitcode(status), printed.decode()


ASKING = ("--prompt-for-sudo-password", "-H", "worker2")


@pytest.mark.usefixtures("with_password")
def test_a_sudo_password_is_asked_for_once_and_does_for_a_whole_deploy(
    fab: Fab, cluster_file: ClusterFile, worker2: Host
) -> None:
    """As another account and as root, in scripts that end and in such that go on; never shown."""
    status, printed = answering(PASSWORD, *ASKING, "deploy", hosts=cluster_file(), home=fab.home)
    assert status == 0, printed
    assert printed.count(PROMPT.decode()) == 1
    assert PASSWORD not in printed
    assert worker2.is_member()
    assert "carbondb.mysql-wso2.com" in worker2.read("/etc/hosts")
    assert PASSWORD not in worker2.sh(f"grep -rhaF planted {HOME} /etc/hosts /tmp || true")


@pytest.mark.usefixtures("with_password")
def test_a_wrong_sudo_password_is_told_before_any_change(
    fab: Fab, cluster_file: ClusterFile, worker2: Host
) -> None:
    with untouched(worker2):
        status, printed = answering("wrong", *ASKING, "deploy", hosts=cluster_file(), home=fab.home)
    assert status == 1
    assert "worker2: facts: sudo did not take the password" in printed
    assert "sudo -l" in printed


NOTHING = "# nothing\n"
NO_TERMINAL = "Defaults:deploy requiretty\ndeploy ALL=(ALL) NOPASSWD: ALL\n"


@pytest.mark.parametrize(
    ("text", "remedy"),
    [
        pytest.param(
            NOTHING, "--prompt-for-sudo-password, or install what `fab sudoers`", id="no right"
        ),
        pytest.param(NO_TERMINAL, "add `Defaults:LOGIN !requiretty` to sudoers", id="requiretty"),
    ],
)
def test_a_sudo_that_refuses_is_told_with_what_to_do_before_any_change(
    fab: Fab, cluster_file: ClusterFile, rules: Rules, worker2: Host, text: str, remedy: str
) -> None:
    rules(text)
    with untouched(worker2):
        ran = fab.fails("-H", "worker2", "deploy", hosts=cluster_file())
    assert "error: worker2: facts: sudo: " in ran.err
    assert remedy in ran.err


def test_what_sudoers_prints_is_enough_for_a_worker_of_another_account(
    fab: Fab, cluster_file: ClusterFile, rules: Rules, worker2: Host
) -> None:
    """docs/security.md shows the same text (tests/unit/remote/host/test_sudo.py)."""
    hosts = cluster_file()
    printed = fab.succeeds("-H", "worker2", "sudoers", hosts=hosts).out
    rules(printed)
    fab.succeeds("-H", "worker2", "deploy", hosts=hosts)
    assert worker2.is_member()
