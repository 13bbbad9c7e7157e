"""A shell in a container that stays open: a look costs a few milliseconds, no `docker exec`."""

from __future__ import annotations

import subprocess
from pathlib import Path

MARK = "--end-of-answer--"
SCRIPTS = Path(__file__).parent / "scripts"


class ContainerShell:
    """Runs the scripts of tests/faults/scripts as root in one container, one after another."""

    def __init__(self, container: str) -> None:
        self._container = container
        self._process = subprocess.Popen(
            ["docker", "exec", "-i", container, "sh"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._under_way = ""

    def begin(self, script: str, *words: str) -> None:
        """Start a script, such as `restore`; `end` waits for it."""
        assert self._process.stdin and not self._under_way
        quoted = " ".join(f"'{word}'" for word in words)
        text = "\n".join((SCRIPTS / f"{name}.sh").read_text() for name in ("common", script))
        # In a shell of its own, so that `exit` and `set -e` end only the script.
        self._process.stdin.write(f"sh -s -- {quoted} 2>&1 << 'end-of-script'\n{text}\n")
        self._process.stdin.write(f"end-of-script\necho {MARK} $?\n")
        self._process.stdin.flush()
        self._under_way = script

    def end(self) -> tuple[int, str]:
        """Wait for the script that was begun; return its status and what it printed."""
        assert self._process.stdout
        self._under_way = ""
        lines: list[str] = []
        for line in self._process.stdout:
            if line.startswith(MARK):
                return int(line.split()[1]), "".join(lines)
            lines.append(line)
        return -1, "".join(lines)

    def close(self) -> None:
        """End the shell."""
        assert self._process.stdin
        self._process.stdin.close()
        self._process.wait(timeout=5)
