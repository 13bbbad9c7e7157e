"""Secrets as a type: printing one never shows it."""

from __future__ import annotations

import os
import selectors
import stat
import subprocess
import time
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Literal

from carbon.errors import InventoryError

MASK = "********"
SECRET_NAME = (
    r"(?:pass(?:w(?:or)?d|phrase)?|pwd|secret|token|credentials?"
    r"|(?:private|secret|access|api|shared|symmetric|encryption|licen[cs]e)[_.\-]?key)"
)
"""The end of a name tells: `keystorePass` is a secret, `passwordHashMethod` is none."""
MAX_BYTES = 65_536
"""No password is longer; a key store or a device is not a secret of one line."""
COMMAND_SECONDS = 120
"""Long enough for a person to answer a password manager's question."""


@dataclass(frozen=True)
class Secret:
    """Hold where a secret comes from, and fetch it only when it is used.

    `origin` is the tag of hosts.yaml (`!env`, `!file`, `!command`) or `literal` for values
    made by tests and by the tool itself. `str`, `repr`, and f-strings all show the mask:
    only `reveal()` gives the text, and only modules that write it where it belongs call that.
    """

    origin: Literal["env", "file", "command", "literal"]
    argument: str = field(repr=False)
    file: str | None = None
    """The inventory file that names the secret, for errors."""
    line: int | None = None
    base: Path = Path()
    """The folder that a relative `!file` path starts from."""
    commands: bool = True
    """A `!command` may be run."""

    def reveal(self) -> str:
        """Return the secret's text.

        Raises InventoryError, with file and line, when its source has none.
        """
        return self._text

    @cached_property
    def _text(self) -> str:
        match self.origin:
            case "env":
                return self._from_environment()
            case "file":
                return self._from_file()
            case "command":
                return self._from_command()
            case "literal":
                return self.argument

    def known_text(self) -> str:
        """Return its text as far as it is known without running or reading anything; else empty."""
        if self.origin == "env":
            return os.environ.get(self.argument, "")
        return self.argument if self.origin == "literal" else self.__dict__.get("_text", "")

    def _from_environment(self) -> str:
        try:
            return os.environ[self.argument]
        except KeyError:
            raise self._missing(
                f"the environment variable {self.argument} is not set",
                f"export {self.argument}, or use !file or !command",
            ) from None

    def _from_file(self) -> str:
        path = self.base / Path(self.argument).expanduser()
        try:
            return _short_file(path).decode().rstrip("\r\n")
        except (OSError, ValueError, RuntimeError) as error:
            reason = "it is not UTF-8 text" if isinstance(error, UnicodeDecodeError) else error
            raise self._missing(
                f"the secret file {self.argument} cannot be read:"
                f" {getattr(error, 'strerror', None) or reason}",
                "start the lab: fab lab.up"
                if self.argument.startswith("lab/run/")
                else "create it with mode 600, one line, no quotes",
            ) from None

    def _from_command(self) -> str:
        if not self.commands:
            raise self._missing(
                f"the secret command `{self.argument}` is not run: --no-commands is given",
                "run without --no-commands if you trust this hosts.yaml, or use !env or !file",
            )
        try:
            status, out, err = _short_answer(self.argument, self.base)
        except TimeoutError:
            raise self._missing(
                f"the secret command `{self.argument}` gave nothing within {COMMAND_SECONDS} s",
                "run it by hand: it may be waiting for a passphrase; an agent can hold that",
            ) from None
        except (OSError, ValueError) as error:
            raise self._missing(
                f"the secret command `{self.argument}` cannot be used: {error}",
                "run it by hand in the same folder; it must print UTF-8 text",
            ) from None
        if status != 0 or not out.strip("\r\n"):
            last = err.strip().splitlines()[-1:] or ["it printed nothing"]
            raise self._missing(
                f"the secret command `{self.argument}` ended with {status}: {last[0]}",
                "run it by hand in the same shell until it prints the secret",
            )
        return out.rstrip("\r\n")

    def _missing(self, seen: str, action: str) -> InventoryError:
        return InventoryError(seen, action=action, file=self.file, line=self.line)

    def __str__(self) -> str:
        return MASK

    def __format__(self, spec: str) -> str:
        return format(MASK, spec)

    def __repr__(self) -> str:
        return f"Secret(!{self.origin})"


def _short_file(path: Path) -> bytes:
    """Return what a regular file holds. Raises OSError, or ValueError for anything else.

    It is opened without waiting, so that a FIFO that nobody writes does not hang the command.
    """
    with os.fdopen(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise ValueError("it is not a regular file")
        data = file.read(MAX_BYTES + 1)
    if len(data) > MAX_BYTES:
        raise ValueError(f"it is larger than {MAX_BYTES} bytes")
    return data


def _short_answer(command: str, folder: Path) -> tuple[int, str, str]:
    """Run a command of a shell; return its status and both its outputs.

    Raises TimeoutError at the limit, ValueError for more than a secret can be, OSError. What the
    command has started may go on: nobody waits for it.
    """
    deadline = time.monotonic() + COMMAND_SECONDS
    came = {"out": bytearray(), "err": bytearray()}
    process = subprocess.Popen(
        command, shell=True, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert process.stdout and process.stderr
    with process.stdout, process.stderr, selectors.DefaultSelector() as ready:
        ready.register(process.stdout, selectors.EVENT_READ, came["out"])
        ready.register(process.stderr, selectors.EVENT_READ, came["err"])
        try:
            while ready.get_map():
                _take(ready, deadline)
            process.wait(max(0.0, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            raise TimeoutError from None
        finally:
            if process.poll() is None:
                process.kill()
                process.wait()
    return process.returncode, came["out"].decode(), came["err"].decode(errors="replace")


def _take(ready: selectors.BaseSelector, deadline: float) -> None:
    """Take what came of the outputs; one that has ended is no longer waited for."""
    keys = ready.select(max(0.0, deadline - time.monotonic()))
    if not keys:
        raise TimeoutError
    for key, _ in keys:
        part = os.read(key.fd, MAX_BYTES)
        if not part:
            ready.unregister(key.fileobj)
        key.data.extend(part)
        if len(key.data) > MAX_BYTES:
            raise ValueError(f"it printed more than {MAX_BYTES} bytes")


def literal(text: str) -> Secret:
    """Wrap a text that is already here, so that it prints masked from now on."""
    return Secret("literal", text)


def reveal(value: str | Secret) -> str:
    """Return the text of a value that may or may not be secret."""
    return value.reveal() if isinstance(value, Secret) else value
