"""The least hosts.yaml that works, from a few answers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from ipaddress import ip_address
from typing import TypeVar

from carbon.errors import UsageError
from carbon.inventory import values
from carbon.inventory.values import Unfit
from carbon.inventory.write import Tree, document
from carbon.text import local_path, shown, words_of

T = TypeVar("T")


def _private_key(text: str) -> None:
    action = "name the private key, or leave it out: ssh's agent and configuration count"
    values.demand(local_path(text).is_file(), "is not a file", action)


CHECKS: Mapping[str, Callable[[str], object]] = {
    "manager": values.member_address,
    "workers": values.member_address,
    "user": values.account,
    "key": _private_key,
    "run_as": values.account,
    "home": values.home,
    "java_home": values.server_path,
    "domain": values.word,
}
"""What hosts.yaml demands of an answer, by the name of its option."""


def checked(option: str, text: str, *, manager: str = "") -> str:
    """Return an answer without its outer blanks.

    `workers` are several; none of them is another one's server, or that of the `manager` if that
    is known. Raises UsageError for an answer that hosts.yaml would refuse.
    """
    words = (words_of(text) or [""]) if option == "workers" else [text.strip()]
    for word in words:
        fitting(CHECKS[option], word, option=f"--{option.replace('_', '-')} ")
    if option == "workers":
        _check_apart(words, manager=manager)
    return ",".join(words)


def fitting(check: Callable[[str], T], text: str, *, option: str = "") -> T:
    """Return what a check makes of a word of the command line. Raises UsageError."""
    try:
        return check(text)
    except Unfit as unfit:
        raise UsageError(f"{option}{shown(text)} {unfit.problem}", action=unfit.action) from None


def _check_apart(workers: list[str], *, manager: str) -> None:
    action = (
        "give each server once; for two servers at one address, which differ in their ports, see"
        " `server` in docs/hosts-yaml.md"
    )
    for address, count in Counter(map(ip_address, workers)).items():
        if manager and address == ip_address(manager):
            raise UsageError(f"--workers {address} is the address of the manager", action=action)
        if count > 1:
            raise UsageError(f"--workers names {address} more than once", action=action)


def least(answers: Mapping[str, str]) -> str:
    """Return the text of the least hosts.yaml for answers that were checked; some may be empty."""
    ssh = {"user": answers["user"], "identity_file": answers["key"]}
    shared = {key: answers[key] for key in ("home", "java_home") if answers[key]}
    addresses = enumerate(answers["workers"].split(","), 1)
    workers = {f"worker{number}": {"localMemberHost": address} for number, address in addresses}
    tree: dict[str, Tree] = {
        "cluster": {
            "domain": answers["domain"],
            "ssh": {key: value for key, value in ssh.items() if value},
            **shared,
        },
        "manager": {"localMemberHost": answers["manager"]},
        "workers": workers,
    }
    head = (
        "The inventory: one cluster, described once. Every key: docs/hosts-yaml.md.",
        f"Next: `fab check`, `fab -H {','.join(['manager', *workers])} trust` for the host keys,"
        " `fab plan`.",
    )
    return document(tree, head=head)
