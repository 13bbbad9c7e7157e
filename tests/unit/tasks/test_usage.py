"""A command line that cannot be understood gets one sentence, what to write, and exit status 1."""

from __future__ import annotations

from pathlib import Path

import pytest

from tasks.program import make_program

INVENTORY = """
cluster: {domain: d, home: /opt/as, java_home: /opt/java, HostName: as.wso2.com, run_as: wso2}
manager: {localMemberHost: 10.0.0.3}
workers: {worker1: {localMemberHost: 10.0.0.4}, worker2: {localMemberHost: 10.0.0.5}}
"""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Work in a folder with a small inventory, and in a home of its own."""
    (tmp_path / "hosts.yaml").write_text(INVENTORY)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("PROVISION_HOSTS", raising=False)
    return tmp_path


def said(words: str, capsys: pytest.CaptureFixture[str], status: int = 1) -> str:
    with pytest.raises(SystemExit) as ended:
        make_program().run(["carbon-provision", *words.split()])
    assert ended.value.code == status
    output = capsys.readouterr()
    return output.err if status else output.out


@pytest.mark.parametrize(
    ("words", "seen", "action"),
    [
        ("-H deploy", "-H is followed by the verb deploy", "-H worker1,worker2 deploy`"),
        ("-H worker1", "no verb says what to do with 'worker1'", "-H worker1 status`"),
        ("-H", "--hosts has no value", "-H worker1,worker2"),
        ("plan -H", "--hosts has no value", "-H worker1,worker2"),
        ("-f", "--config has no value", "-f settings.yaml"),
        ("logs -f", "--config has no value", "to follow a log, write --follow"),
        ("--inventory x.yaml plan", "stands before the verb", "VERB --inventory`"),
        ("-H worker1 run cat /etc/hosts", "takes its command as one word", "in quotes"),
        ("help", "help is not a verb", "carbon-provision VERB --help`"),
        ("worker1", "worker1 is a name of hosts.yaml, not a verb", "-H worker1 VERB`"),
        ("worker1,worker2 stop", "not a verb", "`carbon-provision -H worker1,worker2 stop`"),
        ("deploy worker1", "not a verb", "`carbon-provision -H worker1 deploy`"),
        ("deplo", "unknown verb 'deplo'", "did you mean 'deploy'?"),
        ("lb.conf", "unknown verb 'lb.conf'", "did you mean 'lb.config'?"),
        ("--help deplo", "unknown verb 'deplo'", "did you mean 'deploy'?"),
        ("plan --bogus", "plan has no option '--bogus'", "`carbon-provision plan --help`"),
        ("--bogus", "carbon-provision has no option '--bogus'", "`carbon-provision --help`"),
        ("-H worker1 run", "run needs a command", '-H worker1 run "uptime"`'),
        ("-H worker1 -- uptime", "not followed by a verb", '-H worker1 run "uptime"`'),
        ("-t x plan", "--connect-timeout 'x' is not a whole number", "--help`"),
        ("-S /nowhere plan", "settings cannot be read", "correct -S"),
        ("-f /nope.yaml plan", "the file /nope.yaml does not exist", "--inventory, after the verb"),
        ("-f hosts.yaml plan", "hosts.yaml is an inventory", "--inventory hosts.yaml"),
        ("-i", "--identity has no value", "-i ~/.ssh/id_ed25519"),
        ("-t", "--connect-timeout has no value", "-t 20"),
        ("-H a -H b deploy", "-H is given twice", "-H a,b deploy`"),
        ("-H a deploy -H b", "-H is given twice", "-H a,b deploy`"),
        ("deploy --hosts=a,b -H b,c", "-H is given twice", "-H a,b,c deploy`"),
        ("-H a -H b -H c", "-H is given more than once", "-H a,b,c VERB`"),
        ("-t 3 -t 4 plan", "-t is given twice: 3 and 4", "give it once"),
        ("plan --inventory a --inventory=b", "--inventory is given twice: a and b", "once"),
        ("--list stop", "'stop' is not a group of verbs", "`carbon-provision --list` has all"),
        ("--list --list-format=x", "'x' is not a format of a list", "flat, nested or json"),
        ("--list-format x", "'x' is not a format of a list", "flat, nested or json"),
    ],
)
def test_each_mistake_has_its_sentence(
    words: str, seen: str, action: str, capsys: pytest.CaptureFixture[str]
) -> None:
    error, remedy = said(words, capsys).splitlines()
    assert error.startswith("error: ")
    assert seen in error
    assert remedy.startswith("  → ")
    assert action in remedy


@pytest.mark.parametrize("words", ["run --help", "run -h", "--help run", "plan --help --force"])
def test_help_is_shown_for_a_verb_even_if_it_wants_a_word_of_its_own(
    words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    text = said(words, capsys, status=0)
    assert "Options:" in text
    assert "Exit status:" in text


def test_the_help_of_a_verb_says_how_to_write_it(capsys: pytest.CaptureFixture[str]) -> None:
    text = said("plan --help", capsys, status=0)
    assert text.startswith("Usage: carbon-provision [-H HOSTS] plan [options]\n")
    assert "core-opts" not in text


def test_two_verbs_may_each_have_the_same_option(capsys: pytest.CaptureFixture[str]) -> None:
    assert "given twice" not in said("plan --inventory a status --inventory a --bogus", capsys)
    words = "plan --inventory a status --inventory a --inventory b"
    assert "--inventory is given twice: a and b" in said(words, capsys)


def test_keys_may_be_given_more_than_once(capsys: pytest.CaptureFixture[str]) -> None:
    assert "given twice" not in said("-i a -i b plan --bogus", capsys)


def test_the_command_alone_lists_the_verbs_before_the_options(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """And says what each exit status means."""
    alone, asked = said("", capsys, status=0), said("--help", capsys, status=0)
    assert alone == asked
    assert alone.index("  deploy  ") < alone.index("-H STRING") < alone.index("Exit status:")


def test_the_version_is_its_own(capsys: pytest.CaptureFixture[str]) -> None:
    from carbon_provision import __version__

    assert said("--version", capsys, status=0) == f"carbon-provision {__version__}\n"


def test_hosts_yaml_is_found_in_a_folder_above(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "deep/er").mkdir(parents=True)
    monkeypatch.chdir(folder / "deep/er")
    make_program().run(["carbon-provision", "sudoers", "--login", "deploy"], exit=False)
    assert "# manager, worker1, worker2: " in capsys.readouterr().out
