"""An nginx that was configured by hand becomes `load_balancer:`; what no key says is listed."""

from __future__ import annotations

from carbon.adopt.balancer import Configuration, describe
from carbon.balancer.nginx import render
from carbon.cluster import Cluster
from carbon.value import replace
from tests.unit.carbon.nodes import make_balancer, make_cluster, make_node

CONF = "/etc/nginx/nginx.conf"
MAIN = "events {} http { include /etc/nginx/conf.d/*.conf; include /etc/nginx/sites-enabled/*; }"
SITE = "/etc/nginx/sites-enabled/as"
BY_HAND = """\
upstream as_http { ip_hash; server 10.0.0.4:9763; server node2:9763; }
upstream as_https { ip_hash; server 10.0.0.4:9443; server node2:9443; }
server { listen 8080; server_name as.example.com;
         location / { proxy_pass http://as_http; } }
server { listen 8443 ssl; server_name as.example.com;
         ssl_certificate /etc/ssl/as.crt; ssl_certificate_key /etc/ssl/as.key;
         location / { proxy_pass https://as_https; } }
"""


def cluster() -> Cluster:
    workers = [
        make_node(f"worker{number}", local_member_host=address, host_name="as.example.com")
        for number, address in ((1, "10.0.0.4"), (2, "10.0.0.5"))
    ]
    return make_cluster(*workers)


def read(site: str, *, unreadable: tuple[str, ...] = ()) -> Configuration:
    files = {CONF: MAIN.encode(), SITE: site.encode(), "/etc/hosts": b"10.0.0.5 node2\n"}
    return Configuration(conf=CONF, files=files, unreadable=unreadable)


def test_what_keys_can_say_is_said() -> None:
    keys, notes = describe(read(BY_HAND), cluster())
    assert keys == {
        "conf_dir": "/etc/nginx/sites-enabled",
        "http_port": 8080,
        "https_port": 8443,
        "stickiness": "ip_hash",
        "ssl_certificate": "/etc/ssl/as.crt",
        "ssl_certificate_key": "/etc/ssl/as.key",
    }
    assert notes[:2] == (
        f"{SITE}, line 3: as.example.com on port 8080 serves worker1, worker2",
        f"{SITE}, line 5: as.example.com on port 8443 serves worker1, worker2",
    )
    assert [note for note in notes if "no key" in note] == []
    assert "fab lb.config" in notes[2] and len(notes) == 3


def test_the_files_that_this_tool_wrote_are_not_called_written_by_hand() -> None:
    balancer = make_balancer(
        stickiness="cookie", http_port=81, ssl_certificate=None, ssl_certificate_key=None
    )
    files = render(replace(cluster(), load_balancer=balancer))
    ours = {f"/etc/nginx/conf.d/{name}": data for name, data in files.items()}
    keys, notes = describe(Configuration(CONF, {CONF: MAIN.encode(), **ours}, ()), cluster())
    assert keys == {"conf_dir": "/etc/nginx/conf.d", "http_port": 81, "stickiness": "cookie"}
    assert not any("by hand" in note for note in notes)
    assert len(notes) == 1


def test_what_no_key_says_is_listed_with_its_place() -> None:
    site = """\
upstream as { least_conn; server 10.0.0.4:8280 weight=2; server 10.9.9.9:9763 backup; }
server { listen 80; listen 443 ssl; server_name other.example.com;
         access_by_lua_block { check() }
         location /services { auth_basic on; proxy_read_timeout 9m; proxy_pass http://as/x; } }
"""
    _, notes = describe(read(site), cluster())
    place = f"{SITE}, line 2: no key says "
    assert [note.removeprefix(place) for note in notes if note.startswith(place)] == [
        "server_name other.example.com: `lb.config` serves the workers' HostName (as.example.com)",
        "location /services",
        "the path /x in proxy_pass",
        "HTTPS on port 443 that goes on over HTTP",
        "server 10.0.0.4:8280: `lb.config` writes worker1 with port 9763",
        "server 10.0.0.4:8280 weight=2",
        "server 10.9.9.9:9763: it is none of these workers",
        "least_conn in its upstream",
        "directives of its own: access_by_lua_block, auth_basic",
    ]
    assert "worker2 is in no upstream: it gets no requests from this nginx" in notes


def test_a_vhost_of_somebody_else_is_none_of_ours() -> None:
    site = "server { listen 80; location / { proxy_pass http://10.9.9.9:80; } }"
    assert describe(read(site), cluster()) == (
        {},
        ("no vhost of this nginx hands requests on to these workers",),
    )


def test_what_could_not_be_read_is_told() -> None:
    _, notes = describe(read("server {", unreadable=("/etc/nginx/x",)), cluster())
    assert notes[0] == "/etc/nginx/x cannot be read by the login: vhosts in it are left out"
    assert notes[1].startswith(f"{SITE}:1: it ends within a directive: no vhost")
    assert notes[1].count(SITE) == 1
