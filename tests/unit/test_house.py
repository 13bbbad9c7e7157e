"""Where things are: imports point one way, and one package speaks SSH."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SSH = ROOT / "remote/ssh"
FORBIDDEN = {
    "carbon": {"remote", "tasks", "lab", "tests", "fabric", "invoke", "paramiko"},
    "remote": {"tasks", "lab", "tests", "fabric", "invoke", "paramiko"},
    "tasks": {"paramiko", "tests"},
    "carbon_provision": {"paramiko", "tests", "lab"},
}
REMOTE = {
    "run": set(),
    "host": {"run"},
    "ssh": {"host", "run"},
    "local": {"run"},
    "observe": {"host", "run"},
    "balancer": {"host", "local", "run"},
    "rollout": {"observe", "balancer", "host", "local", "run"},
    "clone": {"rollout", "observe", "host", "run"},
    "install": {"clone", "observe", "host", "run"},
}
"""Which rooms of remote/ a room may know; docs/architecture.md draws it."""
CARBON = {
    "xmledit": set(),
    "config": {"home", "xmledit"},
    "home": set(),
    "inventory": set(),
    "adopt": {"balancer", "config", "home", "inventory", "xmledit"},
    "balancer": set(),
    "join": {"home"},
    "service": {"home"},
    "artifacts": {"config", "home"},
    "plan": {"artifacts", "config", "home", "service"},
    "checks": {"artifacts", "balancer", "config", "home", "join", "plan", "service"},
    "clone": {"checks", "config", "home", "plan"},
    "pack": {"checks", "clone", "home", "plan"},
}
"""Which rooms of carbon/ a room may know, beside the files next to them (cluster, errors, ...)."""


def modules(folder: str) -> Iterator[Path]:
    for path in sorted((ROOT / folder).rglob("*.py")):
        if SSH not in path.parents:
            yield path


def imported(path: Path) -> set[str]:
    """Return the dotted names of all that a module imports, wherever in it."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_bytes())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def packages(path: Path) -> set[str]:
    return {name.partition(".")[0] for name in imported(path)}


@pytest.mark.parametrize("folder", FORBIDDEN)
def test_imports_point_from_tasks_to_remote_to_carbon(folder: str) -> None:
    """And Fabric is met only in tasks, as the command line, and in remote/ssh, as connections."""
    wrong = {
        str(path.relative_to(ROOT)): names
        for path in modules(folder)
        if (names := packages(path) & FORBIDDEN[folder])
    }
    assert not wrong


def test_the_ssh_package_knows_no_task() -> None:
    assert not {name for path in SSH.glob("*.py") for name in packages(path)} & {"tasks", "lab"}


@pytest.mark.parametrize(("folder", "allowed"), [("remote", REMOTE), ("carbon", CARBON)])
def test_a_room_knows_only_the_rooms_below_it(folder: str, allowed: Mapping[str, set[str]]) -> None:
    """No arrow up and no circle: what a room may import is written down here."""
    wrong = set()
    for room, below in allowed.items():
        for path in (ROOT / folder / room).rglob("*.py"):
            names = [name.split(".") for name in imported(path) if name.startswith(f"{folder}.")]
            known = {parts[1] for parts in names if (ROOT / folder / parts[1]).is_dir()}
            wrong |= {(f"{folder}/{room}", other) for other in known - below - {room}}
    assert not wrong


@pytest.mark.parametrize(("folder", "allowed"), [("remote", REMOTE), ("carbon", CARBON)])
def test_every_room_is_on_the_map(folder: str, allowed: Mapping[str, set[str]]) -> None:
    """And a room that the map leaves out would be guarded by nothing."""
    rooms = {path.parent.name for path in (ROOT / folder).glob("*/__init__.py")}
    assert rooms == set(allowed)
    for room, below in allowed.items():
        assert all(room not in allowed[other] for other in below)


def test_frozen_values_are_made_in_one_way() -> None:
    """By carbon/value.py: dataclasses would compile each of them anew at every start."""
    slow = [
        str(path.relative_to(ROOT))
        for folder in FORBIDDEN
        for path in modules(folder)
        if "@dataclass(frozen=True, slots=True" in path.read_text()
    ]
    assert not slow


def test_no_two_modules_of_tasks_import_each_other() -> None:
    """Not even inside a function: whoever reads one of them would have to read both."""
    known = {path.stem: imported(path) for path in (ROOT / "tasks").glob("*.py")}
    knows = {
        name: {dotted.split(".")[1] for dotted in names if dotted.startswith("tasks.")}
        for name, names in known.items()
    }
    assert not {
        (one, other) for one in knows for other in knows[one] & set(knows) if one in knows[other]
    }


VAGUE = {"made", "one", "found"}
"""Words that say nothing of what a name stands for: a plan, a node, a finding, a file."""


def product() -> Iterator[Path]:
    return (path for folder in FORBIDDEN for path in sorted((ROOT / folder).rglob("*.py")))


def test_a_name_says_what_it_stands_for() -> None:
    vague = set()
    for path in product():
        for node in ast.walk(ast.parse(path.read_bytes())):
            stored = isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)
            name = node.id if stored else node.arg if isinstance(node, ast.arg) else ""
            if isinstance(node, ast.FunctionDef | ast.ClassDef):
                name = node.name
            if name in VAGUE:
                vague.add(f"{path.relative_to(ROOT)}:{node.lineno}: {name}")
    assert not vague


def test_no_sentence_says_that_something_is_no_other_thing_or_was_told() -> None:
    """`is not a worker`, not `is no worker`: plain English, also for whom it is the second."""
    odd = {
        f"{path.relative_to(ROOT)}:{text.lineno}: {text.value}"
        for path in product()
        for text in _texts(ast.parse(path.read_bytes()))
        if re.search(r"\bis no \w|\btold\b", str(text.value))
    }
    assert odd == set()


def _texts(tree: ast.Module) -> Iterator[ast.Constant]:
    """Yield the texts of a module, but those that explain it."""
    explains = {
        child.value
        for node in ast.walk(tree)
        for child in ast.iter_child_nodes(node)
        if isinstance(child, ast.Expr)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and node not in explains:
            yield node


def test_only_the_rooms_that_wait_for_servers_know_time_outs() -> None:
    """Limits come from hosts.yaml, with the Host: nobody else names a time-out."""
    knowing = {
        str(path.relative_to(ROOT))
        for path in product()
        if "timeout_seconds" in path.read_text()
        and not path.is_relative_to(ROOT / "remote/host")
        and not path.is_relative_to(SSH)
    }
    assert not knowing


def test_no_file_is_longer_than_four_hundred_lines() -> None:
    long = [str(path) for path in product() if len(path.read_text().splitlines()) > 400]
    assert not long


def test_no_function_is_longer_than_45_lines() -> None:
    long = [
        f"{path}: {node.name}"
        for path in product()
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef) and (node.end_lineno or 0) - node.lineno >= 45
    ]
    assert long == []
