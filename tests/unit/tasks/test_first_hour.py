"""`init` and `check`, which need no server."""

from __future__ import annotations

import contextlib
import os
import pty
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.unit.tasks.test_cli import FAB, ROOT, fab

OPTIONS = ("--manager", "10.0.0.3", "--workers", "10.0.0.4,10.0.0.5", "--user", "deploy")


def test_what_init_writes_is_valid(tmp_path: Path) -> None:
    file = tmp_path / "hosts.yaml"
    written = fab("init", *OPTIONS, "--output", str(file), home=tmp_path)
    assert written.returncode == 0, written.stderr
    checked = fab("check", "--inventory", str(file), home=tmp_path)
    assert checked.returncode == 0, checked.stderr
    assert "manager, worker1, worker2" in checked.stdout


def test_init_overwrites_nothing(tmp_path: Path) -> None:
    file = tmp_path / "hosts.yaml"
    file.write_text("mine")
    refused = fab("init", *OPTIONS, "--output", str(file), home=tmp_path)
    assert refused.returncode == 1
    assert file.read_text() == "mine"


@pytest.mark.parametrize(
    ("workers", "seen"),
    [
        ("10.0.0.4,10.0.0.3", "--workers 10.0.0.3 is the address of the manager"),
        ("fd00::4,fd00:0::4", "--workers names fd00::4 more than once"),
    ],
)
def test_init_refuses_two_servers_at_one_address(tmp_path: Path, workers: str, seen: str) -> None:
    file = tmp_path / "hosts.yaml"
    words = ("init", "--manager", "10.0.0.3", "--workers", workers, "--output", str(file))
    refused = fab(*words, home=tmp_path)
    assert refused.returncode == 1
    assert seen in refused.stderr
    assert not file.exists()


def test_init_without_a_terminal_names_the_missing_option(tmp_path: Path) -> None:
    refused = fab("init", "--output", str(tmp_path / "hosts.yaml"), home=tmp_path)
    assert refused.returncode == 1
    assert "--manager is missing" in refused.stderr


def test_check_names_file_and_line_of_a_mistake(tmp_path: Path) -> None:
    file = tmp_path / "hosts.yaml"
    file.write_text("cluster:\n  domain: d\n  hom: /opt/wso2/as\nmanager: {}\n")
    checked = fab("check", "--inventory", str(file), home=tmp_path)
    assert checked.returncode == 1
    assert f"{file}:3" in checked.stderr


def test_no_commands_runs_none(tmp_path: Path) -> None:
    ran = tmp_path / "ran"
    file = tmp_path / "hosts.yaml"
    file.write_text(
        f"cluster:\n  domain: !command 'touch {ran}; echo d'\n  home: /opt/wso2/as\n"
        "manager: {localMemberHost: 10.0.0.3}\n"
    )
    checked = fab("check", "--no-commands", "--inventory", str(file), home=tmp_path)
    assert checked.returncode == 1
    assert f"{file}:2" in checked.stderr
    assert "--no-commands" in checked.stderr
    assert not ran.exists()


def test_the_help_of_a_verb_has_a_text_for_each_option_however_it_is_asked(tmp_path: Path) -> None:
    for words in (("--help", "check"), ("check", "--help")):
        assert "Another hosts.yaml" in fab(*words, home=tmp_path).stdout


def at_a_terminal(*words: str, answers: list[str], home: Path) -> str:
    """Type answers at a terminal, and return all that it showed."""
    master, slave = pty.openpty()
    run = subprocess.Popen(
        [str(FAB), *words],
        cwd=ROOT,
        env={"HOME": str(home), "PATH": os.environ["PATH"], "TERM": "dumb"},
        stdin=slave,
        stdout=slave,
        stderr=slave,
    )
    os.close(slave)
    os.write(master, "".join(f"{line}\n" for line in answers).encode())
    shown = b""
    with contextlib.suppress(OSError):  # Linux's end of a terminal
        while data := os.read(master, 4096):
            shown += data
    os.close(master)
    assert run.wait() == 0, shown.decode()
    return shown.decode()


def test_init_checks_each_answer_when_it_is_typed_and_asks_again(tmp_path: Path) -> None:
    file = tmp_path / "hosts.yaml"
    (tmp_path / ".ssh").mkdir()
    key = "-----BEGIN OPENSSH PRIVATE KEY-----\n"
    (tmp_path / ".ssh/id_ed25519").write_text(key)
    shown = at_a_terminal(
        *("init", "--output", str(file)),
        answers=[
            *("as.example.com", "10.0.0.3"),
            *("10.0.0.4,10.0.0.3", "10.0.0.4,10.0.0.4", "10.0.0.4, 10.0.0.5"),
            *("deploy", "~/.ssh/nothing", "~/.ssh/id_ed25519", "", "/opt/jdk"),
        ],
        home=tmp_path,
    )
    assert "--workers 10.0.0.3 is the address of the manager" in shown
    assert "--workers names 10.0.0.4 more than once" in shown
    assert "--key '~/.ssh/nothing' is not a file" in shown
    assert "--manager 'as.example.com' is not an IP address" in shown
    text = file.read_text()
    assert "java_home: /opt/jdk" in text
    assert "identity_file: ~/.ssh/id_ed25519" in text or 'identity_file: "~/.ssh' in text
    assert fab("check", "--inventory", str(file), home=tmp_path).returncode == 0
    assert "fab -H manager,worker1,worker2 trust" in text


def test_init_sees_a_file_that_is_there_before_it_asks(tmp_path: Path) -> None:
    file = tmp_path / "hosts.yaml"
    file.write_text("mine")
    refused = fab("init", "--output", str(file), home=tmp_path)
    assert "is there already" in refused.stderr


def test_check_misses_a_driver_that_is_not_there(tmp_path: Path) -> None:
    file = tmp_path / "hosts.yaml"
    fab("init", *OPTIONS, "--output", str(file), home=tmp_path)
    driver = "cluster:\n  driver: {jar: drivers/x-1.jar, class: com.example.Driver}\n"
    file.write_text(file.read_text().replace("cluster:\n", driver, 1))
    checked = fab("check", "--inventory", str(file), home=tmp_path)
    assert checked.returncode == 1
    assert "drivers/x-1.jar is not a file" in checked.stderr


def test_check_looks_into_the_pack(tmp_path: Path) -> None:
    file = tmp_path / "hosts.yaml"
    fab("init", *OPTIONS, "--output", str(file), home=tmp_path)
    (tmp_path / "x.zip").write_text("no zip")
    file.write_text(file.read_text().replace("cluster:\n", "cluster:\n  pack: x.zip\n", 1))
    checked = fab("check", "--inventory", str(file), home=tmp_path)
    assert checked.returncode == 1
    assert "x.zip is not a whole archive" in checked.stderr


@pytest.mark.parametrize("after_seconds", [0.05, 0.15, 0.3])
def test_ctrl_c_while_the_program_is_loaded_is_no_traceback(
    tmp_path: Path, after_seconds: float
) -> None:
    """Whatever it was doing: it says so in a word, or was done before."""
    command = f"exec {sys.executable} carbon_provision deploy"
    run = subprocess.Popen(
        ["sh", "-c", f"trap - INT; {command}"],
        cwd=ROOT,
        env={"HOME": str(tmp_path), "PATH": os.environ["PATH"]},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    time.sleep(after_seconds)
    run.send_signal(signal.SIGINT)
    said = run.communicate(timeout=30)[1]
    # Python itself may be interrupted on a busy machine, before the first line of ours.
    assert "Traceback" not in said or "carbon_provision" not in said
