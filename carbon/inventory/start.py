"""The least hosts.yaml that works, from a few answers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from ipaddress import IPv4Address, IPv6Address, ip_address

from carbon.errors import UsageError
from carbon.inventory import values
from carbon.inventory.suggest import shown
from carbon.inventory.values import Unfit
from carbon.inventory.write import Tree, document
from carbon.value import Value

CHECKS = {
    "manager": values.member_address,
    "workers": values.member_address,
    "user": values.account,
    "home": values.home,
    "java_home": values.server_path,
    "domain": values.word,
}
"""What hosts.yaml demands of an answer, by the name of its option."""


class Answers(Value, kw_only=True):
    """What `init` has to know."""

    manager: str
    workers: tuple[str, ...]
    user: str
    identity_file: str = ""
    home: str = "/opt/wso2/as"
    java_home: str = ""
    domain: str = "wso2.as.domain"


def check(option: str, text: str, *, manager: str = "") -> None:
    """Raise UsageError for an answer that hosts.yaml would refuse.

    `workers` are several; none of them is another one's server, or that of the `manager`.
    """
    words = [word.strip() for word in text.split(",")] if option == "workers" else [text.strip()]
    for word in words:
        try:
            CHECKS[option](word)
        except Unfit as unfit:
            name = option.replace("_", "-")
            raise UsageError(
                f"--{name} {shown(word)} {unfit.problem}", action=unfit.action
            ) from None
    if option == "workers":
        _check_apart([ip_address(word) for word in words], manager=manager)


def _check_apart(workers: Sequence[IPv4Address | IPv6Address], *, manager: str) -> None:
    action = (
        "give each server once; for two servers at one address, which differ in their ports, see"
        " `server` in docs/hosts-yaml.md"
    )
    for address, count in Counter(workers).items():
        if manager and address == ip_address(manager.strip()):
            raise UsageError(f"--workers {address} is the address of the manager", action=action)
        if count > 1:
            raise UsageError(f"--workers names {address} more than once", action=action)


def least(answers: Answers) -> str:
    """Return the text of the least hosts.yaml for these answers.

    Raises UsageError for an answer that hosts.yaml would refuse.
    """
    for option in CHECKS:
        given = getattr(answers, option)
        if given:
            text = ",".join(given) if isinstance(given, tuple) else given
            check(option, text, manager=answers.manager)
    ssh: dict[str, Tree] = {"user": answers.user}
    if answers.identity_file:
        ssh["identity_file"] = answers.identity_file
    java: dict[str, Tree] = {"java_home": answers.java_home} if answers.java_home else {}
    workers = [f"worker{number}" for number in range(1, len(answers.workers) + 1)]
    tree: dict[str, Tree] = {
        "cluster": {"domain": answers.domain, "ssh": ssh, "home": answers.home, **java},
        "manager": {"localMemberHost": answers.manager},
        "workers": {
            name: {"localMemberHost": address}
            for name, address in zip(workers, answers.workers, strict=True)
        },
    }
    head = (
        "The inventory: one cluster, described once. Every key: docs/hosts-yaml.md.",
        f"Next: `fab check`, `fab -H {','.join(['manager', *workers])} trust` for the host keys,"
        " `fab plan`.",
    )
    return document(tree, head=head)
