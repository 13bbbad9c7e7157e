"""~/.ssh/config and its like: what Paramiko does not understand is honoured here, or refused.

Paramiko ignores `Include`, applies a `Match` with an unknown criterion to every host
(paramiko#2339, #2632), and ends with a traceback on others (`Match final all`: #2361).
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Sequence
from pathlib import Path

import paramiko

from carbon.errors import UsageError

DEEPEST_INCLUDE = 16
"""As in OpenSSH (readconf.c)."""
CRITERIA = frozenset({"all", "canonical", "exec", "host", "localuser", "originalhost", "user"})
"""What `Match` may ask for: what Paramiko judges as OpenSSH does."""
WITHOUT_VALUE = frozenset({"all", "canonical"})
NUMBERS = frozenset({"connecttimeout", "port"})
_SETTING = re.compile(r"(\w+)(?:\s*=\s*|\s+)(.+)")


def read_ssh_config(files: Sequence[Path]) -> paramiko.SSHConfig:
    """Return the settings of these files, the first of them first; a missing one is passed over.

    Raises UsageError with file and line for what cannot be honoured.
    """
    config = paramiko.SSHConfig()
    for file in files:
        if file.is_file():
            config.parse(list(_lines(file, depth=0)))
    return config


def _lines(file: Path, *, depth: int) -> Iterator[str]:
    """Yield the lines of a file, with those of the files that it includes in their places."""
    block = False
    for number, line in enumerate(_text(file).splitlines(), start=1):
        place = f"{file}:{number}"
        text = line.strip()
        if not text or text.startswith("#"):
            continue
        key, value = _setting(text, place)
        if key == "include":
            if block or depth == DEEPEST_INCLUDE:
                raise _refused(place, text, "move it above the first Host and Match of the file")
            for included in _included(file, value):
                yield from _lines(included, depth=depth + 1)
            yield "Host *"  # what follows is for every host again
            continue
        block = block or key in ("host", "match")
        if key == "match":
            _check_criteria(value, place, text)
        if key in NUMBERS and not value.isdigit():
            if value == "none":
                continue
            raise _refused(place, text, "write a whole number")
        yield text


def _text(file: Path) -> str:
    try:
        return file.read_text(errors="surrogateescape")
    except OSError as error:
        raise UsageError(
            f"{file} cannot be read: {error.strerror}",
            action="let your account read it, or choose another file with -S",
        ) from error


def _setting(text: str, place: str) -> tuple[str, str]:
    match = _SETTING.match(text)
    if match is None:
        raise _refused(place, text, "correct the line: ssh_config(5) lists what may stand there")
    return match[1].lower(), match[2].strip()


def _included(file: Path, value: str) -> Iterator[Path]:
    for pattern in shlex.split(value):
        system = Path("/etc/ssh")
        folder = system if file.parent == system else Path("~/.ssh").expanduser()
        path = folder / Path(pattern).expanduser()
        yield from sorted(Path(path.anchor).glob(str(path.relative_to(path.anchor))))


def _check_criteria(value: str, place: str, text: str) -> None:
    words = iter(shlex.split(value))
    criteria = []
    for word in words:
        criteria.append(word.removeprefix("!").lower())
        if criteria[-1] not in WITHOUT_VALUE and criteria[-1] in CRITERIA:
            next(words, None)
    unknown = [criterion for criterion in criteria if criterion not in CRITERIA]
    if unknown:
        raise _refused(
            place, text, f"`{unknown[0]}` is not honoured here: use Host, or another file with -S"
        )


def _refused(place: str, text: str, action: str) -> UsageError:
    return UsageError(f"{place}: `{text}` cannot be honoured", action=action)
