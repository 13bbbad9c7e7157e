"""A hosts.yaml for servers that were configured by hand."""

from __future__ import annotations

from tasks.executor import VerbContext
from tasks.verb import local


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
    from tasks.adopting import accept_keys, adopt_cluster

    request = Request(
        manager=manager,
        workers=tuple(workers.replace(" ", "").split(",")) if workers else (),
        load_balancer=load_balancer,
        user=user,
        key=key,
        known_hosts=known_hosts,
        home=home,
        run_as=run_as,
    )
    if trust or yes:
        accept_keys(context, request, fingerprints=yes)
    print(adopt_cluster(context, request), end="")
