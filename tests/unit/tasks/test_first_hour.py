"""`init` and `check`, which need no server."""

from __future__ import annotations

from pathlib import Path

from tests.unit.tasks.test_cli import fab

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
