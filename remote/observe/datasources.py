"""Try datasources from a server: with its JDK, from its AS_HOME, with the driver that is there."""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TypeAlias, cast, get_args

from carbon.checks.datasource import TRIAL_SECONDS
from carbon.cluster import Datasource, Node
from carbon.config.diff import mask_secrets
from carbon.errors import ScriptError
from carbon.home.trial import Trial, TrialAnswer, TrialResult, TriedDatasource
from carbon.secret import Secret, reveal
from remote.host.host import Host

_Packable: TypeAlias = "int | str | Sequence[_Packable]"
_CLASS = Path(__file__).parents[1] / "java/TryDatasources.class"
_TRIED = re.compile(
    rf"(?P<number>\d+) (?P<result>{'|'.join(get_args(TrialResult))})"
    r" (?P<state>[0-9A-Z]+|-) (?P<code>-?\d+) (?P<said>.*)"
)


def try_datasources(host: Host[Node], trial: Trial) -> TrialAnswer:
    """Connect to each datasource from a server; nothing is changed there.

    All are tried at once, for 10 s at most. The passwords go from here into the standard input of
    the JVM. Raises ScriptError if the answer makes no sense, and what the connection raises.
    """
    program = _CLASS.read_bytes()
    script = host.script(
        "try_datasources",
        java_dir=str(host.node.java_home or ""),
        class_size=len(program),
        jndi_names=list(trial.jndi_names),
    )
    within_seconds = min(TRIAL_SECONDS, host.limits.command_seconds / 2)
    payload = program + packed(trial, within_seconds=within_seconds)
    outcome = host.run(script, step="datasources", payload=payload)
    return _parse(outcome.out, trial, name=host.name)


def packed(trial: Trial, *, within_seconds: float) -> bytes:
    """Return what remote/java/TryDatasources.java reads.

    Numbers are big-endian integers of 4 bytes; a text is its length and its bytes in UTF-8, a list
    its length and its items.
    """
    first, without = [str(jar) for jar in trial.first], [str(jar) for jar in trial.without]
    datasources = [
        (datasource.driver_class_name, datasource.url, list(_login(datasource).items()))
        for datasource in trial.datasources
    ]
    return _packed((round(within_seconds * 1000), first, without, datasources))


def _packed(value: _Packable) -> bytes:
    match value:
        case int():
            return struct.pack(">i", value)
        case str():
            data = value.encode()
            return _packed(len(data)) + data
        case list():
            return _packed(len(value)) + b"".join(map(_packed, value))
        case _:
            return b"".join(map(_packed, value))


def _login(datasource: Datasource) -> dict[str, str]:
    """Return the properties that the pool gives to the driver (ConnectionPool of tomcat-jdbc)."""
    login = {}
    for pair in reveal(datasource.properties.get("connectionProperties", "")).split(";"):
        name, equals, value = pair.partition("=")
        if equals:
            login[name.strip()] = value.strip()
    if datasource.username is not None:
        login["user"] = datasource.username
    if datasource.password is not None:
        login["password"] = reveal(datasource.password)
    return login


def _parse(answer: bytes, trial: Trial, *, name: str) -> TrialAnswer:
    secrets = tuple(_secrets(trial))
    tried: list[TriedDatasource] = []
    unused: list[str] = []
    for line in answer.decode(errors="replace").splitlines():
        word, _, rest = line.partition(" ")
        if word == "untried":
            return TrialAnswer(untried=mask_secrets(rest.strip().encode(), secrets))
        if word == "unused" and rest in trial.jndi_names:
            unused.append(rest)
            continue
        match = _TRIED.fullmatch(rest) if word == "tried" else None
        if match is None or int(match["number"]) != len(tried):
            break
        if len(tried) == len(trial.datasources):
            break
        tried.append(
            TriedDatasource(
                name=trial.datasources[len(tried)].name,
                result=cast("TrialResult", match["result"]),
                sql_state=match["state"].strip("-"),
                vendor_code=int(match["code"]),
                said=mask_secrets(match["said"].strip().encode(), secrets),
            )
        )
    if len(tried) != len(trial.datasources):
        raise ScriptError(
            "unexpected output from the trial of its datasources",
            host=name,
            step="datasources",
            action="run the command again, or leave the trial out: `check_databases: false` in"
            " hosts.yaml",
        )
    return TrialAnswer(tried=tuple(tried), unused=tuple(unused))


def _secrets(trial: Trial) -> Iterator[str]:
    for datasource in trial.datasources:
        for value in (datasource.password, *datasource.properties.values()):
            if isinstance(value, Secret):
                yield value.reveal()
