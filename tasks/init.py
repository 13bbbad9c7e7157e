"""A first hosts.yaml, from options and from questions at the terminal."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from carbon.errors import ProvisionError, UsageError
from tasks.executor import VerbContext
from tasks.verb import local

if TYPE_CHECKING:
    from pathlib import Path

QUESTIONS = {
    "manager": "Address of the manager",
    "workers": "Addresses of the workers, with commas",
    "user": "User for SSH",
    "key": "Its SSH key, empty for the agent and ~/.ssh/config",
    "home": "AS_HOME on the servers",
    "java_home": "JAVA_HOME there, empty for the login's",
}
OPTIONAL = ("key", "java_home")


@local(
    help={
        "manager": "Address of the manager's server in the cluster's network.",
        "workers": "Addresses of the workers' servers, separated by commas.",
        "user": "The account that logs in over SSH.",
        "key": "Its private key; without it, those of the agent and of ~/.ssh/config.",
        "home": "AS_HOME on the servers (/opt/wso2/as).",
        "java_home": "JAVA_HOME on the servers; without it, what the login finds.",
        "domain": "The domain of the cluster (axis2.xml).",
        "output": "The file to write.",
    }
)
def init(
    _: VerbContext,
    manager: str = "",
    workers: str = "",
    user: str = "",
    key: str = "",
    home: str = "",
    java_home: str = "",
    domain: str = "wso2.as.domain",
    output: str = "hosts.yaml",
) -> None:
    """Write the least hosts.yaml that works; asks for what no option gives."""
    from carbon.inventory.reference import json_schema
    from carbon.inventory.start import checked, least
    from carbon.inventory.write import SCHEMA_URL
    from carbon.text import local_path
    from tasks.wording import as_called

    path = local_path(output)
    _refuse_existing(path)  # before the questions
    answers = {"manager": manager, "workers": workers, "user": user, "key": key}
    answers |= {"home": home, "java_home": java_home, "domain": domain}
    for option, text in answers.items():
        if text:
            answers[option] = checked(option, text, manager=answers["manager"])
    for option in QUESTIONS:
        answers[option] = answers[option] or _ask(option, manager=answers["manager"])
    checked("workers", answers["workers"], manager=answers["manager"])
    _write_new(path, as_called(least(answers)))
    beside = path.with_name(SCHEMA_URL)
    if not beside.exists():
        _write_new(beside, json_schema())
    print(as_called(f"{path} is written, and {beside} for editors; next: fab check"))


def _ask(option: str, *, manager: str) -> str:
    """Return what the operator types; an answer that hosts.yaml would refuse is asked for again.

    Raises UsageError without a terminal and a usual answer, or if none is given.
    """
    from getpass import getuser

    from carbon.inventory.start import checked

    usual = "/opt/wso2/as" if option == "home" else getuser() if option == "user" else ""
    while True:
        text = _typed(f"{QUESTIONS[option]}{f' [{usual}]' if usual else ''}: ") or usual
        if not text and option in OPTIONAL:
            return ""
        if not text:
            name = "--" + option.replace("_", "-")
            raise UsageError(f"{name} is missing", action=f"give {name}, or run it at a terminal")
        try:
            return checked(option, text, manager=manager)
        except UsageError as error:
            if not sys.stdin.isatty():
                raise
            print(f"{error.seen}: {error.action}")


def _typed(prompt: str) -> str:
    if not sys.stdin.isatty():
        return ""
    try:
        return input(prompt).strip()
    except EOFError:
        print()
        return ""


def _refuse_existing(path: Path) -> None:
    if path.exists():
        raise UsageError(
            f"{path} is there already", action="name another one with --output, or move it away"
        )


def _write_new(path: Path, text: str) -> None:
    """Write a file that nobody else may read."""
    _refuse_existing(path)
    try:
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(text)
    except OSError as error:
        raise ProvisionError(
            f"{path} cannot be written: {error.strerror}",
            code="write-failed",
            action="name another file with --output",
        ) from None
