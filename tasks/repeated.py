"""An option given twice: Fabric's parser takes the second value for a verb, or drops one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from invoke import Argument

from carbon.errors import UsageError

HOSTS = "hosts"


def refuse_repeated(
    words: Sequence[str],
    *,
    core: Mapping[str, Argument],
    verbs: Mapping[str, Mapping[str, Argument]],
    program: str,
) -> None:
    """Refuse a command line that gives an option two values.

    `core` and the mapping of each verb have the options by their flags. Raises UsageError with
    the whole option to write; of -H it keeps every name. Each verb has options of its own: two
    verbs of one command line may each have `--inventory`.
    """
    values: dict[tuple[int, str], list[str]] = {}
    hosts: list[str] = []
    for flag, option, value, verb_number in _given(words, core=core, verbs=verbs):
        if _name(option) == HOSTS:
            hosts.append(value)
        elif option.kind is not list:
            given = values.setdefault((verb_number, _name(option)), [])
            given.append(value)
            if len(given) > 1:
                raise UsageError(
                    f"{flag} is given twice: {' and '.join(given)}", action="give it once"
                )
    if len(hosts) > 1:
        names = ",".join(dict.fromkeys(",".join(hosts).split(",")))
        verb = next((word for word in words if word in verbs), "VERB")
        raise UsageError(
            f"-H is given {'twice' if len(hosts) == 2 else 'more than once'}",
            action=f"name all hosts in one: `{program} -H {names} {verb}`",
        )


def _given(
    words: Sequence[str],
    *,
    core: Mapping[str, Argument],
    verbs: Mapping[str, Mapping[str, Argument]],
) -> Iterator[tuple[str, Argument, str, int]]:
    """Yield each option that has a value, as it was written, with that value.

    The number says which verb it belongs to, counted from 1; 0: to the program.
    """
    known, count = dict(core), 0
    left = iter(words)
    for word in left:
        if word == "--":
            return
        if word in verbs:
            known, count = {**core, **verbs[word]}, count + 1
            continue
        flag, equals, value = word.partition("=")
        if not word.startswith("--") and len(word) > 2 and not equals:
            flag, value = word[:2], word[2:]  # -Hworker1
        option = known.get(flag)
        if option is None or not option.takes_value or option.optional:
            continue
        if not (equals or value):
            value = next(left, "")
        yield flag, option, value, 0 if core.get(flag) is option else count


def _name(option: Argument) -> str:
    return max(option.names, key=len)
