"""The contract between Python and the scripts: what README.md there says is so."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import remote
from remote.host.exit_status import ExitStatus
from remote.host.script import SHARED, Script, declared_values

SCRIPTS = Path(remote.__file__).parent / "scripts"
README = (SCRIPTS / "README.md").read_text()
ALL = sorted(SCRIPTS.rglob("*.sh"))
ENVIRONMENT = {"HOME", "IFS", "JAVA_HOME", "LC_ALL", "LOGNAME", "PPID", "PWD", "SHELL"}
"""What a script may take from the login."""
HOLDER = {"CLIENT_PID", "SHELL_PID"}
"""What the line of shell before a script that holds something sets: see `Script.line`."""
SET_BY_PROCESS = {"HOME_REAL"}


def code(script: Path) -> str:
    """Return a script without its comments."""
    return re.sub(r"^\s*#.*\n|\s#\s.*", "", script.read_text(), flags=re.MULTILINE)


def assigned(text: str) -> set[str]:
    return set(re.findall(r"\b([A-Z][A-Z_]*)=", text)) | set(
        re.findall(r"\bread -r ([A-Z][A-Z_]*)", text)
    )


def needed(script: Path) -> set[str]:
    """Return the variables in capitals that a file uses and nothing in it sets."""
    text = code(script)
    names = set(re.findall(r"\$\{?([A-Z][A-Z_]*)", text)) - {"NF"}  # awk's
    for expression in re.findall(r"\$\(\(.*?\)\)", text):
        names |= set(re.findall(r"[A-Z][A-Z_]+", expression))
    if ("$own" in text and "own=" not in text) or "find_carbon" in text:
        names.add("HOME_DIR")
    shared = set().union(*(assigned(code(SCRIPTS / f"lib/{name}.sh")) for name in SHARED))
    given = ENVIRONMENT | HOLDER | SET_BY_PROCESS | shared
    return names - given - (assigned(text) - declared_values(script.stem))


@pytest.mark.parametrize(
    "script", [path for path in ALL if path.stem not in SHARED], ids=lambda path: path.stem
)
def test_the_head_of_a_script_names_the_values_that_it_uses(script: Path) -> None:
    assert declared_values(script.stem) == needed(script)


@pytest.mark.parametrize("values", [{}, {"home_dir": "/opt/as", "undo": [], "surplus": "x"}])
def test_a_script_is_given_the_values_of_its_head_and_no_others(
    values: dict[str, str | list[str]],
) -> None:
    with pytest.raises(AssertionError, match="rollback_stage"):
        Script(name="rollback_stage", values=values).render()


@pytest.mark.parametrize("script", ALL, ids=lambda path: path.stem)
def test_the_head_of_a_script_says_what_it_does(script: Path) -> None:
    head = re.match(r"(?:#.*\n)+", script.read_text())
    assert head and re.match(r"# [A-Z]", head[0]), "a sentence"
    fields = re.findall(r"^# (\w+): ", head[0], re.MULTILINE)
    assert set(fields) <= {"Values", "Also", "Payload", "Input", "Output", "Sets"}


@pytest.mark.parametrize("script", ALL, ids=lambda path: path.stem)
def test_a_fragment_says_which_variables_it_sets(script: Path) -> None:
    is_fragment = script.parent.name == "lib"
    assert is_fragment == bool(re.search(r"^# Sets: ", script.read_text(), re.MULTILINE))


def test_the_readme_lists_every_exit_status_once() -> None:
    rows = re.findall(r"^\| (\d+) \| `(\w+)` \|", README, re.MULTILINE)
    assert rows == [(str(status.value), status.name) for status in ExitStatus]


@pytest.mark.parametrize("script", ALL, ids=lambda path: path.stem)
def test_a_script_fails_with_a_status_of_the_list(script: Path) -> None:
    used = {int(status) for status in re.findall(r"\bfail (\d+)", code(script))}
    assert used <= set(ExitStatus)


def test_no_two_files_of_the_folders_have_one_name() -> None:
    """A script and a fragment are both named without a folder."""
    names = [path.stem for path in ALL]
    assert len(names) == len(set(names))
