"""The least hosts.yaml that works, from a few answers."""

from __future__ import annotations

from carbon.errors import UsageError
from carbon.inventory import values
from carbon.inventory.suggest import shown
from carbon.inventory.values import Unfit
from carbon.inventory.write import Tree, document
from carbon.value import Value

HEAD = (
    "The inventory: one cluster, described once. Every key: docs/hosts-yaml.md.",
    "Next: `fab check`, then `fab trust --all` for the host keys, then `fab plan`.",
)


class Answers(Value, kw_only=True):
    """What `init` has to know."""

    manager: str
    workers: tuple[str, ...]
    user: str
    identity_file: str = ""
    home: str = "/opt/wso2/as"
    domain: str = "wso2.as.domain"


def least(answers: Answers) -> str:
    """Return the text of the least hosts.yaml for these answers.

    Raises UsageError for an answer that hosts.yaml would refuse.
    """
    checks = [
        ("--manager", values.member_address, answers.manager),
        *(("--workers", values.member_address, worker) for worker in answers.workers),
        ("--user", values.account, answers.user),
        ("--home", values.home, answers.home),
        ("--domain", values.word, answers.domain),
    ]
    for option, check, text in checks:
        try:
            check(text)
        except Unfit as unfit:
            raise UsageError(
                f"{option} {shown(text)} {unfit.problem}", action=unfit.action
            ) from None
    ssh: dict[str, Tree] = {"user": answers.user}
    if answers.identity_file:
        ssh["identity_file"] = answers.identity_file
    tree: dict[str, Tree] = {
        "cluster": {"domain": answers.domain, "ssh": ssh, "home": answers.home},
        "manager": {"localMemberHost": answers.manager},
        "workers": {
            f"worker{number}": {"localMemberHost": worker}
            for number, worker in enumerate(answers.workers, 1)
        },
    }
    return document(tree, head=HEAD)
