"""Small clusters for tests: only what a test is about has to be said."""

from __future__ import annotations

from pathlib import Path, PurePosixPath
from typing import Any

from carbon.cluster import Cluster, LoadBalancer, Member, Node, Ssh

DOMAIN = "wso2.as.domain"


def make_node(name: str = "worker1", **own: Any) -> Node:
    """Return a worker at 10.0.0.4:4000, but for what `own` says."""
    values: dict[str, Any] = {
        "role": "worker",
        "ssh": Ssh(host=name),
        "server": name,
        "home": PurePosixPath("/opt/as"),
        "java_home": None,
        "run_as": None,
        "domain": DOMAIN,
        "sub_domain": "worker",
        "local_member_host": "10.0.0.4",
        "local_member_port": 4000,
        "offset": 0,
        "members": (Member(host="10.0.0.3", port=4000),),
        "host_name": "as.wso2.com",
    }
    return Node(name=name, **values | own)


def make_manager(**own: Any) -> Node:
    """Return a manager at 10.0.0.3:4000, but for what `own` says."""
    values: dict[str, Any] = {
        "name": "manager",
        "role": "manager",
        "sub_domain": "mgt",
        "local_member_host": "10.0.0.3",
        "host_name": None,
        "mgt_host_name": "mgt.as.wso2.com",
    }
    return make_node(**values | own)


def make_cluster(*workers: Node, **own: Any) -> Cluster:
    """Return a cluster of these workers behind a load balancer with a certificate."""
    values: dict[str, Any] = {
        "file": Path("hosts.yaml"),
        "digest": "0" * 64,
        "domain": DOMAIN,
        "manager": make_manager(),
        "load_balancer": make_balancer(),
    }
    return Cluster(workers=workers or (make_node(),), **values | own)


def make_balancer(**own: Any) -> LoadBalancer:
    """Return a load balancer with a certificate, but for what `own` says."""
    values: dict[str, Any] = {
        "name": "lb",
        "ssh": Ssh(host="lb"),
        "ssl_certificate": PurePosixPath("/etc/nginx/ssl/wrk.crt"),
        "ssl_certificate_key": PurePosixPath("/etc/nginx/ssl/wrk.key"),
    }
    return LoadBalancer(**values | own)
