"""A root shell on a host that stays open: a command costs milliseconds, not a `docker exec`."""

from __future__ import annotations

import secrets
import shlex
import subprocess
import threading

ERRORS = "/run/lab-shell.errors"


class Shell:
    """Runs commands one after another in one `docker exec`; opened again if its host rebooted."""

    def __init__(self, container: str) -> None:
        self._container = container
        self._mark = secrets.token_hex(8)
        self._process: subprocess.Popen[bytes] | None = None
        self._one_at_a_time = threading.Lock()

    def run(self, *argv: str, user: str = "root") -> subprocess.CompletedProcess[str]:
        """Run a command without standard input and return how it ended."""
        words = argv if user == "root" else ("runuser", "-u", user, "--", *argv)
        with self._one_at_a_time:
            status, out = self._ask(f"{shlex.join(words)} < /dev/null 2> {ERRORS}")
            err = self._ask(f"cat {ERRORS}")[1] if status else ""
        return subprocess.CompletedProcess(argv, status, out, err)

    def close(self) -> None:
        """End the shell."""
        if self._process is not None:
            self._process.communicate()
            self._process = None

    def _ask(self, line: str) -> tuple[int, str]:
        shell = self._opened()
        assert shell.stdin and shell.stdout
        shell.stdin.write(f'{line}\nprintf "\\n{self._mark} %s\\n" $?\n'.encode())
        shell.stdin.flush()
        out = b""
        for read in shell.stdout:
            if read.startswith(self._mark.encode()):
                return int(read.split()[1]), out[:-1].decode(errors="replace")
            out += read
        raise AssertionError(f"{self._container} went away during: {line}")

    def _opened(self) -> subprocess.Popen[bytes]:
        if self._process is None or self._process.poll() is not None:
            self._process = subprocess.Popen(
                ["docker", "exec", "-i", self._container, "sh"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
            )
        return self._process
