"""The images of the hosts: built once for each content of lab/image."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Literal

from lab.base import provide_base_image
from lab.shell import LAB, Progress, Run, alone, need, run

CONTEXT = LAB / "image"
Stage = Literal["lab", "extras"]
"""A stage of the Dockerfile: of all hosts, and of those with more than the others."""


def provide_image(
    progress: Progress = print, *, stage: Stage = "lab", context: Path = CONTEXT, run: Run = run
) -> str:
    """Return an image's name, after building it unless this content has been built already."""
    name = image_name(stage, context=context)
    with alone("image"):
        if run("docker", "image", "inspect", name).returncode != 0:
            provide_base_image(progress, run=run)
            progress(f"building {name} (two minutes, the first time)")
            build = ("docker", "build", "--target", stage, "--tag", name, str(context))
            need(run(*build), what="docker build")
    return name


def image_name(stage: Stage, *, context: Path = CONTEXT) -> str:
    """Return the name of the image of a stage, built or not."""
    return f"carbon-{stage}:{digest(context)}"


def digest(context: Path) -> str:
    """Hash names, modes and contents of the files that make an image."""
    total = hashlib.sha256()
    for file in sorted(path for path in context.rglob("*") if path.is_file()):
        executable = bool(file.stat().st_mode & 0o100)
        total.update(f"{file.relative_to(context)}\0{executable}\0".encode())
        total.update(hashlib.sha256(file.read_bytes()).digest())
    return total.hexdigest()[:12]
