"""A machine whose commands answer as a test says."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

Answer = int | str | Callable[[], int | str]


class FakeMachine:
    """Stand in for `lab.shell.run`: answers by the beginning of a command, and remembers all.

    A number is an exit status, a text is what a successful command prints.
    """

    def __init__(self, answers: dict[str, Answer]) -> None:
        self.answers = answers
        self.commands: list[str] = []

    def __call__(self, *argv: str, log: Path | None = None) -> subprocess.CompletedProcess[str]:
        command = " ".join(argv)
        self.commands.append(command)
        assert log is None or log.is_absolute()
        found = [start for start in self.answers if command.startswith(start)]
        answer = self.answers[max(found, key=len)] if found else 0
        answer = answer() if callable(answer) else answer
        if isinstance(answer, int):
            return subprocess.CompletedProcess(argv, answer, "", f"{argv[0]} refuses")
        return subprocess.CompletedProcess(argv, 0, answer, "")

    def ran(self, start: str) -> list[str]:
        """Return the commands that began like this."""
        return [command for command in self.commands if command.startswith(start)]
