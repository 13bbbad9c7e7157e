"""Shell scripts as values: quoting and secrecy are solved here, once.

A script travels to the server on the standard input of a shell, so neither its text nor any
value in it shows in a process list, and what follows it on the same stream is its payload.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path

from carbon.errors import ProvisionError
from carbon.secret import Secret, reveal
from carbon.value import Value, field

_FOLDER = Path(__file__).parent / "scripts"

Given = str | bytes | int | Secret | Iterable[str]


class Script(Value, kw_only=True):
    """One file of remote/scripts with the values that it works on.

    A value becomes a shell variable of the same name in capitals; a list becomes its items,
    quoted for `eval "set -- $NAME"`. The texts of secrets appear only in `render()`.
    """

    name: str
    values: Mapping[str, Given] = field(default_factory=dict)
    run_as: str | None = None
    """The account to become through sudo; None stays with the login."""
    calls_sudo: bool = False
    """The script itself runs commands of the sudoers fragment."""
    limit_seconds: float | None = None
    """After this the server itself ends the script, even where the client is gone."""
    before: tuple[str, ...] = ()
    """Other scripts that run before it in the same shell, with the same values."""
    after: tuple[str, ...] = ()
    prelude: str = ""
    """What comes between the shared functions and the body (remote/faults.py)."""

    @property
    def uses_sudo(self) -> bool:
        """Tell whether sudo may ask for a password before the script runs."""
        return self.calls_sudo or self.run_as is not None

    def render(self) -> bytes:
        """Return the whole text to send: values, then the shared functions, then the bodies."""
        lines = [f"{name.upper()}={_quote(value)}" for name, value in self.values.items()]
        bodies = map(_text, (*self.before, self.name, *self.after))
        texts = [_text("lib"), self.prelude.encode(), *bodies]
        given = (line.encode(errors="surrogateescape") for line in lines)
        return b"\n".join([*given, *texts])

    def command(self, size: int) -> str:
        """Return the command line that reads `size` bytes of script from stdin and runs them.

        It is the same for every script but for the numbers and the name in `$0`.
        """
        return f"exec {self._reader(size)}"

    def line(self, size: int, payload_size: int) -> str:
        """Return the line that a shell with more to read after them takes for this script.

        It is the same, and is given `size` bytes of script and its payload, and nothing else.
        """
        if payload_size == 0:
            return self._reader(size, then="< /dev/null")
        # Mostly nothing is left to read, and a process for that would cost a millisecond.
        unread = "read -r _ && cat > /dev/null"
        whole = f"{{ {self._reader(size)}; status=$?; {unread}; exit $status; }}"
        return f"head -c {size + payload_size} | {whole}"

    def asking_command(self, size: int, *, prompt: str) -> str:
        """Return the command line for a server whose sudo wants a password.

        sudo is validated first, by the very shell that later calls it: without a terminal its
        ticket belongs to the parent process. `ready` then tells the client to send the script.
        """
        reader = self._reader(size) if self.run_as else f'eval "$(head -c {size})"'
        validate = f"sudo -S -p {shlex.quote(prompt)} -v && echo ready && {reader}"
        return f"exec sh -c {shlex.quote(validate)} {self._title}"

    @property
    def _title(self) -> str:
        return f"provision:{self.name}"

    def _reader(self, size: int, *, then: str = "") -> str:
        reader = shlex.quote(f'eval "$(head -c {size})" {then}'.rstrip())
        limit = "" if self.limit_seconds is None else f"timeout -k 5 {self.limit_seconds:g} "
        if self.run_as is None:
            return f"{limit}sh -c {reader} {self._title}"
        become = f"sudo -n -u {shlex.quote(self.run_as)} -- /bin/sh -c"
        inner = shlex.quote(f'exec {limit}sh -c "$1" "$0"')
        return f"{become} {inner} {self._title} {reader}"


def _quote(value: Given) -> str:
    match value:
        case Secret() | str():
            return _quote_text(reveal(value))
        case bytes():
            return _quote_text(value.decode(errors="surrogateescape"))
        case int():
            return str(value)
        case _:
            return _quote_text(" ".join(_quote_text(item) for item in value))


def _quote_text(text: str) -> str:
    if "\0" in text:
        raise ProvisionError(
            "a value holds a NUL character, which no shell can carry",
            action="take the NUL character out of hosts.yaml",
        )
    return shlex.quote(text)


@cache
def changing() -> tuple[str, ...]:
    """Return the names of the scripts that change something: those that say a `step`."""
    names = sorted(path.stem for path in _FOLDER.glob("*.sh") if path.stem != "lib")
    return tuple(name for name in names if re.search(rb"^\s*step ", _text(name), re.MULTILINE))


@cache
def _text(name: str) -> bytes:
    return (_FOLDER / f"{name}.sh").read_bytes()
