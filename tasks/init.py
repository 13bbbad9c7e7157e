"""A first hosts.yaml."""

from __future__ import annotations

from tasks.executor import VerbContext
from tasks.verb import local


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

    from carbon.inventory.reference import json_schema
    from carbon.inventory.start import Answers, check, least
    from carbon.inventory.write import SCHEMA_URL
    from tasks.asking import answer, check_key, refuse_existing, write_new
    from tasks.wording import as_called

    def fits(option: str, text: str) -> None:
        if option == "key":
            check_key(text)
        else:
            check(option, text, manager=manager if option == "workers" else "")

    def ask(question: str, option: str, *, usual: str = "", optional: bool = False) -> str:
        return answer(question, option=option, check=fits, usual=usual, optional=optional)

    refuse_existing(Path(output))  # before the questions
    if key:
        check_key(key)
    manager = manager or ask("Address of the manager", "manager")
    addresses = workers or ask("Addresses of the workers, with commas", "workers")
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
    write_new(Path(output), as_called(least(answers)))
    beside = Path(output).with_name(SCHEMA_URL)
    if not beside.exists():
        write_new(beside, json_schema())
    print(as_called(f"{output} is written, and {beside} for editors; next: fab check"))
