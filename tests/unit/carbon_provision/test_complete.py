"""Completion offers verbs, their options and names of hosts.yaml, at the place for each."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from carbon_provision.complete import SHELLS, candidates, script
from tasks.completion import place

ROOT = Path(__file__).resolve().parents[3]
INVENTORY = """
manager: {localMemberHost: !file nowhere}
load_balancer: {ssh: {host: 10.0.0.2}}
workers:
  worker1: {localMemberHost: 10.0.0.4}
  worker2: {nonsense: 1}
"""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Work in a folder whose inventory has mistakes: its names are offered all the same."""
    (tmp_path / "hosts.yaml").write_text(INVENTORY)
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("PROVISION_HOSTS", raising=False)
    return tmp_path


def offered(*words: str) -> list[str]:
    *before, started = words
    return [candidate for candidate, _ in candidates(before, started)]


def test_verbs_are_offered_where_a_verb_belongs() -> None:
    assert offered("re") == ["remove", "reset", "restart"]
    assert "lb.config" in offered("-H", "worker1", "")
    assert offered("deploy", "pl") == []


def test_options_are_those_of_the_verb_and_of_every_verb() -> None:
    assert sorted(offered("deploy", "--re")) == ["--renumber", "--reset"]
    assert "--hosts" in offered("plan", "--")
    assert "--rollback" not in offered("plan", "--")


def test_names_after_h_are_offered_once_each_also_behind_a_comma() -> None:
    assert offered("-H", "") == ["worker1", "worker2", "manager", "lb"]
    assert offered("-H", "worker1,w") == ["worker1,worker2"]
    assert offered("plan", "--hosts", "m") == ["manager"]


def test_a_file_that_nests_without_end_has_no_names(folder: Path) -> None:
    """And it does no harm: the C loader of PyYAML dies of it if it builds a tree."""
    (folder / "hosts.yaml").write_bytes(b"[" * 900_000)
    assert offered("-H", "") == []


def test_names_are_those_of_workers_and_of_nothing_below_them(folder: Path) -> None:
    (folder / "hosts.yaml").write_text(
        "cluster: {workers: {a: b}}\nworkers:\n  w: {workers: {x: 1}}\n  v: [{y: 1}]\n  u: 5\n"
    )
    assert offered("-H", "") == ["w", "v", "u"]


def test_a_shell_without_completion_is_refused_by_name(capsys: pytest.CaptureFixture[str]) -> None:
    from tasks.program import make_program

    with pytest.raises(SystemExit):
        make_program().run(["carbon-provision", "completion", "--shell", "tcsh"])
    assert "completion for bash, zsh, fish, not for 'tcsh'" in capsys.readouterr().err


def test_nothing_is_offered_for_the_value_of_another_option() -> None:
    """So that the shell offers files after --inventory."""
    assert offered("plan", "--inventory", "") == []
    assert offered("-i", "") == []


def test_names_come_from_the_inventory_that_the_command_line_names(folder: Path) -> None:
    other = folder / "other.yaml"
    other.write_text("workers: {here: {}}\n")
    assert offered("plan", "--inventory", str(other), "-H", "") == ["here"]


@pytest.mark.parametrize("text", ["[", "workers: [a]", "\x00", ""])
def test_a_broken_inventory_has_no_names(folder: Path, text: str) -> None:
    (folder / "hosts.yaml").write_text(text)
    assert offered("-H", "") == []


def test_names_are_answered_without_loading_fabric(folder: Path) -> None:
    """A tab must not wait for what only the verbs need."""
    probe = (
        f"import sys; sys.path.insert(0, {str(ROOT)!r});"
        "from carbon_provision.complete import answer; answer(['-H', 'worker1,']);"
        "print([name for name in ('fabric', 'paramiko', 'lxml') if name in sys.modules])"
    )
    ran = subprocess.run(
        [sys.executable, "-c", probe], cwd=folder, capture_output=True, text=True, check=True
    )
    assert ran.stdout.splitlines()[0] == "worker1,worker2\thost"
    assert ran.stdout.splitlines()[-1] == "[]"


@pytest.mark.parametrize("shell", SHELLS)
def test_each_script_asks_the_program_and_is_correct_shell(shell: str) -> None:
    assert "--complete" in script(shell)
    if program := shutil.which(shell):
        subprocess.run([program, "-n"], input=script(shell), text=True, check=True)


def test_bash_completes_through_its_script(folder: Path) -> None:
    """With the real program behind it, as at a prompt."""
    command = folder / "carbon-provision"
    command.write_text(f'#!/bin/sh\nexec {sys.executable} {ROOT}/carbon_provision "$@"\n')
    command.chmod(0o755)
    asked = (
        f"{script('bash')}\nCOMP_WORDS=({command} -H worker1,); COMP_CWORD=2;"
        '_carbon_provision "$COMP_WORDS"; printf "%s\\n" "${COMPREPLY[@]}"'
    )
    ran = subprocess.run(["bash", "-c", asked], capture_output=True, text=True, check=True)
    assert ran.stdout.split() == [
        "worker1,worker2",
        "worker1,manager",
        "worker1,lb",
    ]


@pytest.mark.parametrize("shell", SHELLS)
def test_one_command_installs_it_where_the_shell_looks(
    folder: Path, monkeypatch: pytest.MonkeyPatch, shell: str
) -> None:
    from tasks.program import make_program

    for name in ("XDG_DATA_HOME", "XDG_CONFIG_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(folder))
    monkeypatch.setenv("SHELL", f"/usr/bin/{shell}")
    make_program().run(["carbon-provision", "completion"], exit=False)
    assert place(shell).read_text() == script(shell)
    assert folder in place(shell).parents
