"""~/.ssh/config: honoured as OpenSSH would, or refused with file and line; never passed over."""

from __future__ import annotations

from pathlib import Path

import pytest

from carbon.errors import UsageError
from remote.ssh.ssh_config import read_ssh_config


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / ".ssh").mkdir()
    return tmp_path / ".ssh"


def lookup(folder: Path, text: str, host: str = "worker1") -> dict[str, object]:
    file = folder / "config"
    file.write_text(text)
    return dict(read_ssh_config([file]).lookup(host))


def test_what_is_included_counts_in_its_place(folder: Path) -> None:
    (folder / "conf.d").mkdir()
    (folder / "conf.d/a").write_text("Host worker*\n  User deploy\n  Port 2200\n")
    text = "Include conf.d/*\nPort 22\nHost *\n  User nobody\n"
    rules = lookup(folder, text)
    assert (rules["user"], rules["port"]) == ("deploy", "2200")
    assert lookup(folder, text, host="other")["user"] == "nobody"


def test_a_file_that_includes_itself_ends_in_one_sentence(folder: Path) -> None:
    with pytest.raises(UsageError, match=r"config:1: `Include config` cannot be honoured"):
        lookup(folder, "Include config\n")


def test_what_is_included_and_not_there_is_nothing(folder: Path) -> None:
    assert lookup(folder, "Include none/*\nUser deploy\n")["user"] == "deploy"


@pytest.mark.parametrize(
    "line",
    [
        "Match final all",
        "Match localnetwork 9.8.7.6/32",
        "Match host a tagged x",
        "Port ssh",
        "nonsense",
    ],
)
def test_what_cannot_be_honoured_is_refused_with_file_and_line(folder: Path, line: str) -> None:
    with pytest.raises(UsageError, match=r"config:2: `.*` cannot be honoured") as refusal:
        lookup(folder, f"# a comment\n{line}\n  ProxyJump x\n")
    assert refusal.value.action


def test_an_include_within_a_block_is_refused(folder: Path) -> None:
    with pytest.raises(UsageError, match="config:2"):
        lookup(folder, "Host a\n  Include more\n")


@pytest.mark.parametrize("line", ["Match host other exec true", "Match all", "Match user me"])
def test_criteria_that_are_judged_as_by_openssh_are_taken(folder: Path, line: str) -> None:
    lookup(folder, f"{line}\n  Port 2200\n")


def test_none_takes_a_time_out_away(folder: Path) -> None:
    assert "connecttimeout" not in lookup(folder, "ConnectTimeout none\n")
