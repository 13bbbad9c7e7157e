"""How adopt runs: host keys first if asked, then every server is read."""

from __future__ import annotations

from carbon.adopt.request import Request, provisional
from carbon.errors import ConnectError
from remote.host.fleet import Fleet
from remote.observe.adopt import adopt
from remote.ssh.connector import Connector
from tasks.console import stderr
from tasks.executor import VerbContext
from tasks.hostkeys import fingerprints_in, trust_hosts
from tasks.screen import Screen
from tasks.wording import as_called

OWN_REMEDIES = {
    "user and identity_file in hosts.yaml": "--user and --key",
    "`ssh: {host: ...}` in hosts.yaml": "the name that you gave",
    "set `identity_file` below `ssh:` in hosts.yaml": "name one with --key",
    "correct `identity_file` in hosts.yaml": "correct --key",
}
"""What to do while the hosts.yaml is only being written."""


def accept_keys(context: VerbContext, request: Request, *, fingerprints: str) -> None:
    """Show host keys that are not known, and accept them; the standard output is the hosts.yaml."""
    cluster = provisional(request)
    with Connector(context.config, limits=cluster.limits) as connector:
        trust_hosts(
            Screen(stderr()),
            connector,
            (*cluster.nodes, *((cluster.load_balancer,) if cluster.load_balancer else ())),
            fingerprints=fingerprints_in(fingerprints),
        )


def adopt_cluster(context: VerbContext, request: Request) -> str:
    """Return the text of the hosts.yaml that describes the servers."""
    cluster = provisional(request)
    try:
        with Fleet(cluster, Connector(context.config, limits=cluster.limits)) as fleet:
            return as_called(adopt(fleet, request))
    except ConnectError as error:
        for of_hosts_yaml, own in OWN_REMEDIES.items():
            error.action = error.action.replace(of_hosts_yaml, own)
        error.action = error.action.replace(f"fab -H {error.host} trust", "adopt --trust")
        raise
