"""The image of all hosts: built once for each content of lab/image."""

from __future__ import annotations

import hashlib
from pathlib import Path

from lab.base import provide_base_image
from lab.shell import LAB, Progress, Run, alone, need, run

CONTEXT = LAB / "image"


def provide_image(progress: Progress = print, *, context: Path = CONTEXT, run: Run = run) -> str:
    """Return the image's name, after building it where this content has not been built yet."""
    name = f"carbon-lab:{digest(context)}"
    with alone("image"):
        if run("docker", "image", "inspect", name).returncode != 0:
            provide_base_image(progress, run=run)
            progress(f"building {name} (two minutes, the first time)")
            need(run("docker", "build", "--tag", name, str(context)), what="docker build")
    return name


def digest(context: Path) -> str:
    """Hash names, modes and contents of the files that make an image."""
    total = hashlib.sha256()
    for file in sorted(path for path in context.rglob("*") if path.is_file()):
        executable = bool(file.stat().st_mode & 0o100)
        total.update(f"{file.relative_to(context)}\0{executable}\0".encode())
        total.update(hashlib.sha256(file.read_bytes()).digest())
    return total.hexdigest()[:12]
