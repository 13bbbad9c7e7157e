"""One clean environment: what a login brings along changes no answer."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

import remote
from carbon.cluster import Driver
from carbon.value import replace
from remote.host.script import Script
from remote.observe.facts import gather_facts
from tests.unit.remote.homes import Home
from tests.unit.remote.local_server import LocalServer, closed_after, local_host

BASE = Path(remote.__file__).parent / "scripts/lib/base.sh"
SECONDS = 20.0
HOSTILE = {
    "GREP_OPTIONS": "--color=always",
    "TAR_OPTIONS": "--owner=nobody --totals",
    "BLOCK_SIZE": "human-readable",
    "POSIXLY_CORRECT": "1",
    "LC_ALL": "de_DE.UTF-8",
    "LANGUAGE": "de",
    "CDPATH": "/:/etc",
    "ENV": "/nonexistent",
    "IFS": "/",
    "TMOUT": "1",
}


def test_the_facts_of_a_server_are_the_same_in_any_environment_of_the_login(
    server: LocalServer, home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An old grep obeys GREP_OPTIONS, tar and df have variables of the same kind."""
    grep = tmp_path / "bin/grep"
    grep.parent.mkdir()
    grep.write_text(f'#!/bin/sh\nexec {shutil.which("grep")} $GREP_OPTIONS "$@"\n')
    grep.chmod(0o755)
    home.start()
    (home.path / "repository/components/lib/a.jar").write_bytes(b"PK..org/example/Driver.class")
    driver = Driver(jar=Path("a.jar"), driver_class="org.example.Driver")
    node = home.node(driver=driver)
    plain = gather_facts(local_host(node, server))
    monkeypatch.setenv("PATH", f"{grep.parent}:{os.environ['PATH']}")
    for name, value in HOSTILE.items():
        monkeypatch.setenv(name, value)
    facts = gather_facts(local_host(node, server))
    moments = {"now": 0.0, "seen_at": 0.0, "disk_free_kb": 0, "listening": {}}
    assert replace(facts, **moments) == replace(plain, **moments)
    assert facts.process is not None and facts.disk_free_kb > 1000


def test_a_function_that_the_login_exports_takes_no_programs_place() -> None:
    """Where sh is bash, it takes functions from the environment."""
    shadow = {f"BASH_FUNC_{name}%%": "() { echo shadowed; }" for name in ("grep", "cat", "read")}
    done = subprocess.run(
        ["bash", "--posix", "-c", f". {BASE}; echo plain | grep -c plain; echo line | cat"],
        env={"PATH": os.environ["PATH"], **shadow},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "1\nline\n"


@pytest.mark.parametrize("option", ["noclobber", "errexit", "noglob", "xtrace"])
def test_an_option_of_the_shell_that_the_login_exports_changes_no_script(
    option: str, tmp_path: Path
) -> None:
    """If sh is bash, it takes its options from SHELLOPTS."""
    (tmp_path / "there").touch()
    text = f". {BASE}; false; : > {tmp_path}/there && echo {tmp_path}/th*; fail 3 no more"
    done = subprocess.run(
        ["bash", "--posix", "-c", text, "provision:facts"],
        env={"PATH": os.environ["PATH"], "SHELLOPTS": option},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (3, f"{tmp_path}/there\n")
    assert done.stderr.splitlines()[-1] == "no more"


def test_a_command_is_given_the_logins_own_environment(
    server: LocalServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`fab run` is `ssh HOST COMMAND`."""
    monkeypatch.setenv("SHELL", "/bin/sh")
    for name in ("TAR_OPTIONS", "LC_ALL", "CDPATH"):
        monkeypatch.setenv(name, HOSTILE[name])
    script = Script(name="run", values={"command": 'echo "$TAR_OPTIONS $LC_ALL $CDPATH"'})
    assert first_line(server, script) == "--owner=nobody --totals de_DE.UTF-8 /:/etc"


def first_line(
    server: LocalServer, script: Script, *, errors: list[str | None] | None = None
) -> str | None:
    """Return the first line of a script that ends with its client, and all that it belongs to."""
    with closed_after(
        server.stream(script, errors=None if errors is None else errors.append)
    ) as stream:
        line = stream.line(within_seconds=SECONDS)
        assert stream.line(within_seconds=SECONDS) is None
    return line


def test_sudo_speaks_english_and_what_it_runs_has_the_logins_own_language(
    server: LocalServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its complaints are read for the remedy."""
    sudo = tmp_path / "sudo"
    sudo.write_text('#!/bin/sh\necho "sudo: $LC_ALL" >&2\nshift 4\nexec "$@"\n')
    sudo.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    monkeypatch.setenv("SHELL", "/bin/sh")
    monkeypatch.setenv("LC_ALL", "de_DE.UTF-8")
    script = Script(name="run", values={"command": 'echo "$LC_ALL"'}, run_as="wso2")
    errors: list[str | None] = []
    assert first_line(server, script, errors=errors) == "de_DE.UTF-8"
    assert errors == ["sudo: C"]
