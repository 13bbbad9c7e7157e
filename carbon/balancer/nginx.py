"""The load balancer: nginx's files in front of the workers, rendered and read back.

Three files for conf.d: the workers over HTTP, and, if a certificate is given, the workers
over HTTPS and the manager's console. Made for open-source nginx 1.15 and later.

A rolling change only moves `down` in the files as they are, so that it brings nothing else of
hosts.yaml to the load balancer on its way: that is for `fab lb.config`, which shows it.

`proxy_next_upstream` is left to nginx.conf and nginx's default, which hands a request to the
next worker only where the first did not take it or where repeating does no harm: never a POST
that has been sent.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from ipaddress import IPv6Address, ip_address
from pathlib import PurePosixPath
from typing import Literal

from carbon.cluster import Cluster, LoadBalancer, Node
from carbon.errors import InventoryError
from carbon.hostnames import is_host_name
from carbon.value import Value

Rotation = Literal["in", "out", "removed"]
Scheme = Literal["http", "https"]

ROUTE_COOKIE = "carbon_route"

_HEADER = "# Written by `fab lb.config` from hosts.yaml: edits made here are overwritten."
_NODE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
_SERVER_LINE = re.compile(
    rb"^(?P<indent>[ \t]*)server[ \t]+(?P<address>[^\s;]+)(?P<flags>(?:[ \t]+[^\s;#]+)*)[ \t]*;"
    rb"[ \t]*#[ \t]*(?P<name>\S+)[ \t\r]*$",
    re.MULTILINE,
)
_REMOVED_LINE = re.compile(rb"^[ \t]*#[ \t]*removed:[ \t]*(?P<name>\S+)[ \t\r]*$", re.MULTILINE)
# For the last worker in rotation. nginx gives no second thought to a server that is alone, but
# one whose others are only `down` would get no request for 10 s after a single failed one.
_NEVER_GIVEN_UP = b"max_fails=0"
# nginx refuses an upstream without servers.
_NOBODY = "    server 127.0.0.1:9 down;"
# nginx refuses a value that does not fit into its buffer of 4096 bytes.
_LONGEST_VALUE_BYTES = 1024
# A hash over the product's own JSESSIONID would lead the second request away from the worker that
# made the session, since the first had none to hash. So each client gets a cookie with the random
# key that its first request was hashed by.
_ROUTES = """
map $cookie_{cookie} ${cookie}_{label} {{
    "" $request_id;
    default $cookie_{cookie};
}}

map $cookie_{cookie} ${cookie}_set_{label} {{
    "" "{cookie}=$request_id; Path=/; HttpOnly; SameSite=Lax";
    default "";
}}
"""
# The limit on bodies is the worker's own: nginx's default of 1 MB would refuse uploads of
# artifacts to the console. Without keepalive to the workers no request can meet a connection that
# a worker is just closing.
_VHOST = """
upstream {upstream} {{
{servers}
}}

server {{
{listen}
    server_name {names};
    client_max_body_size 0;
    location / {{
        proxy_pass {scheme}://{upstream};
        proxy_http_version 1.1;
        proxy_set_header Host $http_host;
        proxy_set_header X-Forwarded-Host $host;
        proxy_set_header X-Forwarded-Server $host;
        proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
        proxy_set_header X-Forwarded-Proto $scheme;
        proxy_set_header X-Forwarded-Port $server_port;
        proxy_connect_timeout 5s;
        proxy_send_timeout 5m;
        proxy_read_timeout 5m;
{set_route}    }}
}}
"""


def render(
    cluster: Cluster, *, out_of_rotation: Collection[str] = (), removed: Collection[str] = ()
) -> Mapping[str, bytes]:
    """Return the files for nginx's conf.d by name.

    Workers out of rotation stay listed as `down`, so that hashes of the others do not move;
    removed ones are only remembered in a comment. If no worker is left, nginx says 502.
    Raises InventoryError if hosts.yaml lacks what a vhost needs, or has a value that
    nginx's files cannot hold.
    """
    balancer = demand_balancer(cluster)
    site = _Site(
        cluster=cluster,
        balancer=balancer,
        label=_harmless(cluster.domain, kept="a-z0-9", other="_"),
        out_of_rotation=frozenset(out_of_rotation),
        removed=frozenset(removed),
    )
    http, https, mgt = file_names(cluster)
    texts = {http: site.routes() + site.workers_over("http")}
    if balancer.ssl_certificate is not None:
        texts[https] = site.workers_over("https")
        if console := site.console_name():
            texts[mgt] = site.console(console)
    return {name: _last_kept(f"{_HEADER}\n{text}".encode()) for name, text in texts.items()}


def file_names(cluster: Cluster) -> tuple[str, str, str]:
    """Return the names of all files that may be a cluster's: HTTP, HTTPS, console."""
    stem = _harmless(cluster.domain, kept="a-z0-9.-", other="-")
    return f"{stem}.http.conf", f"{stem}.https.conf", f"mgt.{stem}.https.conf"


def _harmless(domain: str, *, kept: str, other: str) -> str:
    return re.sub(f"[^{kept}]+", other, domain.lower()).strip(f".{other}")[:100] or "carbon"


def is_ours(data: bytes) -> bool:
    """Tell whether a file was rendered here, so that replacing it takes nobody's work away."""
    return data.startswith(_HEADER.encode())


def parse_rotation(data: bytes) -> Mapping[str, Rotation]:
    """Return which workers a rendered file knows, and whether they are in rotation.

    It reads each `server` line with a worker's name behind it, also one that was edited since.
    """
    rotation: dict[str, Rotation] = {}
    for line in _REMOVED_LINE.finditer(data):
        rotation[_name(line)] = "removed"
    for line in _SERVER_LINE.finditer(data):
        rotation[_name(line)] = "out" if b"down" in line["flags"].split() else "in"
    return rotation


def parse_addresses(data: bytes) -> Mapping[str, str]:
    """Return the `host:port` under which a rendered file lists each worker."""
    return {
        _name(line): line["address"].decode(errors="replace")
        for line in _SERVER_LINE.finditer(data)
    }


def take_out(data: bytes, worker: Node) -> bytes:
    """Return the file with this worker marked `down`, and else as it is."""
    return _turned(data, worker, state=[b"down"])


def put_in(data: bytes, worker: Node, *, scheme: Scheme) -> bytes:
    """Return the file with this worker in rotation, at the address that hosts.yaml says now."""
    return _turned(data, worker, state=[], address=_address(worker, scheme).encode())


def remove(data: bytes, worker: Node) -> bytes:
    """Return the file without this worker; a comment remembers it, so that no render lists it."""

    def struck(line: re.Match[bytes]) -> bytes:
        gone = _name(line) == worker.name
        return line["indent"] + b"# removed: " + line["name"] if gone else line[0]

    left = _SERVER_LINE.sub(struck, data)
    if left != data and not _SERVER_LINE.search(left):
        left = _REMOVED_LINE.sub(lambda line: line[0] + b"\n" + _NOBODY.encode(), left, count=1)
    return _last_kept(left)


def _turned(
    data: bytes, worker: Node, *, state: Sequence[bytes], address: bytes | None = None
) -> bytes:
    def turned(line: re.Match[bytes]) -> bytes:
        if _name(line) != worker.name:
            return line[0]
        kept = [flag for flag in line["flags"].split() if flag not in (b"down", _NEVER_GIVEN_UP)]
        return _written(line, flags=[*kept, *state], address=address)

    return _last_kept(_SERVER_LINE.sub(turned, data))


def _last_kept(data: bytes) -> bytes:
    """Never give up the one worker that is left in rotation, and only that one."""
    states = list(parse_rotation(data).values())
    is_last = states.count("in") == 1 and states.count("out") > 0

    def kept(line: re.Match[bytes]) -> bytes:
        flags = line["flags"].split()
        limited = any(flag.startswith(b"max_fails=") for flag in flags)
        if is_last and not limited and b"down" not in flags:
            return _written(line, flags=[*flags, _NEVER_GIVEN_UP])
        if not is_last:
            return _written(line, flags=[flag for flag in flags if flag != _NEVER_GIVEN_UP])
        return line[0]

    return _SERVER_LINE.sub(kept, data)


def _written(
    line: re.Match[bytes], *, flags: Sequence[bytes], address: bytes | None = None
) -> bytes:
    """Return the line with these flags, as it was if it has them."""
    address = address or line["address"]
    if flags == line["flags"].split() and address == line["address"]:
        return line[0]
    return line["indent"] + b" ".join([b"server", address, *flags]) + b"; # " + line["name"]


def _name(line: re.Match[bytes]) -> str:
    return line["name"].decode(errors="replace")


def demand_balancer(cluster: Cluster) -> LoadBalancer:
    """Return the load balancer of hosts.yaml. Raises InventoryError if there is none."""
    if cluster.load_balancer is None:
        action, file = "add load_balancer to hosts.yaml", str(cluster.file)
        raise InventoryError("hosts.yaml describes no load balancer", action=action, file=file)
    return cluster.load_balancer


class _Site(Value, kw_only=True):
    """What the files of one cluster have in common."""

    cluster: Cluster
    balancer: LoadBalancer
    label: str
    """Makes names unique beside other clusters' files in the same nginx."""
    out_of_rotation: frozenset[str]
    removed: frozenset[str]

    @property
    def by_cookie(self) -> bool:
        """Whether a cookie keeps a client at its worker."""
        return self.balancer.stickiness == "cookie"

    def routes(self) -> str:
        """Return the maps behind `stickiness: cookie`; empty for the other kinds."""
        return _ROUTES.format(cookie=ROUTE_COOKIE, label=self.label) if self.by_cookie else ""

    def workers_over(self, scheme: Scheme) -> str:
        """Return the workers' upstream and vhost for one scheme."""
        # Not `consistent`, which hashes ip:port: HTTP and HTTPS of one client would part.
        by_cookie = f"    hash ${ROUTE_COOKIE}_{self.label};"
        balancing = {"none": [], "ip_hash": ["    ip_hash;"], "cookie": [by_cookie]}
        servers = balancing[self.balancer.stickiness]
        servers += [self._server(worker, scheme) for worker in self.cluster.workers]
        if self.removed.issuperset(worker.name for worker in self.cluster.workers):
            servers.append(_NOBODY)
        set_route = f"        add_header Set-Cookie ${ROUTE_COOKIE}_set_{self.label} always;\n"
        return _VHOST.format(
            upstream=f"{self.label}_{scheme}",
            servers="\n".join(servers),
            listen=self._listen(scheme),
            names=" ".join(self.host_names()),
            scheme=scheme,
            set_route=set_route if self.by_cookie else "",
        )

    def console(self, host_name: str) -> str:
        """Return the upstream and the vhost of the manager's console."""
        return _VHOST.format(
            upstream=f"{self.label}_mgt",
            servers=f"    server {_address(self.cluster.manager, 'https')};",
            listen=self._listen("https"),
            names=host_name,
            scheme="https",
            set_route="",
        )

    def host_names(self) -> tuple[str, ...]:
        """Return the workers' distinct HostNames."""
        names = [worker.host_name for worker in self.cluster.workers if worker.host_name]
        self._demand(
            names,
            "no worker has a `HostName`, so the load balancer would answer to none",
            "set `HostName` under `cluster:` in hosts.yaml, or for each worker",
        )
        return tuple(dict.fromkeys(self._host_name(name) for name in names))

    def console_name(self) -> str | None:
        """Return the host name of the console, if it has one."""
        manager = self.cluster.manager
        configured = manager.mgt_host_name or manager.host_name
        if configured is None:
            return None
        name = self._host_name(configured)
        self._demand(
            name not in self.host_names(),
            f"the console and the workers have the same host name {name}",
            "give the manager a `MgtHostName` of its own",
        )
        return name

    def _demand(self, fits: object, seen: str, action: str) -> None:
        if not fits:
            raise InventoryError(seen, action=action, file=str(self.cluster.file))

    def _server(self, worker: Node, scheme: Scheme) -> str:
        self._demand(
            _NODE_NAME.fullmatch(worker.name),
            f"nginx's files cannot hold the worker's name {worker.name!r}",
            "use letters, digits, dots and hyphens",
        )
        if worker.name in self.removed:
            return f"    # removed: {worker.name}"
        flag = " down" if worker.name in self.out_of_rotation else ""
        return f"    server {_address(worker, scheme)}{flag}; # {worker.name}"

    def _listen(self, scheme: Scheme) -> str:
        if scheme == "http":
            return f"    listen {self.balancer.http_port};"
        return (
            f"    listen {self.balancer.https_port} ssl;\n"
            f"    ssl_certificate {self._path(self.balancer.ssl_certificate)};\n"
            f"    ssl_certificate_key {self._path(self.balancer.ssl_certificate_key)};"
        )

    def _host_name(self, name: str) -> str:
        self._demand(
            is_host_name(name),
            f"nginx cannot serve the host name {name!r}",
            "use letters, digits, hyphens and dots",
        )
        return name.lower()

    def _path(self, path: PurePosixPath | None) -> str:
        """Return a path in nginx's double quotes; a dollar sign has no escape there."""
        text = str(path)
        whole = text.startswith("/") and text.isprintable() and "$" not in text
        self._demand(
            whole and len(text.encode()) <= _LONGEST_VALUE_BYTES,
            f"nginx's files cannot hold the path {text[:80]!r}",
            "use an absolute path of printable characters, without a dollar sign",
        )
        escaped = text.replace("\\", "\\\\").replace('"', '\\"')
        return f'"{escaped}"'


def _address(node: Node, scheme: Scheme) -> str:
    host = ip_address(node.local_member_host)
    port = node.http_port if scheme == "http" else node.https_port
    return f"[{host}]:{port}" if isinstance(host, IPv6Address) else f"{host}:{port}"
