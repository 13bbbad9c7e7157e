"""`fab run` and `fab trust` on the lab: commands by inventory name, host keys by fingerprint."""

from __future__ import annotations

import os
import pty
import re
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lab import Lab
from tests.lab.cli import FAB, ROOT, Fab, Ran
from tests.lab.hosts import Host
from tests.lab.inventory import ClusterFile
from tests.waiting import wait_for

# ---- run


def test_output_is_whole_and_the_status_is_the_commands(
    fab: Fab, cluster_file: ClusterFile
) -> None:
    hosts = cluster_file()
    ran = fab("-H", "worker1", "run", 'echo "it\'s" $((1+2)); echo no >&2; exit 7', hosts=hosts)
    assert (ran.status, ran.out, ran.err) == (7, "it's 3\n", "no\n")


def test_several_hosts_have_their_names_and_the_worst_status(
    fab: Fab, cluster_file: ClusterFile
) -> None:
    command = '[ "$(hostname)" != worker2 ] || exit 3; hostname'
    ran = fab("-H", "worker1,worker2,manager", "run", command, hosts=cluster_file())
    assert ran.status == 3
    assert sorted(ran.out.splitlines()) == ["manager | manager", "worker1 | worker1"]
    assert ran.err == "error: worker2: exit status 3\n"


def test_it_runs_as_the_login_or_as_the_owner(fab: Fab, cluster_file: ClusterFile) -> None:
    """worker2's AS_HOME belongs to wso2."""
    hosts = cluster_file()
    assert fab.succeeds("-H", "worker2", "run", "id -un", hosts=hosts).out == "deploy\n"
    as_owner = fab.succeeds("-H", "worker2", "run", "--run-as", "id -un; id -gn", hosts=hosts)
    assert as_owner.out == "wso2\nwso2\n"


def test_a_shell_that_is_not_bash_will_do(fab: Fab, cluster_file: ClusterFile) -> None:
    hosts = cluster_file(workers=["plain", "legacy"])
    ran = fab.succeeds("-H", "plain,legacy", "run", "echo ok", hosts=hosts)
    assert sorted(ran.out.splitlines()) == ["legacy | ok", "plain  | ok"]


def test_an_unreachable_host_is_255_and_the_others_run(fab: Fab, cluster_file: ClusterFile) -> None:
    hosts = cluster_file(worker1={"ssh": {"port": 1}})
    ran = fab.fails("-H", "worker1,worker2", "run", "echo here", hosts=hosts, status=255)
    assert ran.out == "worker2 | here\n"
    assert "error: worker1: " in ran.err
    assert "the connection failed" in ran.err


def test_no_name_is_no_command(fab: Fab, cluster_file: ClusterFile) -> None:
    assert "no host is named" in fab.fails("run", "id", hosts=cluster_file()).err


def test_a_command_over_its_time_is_ended_with_all_that_it_started(
    fab: Fab, cluster_file: ClusterFile, worker1: Host
) -> None:
    """That nothing of it is left there is checked after every test."""
    words = ("-H", "worker1", "run", "--timeout", "1", "sleep 99 & sleep 98")
    ran = fab.fails(*words, hosts=cluster_file(), status=124)
    assert "the command did not end within 1 s" in ran.err
    assert worker1.sh("pgrep -c sleep || true") == "0\n"


def test_ctrl_c_ends_the_command_on_the_server(
    fab: Fab, cluster_file: ClusterFile, worker1: Host
) -> None:
    run = fab.begin("-H", "worker1", "run", "echo begun; sleep 97", hosts=cluster_file())
    assert run.stdout
    assert run.stdout.readline() == "begun\n"
    assert worker1.sh("pgrep -c sleep") == "1\n"
    run.send_signal(signal.SIGINT)
    assert run.wait(10) == 130
    wait_for("the command has ended", lambda: worker1.sh("pgrep -c sleep || true") == "0\n")


# ---- trust


@pytest.fixture
def strange(cluster_file: ClusterFile, tmp_path: Path) -> Callable[..., Path]:
    """Return an inventory whose known_hosts knows nobody but what is given."""

    def write(known: str = "", **changes: Any) -> Path:
        (tmp_path / "known").write_text(known)
        ssh = {"ssh": {"known_hosts": str(tmp_path / "known")}}
        return cluster_file(cluster=ssh, **changes)

    return write


def known_lines(lab: Lab, host: str) -> list[str]:
    """Return the true lines of a host, under the name by which the tests reach it."""
    name = f"[127.0.0.1]:{lab.hosts[host].ssh_port}"
    lines = lab.known_hosts.read_text().splitlines()
    return [f"{name} {line.split(' ', 1)[1]}" for line in lines if name in line]


def fingerprints(ran: Ran) -> list[str]:
    return re.findall(r"SHA256:\S+", ran.out)


def test_nothing_is_accepted_blindly(
    fab: Fab, strange: Callable[..., Path], tmp_path: Path, worker1: Host
) -> None:
    """Without a terminal the fingerprints are shown, and that is all."""
    hosts = strange()
    assert (
        "host key is in no known_hosts file"
        in fab.fails("-H", "worker1", "run", "id", hosts=hosts, status=255).err
    )
    ran = fab.fails("-H", "worker1", "trust", hosts=hosts)
    true = worker1.sh("for key in /etc/ssh/ssh_host_*_key.pub; do ssh-keygen -lf $key; done")
    assert sorted(fingerprints(ran)) == sorted(re.findall(r"SHA256:\S+", true))
    assert "without a terminal to ask at" in ran.err
    wrong = fab.fails("-H", "worker1", "trust", "--yes", "yes,SHA256:wrong", hosts=hosts)
    assert "none of its keys has a fingerprint that --yes names" in wrong.err
    assert (tmp_path / "known").read_text() == ""


def test_a_compared_fingerprint_is_accepted_and_lets_in(
    fab: Fab, strange: Callable[..., Path], tmp_path: Path, lab: Lab
) -> None:
    hosts = strange(known="# mine")
    ed25519, *_ = fingerprints(fab.fails("-H", "worker1", "trust", hosts=hosts))
    ran = fab.succeeds("-H", "worker1", "trust", "--yes", ed25519, hosts=hosts)
    assert "accepted 1 of 3 new keys" in ran.out
    added = (tmp_path / "known").read_text().splitlines()
    assert added[0] == "# mine"
    assert added[1:] == [line for line in known_lines(lab, "worker1") if "ed25519" in line]
    assert fab.succeeds("-H", "worker1", "run", "echo in", hosts=hosts).out == "in\n"
    assert "is trusted already" in fab.succeeds("-H", "worker1", "trust", hosts=hosts).out


def test_a_changed_key_is_never_overwritten_and_its_line_is_named(
    fab: Fab, strange: Callable[..., Path], tmp_path: Path, lab: Lab
) -> None:
    """Even with the fingerprint of the new key."""
    other = known_lines(lab, "worker2")
    ports = [str(lab.hosts[name].ssh_port) for name in ("worker2", "worker1")]
    known = "# mine\n" + "".join(f"{line.replace(*ports)}\n" for line in other)
    hosts = strange(known=known)
    for options in ((), ("--yes", "SHA256:x")):
        ran = fab.fails("-H", "worker1", "trust", *options, hosts=hosts)
        assert "its host key has changed" in ran.err
        assert f"remove lines 2, 3 and 4 of {tmp_path / 'known'} and" in ran.err
    assert (tmp_path / "known").read_text() == known


def test_an_old_server_shows_its_one_key(
    fab: Fab, strange: Callable[..., Path], lab: Lab, tmp_path: Path
) -> None:
    hosts = strange(workers=["legacy"])
    (rsa,) = fingerprints(fab.fails("-H", "legacy", "trust", hosts=hosts))
    fab.succeeds("-H", "legacy", "trust", "--yes", rsa, hosts=hosts)
    rsa_lines = [line for line in known_lines(lab, "legacy") if "ssh-rsa" in line]
    assert (tmp_path / "known").read_text().splitlines() == rsa_lines
    assert fab.succeeds("-H", "legacy", "run", "echo in", hosts=hosts).out == "in\n"


def test_a_gateway_is_trusted_first_and_then_passed(
    fab: Fab, strange: Callable[..., Path], lab: Lab
) -> None:
    """worker1 by its address in the lab, through the manager's sshd."""
    gateway = f"deploy@127.0.0.1:{lab.hosts['manager'].ssh_port}"
    inner = {"ssh": {"host": lab.hosts["worker1"].address, "port": 22, "gateway": gateway}}
    hosts = strange(worker1=inner)
    first = fab.fails("-H", "worker1", "trust", hosts=hosts)
    assert f"the gateway {gateway} (127.0.0.1 port" in first.out
    assert "worker1 (" not in first.out
    of_gateway = fingerprints(first)
    second = fab.fails("-H", "worker1", "trust", "--yes", of_gateway[0], hosts=hosts)
    of_worker = [one for one in fingerprints(second) if one not in of_gateway]
    assert len(of_worker) == 3
    both = f"{of_gateway[0]},{of_worker[0]}"
    fab.succeeds("-H", "worker1", "trust", "--yes", both, hosts=hosts)
    assert fab.succeeds("-H", "worker1", "run", "hostname", hosts=hosts).out == "worker1\n"


@pytest.mark.parametrize(("answer", "status"), [("yes", 0), ("y", 1), ("", 1)])
def test_at_a_terminal_it_asks_and_only_yes_is_yes(
    fab: Fab,
    strange: Callable[..., Path],
    tmp_path: Path,
    lab: Lab,
    answer: str,
    status: int,
) -> None:
    hosts = strange()
    printed, ended = _at_terminal(["-H", "worker1", "trust"], hosts, fab.home, answer)
    assert ended == status
    assert "Compare with what the server itself says" in printed
    known = (tmp_path / "known").read_text().splitlines()
    assert sorted(known) == (sorted(known_lines(lab, "worker1")) if status == 0 else [])


def _at_terminal(words: list[str], hosts: Path, home: Path, answer: str) -> tuple[str, int]:
    """Run `fab` at a terminal of its own and answer its question; return output and status."""
    environment = {"HOME": str(home), "PATH": os.environ["PATH"], "LANG": "C.UTF-8"}
    pid, terminal = pty.fork()
    if pid == 0:
        os.chdir(ROOT)
        os.execve(FAB, [str(FAB), *words], environment | {"PROVISION_HOSTS": str(hosts)})
    printed = b""
    try:
        while True:
            printed += os.read(terminal, 65536)
            if printed.endswith(b"Type yes: "):
                os.write(terminal, answer.encode() + b"\n")
    except OSError:  # Linux tells so that the other end is closed
        os.close(terminal)
    _, status = os.waitpid(pid, 0)
    return printed.decode(), os.waitstatus_to_exitcode(status)
