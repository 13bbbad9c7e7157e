"""A hosts.yaml for servers that were configured by hand."""

from __future__ import annotations

from carbon.errors import HostKeyError
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
    from carbon.adopt.request import Request, provisional, shared_ssh, split_host
    from remote.host.fleet import Fleet
    from remote.observe.adopt import adopt as read
    from remote.ssh.connector import Connector
    from tasks.console import stderr
    from tasks.hostkeys import fingerprints_in, trust_hosts
    from tasks.screen import Screen
    from tasks.wording import as_called

    request = Request(
        manager=manager,
        workers=tuple(workers.replace(" ", "").split(",")) if workers else (),
        user=user,
        key=key,
        known_hosts=known_hosts,
        home=home,
    )
    cluster = provisional(request)
    balancer = {"ssh": split_host(load_balancer)} if load_balancer else None
    if trust or yes:
        screen = Screen(stderr())  # the standard output is the new hosts.yaml
        with Connector(context.config, limits=cluster.limits) as connector:
            trust_hosts(screen, connector, cluster.nodes, fingerprints=fingerprints_in(yes))
    try:
        with Fleet(cluster, Connector(context.config, limits=cluster.limits)) as fleet:
            ssh = shared_ssh(request)
            text = read(fleet, ssh=ssh, load_balancer=balancer, run_as=run_as or None)
    except HostKeyError as error:
        # `fab trust` wants the hosts.yaml that is only being written.
        error.action = error.action.replace(f"fab -H {error.host} trust", "adopt --trust")
        raise
    print(as_called(text), end="")
