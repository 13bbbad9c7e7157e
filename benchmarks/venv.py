"""The peers' virtual environments: one for each requirements file, made once."""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path

from benchmarks.site import FOLDER, RUN
from lab.shell import need, run


def provide(name: str) -> Path:
    """Return the bin folder of the environment with what requirements-NAME.txt pins."""
    requirements = FOLDER / f"requirements-{name}.txt"
    digest = hashlib.sha256(requirements.read_bytes()).hexdigest()[:12]
    folder = RUN / "venv" / f"{name}-{digest}"
    done = folder / "done"
    if not done.exists():
        need(run(sys.executable, "-m", "venv", "--clear", str(folder)), what=f"venv for {name}")
        install = (str(folder / "bin/pip"), "install", "--quiet", "--requirement")
        need(run(*install, str(requirements)), what=f"installing {requirements.name}")
        done.touch()
    return folder / "bin"
