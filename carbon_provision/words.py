"""The verbs and options of the command line, as completion offers them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple


class Option(NamedTuple):
    """An option, and whether a value follows it."""

    text: str
    takes_value: bool


class Verb(NamedTuple):
    """A verb with its own options."""

    text: str
    options: Mapping[str, Option]


def verbs() -> dict[str, Verb]:
    """Return all verbs, in the order of the help."""
    from invoke.util import helpline

    import fabfile

    contexts = {str(context.name): context for context in fabfile.ns.to_contexts()}
    return {
        name: Verb(text=helpline(fabfile.ns[name]) or "", options=_options(contexts[name]))
        for name in sorted(contexts)
    }


def core_options() -> dict[str, Option]:
    """Return the options that every verb takes, from Fabric."""
    from tasks.program import make_program, shown

    options = _options(make_program().initial_context)
    return {flag: option for flag, option in options.items() if shown(flag)}


def option_values(options: Mapping[str, Option]) -> set[str]:
    """Return the flags of the options that a value follows."""
    return {flag for flag, option in options.items() if option.takes_value}


def _options(context: Any) -> dict[str, Option]:
    return {
        f"--{name}": Option(text=argument.help or "", takes_value=argument.takes_value)
        for argument in dict.fromkeys(context.args.values())
        for name in argument.names
        if len(name) > 1
    }
