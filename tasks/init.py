"""A first hosts.yaml."""

from __future__ import annotations

from tasks.executor import VerbContext
from tasks.verb import local


@local(
    help={
        "manager": "Address of the manager's server in the cluster's network.",
        "workers": "Addresses of the workers' servers, separated by commas.",
        "user": "The account that logs in over SSH.",
        "key": "Its private key, if ssh does not find it by itself.",
        "home": "AS_HOME on the servers.",
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
    home: str = "/opt/wso2/as",
    domain: str = "wso2.as.domain",
    output: str = "hosts.yaml",
) -> None:
    """Write the least hosts.yaml that works; asks for what no option gives."""
    from getpass import getuser
    from pathlib import Path

    from carbon.inventory.reference import json_schema
    from carbon.inventory.start import Answers, least
    from carbon.inventory.write import SCHEMA_URL
    from tasks.asking import answer, write_new

    answers = Answers(
        manager=manager or answer("Address of the manager", option="--manager"),
        workers=tuple(
            (workers or answer("Addresses of the workers, with commas", option="--workers"))
            .replace(" ", "")
            .split(",")
        ),
        user=user or answer("User for SSH", option="--user", usual=getuser()),
        identity_file=key,
        home=home,
        domain=domain,
    )
    write_new(Path(output), least(answers))
    beside = Path(output).with_name(SCHEMA_URL)
    if not beside.exists():
        write_new(beside, json_schema())
    print(f"{output} is written, and {beside} for editors; next: fab check")
