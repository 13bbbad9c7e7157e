"""The wheel installs one package and one command, which runs without the checkout.

No registry is asked: the dependencies are the locked ones of the tests, of which the empty
environment gets those, and only those, that the wheel declares.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from importlib.metadata import Distribution, distribution
from pathlib import Path

import pytest

from carbon_provision import __version__

ROOT = Path(__file__).resolve().parents[3]
LISTED = ("git", "ls-files", "--cached", "--others", "--exclude-standard")
UNREACHABLE = """
cluster: {domain: d, home: /opt/as, java_home: /opt/java, HostName: as.wso2.com, run_as: wso2}
manager: {localMemberHost: 10.0.0.1, ssh: {host: 127.0.0.1, port: 1, user: deploy}}
workers:
  worker1: {localMemberHost: 10.0.0.2, ssh: {host: 127.0.0.2, port: 1, user: deploy}}
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the wheel, as pip would."""
    folder = tmp_path_factory.mktemp("wheel")
    words = ("-m", "hatchling", "build", "-t", "wheel", "-d", str(folder))
    subprocess.run([sys.executable, *words], cwd=ROOT, check=True, capture_output=True)
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Install the wheel into an empty environment; return its command."""
    environment = tmp_path_factory.mktemp("environment")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(environment)], check=True)
    python = environment / "bin/python"
    pip = (sys.executable, "-m", "pip", "--python", str(python), "install", "--quiet")
    subprocess.run([*pip, "--no-index", "--no-deps", str(wheel)], check=True)
    (packages,) = environment.glob("lib/python3*/site-packages")
    own = next(Distribution.discover(name="carbon-provision", path=[str(packages)]))
    for name in needed(own, set()):
        link(distribution(name), packages)
    return environment / "bin/carbon-provision"


def needed(package: Distribution, seen: set[str]) -> Iterator[str]:
    """Return what a package needs, and what that needs, without optional extras."""
    for requirement in package.requires or ():
        name = re.split(r"[^\w.-]", requirement, maxsplit=1)[0]
        if "extra ==" not in requirement and name not in seen and applies(requirement):
            seen.add(name)
            yield name
            yield from needed(distribution(name), seen)


def applies(requirement: str) -> bool:
    """Tell whether a requirement's marker, if any, is true here."""
    from pip._vendor.packaging.requirements import Requirement

    marker = Requirement(requirement).marker
    return marker is None or marker.evaluate({"extra": ""})


def link(package: Distribution, packages: Path) -> None:
    """Link the files of a package into another environment."""
    for top in {file.parts[0] for file in package.files or () if file.parts[0] != ".."}:
        target = packages / top
        if not target.exists():
            target.symlink_to(Path(str(package.locate_file(top))))


def run(command: Path, *words: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run the installed command in a folder, with a home of its own and nothing else."""
    environment = {"HOME": str(folder), "PATH": os.defpath, "LANG": "C.UTF-8"}
    return subprocess.run(
        [str(command), *words],
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "hosts.yaml").write_text(UNREACHABLE)
    return tmp_path


def test_the_wheel_adds_one_name_to_those_that_anybody_imports(wheel: Path) -> None:
    """Not `tasks`, not `remote`, not `carbon`."""
    names = zipfile.ZipFile(wheel).namelist()
    assert {name.partition("/")[0] for name in names if ".dist-info" not in name} == {
        "carbon_provision"
    }


def test_the_wheel_holds_every_file_of_the_program(wheel: Path) -> None:
    """Shell scripts and what explains them, too; and no leftover of an earlier run."""
    listed = subprocess.run(
        [*LISTED, "carbon", "remote", "tasks", "fabfile.py"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    ).stdout.split()
    names = set(zipfile.ZipFile(wheel).namelist())
    expected = {f"carbon_provision/{name}" for name in listed if (ROOT / name).exists()}
    own = {str(path.relative_to(ROOT)) for path in (ROOT / "carbon_provision").rglob("*.*")}
    own = {name for name in own if "__pycache__" not in name}
    assert {name for name in names if ".dist-info" not in name} == expected | own


def test_the_installed_command_tells_its_version(installed: Path, folder: Path) -> None:
    ran = run(installed, "--version", folder=folder)
    assert (ran.returncode, ran.stdout) == (0, f"carbon-provision {__version__}\n")


def test_the_installed_command_has_the_verbs_without_the_lab(installed: Path, folder: Path) -> None:
    ran = run(installed, "--list", folder=folder)
    assert ran.returncode == 0
    for verb in ("deploy", "plan", "status", "lb.config"):
        assert f"\n  {verb} " in ran.stdout
    assert "lab.up" not in ran.stdout


def test_the_installed_command_finds_hosts_yaml_in_a_folder_above(
    installed: Path, folder: Path
) -> None:
    deeper = folder / "a/b"
    deeper.mkdir(parents=True)
    ran = run(installed, "sudoers", folder=deeper)
    assert ran.returncode == 0, ran.stderr
    assert "deploy ALL=(wso2) NOPASSWD: /bin/sh" in ran.stdout


def test_the_plan_of_an_unreachable_server_ends_in_one_sentence_each(
    installed: Path, folder: Path
) -> None:
    """With the connection's code loaded from within the package."""
    ran = run(installed, "-H", "worker1", "plan", folder=folder)
    assert ran.returncode == 1
    assert "Traceback" not in ran.stderr
    assert "worker1: " in ran.stderr
    assert "127.0.0.2" in ran.stderr


def test_nobody_else_gets_the_projects_folders(installed: Path) -> None:
    """Only the command's own process has them on its path."""
    probe = "import importlib.util as u; print([n for n in ('carbon', 'remote', 'tasks', 'fabfile')"
    ran = subprocess.run(
        [str(installed.with_name("python")), "-c", f"{probe} if u.find_spec(n)])"],
        cwd="/",
        capture_output=True,
        text=True,
        check=True,
    )
    assert ran.stdout == "[]\n"
