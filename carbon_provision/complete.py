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
    """Return the completion script of one of the shells."""
    return (SCRIPTS / f"carbon-provision.{shell}").read_text()


def candidates(before: Sequence[str], started: str) -> Iterator[tuple[str, str]]:
    """Return what may stand after the words `before` and begins with `started`."""
    if before and before[-1] in HOSTS:
        yield from _host_names(before, started)
        return
    from invoke.util import helpline

    import fabfile
    from tasks.program import flags_of, is_shown, make_program

    verbs = {str(context.name): context for context in fabfile.ns.to_contexts()}
    verb = next((word for word in before if word in verbs), None)
    core = flags_of(make_program().initial_context)
    own = flags_of(verbs[verb]) if verb else {}
    options = core | own
    if before and before[-1] in options and options[before[-1]].takes_value:
        return
    if started.startswith("-"):
        offered = {
            flag: option.help
            for flag, option in options.items()
            if flag.startswith("--") and (flag in own or is_shown(flag))
        }
    elif verb:
        return
    else:
        offered = {name: helpline(fabfile.ns[name]) for name in sorted(verbs)}
    yield from ((word, text or "") for word, text in offered.items() if word.startswith(started))


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
