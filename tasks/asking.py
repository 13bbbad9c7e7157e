"""Questions at the terminal, and files that are never overwritten."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from carbon.errors import ProvisionError, UsageError
from carbon.inventory.start import check


def ask(
    question: str, option: str, *, usual: str = "", optional: bool = False, manager: str = ""
) -> str:
    """Return what the operator types, or `usual` for an empty line.

    An answer that hosts.yaml would refuse is asked for again; `manager` is the answer that those
    for the workers are compared with. Raises UsageError if there is no terminal and no usual
    answer, or none is given.
    """
    name = "--" + option.replace("_", "-")
    while True:
        text = _typed(f"{question}{f' [{usual}]' if usual else ''}: ") or usual
        if not text and optional:
            return ""
        if not text:
            raise UsageError(f"{name} is missing", action=f"give {name}, or run it at a terminal")
        try:
            if option == "key":
                check_key(text)
            else:
                check(option, text, manager=manager)
        except UsageError as error:
            if not sys.stdin.isatty():
                raise
            print(f"{error.seen}: {error.action}")
        else:
            return text


def _typed(prompt: str) -> str:
    if not sys.stdin.isatty():
        return ""
    try:
        return input(prompt).strip()
    except EOFError:
        print()
        return ""


def check_key(path: str) -> None:
    """Raise UsageError if there is no private key at a path."""
    if not Path(path).expanduser().is_file():
        raise UsageError(
            f"--key {path} is not a file",
            action="name the private key, or leave it out: ssh's agent and configuration count",
        )


def refuse_existing(path: Path) -> None:
    """Raise UsageError if a file is there already."""
    if path.exists():
        raise UsageError(
            f"{path} is there already", action="name another one with --output, or move it away"
        )


def write_new(path: Path, text: str) -> None:
    """Write a file that nobody else may read.

    Raises ProvisionError if the file is there already, or cannot be written.
    """
    refuse_existing(path)
    try:
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(text)
    except OSError as error:
        raise ProvisionError(
            f"{path} cannot be written: {error.strerror}",
            code="write-failed",
            action="name another file with --output",
        ) from None
