"""Shell completion: verbs, their options, names of hosts.yaml.

The scripts for bash, zsh and fish are a few lines each and ask this program at every tab, so they
never go stale. Names of hosts are answered without loading Fabric.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

HOSTS = ("-H", "--hosts")
SCRIPTS = Path(__file__).parent / "completion"
SHELLS = ("bash", "zsh", "fish")


def answer(words: Sequence[str]) -> None:
    """Print what the last of `words` may become: `candidate<TAB>what it is`, one a line."""
    *before, started = words or ("",)
    for candidate, text in candidates(before, started):
        print(f"{candidate}\t{text}")


def script(shell: str) -> str:
    """Return the completion script of a shell.

    Raises ValueError for a shell that there is none for.
    """
    if shell not in SHELLS:
        raise ValueError(f"there is a completion for {', '.join(SHELLS)}, not for {shell!r}")
    return (SCRIPTS / f"carbon-provision.{shell}").read_text()


def candidates(before: Sequence[str], started: str) -> Iterator[tuple[str, str]]:
    """Return what may stand after the words `before` and begins with `started`."""
    if before and before[-1] in HOSTS:
        yield from _host_names(before, started)
        return
    from carbon_provision.words import core_options, option_values, verbs

    known = verbs()
    verb = next((word for word in before if word in known), None)
    options = {**core_options(), **(known[verb].options if verb else {})}
    if before and before[-1] in option_values(options):
        return
    if started.startswith("-"):
        offered = {flag: option.text for flag, option in options.items()}
    elif verb:
        return
    else:
        offered = {name: known[name].text for name in known}
    yield from ((word, text) for word, text in offered.items() if word.startswith(started))


def _host_names(before: Sequence[str], started: str) -> Iterator[tuple[str, str]]:
    from carbon.inventory.rough import rough_names

    *given, last = started.split(",")
    head = "".join(f"{name}," for name in given)
    for name in rough_names(_inventory(before)):
        if name.startswith(last) and name not in given:
            yield head + name, "host"


def _inventory(before: Sequence[str]) -> Path:
    from carbon.inventory import locate
    from tasks.inventory import nearest_folder

    at = before.index("--inventory") + 1 if "--inventory" in before else len(before)
    option = before[at] if at < len(before) else None
    return locate(option, os.environ, nearest_folder(Path.cwd()))
