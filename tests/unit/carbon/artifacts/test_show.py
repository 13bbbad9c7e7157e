"""How a change of artifacts looks, and what of it is never shown."""

from __future__ import annotations

from pathlib import Path, PurePosixPath
from typing import Any

from carbon import secret
from carbon.artifacts.plan import ArtifactChange, plan_artifacts
from carbon.artifacts.show import NOT_SHOWN, diff_of, lines_of, names_of
from carbon.cluster import Artifact, Node
from carbon.home.facts import ArtifactFacts, ArtifactsFacts, RemoteFile
from tests.unit.carbon.looks import make_facts
from tests.unit.carbon.nodes import make_node

PATH = PurePosixPath("repository/conf/log4j.properties")


def change_of(
    folder: Path, new: bytes, old: bytes | None, **own: Any
) -> tuple[ArtifactChange, Node]:
    """Return the change of one file from `old` to `new`."""
    local = folder / "file"
    local.write_bytes(new)
    node = make_node(artifacts=(Artifact(to=PATH, source=local, **own),))
    there = ArtifactFacts(sha256="0" * 64, size=len(old or b""), mode=0o644)
    facts = make_facts(
        artifacts=ArtifactsFacts(files={PATH: there} if old is not None else {}),
        files={PATH: RemoteFile(data=old, mode=0o644, owner="wso2")} if old is not None else {},
    )
    (change,) = plan_artifacts(node, facts)
    return change, node


def test_a_short_text_is_shown_as_a_diff(tmp_path: Path) -> None:
    change, node = change_of(tmp_path, b"a=2\n", b"a=1\n")
    assert "-a=1\n+a=2\n" in diff_of(change, node)
    assert names_of([change]) == "~log4j.properties"


def test_a_binary_file_is_shown_by_its_size_and_hash(tmp_path: Path) -> None:
    change, node = change_of(tmp_path, b"\0\1", b"old")
    assert diff_of(change, node) == ""
    (line,) = lines_of(change)
    assert line.startswith(f"~ {PATH} (2 bytes, sha256 000000000000 to ")


def test_nothing_of_a_secret_is_shown_but_its_size(tmp_path: Path) -> None:
    change, node = change_of(tmp_path, b"hush", b"old", secret=True)
    assert diff_of(change, node) == ""
    assert list(lines_of(change)) == [f"~ {PATH} (4 bytes, mode 640)"]


def test_what_its_name_calls_a_secret_is_masked_in_any_text(tmp_path: Path) -> None:
    old = b"smtp.password=old one\nexport KEY_PASS='older' X=1\nkeystore.password: oldest\n"
    new = b"smtp.password=new one\nexport KEY_PASS='newer' X=1\nkeystore.password: newest\n"
    change, node = change_of(tmp_path, new, old)
    shown = diff_of(change, node)
    assert shown
    for text in ("old", "new", "one"):
        assert text not in shown.replace("log4j", "")


def test_the_secrets_of_a_template_are_masked_on_both_sides(tmp_path: Path) -> None:
    values = {"x": secret.literal("hush")}
    change, node = change_of(
        tmp_path, b"n=${name}\nx=${x}\n", b"n=w\nx=elder\n", template=True, values=values
    )
    shown = diff_of(change, node)
    assert "+n=worker1" in shown
    assert "hush" not in shown
    assert "elder" not in shown


def test_a_file_that_may_hide_an_old_secret_is_not_shown(tmp_path: Path) -> None:
    values = {"x": secret.literal("hush")}
    change, node = change_of(tmp_path, b"x=${x}\n", b"y: elder\n", template=True, values=values)
    assert diff_of(change, node) == NOT_SHOWN


def test_many_names_are_counted(tmp_path: Path) -> None:
    change, _ = change_of(tmp_path, b"a", None)
    assert names_of([change] * 5) == ", ".join(["+log4j.properties"] * 3) + " and 2 more"
