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

_FOLDER = Path(__file__).parents[1] / "scripts"

_TITLE = "provision:"
"""What `$0` begins with: so scripts are known in a process list."""
OPENING = b"exit 97\n"
"""What is sent first on each channel: a line that ends any other shell which reads it, such as one
that a login script has put in the place of ours. That shell then runs nothing of what follows."""
BEGIN = b"provision begins\n"
"""What comes back before the output of a script: all before it was printed by a login script."""
NOT_BEGUN = 97
"""How a channel ends whose first line was read by somebody else."""
LOGIN_SCRIPT = "a login script of the account asks something, or starts another program"
QUIET_LOGIN = "`ssh HOST true` must print nothing, ask nothing and end"
QUIETEN_LOGIN = f"{QUIET_LOGIN}: correct ~/.bashrc (or what the shell of the account reads) there"
_OPEN = (
    f'read -r line && [ "$line" = "{OPENING.decode().strip()}" ] || exit {NOT_BEGUN};'
    f' echo "{BEGIN.decode().strip()}";'
)

SHARED = ("base", "process")
"""The fragments that every script begins with."""
PROMPT = "provision-sudo-prompt:"
"""The prompt with which sudo asks for a password here, to be known by."""
_HOLDER = "CLIENT_PID=$client SHELL_PID=$$"
"""What a script is given that holds something for its shell."""

Given = str | bytes | int | Secret | Iterable[str]


class Script(Value, kw_only=True):
    """One file of remote/scripts with the values that it works on: see the README there.

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
    """After this the server itself ends the script, even if the client is gone."""
    before: tuple[str, ...] = ()
    """Other scripts, or fragments of remote/scripts/lib, that run before it in the same shell."""
    after: tuple[str, ...] = ()
    at_end: str = ""
    """A line of shell for when the shell that ran it ends, if it succeeds: see `Server.hold`. Its
    values are those of the script; `$$` is that shell."""
    prelude: str = ""
    """What comes between the shared functions and the body (the fault tests)."""

    def render(self) -> bytes:
        """Return the whole text to send: values, then the shared functions, then the bodies.

        The values are those that the heads of these files name, no more and no less.
        """
        names = (*self.before, self.name, *self.after)
        lines = [f"{name.upper()}={_quote(value)}" for name, value in self.values.items()]
        declared = frozenset[str]().union(*map(declared_values, names))
        assert declared == {name.upper() for name in self.values}, (self.name, declared)
        texts = [*map(_text, SHARED), self.prelude.encode(), *map(_text, names)]
        given = (line.encode(errors="surrogateescape") for line in lines)
        return b"\n".join([*given, *texts])

    def command(self, size: int, *, asks: bool = False) -> str:
        """Return the command line that reads `size` bytes of script from stdin and runs them.

        It is the same for every script but for the numbers and the name in `$0`. It `asks` if
        sudo wants a password: see `_asking`.
        """
        if asks and self.run_as is None:  # the very shell that validates calls sudo
            return _asking(f'{_OPEN} eval "$(head -c {size})"', title=self._title)
        reader = self._opened_reader(size)
        if asks:
            return _asking(reader, title=self._title)
        if self.run_as is not None:  # the login's own shell may be another one
            reader = f"sh -c {shlex.quote(f'exec {reader}')} {self._title}"
        return f"exec {reader}"

    def line(self, size: int, payload_size: int) -> str:
        """Return the line that a shell of its account, with more to read, takes for this script.

        It is the same, and is given `size` bytes of script and its payload, and nothing else.
        """
        if self.at_end:
            ending = shlex.quote(self._ending())
            return f"{_HOLDER} {self._reader(size, then='< /dev/null')} && trap {ending} EXIT"
        if payload_size == 0:
            return self._reader(size, then="< /dev/null")
        # Mostly nothing is left to read, and a process for that would cost a millisecond.
        unread = "read -r _ && cat > /dev/null"
        whole = f"{{ {self._reader(size)}; status=$?; {unread}; exit $status; }}"
        return f"head -c {size + payload_size} | {whole}"

    @property
    def _title(self) -> str:
        return f"{_TITLE}{self.name}"

    def _reader(self, size: int, *, then: str = "") -> str:
        text = shlex.quote(f'eval "$(head -c {size})" {then}'.rstrip())
        return f"{self._limit}sh -c {text} {self._title}"

    def _opened_reader(self, size: int) -> str:
        """Return what reads the script in a session of its own, for a POSIX shell: see OPENING."""
        text = shlex.quote(f'{_OPEN} eval "$(head -c {size})"')
        if self.run_as is None:
            return f"{self._limit}sh -c {text} {self._title}"
        own_language = '[ -z "${LC_ALL-}" ] || LC_ALL=$2; [ -n "${LC_ALL-}" ] || unset LC_ALL;'
        inner = shlex.quote(f'{own_language} exec {self._limit}sh -c "$1" "$0"')
        return f'{become(self.run_as)} {inner} {self._title} {text} "${{LC_ALL-}}"'

    @property
    def _limit(self) -> str:
        return "" if self.limit_seconds is None else f"timeout -k 5 {self.limit_seconds:g} "

    def _ending(self) -> str:
        given = {name.upper(): value for name, value in self.values.items()}
        used = {name: value for name, value in given.items() if f"${name}" in self.at_end}
        line = "".join(f"{name}={_quote(value)}; " for name, value in used.items()) + self.at_end
        assert "\n" not in line, "a shell takes it as one line"
        return line


def become(account: str) -> str:
    """Return the beginning of a POSIX command line that runs a shell as another account.

    What sudo says is read in English; what it runs may be given the login's own language.
    """
    return f"env LC_ALL=C sudo -n -u {shlex.quote(account)} -- /bin/sh -c"


def shell_command(loop: str, *, account: str | None, asks: bool) -> str:
    """Return the command line of a shell that stays, as the login or as an account.

    In `$client` it has the process that ends with the connection: its parent, or the parent of
    the shell that became the account. It `asks` if sudo wants a password: see `_asking`.
    """
    title = f"{_TITLE}shell"
    text = shlex.quote(f"client=${{1:-$PPID}}; {_OPEN} {loop}")
    if account is None:
        return f"exec sh -c {text} {title}"
    shell = f'{become(account)} {text} {title} "$PPID"'
    if asks:
        return _asking(shell, title=title)
    return f"exec sh -c {shlex.quote(f'exec {shell}')} {title}"


def _asking(then: str, *, title: str) -> str:
    """Return the command line that lets sudo ask for a password, says `ready`, and goes on.

    sudo is validated first, by the very shell that later calls it: without a terminal its
    ticket belongs to the parent process, so bash must not become the last command itself.
    `ready` then tells the client to send the script.
    """
    validate = f"LC_ALL=C sudo -S -p {PROMPT} -v && echo ready && {then}; exit $?"
    return f"exec sh -c {shlex.quote(validate)} {title}"


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
    names = sorted(path.stem for path in _FOLDER.rglob("*.sh"))
    return tuple(name for name in names if re.search(rb"^\s*step ", _text(name), re.MULTILINE))


@cache
def declared_values(name: str) -> frozenset[str]:
    """Return the values that a script or fragment needs, by the `# Values:` lines of its head."""
    head = "".join(re.findall(r"^# Values: (.*\n)", _text(name).decode(), re.MULTILINE))
    return frozenset(re.sub(r"\([^)]*\)", "", head).replace(",", " ").split())


@cache
def _text(name: str) -> bytes:
    script = _FOLDER / f"{name}.sh"
    return (script if script.is_file() else _FOLDER / f"lib/{name}.sh").read_bytes()
