"""The samples of output in README and docs: run on a lab, written into the pages, compared.

A page shows commands in blocks that begin with ```console; a line that begins with `$ ` is a
command, and what follows it is its output. `<!-- before: COMMAND -->` right above a block is a
shell command that comes first and is not shown. `python -m tests.samples` (`make samples`) runs
all of them in the order of the pages, on a fresh lab, and writes what they printed;
tests/lab/test_samples.py runs them again and compares, with tolerance for times and numbers.
"""

from __future__ import annotations

import getpass
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import lab

ROOT = Path(__file__).resolve().parents[1]
PAGES = ("README.md", "docs/operations.md")
BLOCK = re.compile(
    r"(?:<!-- before: (?P<before>.*?) -->\n)?(?P<head>```console\n)(?P<text>.*?)(?P<tail>```\n)",
    re.DOTALL,
)
PROGRAMS = {
    "fab": (str(Path(sys.executable).with_name("fab")), "-r", str(ROOT)),
    "carbon-provision": (sys.executable, str(ROOT / "carbon_provision")),
}
PROGRESS = re.compile(r"^[\w-]+  .* \(\d+ s\)\n", re.MULTILINE)
"""What a pipe is told after 10 s of waiting: only on a busy machine."""
CUT = 110
"""A line of a page is cut here, with an ellipsis; what is compared is cut, too."""
LIMIT_SECONDS = 200
NUMBERS = re.compile(r"\b\d[\w:.,]*(?:-[0-9a-f]{8}\b)?|\b[0-9a-f]{12,}\b")


class Sample(NamedTuple):
    """One command of a page, and what it printed."""

    command: str
    output: str


def samples(text: str) -> list[Sample]:
    """Return the commands of a block with their outputs."""
    pieces = re.split(r"^\$ (.*)\n", text, flags=re.MULTILINE)[1:]
    return [Sample(*pair) for pair in zip(pieces[::2], pieces[1::2], strict=True)]


def rerun(page: str, runner: Runner) -> str:
    """Return a page with the output that its commands print now."""

    def block(match: re.Match[str]) -> str:
        if match["before"]:
            runner.prepare(match["before"])
        shown = [f"$ {old.command}\n{runner.run(old.command)}" for old in samples(match["text"])]
        text = "\n".join(shown)
        before = f"<!-- before: {match['before']} -->\n" if match["before"] else ""
        return f"{before}{match['head']}{text}{match['tail']}"

    return BLOCK.sub(block, page)


def comparable(page: str) -> list[Sample]:
    """Return the samples of a page, without what differs from run to run.

    Servers are at work at the same time, so the order of their lines is no part of it.
    """
    return [
        Sample(sample.command, "\n".join(sorted(_without_numbers(sample.output))))
        for match in BLOCK.finditer(page)
        for sample in samples(match["text"])
    ]


def _without_numbers(output: str) -> Iterator[str]:
    for line in output.splitlines():
        yield " ".join(NUMBERS.sub("#", line).split())


class Runner:
    """Runs the commands of the pages on a lab, in a folder with the lab's inventory."""

    def __init__(self, lab_name: str, folder: Path) -> None:
        self.folder = folder
        text = (ROOT / "hosts.yaml").read_text()
        at = ROOT / "lab/run"
        (folder / "hosts.yaml").write_text(text.replace("lab/run/demo", str(at / lab_name)))
        self._private = {
            f"{folder}/": "",
            str(at / lab_name): "lab/run/demo",
            f"{getpass.getuser()}@{socket.gethostname()}": "you@desk",
        }
        self._environment = {
            "HOME": str(folder),
            "PATH": os.environ["PATH"],
            "LANG": "C.UTF-8",
            "PROVISION_HOSTS": str(folder / "hosts.yaml"),
        }

    def prepare(self, command: str) -> None:
        """Run what a page does not show."""
        subprocess.run(["sh", "-ec", command], cwd=self.folder, check=True, timeout=LIMIT_SECONDS)

    def run(self, command: str) -> str:
        """Run a command of the project; return what it printed, as a page shows it."""
        program, *words = command.split()
        ran = subprocess.run(
            [*PROGRAMS[program], *words],
            cwd=self.folder,
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            timeout=LIMIT_SECONDS,
        )
        text = PROGRESS.sub("", ran.stdout)
        for private, public in self._private.items():
            text = text.replace(private, public)
        return "".join(f"{_cut(line.rstrip())}\n" for line in text.splitlines())


def _cut(line: str) -> str:
    return line if len(line) <= CUT else f"{line[: CUT - 1]}…"


def rerun_all(lab_name: str) -> Iterator[tuple[Path, str, str]]:
    """Bring up a fresh lab and return each page, its text, and its text with new output."""
    folder = Path(tempfile.mkdtemp(prefix="samples-"))
    lab.down(lab_name)
    lab.up(lab_name)
    try:
        runner = Runner(lab_name, folder)
        for name in PAGES:
            old = (ROOT / name).read_text()
            yield ROOT / name, old, rerun(old, runner)
    finally:
        lab.down(lab_name)
        shutil.rmtree(folder)


def main(words: Sequence[str]) -> None:
    """Write the pages anew."""
    for path, _, new in rerun_all(words[0] if words else "samples"):
        path.write_text(new)
        print(path.relative_to(ROOT))


if __name__ == "__main__":
    main(sys.argv[1:])
