"""A shell in a container that stays open: resets and looks cost no `docker exec` each."""

from __future__ import annotations

import contextlib
import shlex
import subprocess

MARK = "--end-of-answer--"


class ContainerShell:
    """Runs commands as root in one container, one after another."""

    def __init__(self, container: str) -> None:
        self._container = container
        self._process = subprocess.Popen(
            ["docker", "exec", "-i", container, "sh"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def begin(self, *argv: str) -> None:
        """Send a command and do not wait for it: `end` does."""
        assert self._process.stdin
        self._process.stdin.write(f"{shlex.join(argv)} < /dev/null 2>&1; echo {MARK} $?\n")
        self._process.stdin.flush()

    def end(self) -> str:
        """Wait for the command that was begun and return what it printed.

        Raises RuntimeError where it failed.
        """
        assert self._process.stdout
        lines: list[str] = []
        for line in self._process.stdout:
            if line.startswith(MARK):
                status = int(line.split()[1])
                break
            lines.append(line)
        else:
            status = -1
        answer = "".join(lines)
        if status != 0:
            raise RuntimeError(f"{self._container}: status {status}: {answer.strip()}")
        return answer

    def run(self, *argv: str) -> str:
        """Run a command to its end and return what it printed."""
        self.begin(*argv)
        return self.end()

    def close(self) -> None:
        """End the shell."""
        with contextlib.suppress(OSError):
            self._process.communicate(timeout=5)
