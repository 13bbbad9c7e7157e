"""The command line itself, as a user meets it; no server is needed for any of this."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import IO

import pytest

from carbon import exits

ROOT = Path(__file__).resolve().parents[3]
FAB = Path(sys.executable).with_name("fab")
STEPS = ("driver", "config", "hosts", "reset", "start", "verify")


def fab(
    *words: str, home: Path, stdout: int | IO[str] = subprocess.PIPE, **environment: str
) -> subprocess.CompletedProcess[str]:
    """Run the real command in a home of its own."""
    return subprocess.run(
        [str(FAB), *words],
        cwd=ROOT,
        env={"HOME": str(home), "PATH": os.environ["PATH"], "LANG": "C.UTF-8", **environment},
        stdin=subprocess.DEVNULL,
        stdout=stdout,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )


def test_the_list_names_the_steps_of_the_guide_by_number(tmp_path: Path) -> None:
    listed = fab("--list", home=tmp_path)
    assert listed.returncode == 0
    for number, step in enumerate(STEPS, start=1):
        assert any(
            line.split()[:3] == [step, "Step", f"{number}:"] for line in listed.stdout.splitlines()
        )


def test_help_tells_all_options_of_deploy_and_what_each_does(tmp_path: Path) -> None:
    told = fab("--help", "deploy", home=tmp_path).stdout
    for option in ("--break-lock", "--force", "--inventory", "--renumber", "--reset", "--rollback"):
        (line,) = (line for line in told.splitlines() if line.strip().startswith(option))
        assert len(line.split()) > 2, f"{option} has no help"


def test_a_verb_without_options_has_a_help(tmp_path: Path) -> None:
    told = fab("schema", "--help", home=tmp_path)
    assert (told.returncode, told.stderr) == (0, "")
    assert told.stdout.startswith("Usage: fab [-H HOSTS] schema\n\n  Print the JSON Schema")
    assert "Options" not in told.stdout


@pytest.mark.parametrize("words", [["--list"], ["--help", "deploy"], ["schema"], ["check"]])
@pytest.mark.parametrize("environment", [{}, {"PYTHONUNBUFFERED": "1"}])
def test_a_reader_that_has_enough_ends_a_list_or_help_without_a_word(
    tmp_path: Path, words: list[str], environment: dict[str, str]
) -> None:
    """As with `fab --list | head -1`, where the reader is gone before or while it is printed."""
    reader, writer = os.pipe()
    os.close(reader)
    hosts = tmp_path / "hosts.yaml"
    hosts.write_text(
        "cluster: {domain: d, home: /opt/as, ssh: {user: deploy}}\n"
        "manager: {localMemberHost: 10.0.0.3}\n"
    )
    environment = {**environment, "PROVISION_HOSTS": str(hosts)}
    with os.fdopen(writer, "w") as gone:
        ran = fab(*words, home=tmp_path, stdout=gone, **environment)
    assert ran.stderr == ""
    assert ran.returncode == exits.OUTPUT_CLOSED


@pytest.mark.parametrize("words", [["--list"], ["--help", "deploy"], ["schema"]])
@pytest.mark.parametrize("environment", [{}, {"PYTHONUNBUFFERED": "1"}])
def test_an_output_on_a_full_disk_is_an_error_in_one_sentence(
    tmp_path: Path, words: list[str], environment: dict[str, str]
) -> None:
    """It is never taken for a defect, and never for success."""
    with Path("/dev/full").open("w") as full:
        ran = fab(*words, home=tmp_path, stdout=full, **environment)
    assert ran.returncode == 1
    assert ran.stderr.splitlines() == [
        "error: the output cannot be written: No space left on device",
        "  → see where it goes to, and whether the disk there is full",
    ]


def test_a_closed_output_is_no_defect(tmp_path: Path) -> None:
    hosts = tmp_path / "nowhere.yaml"
    shell = f"{FAB} --list >&-; {FAB} check >&-"
    ran = subprocess.run(
        ["sh", "-c", shell],
        cwd=ROOT,
        env={**os.environ, "HOME": str(tmp_path), "PROVISION_HOSTS": str(hosts)},
        stderr=subprocess.PIPE,
        text=True,
    )
    assert ran.stderr.startswith(f"error: {hosts}: the inventory cannot be read")


def test_dry_is_refused_since_it_would_not_be(tmp_path: Path) -> None:
    """Fabric's --dry still connects and still copies files."""
    ran = fab("--dry", "-H", "worker1", "deploy", home=tmp_path)
    assert ran.returncode == 1
    assert "use `fab plan`" in ran.stderr


def test_an_inventory_that_is_not_there_is_told_in_two_lines(tmp_path: Path) -> None:
    nowhere = tmp_path / "nowhere.yaml"
    ran = fab("deploy", home=tmp_path, PROVISION_HOSTS=str(nowhere))
    assert ran.returncode == 1
    assert ran.stdout == ""
    assert ran.stderr.splitlines() == [
        f"error: {nowhere}: the inventory cannot be read: No such file or directory",
        "  → name another one with --inventory or PROVISION_HOSTS; `fab init` writes a first"
        " one, `fab adopt` one for servers that run already",
    ]


def test_the_option_comes_before_the_environment(tmp_path: Path) -> None:
    ran = fab(
        "deploy", "--inventory", str(tmp_path / "a"), home=tmp_path, PROVISION_HOSTS="/b.yaml"
    )
    assert f"{tmp_path / 'a'}: the inventory cannot be read" in ran.stderr


@pytest.mark.parametrize("verb", ["stop", "restart", "remove", "rollback"])
def test_a_verb_that_stops_or_removes_something_wants_names_or_all(
    tmp_path: Path, verb: str
) -> None:
    inventory = tmp_path / "hosts.yaml"
    inventory.write_text(
        "cluster: {domain: d, home: /opt/as, java_home: /opt/java, HostName: as.wso2.com}\n"
        "manager: {localMemberHost: 10.0.0.3}\n"
        "workers: {worker1: {localMemberHost: 10.0.0.4}}\n"
    )
    ran = fab(verb, home=tmp_path, PROVISION_HOSTS=str(inventory))
    assert ran.returncode == 1
    assert "--all" in ran.stderr


def test_a_command_keeps_its_bytecode_for_the_next_unless_the_operator_forbids_it(
    tmp_path: Path,
) -> None:
    """Invoke alone would have every command compile the project anew."""
    kept, forbidden = tmp_path / "kept", tmp_path / "forbidden"
    fab("--list", home=tmp_path, PYTHONPYCACHEPREFIX=str(kept))
    assert list(kept.rglob("verb.*.pyc"))
    fab(
        "--list",
        home=tmp_path,
        PYTHONPYCACHEPREFIX=str(forbidden),
        PYTHONDONTWRITEBYTECODE="1",
    )
    assert not forbidden.exists()


def test_listing_the_verbs_loads_nothing_that_only_their_work_needs() -> None:
    """Tab completion waits for it."""
    probe = (
        "import sys, fabfile; print(*[name for name in"
        " ('lxml', 'msgspec', 'remote.ssh', 'remote.rollout', 'carbon.plan',"
        " 'lab')"
        " if name in sys.modules])"
    )
    ran = subprocess.run(
        [sys.executable, "-c", probe], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert ran.stdout.split() == []


@pytest.mark.parametrize("variable", ["INVOKE_SUDO_PASSWORD", "FABRIC_SUDO_PASSWORD"])
def test_debug_output_shows_no_sudo_password(tmp_path: Path, variable: str) -> None:
    """`fab -d` and INVOKE_DEBUG print all of Invoke's settings."""
    ran = fab("-d", "-H", "worker1", "status", home=tmp_path, **{variable: "it's-\"secret"})
    assert "invoke.config" in ran.stderr
    assert "secret" not in ran.stderr.replace("secret file", "")
    assert ("'password': '********'" in ran.stderr) == variable.startswith("FABRIC")
