"""Archives of the lab's own pack, as the product's are: one folder with the product's name."""

from __future__ import annotations

import io
import subprocess
import tarfile
import zipfile
from pathlib import Path
from typing import Literal

PACK = "wso2as-5.3.0"


def make_pack(folder: Path, kind: Literal["zip", "tar.gz"], *, container: str) -> Path:
    """Return the archive in that folder; its content is /opt/pack of a lab's host."""
    archive = folder / f"{PACK}.{kind}"
    if not archive.exists():
        zipped = "--gzip" if kind == "tar.gz" else "--no-auto-compress"
        renamed = ("--transform", f"s,^pack,{PACK},", "--directory", "/opt", "pack")
        command = ["docker", "exec", container, "tar", "--create", zipped, *renamed]
        content = subprocess.run(command, check=True, capture_output=True).stdout
        archive.write_bytes(content if kind == "tar.gz" else _as_zip(content))
    return archive


def _as_zip(tar: bytes) -> bytes:
    """Make the zip that Info-ZIP would make, with the modes of a Unix."""
    whole = io.BytesIO()
    with (
        tarfile.open(fileobj=io.BytesIO(tar)) as members,
        zipfile.ZipFile(whole, "w", zipfile.ZIP_DEFLATED) as archive,
    ):
        for member in members:
            entry = zipfile.ZipInfo(member.name + ("/" if member.isdir() else ""))
            entry.external_attr = (member.mode | (0o040000 if member.isdir() else 0o100000)) << 16
            file = members.extractfile(member)
            archive.writestr(entry, file.read() if file else b"", zipfile.ZIP_DEFLATED)
    return whole.getvalue()
