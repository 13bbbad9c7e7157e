"""A first hosts.yaml."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tasks.executor import VerbContext
from tasks.verb import local

if TYPE_CHECKING:
    from pathlib import Path

    from carbon.inventory.start import Answers


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
    from getpass import getuser
    from pathlib import Path

    from carbon.inventory.start import Answers
    from tasks.asking import ask, check_key, refuse_existing

    refuse_existing(Path(output))  # before the questions
    if key:
        check_key(key)
    manager = manager or ask("Address of the manager", "manager")
    addresses = workers or ask("Addresses of the workers, with commas", "workers", manager=manager)
    answers = Answers(
        manager=manager,
        workers=tuple(address.strip() for address in addresses.split(",")),
        user=user or ask("User for SSH", "user", usual=getuser()),
        identity_file=key
        or ask("Its SSH key, empty for the agent and ~/.ssh/config", "key", optional=True),
        home=home or ask("AS_HOME on the servers", "home", usual="/opt/wso2/as"),
        java_home=java_home
        or ask("JAVA_HOME there, empty for the login's", "java_home", optional=True),
        domain=domain,
    )
    _write(answers, Path(output))


def _write(answers: Answers, path: Path) -> None:
    from carbon.inventory.reference import json_schema
    from carbon.inventory.start import least
    from carbon.inventory.write import SCHEMA_URL
    from tasks.asking import write_new
    from tasks.wording import as_called

    write_new(path, as_called(least(answers)))
    beside = path.with_name(SCHEMA_URL)
    if not beside.exists():
        write_new(beside, json_schema())
    print(as_called(f"{path} is written, and {beside} for editors; next: fab check"))
