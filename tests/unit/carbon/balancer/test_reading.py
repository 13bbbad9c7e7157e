"""What an nginx that was configured by hand says of its vhosts."""

from __future__ import annotations

import pytest

from carbon.balancer.reading import Listen, UpstreamServer, parse, read_vhosts
from carbon.errors import ConfigFileError

CONF = "/etc/nginx/nginx.conf"
FILES = {
    CONF: "events {}\nhttp { include /etc/nginx/conf.d/*.conf; include sites/*; }\n",
    "/etc/nginx/conf.d/up.conf": """\
upstream as { # both
    ip_hash; server 10.0.0.4:9763; server "10.0.0.5:9763" weight=2; keepalive 8;
    # server 10.0.0.6:9763;
}
""",
    "/etc/nginx/sites/as": """\

server {
    listen [::]:8080; listen 8080; server_name as.example.com "*.as.example.com";
    access_by_lua_block { if x then y = {} end }
    client_max_body_size 0;
    location ~ \\.jag$ { proxy_pass http://as/x; }
    location / { if ($a = b) { proxy_pass http://as; } }
}
server {
    listen 443 ssl; include snippets/tls; server_name one;
    location / { proxy_pass https://[fd00::4]:9443; }
}
server { listen 80; return 301 https://$host$request_uri; }
""",
    "/etc/nginx/snippets/tls": "ssl_certificate tls/a.crt;\nssl_certificate_key /k/a.key;\n",
}


def test_vhosts_are_found_through_includes_with_their_upstreams() -> None:
    first, second = read_vhosts(FILES, CONF)
    assert (first.file, first.line) == ("/etc/nginx/sites/as", 2)
    assert first.names == ("as.example.com", "*.as.example.com")
    assert first.listens == (Listen(8080, False),)
    assert [(target.location, target.path) for target in first.targets] == [
        (r"~ \.jag$", "/x"),
        ("/", ""),
    ]
    assert first.targets[0].upstream.servers == (
        UpstreamServer("10.0.0.4", 9763, ()),
        UpstreamServer("10.0.0.5", 9763, ("weight=2",)),
    )
    assert first.targets[0].upstream.others == (("ip_hash",), ("keepalive", "8"))
    assert [words[0] for words in first.others] == [
        "access_by_lua_block",
        "client_max_body_size",
        "if",
    ]
    assert (second.certificate, second.certificate_key) == ("/etc/nginx/tls/a.crt", "/k/a.key")
    assert second.listens == (Listen(443, True),)
    assert second.targets[0].upstream.servers == (UpstreamServer("fd00::4", 9443, ()),)


def test_a_port_of_quic_is_one_of_tls() -> None:
    site = (
        "server { listen 443 quic reuseport; listen 443 ssl; location / { proxy_pass http://a; } }"
    )
    assert read_vhosts({CONF: f"http {{ {site} }}"}, CONF)[0].listens == (Listen(443, True),)


def test_a_star_of_an_include_stands_for_names_of_one_folder() -> None:
    """As for nginx: what lies in a folder below is not read by it."""
    vhost = "server { location / { proxy_pass http://a; } }"
    files = {CONF: "http { include conf.d/*.conf; }", "/etc/nginx/conf.d/old/x.conf": vhost}
    assert read_vhosts(files, CONF) == ()
    assert len(read_vhosts({**files, "/etc/nginx/conf.d/x.conf": vhost}, CONF)) == 1


def test_an_include_that_leads_to_itself_is_refused() -> None:
    with pytest.raises(ConfigFileError):
        read_vhosts({CONF: "include nginx.conf; include nginx.conf;"}, CONF)


@pytest.mark.parametrize(
    "text", ["a {", "a", "}", "a 'b", "a }", ";", "a {" * 40, "x_by_lua_block { {"]
)
def test_a_text_that_is_not_whole_is_refused_with_its_line(text: str) -> None:
    with pytest.raises(ConfigFileError) as refused:
        parse(f"a b;\n{text}", file="x.conf")
    assert refused.value.line == 2
