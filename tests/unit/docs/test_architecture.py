"""The page on the architecture says what the code says."""

from __future__ import annotations

import ast
import re
from itertools import pairwise
from pathlib import Path

import pytest

from tests.unit.test_house import CARBON, REMOTE

ROOT = Path(__file__).resolve().parents[3]
PAGE = (ROOT / "docs/architecture.md").read_text()
STOP = re.compile(r"^\| (↩ )?`([\w/.]+\.(?:py|sh))` \| (?:`([\w.]+)`)? ?\|", re.MULTILINE)
TYPE = re.compile(r"^\| (`[A-Z]\w+`(?:, `\w+`)*) \| .* \| `([\w/]+\.py)` \|$", re.MULTILINE)
MOST_STOPS, MOST_RETURNS = 40, 15


def names(path: Path) -> set[str]:
    """Return the functions and classes of a module: `f`, `C` and `C.f`."""
    found: set[str] = set()
    for node in ast.parse(path.read_bytes()).body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            found.add(node.name)
        if isinstance(node, ast.ClassDef):
            found |= {f"{node.name}.{each.name}" for each in node.body if hasattr(each, "name")}
    return found


def test_every_stop_of_the_trip_exists() -> None:
    stops = STOP.findall(PAGE)
    assert stops
    for _, file, function in stops:
        path = ROOT / file
        assert path.is_file(), file
        assert not function or function in names(path), f"{file}: {function}"


def test_the_trip_is_short_and_a_return_is_marked_as_one() -> None:
    """At most 40 stops and 15 returns to a file that was left before."""
    stops = STOP.findall(PAGE)
    files = [file for _, file, _ in stops]
    assert all(file != after for file, after in pairwise(files))
    returns = [at for at, file in enumerate(files) if file in files[:at]]
    assert [at for at, (mark, _, _) in enumerate(stops) if mark] == returns
    assert len(stops) <= MOST_STOPS
    assert len(returns) <= MOST_RETURNS


def test_the_seven_types_are_where_the_page_says() -> None:
    rows = TYPE.findall(PAGE)
    assert len(rows) == 7
    for words, file in rows:
        assert set(re.findall(r"\w+", words)) <= names(ROOT / file), words


@pytest.mark.parametrize(("folder", "rooms"), [("remote", REMOTE), ("carbon", CARBON)])
def test_the_rooms_and_their_arrows_are_those_of_the_house(
    folder: str, rooms: dict[str, set[str]]
) -> None:
    rows = re.findall(rf"^\| `{folder}/(\w+)` \| .* \|([^|]*)\|$", PAGE, re.MULTILINE)
    drawn = {room: set(re.findall(r"\w+", known)) for room, known in rows if room != "scripts"}
    assert drawn == rooms
