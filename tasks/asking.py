"""Questions at the terminal, and files that are never overwritten."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from carbon.errors import ProvisionError, UsageError


def answer(question: str, *, option: str, usual: str = "") -> str:
    """Return what the operator types, or `usual` for an empty line.

    Raises UsageError if there is no terminal and no usual answer, or none is given.
    """
    text = ""
    if sys.stdin.isatty():
        try:
            text = input(f"{question}{f' [{usual}]' if usual else ''}: ").strip()
        except EOFError:
            print()
    if not (text or usual):
        raise UsageError(f"{option} is missing", action=f"give {option}, or run it at a terminal")
    return text or usual


def write_new(path: Path, text: str) -> None:
    """Write a file that nobody else may read.

    Raises ProvisionError if the file is there already, or cannot be written.
    """
    try:
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(text)
    except FileExistsError:
        raise UsageError(
            f"{path} is there already", action="name another one with --output, or move it away"
        ) from None
    except OSError as error:
        raise ProvisionError(
            f"{path} cannot be written: {error.strerror}",
            code="write-failed",
            action="name another file with --output",
        ) from None
