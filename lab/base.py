"""The base image: pulled, or made from the machine's own package sources."""

from __future__ import annotations

import tempfile
from pathlib import Path

from lab.engine import Machine
from lab.shell import LabError, Progress, Run, need, run

BASE = "debian:bookworm-slim"
SUITE = "bookworm"
UNUSED = ("/usr/share/doc/*", "/usr/share/man/*", "/usr/share/locale/*", "/usr/share/info/*")


def provide_base_image(
    progress: Progress = print, *, machine: Machine | None = None, run: Run = run
) -> None:
    """Have debian:bookworm-slim in the engine: there already, pulled, or made by mmdebstrap."""
    if run("docker", "image", "inspect", BASE).returncode == 0:
        return
    progress(f"pulling {BASE}")
    pulled = run("docker", "pull", BASE)
    if pulled.returncode == 0:
        return
    machine = machine or Machine.this()
    if not (machine.is_root and machine.is_debian):
        need(pulled, what=f"pulling {BASE}")
    progress(f"{BASE} cannot be pulled: making it with mmdebstrap")
    _make(run)


def _make(run: Run) -> None:
    if run("mmdebstrap", "--version").returncode != 0:
        need(run("apt-get", "update"), what="apt-get update")
        need(run("apt-get", "install", "-y", "mmdebstrap"), what="installing mmdebstrap")
    with tempfile.TemporaryDirectory() as folder:
        tar = str(Path(folder) / "base.tar")
        need(
            run(
                *("mmdebstrap", "--variant=minbase"),
                *(f"--dpkgopt=path-exclude={path}" for path in UNUSED),
                *(SUITE, tar, *sources(run)),
            ),
            what="mmdebstrap",
        )
        need(run("docker", "import", tar, BASE), what="docker import")


def sources(run: Run = run) -> list[str]:
    """Return the machine's own Debian sources of the suite, in the lines of a sources.list."""
    listed = need(
        run(
            *("apt-get", "indextargets", "--format", "$(ORIGIN)|$(REPO_URI)|$(RELEASE)"),
            "Created-By: Packages",
        ),
        what="apt-get indextargets",
    )
    entries = [line.split("|") for line in listed.splitlines()]
    debian = [(uri, suite) for origin, uri, suite in entries if origin == "Debian"]
    if not debian:
        raise LabError("apt knows no Debian source on this machine: run apt-get update")
    of_suite = [entry for entry in debian if entry[1].startswith(SUITE)]
    chosen = of_suite or [(debian[0][0], SUITE)]
    return [f"deb {uri} {suite} main" for uri, suite in dict.fromkeys(chosen)]
