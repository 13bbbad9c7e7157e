"""From an nginx that was configured by hand to `load_balancer:`, and what no key there can say."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import PurePosixPath
from typing import NamedTuple

from carbon.balancer.nginx import ROUTE_COOKIE, file_names, is_ours
from carbon.balancer.reading import Target, UpstreamServer, Vhost, read_vhosts
from carbon.cluster import Cluster, Node
from carbon.errors import ConfigFileError
from carbon.home.hostsfile import addresses_of, canonical
from carbon.inventory.write import Tree

HOSTS = "/etc/hosts"
OWN_DIRECTIVES = {
    *("client_max_body_size", "proxy_http_version", "proxy_set_header"),
    *("proxy_connect_timeout", "proxy_send_timeout", "proxy_read_timeout"),
}
"""Those of a vhost that `lb.config` writes, too."""
OWN_METHODS = {("ip_hash",)}


class Configuration(NamedTuple):
    """What could be read of an nginx."""

    conf: str
    """The file that it begins with."""
    files: Mapping[str, bytes]
    """By absolute path; /etc/hosts is among them."""
    unreadable: tuple[str, ...]


def describe(read: Configuration, cluster: Cluster) -> tuple[dict[str, Tree], tuple[str, ...]]:
    """Return the keys of `load_balancer:` that the vhosts of this cluster show, and notes.

    A vhost is one of this cluster if it hands requests on to a worker's address.
    """
    notes = [
        f"{path} cannot be read by the login: vhosts in it are left out" for path in read.unreadable
    ]
    texts = {path: data.decode(errors="replace") for path, data in read.files.items()}
    try:
        vhosts = read_vhosts(texts, read.conf)
    except ConfigFileError as error:
        return {}, (*notes, f"{error.seen}: no vhost can be read")
    reader = _Reader(cluster, addresses_of(read.files.get(HOSTS, b"")))
    served = [each for vhost in vhosts for each in reader.serving(vhost)]
    if not served:
        return {}, (*notes, "no vhost of this nginx hands requests on to these workers")
    notes += [note for each in served for note in reader.notes(each)]
    workers = {name for each in served for name in each.workers}
    notes += [
        f"{worker.name} is in no upstream: it gets no requests from this nginx"
        for worker in cluster.workers
        if worker.name not in workers
    ]
    if by_hand := {each.vhost.file for each in served if not is_ours(read.files[each.vhost.file])}:
        notes.append(
            f"written by hand: {', '.join(sorted(by_hand))}. This tool turns workers only in the"
            " files of its own, which `fab lb.config` writes"
            f" ({', '.join(file_names(cluster)[:2])}): until then it drains no worker; take out of"
            " nginx what these files replace"
        )
    return _keys(served, conf=read.conf), tuple(notes)


class _Serving(NamedTuple):
    """One way of a vhost to the workers."""

    vhost: Vhost
    target: Target
    workers: tuple[str, ...]


def _keys(served: Sequence[_Serving], *, conf: str) -> dict[str, Tree]:
    keys: dict[str, Tree] = {}
    if served[0].vhost.file != conf:
        keys["conf_dir"] = str(PurePosixPath(served[0].vhost.file).parent)
    for each in served:
        vhost = each.vhost
        for listen in vhost.listens:
            if listen.is_tls == (each.target.scheme == "https"):
                keys.setdefault("https_port" if listen.is_tls else "http_port", listen.port)
        methods = each.target.upstream.others
        if ("ip_hash",) in methods:
            keys.setdefault("stickiness", "ip_hash")
        elif any(map(_is_own_hash, methods)):
            keys.setdefault("stickiness", "cookie")
        if "https_port" in keys and vhost.certificate and vhost.certificate_key:
            keys.setdefault("ssl_certificate", vhost.certificate)
            keys.setdefault("ssl_certificate_key", vhost.certificate_key)
    return keys


def _is_own_hash(words: tuple[str, ...]) -> bool:
    return len(words) == 2 and words[0] == "hash" and words[1].startswith(f"${ROUTE_COOKIE}_")


def _is_own_cookie(words: tuple[str, ...]) -> bool:
    return " ".join(words).startswith(f"add_header Set-Cookie ${ROUTE_COOKIE}_")


class _Reader:
    def __init__(self, cluster: Cluster, addresses: Mapping[str, str]) -> None:
        self._cluster = cluster
        self._addresses = addresses
        self._workers = {
            canonical(host.lower()): worker
            for worker in cluster.workers
            for host in (worker.ssh.host, worker.local_member_host)
        }

    def serving(self, vhost: Vhost) -> Iterator[_Serving]:
        """Yield the ways of a vhost to these workers."""
        for target in vhost.targets:
            names = (
                worker.name
                for server in target.upstream.servers
                if (worker := self._worker(server))
            )
            if workers := tuple(dict.fromkeys(names)):
                yield _Serving(vhost, target, workers)

    def notes(self, each: _Serving) -> Iterator[str]:
        """Yield what a vhost does, and what of it no key can say."""
        vhost, target = each.vhost, each.target
        place = f"{vhost.file}, line {vhost.line}"
        ports = ", ".join(str(listen.port) for listen in vhost.listens)
        names = " ".join(vhost.names) or "(no name)"
        yield f"{place}: {names} on port {ports} serves {', '.join(each.workers)}"
        left = [
            *self._other_names(vhost),
            *_other_way(vhost, target),
            *self._other_upstream(target),
        ]
        others = {words[0] for words in vhost.others if not _is_own_cookie(words)}
        if own := sorted(others - OWN_DIRECTIVES):
            left.append(f"directives of its own: {', '.join(own)}")
        yield from (f"{place}: no key says {note}" for note in left)

    def _worker(self, server: UpstreamServer) -> Node | None:
        host = self._addresses.get(server.host, server.host)
        return self._workers.get(canonical(host.lower())) or self._workers.get(server.host)

    def _other_names(self, vhost: Vhost) -> Iterator[str]:
        known = {worker.host_name.lower() for worker in self._cluster.workers if worker.host_name}
        for name in vhost.names:
            if name.lower() not in known:
                yield f"server_name {name}: `lb.config` serves the workers' HostName" + (
                    f" ({', '.join(sorted(known))})" if known else ", and none is set"
                )

    def _other_upstream(self, target: Target) -> Iterator[str]:
        for server in target.upstream.servers:
            worker, place = self._worker(server), f"server {server.host}:{server.port}"
            if worker is None:
                yield f"{place}: it is none of these workers"
                continue
            port = worker.http_port if target.scheme == "http" else worker.https_port
            if server.port != port:
                yield f"{place}: `lb.config` writes {worker.name} with port {port}"
            if flags := [flag for flag in server.flags if flag != "max_fails=0"]:
                yield f"{place} {' '.join(flags)}"
        for words in target.upstream.others:
            if words not in OWN_METHODS and not _is_own_hash(words):
                yield f"{words[0]} in its upstream"


def _other_way(vhost: Vhost, target: Target) -> Iterator[str]:
    for is_tls in (False, True):
        ports = dict.fromkeys(each.port for each in vhost.listens if each.is_tls == is_tls)
        if len(ports) > 1:
            yield f"more than one port: {', '.join(map(str, ports))}"
    if target.location != "/":
        yield f"location {target.location}"
    if target.path not in ("", "/"):
        yield f"the path {target.path} in proxy_pass"
    for listen in vhost.listens:
        if listen.is_tls != (target.scheme == "https"):
            yield (
                f"{'HTTPS' if listen.is_tls else 'HTTP'} on port {listen.port} that goes on over"
                f" {target.scheme.upper()}"
            )
