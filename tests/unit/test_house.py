"""Where things are: imports point one way, and one package speaks SSH."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SSH = ROOT / "remote/ssh"
FORBIDDEN = {
    "carbon": {"remote", "tasks", "lab", "fabric", "invoke", "paramiko"},
    "remote": {"tasks", "lab", "fabric", "invoke", "paramiko"},
    "tasks": {"paramiko"},
}


def modules(folder: str) -> Iterator[Path]:
    for path in sorted((ROOT / folder).rglob("*.py")):
        if SSH not in path.parents:
            yield path


def imported(path: Path) -> set[str]:
    """Return the top-level names of all that a module imports, wherever in it."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_bytes())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names.add(node.module or "")
    return {name.partition(".")[0] for name in names}


@pytest.mark.parametrize("folder", FORBIDDEN)
def test_imports_point_from_tasks_to_remote_to_carbon(folder: str) -> None:
    """And Fabric is met only in tasks, as the command line, and in remote/ssh, as connections."""
    wrong = {
        str(path.relative_to(ROOT)): found
        for path in modules(folder)
        if (found := imported(path) & FORBIDDEN[folder])
    }
    assert not wrong


def test_the_ssh_package_knows_no_task() -> None:
    assert not {name for path in SSH.glob("*.py") for name in imported(path)} & {"tasks", "lab"}


def test_frozen_values_are_made_in_one_way() -> None:
    """By carbon/value.py: dataclasses would compile each of them anew at every start."""
    slow = [
        str(path.relative_to(ROOT))
        for folder in FORBIDDEN
        for path in modules(folder)
        if "@dataclass(frozen=True, slots=True" in path.read_text()
    ]
    assert not slow
