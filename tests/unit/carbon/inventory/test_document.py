"""What is wrong with the YAML itself is refused by file and line, before anything is read."""

from __future__ import annotations

from pathlib import Path

import pytest

from carbon.errors import InventoryError
from carbon.inventory import load
from tests.unit.carbon.inventory.written import inventory, line_of, loaded, refused, worker


def test_missing_file_says_how_to_name_another(tmp_path: Path) -> None:
    with pytest.raises(InventoryError) as caught:
        load(tmp_path / "none.yaml")
    assert str(caught.value) == (
        f"{tmp_path}/none.yaml: the inventory cannot be read: No such file or directory\n"
        "  → name another one with --inventory or PROVISION_HOSTS; `fab init` writes a first"
        " one, `fab adopt` one for servers that run already"
    )


def test_directory_is_no_inventory(tmp_path: Path) -> None:
    with pytest.raises(InventoryError, match="Is a directory"):
        load(tmp_path)


@pytest.mark.parametrize("text", ["", "\n\n", "# only a comment\n", "---\n...\n", "---\n~\n"])
def test_empty_file_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(InventoryError, match="the file is empty"):
        loaded(tmp_path, text)


@pytest.mark.parametrize("text", ["- a # here\n- b\n", "just text # here\n", "5 # here\n"])
def test_top_level_must_be_a_mapping(tmp_path: Path, text: str) -> None:
    assert "not a mapping" in refused(tmp_path, text).seen


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("cluster:\n  a: b: c # here\n", "mapping values are not allowed"),
        ("cluster:\n\ta: b # here\n", "cannot start any token"),
        ("cluster: [a, b\nmanager: # here\n", "flow sequence that begins in line 1"),
        ("%YAML 9.9 # here\n---\na: b\n", "incompatible YAML document"),
        ("cluster: @a # here\n", "cannot start any token"),
        ('cluster: "\\q" # here\n', "unknown escape character"),
    ],
)
def test_syntax_error_names_its_line(tmp_path: Path, text: str, problem: str) -> None:
    error = refused(tmp_path, text)
    assert error.seen.startswith("not valid YAML: ")
    assert problem in error.seen


def test_unclosed_quote_names_the_line_where_it_opens(tmp_path: Path) -> None:
    with pytest.raises(InventoryError, match="quoted scalar that begins in line 2"):
        loaded(tmp_path, 'cluster:\n  domain: "wso2\n' + "  home: /opt\n" * 5)


def test_non_utf8_is_refused(tmp_path: Path) -> None:
    error = refused(tmp_path, b"cluster:\n  domain: caf\xe9 # here\n")
    assert error.seen == "not UTF-8 text: byte 0xe9"


def test_byte_order_mark_is_no_obstacle(tmp_path: Path) -> None:
    assert loaded(tmp_path, "\ufeff" + inventory()).domain == "wso2.as.domain"


def test_crlf_is_no_obstacle(tmp_path: Path) -> None:
    assert loaded(tmp_path, inventory().replace("\n", "\r\n")) is not None


def test_control_character_is_refused(tmp_path: Path) -> None:
    error = refused(tmp_path, "cluster:\n  domain: a\x1bb # here\n")
    assert error.seen == "the character U+001B is not allowed in YAML"


def test_huge_file_is_refused_unread(tmp_path: Path) -> None:
    with pytest.raises(InventoryError, match="larger than 1000000 bytes"):
        loaded(tmp_path, "#" * 1_000_001)


def test_endless_file_is_refused() -> None:
    with pytest.raises(InventoryError, match="larger than"):
        load(Path("/dev/zero"))


def test_duplicate_key_names_both_lines(tmp_path: Path) -> None:
    text = inventory(worker1="run_as: a # first\nrun_as: b # here")
    error = refused(tmp_path, text)
    assert error.seen == "workers.worker1.run_as is here a second time"
    assert error.action == f"keep this one or the one in line {line_of('# first', text)}"


def test_duplicate_worker_is_a_duplicate_key(tmp_path: Path) -> None:
    error = refused(tmp_path, inventory(more="  worker1: {localMemberHost: 10.0.0.9} # here\n"))
    assert error.seen == "workers.worker1 is here a second time"


def test_second_document_is_refused(tmp_path: Path) -> None:
    error = refused(tmp_path, inventory() + "--- # here\na: b\n")
    assert "second YAML document" in error.seen


@pytest.mark.parametrize(
    "text",
    ["? [a] # here\n: b\n", "{a: b}: c # here\n", "!env A: c # here\n"],
)
def test_key_must_be_plain_text(tmp_path: Path, text: str) -> None:
    assert "key that is not plain text" in refused(tmp_path, text).seen


def test_merge_key_is_refused_with_what_to_do_instead(tmp_path: Path) -> None:
    error = refused(tmp_path, inventory(worker1="<<: {run_as: wso2} # here"))
    assert "merge key" in error.seen
    assert "under `cluster:`" in error.action


@pytest.mark.parametrize("tag", ["!secret", "!!int", "!!python/object:os.system", "!"])
def test_unknown_tag_is_refused(tmp_path: Path, tag: str) -> None:
    error = refused(tmp_path, inventory(worker1=f"run_as: {tag} 5 # here"))
    assert "has the tag" in error.seen
    assert "!env NAME, !file PATH or !command" in error.action


@pytest.mark.parametrize("value", ["!env {a: b}", "!file [a]"])
def test_tag_of_ours_belongs_to_a_single_value(tmp_path: Path, value: str) -> None:
    error = refused(tmp_path, inventory(worker1=f"run_as: {value} # here"))
    assert "has the tag" in error.seen


def test_alias_stands_for_its_anchor(tmp_path: Path) -> None:
    text = inventory(worker1="ssh: &login {user: anna}", worker2="ssh: *login")
    assert worker(loaded(tmp_path, text), "worker2").ssh.user == "anna"


def test_alias_without_anchor_is_refused(tmp_path: Path) -> None:
    assert "*login has no anchor" in refused(tmp_path, inventory(worker1="ssh: *login # here")).seen


def test_value_that_contains_itself_is_refused(tmp_path: Path) -> None:
    assert "has no anchor before it" in refused(tmp_path, "a: &a [*a] # here\n").seen


def test_alias_bomb_is_refused_before_it_is_unfolded(tmp_path: Path) -> None:
    bomb = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    bomb += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 30)]
    with pytest.raises(InventoryError, match="more than 100000 values") as caught:
        loaded(tmp_path, "\n".join(bomb))
    assert caught.value.line == 5


@pytest.mark.parametrize("deep", ["[" * 5000, "{a: " * 5000, "a: " + "\n- " * 10 + "- " * 5000])
def test_deep_nesting_is_refused(tmp_path: Path, deep: str) -> None:
    with pytest.raises(InventoryError, match=r"nested too deeply|not valid YAML"):
        loaded(tmp_path, deep)
