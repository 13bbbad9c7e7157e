"""A hosts.yaml for servers that were configured by hand."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

from tasks.executor import VerbContext
from tasks.verb import local

if TYPE_CHECKING:
    from carbon.adopt.request import Request

OWN_REMEDIES = {
    "user and identity_file in hosts.yaml": "--user and --key",
    "`ssh: {host: ...}` in hosts.yaml": "the name that you gave",
    "set `identity_file` below `ssh:` in hosts.yaml": "name one with --key",
    "correct `identity_file` in hosts.yaml": "correct --key",
}
"""What to do while the hosts.yaml is only being written."""


@local(
    help={
        "manager": "The manager's server, as you would type it after ssh; HOST or HOST:PORT.",
        "workers": "The workers' servers, separated by commas.",
        "load_balancer": "The server of the nginx before the workers.",
        "user": "The account that logs in.",
        "key": "Its private key, if ssh does not find it by itself.",
        "known_hosts": "A file of host keys, read beside your own.",
        "home": "AS_HOME on the servers.",
        "run_as": "The account that owns AS_HOME, for servers where the login cannot read it.",
        "trust": "Show host keys that are not known yet, and accept those that you compared.",
        "yes": "Fingerprints that you have compared, SHA256:..., separated by commas: --trust then "
        "accepts those keys without asking.",
    }
)
def adopt(
    context: VerbContext,
    manager: str = "",
    workers: str = "",
    load_balancer: str = "",
    user: str = "",
    key: str = "",
    known_hosts: str = "",
    home: str = "/opt/wso2/as",
    run_as: str = "",
    trust: bool = False,
    yes: str = "",
) -> None:
    """Read a cluster that was configured by hand, and print the hosts.yaml that describes it.

    Nothing is changed on any server. Secrets become names of environment variables, never
    values; what no key of hosts.yaml can say is listed in the first lines.
    """
    from carbon.adopt.request import Request
    from carbon.errors import Failures, ProvisionError, refuse
    from carbon.text import words_of

    request = Request(
        manager=manager,
        workers=tuple(words_of(workers)),
        load_balancer=load_balancer,
        user=user,
        key=key,
        known_hosts=known_hosts,
        home=home,
        run_as=run_as,
    )
    try:
        _read(context, request, trusts=trust or bool(yes), fingerprints=words_of(yes))
    except ProvisionError as error:
        errors = error.errors if isinstance(error, Failures) else (error,)
        for each in errors:
            for of_hosts_yaml, own in OWN_REMEDIES.items():
                each.action = each.action.replace(of_hosts_yaml, own)
            each.action = each.action.replace(f"fab -H {each.host} trust", "adopt --trust")
        refuse(errors)


def _read(context: VerbContext, request: Request, *, trusts: bool, fingerprints: list[str]) -> None:
    """Accept host keys if asked, on stderr, then print the hosts.yaml that the servers show."""
    from carbon.adopt.request import provisional
    from remote.host.fleet import Fleet
    from remote.observe.adopt import adopt
    from remote.ssh.connector import Connector
    from tasks.console import stderr
    from tasks.hostkeys import trust_hosts
    from tasks.screen import Screen
    from tasks.wording import as_called

    cluster = provisional(request)
    if trusts:
        with closing(Connector(context.config, limits=cluster.limits)) as connector:
            trust_hosts(Screen(stderr()), connector, cluster.hosts, fingerprints=fingerprints)
    with Fleet(cluster, Connector(context.config, limits=cluster.limits)) as fleet:
        print(as_called(adopt(fleet, request)), end="")
