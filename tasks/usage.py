"""What is said about a command line that cannot be understood: one sentence and what to write."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import fabric
from invoke import Argument, ParseError

from carbon.errors import UsageError
from carbon.text import did_you_mean, local_path, shown

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


class CommandLine(NamedTuple):
    """A command line that Invoke's parser refuses."""

    words: Sequence[str]
    """Those that were not understood yet."""
    program: str
    verbs: Sequence[str]
    config: fabric.Config
    """It leads to hosts.yaml, which is read only if a word could be the name of a host."""

    def explain(self, error: ParseError) -> UsageError:
        """Return what to tell the operator."""
        text = str(error)
        if text == "no verb":
            return self._no_verb()
        if match := UNKNOWN.fullmatch(text):
            return self._unknown(match["word"], verb=error.context.name if error.context else None)
        if match := NO_VALUE.match(text):
            name = max(match["name"], match["other"] or "", key=len)
            wanted = VALUES.get(name, f"a value: --{name} VALUE")
            return UsageError(f"--{name} has no value", action=f"give it {wanted}")
        if match := MISSING.match(text):
            verb = match["verb"]
            action = f'write `{self.program} -H worker1 run "uptime"`' if verb == "run" else ""
            return UsageError(
                f"{verb} needs {'a command' if verb == 'run' else 'one more word'}",
                action=action or f"see `{self.program} {verb} --help`",
            )
        return UsageError(text, action=f"see `{self.program} --help`")

    def _no_verb(self) -> UsageError:
        """As in `fab -H deploy`, where the verb became the value of -H."""
        option, given = self.words
        if option == "--":
            return UsageError(
                "-- is not followed by a verb",
                action=f'write `{self.program} -H worker1 run "{given}"`: it verifies host keys',
            )
        if given in self.verbs:
            return UsageError(
                f"{option} is followed by the verb {given}, not by names of hosts",
                action=f"write `{self.program} {option} worker1,worker2 {given}`",
            )
        return UsageError(
            f"no verb says what to do with {shown(given)}",
            action=f"add one, such as `{self.program} {option} {given} status`;"
            f" `{self.program} --list` has all",
        )

    def _unknown(self, word: str, *, verb: str | None) -> UsageError:
        if word.startswith("-"):
            return self._unknown_option(word, verb=verb)
        if word == "help":
            return UsageError(
                "help is not a verb",
                action=f"write `{self.program} --help`, or `{self.program} VERB --help`",
            )
        if verb == "run" or "run" in self.words[:-1]:
            return UsageError(
                f"run takes its command as one word, and {shown(word)} comes after it",
                action=f'write it in quotes: `{self.program} -H worker1 run "COMMAND ..."`',
            )
        names = _host_names(self.config)
        if names and set(word.split(",")) <= set(names):
            wanted = next((other for other in self.words if other in self.verbs), "VERB")
            return UsageError(
                f"{word} is a name of hosts.yaml, not a verb",
                action=f"write `{self.program} -H {word} {wanted}`",
            )
        hint = did_you_mean(word, (*self.verbs, *names))
        return UsageError(
            f"unknown verb {shown(word)}", action=f"{hint}`{self.program} --list` has all verbs"
        )

    def _unknown_option(self, word: str, *, verb: str | None) -> UsageError:
        if verb is None and word.partition("=")[0] in AFTER_VERB:
            return UsageError(
                f"{word} stands before the verb",
                action=f"write it after the verb: `{self.program} VERB {word}`",
            )
        help_of = f"{self.program} {verb} --help" if verb else f"{self.program} --help"
        seen = f"{verb or self.program} has no option {shown(word)}"
        return UsageError(seen, action=f"see `{help_of}`")


def refuse_repeated(
    words: Sequence[str],
    *,
    core: Mapping[str, Argument],
    verbs: Mapping[str, Mapping[str, Argument]],
    program: str,
) -> None:
    """Refuse a command line that gives an option two values.

    Fabric's parser takes the second value for a verb, or drops one. `core` and the mapping of each
    verb have the options by their flags; two verbs may each have `--inventory`. Raises UsageError
    with the whole option to write; of -H it keeps every name.
    """
    known = core
    of_core: dict[str, list[str]] = defaultdict(list)
    of_verb: dict[str, list[str]] = {}
    left = iter(words)
    for word in left:
        if word == "--":
            break
        if word in verbs:
            known, of_verb = {**core, **verbs[word]}, defaultdict(list)
            continue
        flag, equals, value = word.partition("=")
        if not word.startswith("--") and len(word) > 2 and not equals:
            flag, value = word[:2], word[2:]  # -Hworker1
        option = known.get(flag)
        if option is None or not option.takes_value or option.optional:
            continue
        if not (equals or value):
            value = next(left, "")
        name = max(option.names, key=len)
        given = (of_core if core.get(flag) is option else of_verb)[name]
        given.append(value)
        if len(given) > 1 and name != "hosts" and option.kind is not list:
            seen = f"{flag} is given twice: {' and '.join(given)}"
            raise UsageError(seen, action="give it once")
    if len(hosts := of_core["hosts"]) > 1:
        names = ",".join(dict.fromkeys(",".join(hosts).split(",")))
        verb = next((word for word in words if word in verbs), "VERB")
        raise UsageError(
            f"-H is given {'twice' if len(hosts) == 2 else 'more than once'}",
            action=f"name all hosts in one: `{program} -H {names} {verb}`",
        )


def check_settings(path: str) -> None:
    """Refuse a file after -f that Fabric would pass over in silence, or that is an inventory.

    Raises UsageError.
    """
    file = local_path(path)
    if not file.is_file():
        raise UsageError(
            f"the file {path} does not exist",
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


def _host_names(config: fabric.Config) -> tuple[str, ...]:
    from carbon.inventory.rough import rough_names
    from tasks.inventory import find_inventory

    return rough_names(find_inventory(config, ""))
