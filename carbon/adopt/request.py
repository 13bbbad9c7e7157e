"""What the operator says of servers that no hosts.yaml describes yet."""

from __future__ import annotations

from pathlib import Path

from carbon.cluster import Cluster, LoadBalancer, Node, Role, Ssh
from carbon.errors import UsageError
from carbon.inventory import values
from carbon.inventory.raw import LOAD_BALANCER_NAME
from carbon.inventory.start import checked, fitting
from carbon.inventory.write import Tree
from carbon.text import local_path
from carbon.value import Value


class Request(Value, kw_only=True):
    """The options of `adopt`."""

    manager: str
    workers: tuple[str, ...]
    load_balancer: str = ""
    user: str = ""
    key: str = ""
    known_hosts: str = ""
    home: str = "/opt/wso2/as"
    run_as: str = ""
    """Who owns AS_HOME, if the login cannot read it."""


def provisional(request: Request) -> Cluster:
    """Return a cluster of these servers, in which only the way to reach them is true.

    Raises UsageError for an option that cannot be meant.
    """
    if not request.manager:
        raise UsageError("--manager is missing", action="name the manager's server")
    for option in ("user", "key", "run_as", "home"):
        if text := getattr(request, option):
            checked(option, text)
    return Cluster(
        file=Path("hosts.yaml"),
        digest="",
        domain="",
        manager=_node(request, "manager", "manager", request.manager),
        workers=tuple(
            _node(request, f"worker{number}", "worker", worker)
            for number, worker in enumerate(request.workers, 1)
        ),
        load_balancer=(
            LoadBalancer(name=LOAD_BALANCER_NAME, ssh=_ssh(request, request.load_balancer))
            if request.load_balancer
            else None
        ),
    )


def shared_ssh(request: Request) -> dict[str, Tree]:
    """Return the section `ssh` that all servers share."""
    given = {
        "user": request.user,
        "identity_file": request.key,
        "known_hosts": request.known_hosts,
    }
    return {key: value for key, value in given.items() if value}


def split_host(text: str) -> dict[str, Tree]:
    """Return `host` and `port` of HOST or HOST:PORT; an IPv6 address has no port here.

    Raises UsageError.
    """
    host, colon, port = text.rpartition(":")
    if colon and ":" not in host:
        return {"host": fitting(values.ssh_host, host), "port": fitting(values.port, port)}
    return {"host": fitting(values.ssh_host, text)}


def _ssh(request: Request, text: str) -> Ssh:
    place = split_host(text)
    port = place.get("port")
    return Ssh(
        host=str(place["host"]),
        port=port if isinstance(port, int) else None,
        user=request.user or None,
        identity_files=(local_path(request.key),) if request.key else (),
        known_hosts=(local_path(request.known_hosts),) if request.known_hosts else (),
    )


def _node(request: Request, name: str, role: Role, text: str) -> Node:
    return Node(
        name=name,
        role=role,
        ssh=_ssh(request, text),
        server=name,
        home=values.home(request.home),
        domain="",
        sub_domain="",
        local_member_host="",
    )
