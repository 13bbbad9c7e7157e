"""What is said about a command line that cannot be understood: one sentence and what to write."""

from __future__ import annotations

import re
from collections.abc import Sequence

import fabric
from invoke import ParseError

from carbon.errors import UsageError
from carbon.text import local_path

UNKNOWN = re.compile(r"No idea what '(?P<word>.*)' is!", re.DOTALL)
NO_VALUE = re.compile(r"Flag <Option: (?P<name>[\w-]+)(?: \((?P<other>[\w-]+)\))?.*> needed value")
MISSING = re.compile(r"'(?P<verb>[\w.-]+)' did not receive required positional arguments")
AFTER_VERB = ("--inventory", "--no-commands", "--all", "--json", "--break-lock", "--timeout")
"""Options of verbs that are often written before them."""
VALUES = {
    "hosts": "names of hosts.yaml, separated by commas: -H worker1,worker2",
    "config": "a file of Fabric's settings: -f settings.yaml (to follow a log, write --follow)",
    "identity": "a private key: -i ~/.ssh/id_ed25519",
    "ssh-config": "a file: -S ~/.ssh/config",
    "connect-timeout": "seconds: -t 20",
}


def explain(
    error: ParseError,
    words: Sequence[str],
    *,
    program: str,
    verbs: Sequence[str],
    config: fabric.Config,
) -> UsageError:
    """Return what to tell the operator for an error of Invoke's parser.

    `words` are those that were not understood yet; `config` leads to hosts.yaml, which is read
    only if a word could be the name of a host.
    """
    text = str(error)
    if text == "no verb":
        return _no_verb(words, program=program, verbs=verbs)
    if match := UNKNOWN.fullmatch(text):
        verb = error.context.name if error.context else None
        return _unknown(
            match["word"], words, verb=verb, program=program, verbs=verbs, config=config
        )
    if match := NO_VALUE.match(text):
        name = max(match["name"], match["other"] or "", key=len)
        wanted = VALUES.get(name, f"a value: --{name} VALUE")
        return UsageError(f"--{name} has no value", action=f"give it {wanted}")
    if match := MISSING.match(text):
        verb = match["verb"]
        action = f'write `{program} -H worker1 run "uptime"`' if verb == "run" else ""
        return UsageError(
            f"{verb} needs {'a command' if verb == 'run' else 'one more word'}",
            action=action or f"see `{program} {verb} --help`",
        )
    return UsageError(text, action=f"see `{program} --help`")


def check_settings(path: str) -> None:
    """Refuse a file after -f that Fabric would pass over in silence, or that is an inventory.

    Raises UsageError.
    """
    file = local_path(path)
    if not file.is_file():
        raise UsageError(
            f"there is no file {path}",
            action="correct -f, which names a file of Fabric's settings; an inventory is named with"
            " --inventory, after the verb",
        )
    from carbon.inventory.rough import rough_names

    if rough_names(file):
        raise UsageError(
            f"{path} is an inventory, and -f names a file of Fabric's settings",
            action=f"name it after the verb: --inventory {path}",
        )


def unreadable_settings(error: Exception) -> UsageError:
    """Return what to tell for settings, Fabric's or SSH's, that cannot be read."""
    text = " ".join(str(error).split())
    return UsageError(
        f"the settings cannot be read: {text or type(error).__name__}",
        action="correct the file: -f names Fabric's, -S or ~/.ssh/config those of SSH",
    )


def _no_verb(words: Sequence[str], *, program: str, verbs: Sequence[str]) -> UsageError:
    """As in `fab -H deploy`, where the verb became the value of -H."""
    from carbon.inventory.suggest import shown

    option, given = words
    if option == "--":
        return UsageError(
            "-- is not followed by a verb",
            action=f'write `{program} -H worker1 run "{given}"`: it verifies host keys',
        )
    if given in verbs:
        return UsageError(
            f"{option} is followed by the verb {given}, not by names of hosts",
            action=f"write `{program} {option} worker1,worker2 {given}`",
        )
    return UsageError(
        f"no verb says what to do with {shown(given)}",
        action=f"add one, such as `{program} {option} {given} status`; `{program} --list` has all",
    )


def _unknown(
    word: str,
    words: Sequence[str],
    *,
    verb: str | None,
    program: str,
    verbs: Sequence[str],
    config: fabric.Config,
) -> UsageError:
    from carbon.inventory.suggest import did_you_mean, shown

    if word.startswith("-"):
        if verb is None and word.partition("=")[0] in AFTER_VERB:
            return UsageError(
                f"{word} stands before the verb",
                action=f"write it after the verb: `{program} VERB {word}`",
            )
        after = f"{verb} --help" if verb else "--help"
        owner = verb or program
        return UsageError(f"{owner} has no option {shown(word)}", action=f"see `{program} {after}`")
    if word == "help":
        return UsageError(
            "help is not a verb",
            action=f"write `{program} --help`, or `{program} VERB --help`",
        )
    if verb == "run" or "run" in words[:-1]:
        return UsageError(
            f"run takes its command as one word, and {shown(word)} comes after it",
            action=f'write it in quotes: `{program} -H worker1 run "COMMAND ..."`',
        )
    names = _host_names(config)
    if names and set(word.split(",")) <= set(names):
        wanted = next((other for other in words if other in verbs), "VERB")
        return UsageError(
            f"{word} is a name of hosts.yaml, not a verb",
            action=f"write `{program} -H {word} {wanted}`",
        )
    hint = did_you_mean(word, (*verbs, *names))
    return UsageError(
        f"there is no verb {shown(word)}", action=f"{hint}`{program} --list` has all verbs"
    )


def _host_names(config: fabric.Config) -> tuple[str, ...]:
    from carbon.inventory.rough import rough_names
    from tasks.inventory import find_inventory

    return rough_names(find_inventory(config, ""))
