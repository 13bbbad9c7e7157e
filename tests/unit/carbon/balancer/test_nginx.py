"""The load balancer's files: what they say, and what they refuse to hold."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carbon.balancer.nginx import (
    file_names,
    is_ours,
    parse_addresses,
    parse_rotation,
    put_in,
    remove,
    render,
    take_out,
)
from carbon.cluster import Cluster
from carbon.errors import InventoryError
from tests.unit.carbon.nodes import make_balancer, make_cluster, make_manager, make_node

WORKERS = (
    make_node("worker1", local_member_host="10.0.0.4"),
    make_node("worker2", local_member_host="10.0.0.5", offset=1),
)


def cluster(**balancer: Any) -> Cluster:
    return make_cluster(*WORKERS, load_balancer=make_balancer(**balancer))


def text(files: Any, name: str) -> str:
    return files[name].decode()


def test_the_files_are_named_as_the_products_documentation_does() -> None:
    assert list(render(cluster())) == [
        "wso2.as.domain.http.conf",
        "wso2.as.domain.https.conf",
        "mgt.wso2.as.domain.https.conf",
    ]


def test_the_http_file_in_whole() -> None:
    assert text(render(cluster()), "wso2.as.domain.http.conf") == (
        """\
# Written by `fab lb.config` from hosts.yaml: edits made here are overwritten.

upstream wso2_as_domain_http {
    server 10.0.0.4:9763; # worker1
    server 10.0.0.5:9764; # worker2
}

server {
    listen 80;
    server_name as.wso2.com;
    client_max_body_size 0;
    location / {
        proxy_pass http://wso2_as_domain_http;
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
    }
}
"""
    )


def test_https_goes_to_the_workers_https_ports() -> None:
    https = text(render(cluster()), "wso2.as.domain.https.conf")
    assert "    server 10.0.0.4:9443; # worker1\n    server 10.0.0.5:9444; # worker2\n" in https
    assert "    listen 443 ssl;\n" in https
    assert '    ssl_certificate "/etc/nginx/ssl/wrk.crt";\n' in https
    assert '    ssl_certificate_key "/etc/nginx/ssl/wrk.key";\n' in https
    assert "proxy_pass https://wso2_as_domain_https;" in https


def test_the_console_goes_to_the_manager_alone() -> None:
    console = text(render(cluster(stickiness="cookie")), "mgt.wso2.as.domain.https.conf")
    assert console.count("    server 10.0.0.3:9443;\n") == 1
    assert "server_name mgt.as.wso2.com;" in console
    assert "10.0.0.4" not in console
    assert "cookie" not in console.lower()
    assert parse_rotation(console.encode()) == {}


def test_other_ports_are_listened_on() -> None:
    files = render(cluster(http_port=8080, https_port=8443))
    assert "listen 8080;" in text(files, "wso2.as.domain.http.conf")
    assert "listen 8443 ssl;" in text(files, "wso2.as.domain.https.conf")
    assert "listen 8443 ssl;" in text(files, "mgt.wso2.as.domain.https.conf")


def test_without_a_certificate_there_is_only_http() -> None:
    files = render(cluster(ssl_certificate=None, ssl_certificate_key=None))
    assert list(files) == ["wso2.as.domain.http.conf"]


def test_without_a_name_of_its_own_the_manager_has_no_console_vhost() -> None:
    files = render(make_cluster(*WORKERS, manager=make_manager(mgt_host_name=None)))
    assert not any(name.startswith("mgt.") for name in files)


def test_an_ipv6_worker_stands_in_brackets() -> None:
    files = render(make_cluster(make_node(local_member_host="fd00::4")))
    assert "server [fd00::4]:9763; # worker1" in text(files, "wso2.as.domain.http.conf")


def test_workers_of_several_host_names_share_the_vhost() -> None:
    files = render(make_cluster(WORKERS[0], make_node("w2", host_name="As2.wso2.com")))
    assert "server_name as.wso2.com as2.wso2.com;" in text(files, "wso2.as.domain.http.conf")


# Stickiness


def test_no_stickiness_is_round_robin() -> None:
    http = text(render(cluster(stickiness="none")), "wso2.as.domain.http.conf")
    assert "hash" not in http
    assert "cookie" not in http.lower()


def test_ip_hash_is_nginxs_own() -> None:
    assert "{\n    ip_hash;\n" in text(
        render(cluster(stickiness="ip_hash")), "wso2.as.domain.http.conf"
    )


def test_cookie_hashes_by_a_key_that_the_first_request_already_had() -> None:
    """The key of the first request is what the cookie then carries, so both hash alike."""
    files = render(cluster(stickiness="cookie"))
    http = text(files, "wso2.as.domain.http.conf")
    assert (
        "map $cookie_carbon_route $carbon_route_wso2_as_domain {\n"
        '    "" $request_id;\n'
        "    default $cookie_carbon_route;\n"
        "}\n"
    ) in http
    assert '"" "carbon_route=$request_id; Path=/; HttpOnly; SameSite=Lax";' in http
    for name in ("wso2.as.domain.http.conf", "wso2.as.domain.https.conf"):
        assert "    hash $carbon_route_wso2_as_domain;\n" in text(files, name)
        assert "add_header Set-Cookie $carbon_route_set_wso2_as_domain always;" in text(files, name)
    assert "map " not in text(files, "wso2.as.domain.https.conf")


# Rotation


@pytest.mark.parametrize("stickiness", ["none", "ip_hash", "cookie"])
def test_a_worker_out_of_rotation_is_down_in_both_upstreams(stickiness: str) -> None:
    files = render(cluster(stickiness=stickiness), out_of_rotation=["worker2"])
    assert "server 10.0.0.5:9764 down; # worker2" in text(files, "wso2.as.domain.http.conf")
    assert "server 10.0.0.5:9444 down; # worker2" in text(files, "wso2.as.domain.https.conf")
    assert "server 10.0.0.4:9763 max_fails=0; # worker1" in text(files, "wso2.as.domain.http.conf")


def test_a_removed_worker_is_remembered_and_not_listed() -> None:
    http = render(cluster(), removed=["worker2"])["wso2.as.domain.http.conf"]
    assert b"10.0.0.5" not in http
    assert b"    # removed: worker2\n" in http
    assert parse_rotation(http) == {"worker1": "in", "worker2": "removed"}


def test_with_nobody_left_the_upstream_has_a_server_that_is_down() -> None:
    """nginx refuses an upstream without servers."""
    http = render(cluster(), removed=["worker1", "worker2"])["wso2.as.domain.http.conf"]
    assert b"    server 127.0.0.1:9 down;\n}" in http
    assert parse_rotation(http) == {"worker1": "removed", "worker2": "removed"}


def test_the_addresses_are_read_back() -> None:
    http, https, mgt = (render(cluster())[name] for name in file_names(cluster()))
    assert parse_addresses(http) == {"worker1": "10.0.0.4:9763", "worker2": "10.0.0.5:9764"}
    assert parse_addresses(https) == {"worker1": "10.0.0.4:9443", "worker2": "10.0.0.5:9444"}
    assert parse_addresses(mgt) == {}


def test_a_rendered_file_is_known_from_anybody_elses() -> None:
    assert all(map(is_ours, render(cluster()).values()))
    assert not is_ours(b"server { listen 80; }\n")


# Rolling changes


@pytest.mark.parametrize("worker", WORKERS, ids=lambda worker: worker.name)
@pytest.mark.parametrize("others", [frozenset(), {"worker1"}, {"worker2"}, {"worker1", "worker2"}])
def test_taking_out_and_putting_in_is_what_rendering_anew_would_write(
    worker: Any, others: set[str]
) -> None:
    files = render(cluster(), out_of_rotation=others)
    without = render(cluster(), out_of_rotation=others | {worker.name})
    with_it = render(cluster(), out_of_rotation=others - {worker.name})
    for name, scheme in zip(file_names(cluster()), ("http", "https"), strict=False):
        assert take_out(files[name], worker) == without[name]
        assert put_in(files[name], worker, scheme=scheme) == with_it[name]


def test_a_rolling_change_leaves_what_was_edited_by_hand() -> None:
    edited = b"upstream x {\n  least_conn;\n\tserver 10.0.0.4:9763  weight=2; # worker1\n}\n"
    out = take_out(edited, WORKERS[0])
    assert b"  least_conn;\n\tserver 10.0.0.4:9763 weight=2 down; # worker1\n" in out
    assert put_in(out, WORKERS[0], scheme="http") == edited.replace(b"  weight", b" weight")


def test_what_is_so_already_is_left_byte_for_byte() -> None:
    edited = b"server   10.0.0.4:9763   weight=2 ;  #  worker1\r\n"
    assert put_in(edited, WORKERS[0], scheme="http") == edited


def test_the_last_worker_in_rotation_is_never_given_up() -> None:
    """A single failed request would else leave nobody for 10 s, in the middle of a roll."""
    name = file_names(cluster())[0]
    before = render(cluster())[name]
    alone = take_out(before, WORKERS[1])
    assert b"    server 10.0.0.4:9763 max_fails=0; # worker1\n" in alone
    assert b"    server 10.0.0.5:9764 down; # worker2\n" in alone
    assert put_in(alone, WORKERS[1], scheme="http") == before
    assert b"max_fails" not in take_out(alone, WORKERS[0]), "nobody is in rotation"


def test_a_limit_set_by_hand_is_left_to_it() -> None:
    edited = b"server 10.0.0.4:9763 max_fails=5; # worker1\nserver 10.0.0.5:9764; # worker2\n"
    assert b"server 10.0.0.4:9763 max_fails=5; # worker1\n" in take_out(edited, WORKERS[1])


def test_a_renumbered_worker_comes_back_at_its_new_port() -> None:
    files = render(cluster(), out_of_rotation=["worker1"])
    moved = make_node("worker1", local_member_host="10.0.0.4", offset=7)
    back = put_in(files["wso2.as.domain.https.conf"], moved, scheme="https")
    assert b"    server 10.0.0.4:9450; # worker1\n" in back


def test_removing_is_what_rendering_anew_would_write() -> None:
    for name in file_names(cluster())[:2]:
        one_less = remove(render(cluster())[name], WORKERS[0])
        assert one_less == render(cluster(), removed=["worker1"])[name]
        assert parse_rotation(remove(one_less, WORKERS[1])) == dict.fromkeys(
            ("worker1", "worker2"), "removed"
        )
        assert b"    server 127.0.0.1:9 down;\n" in remove(one_less, WORKERS[1])


def test_removing_again_changes_nothing() -> None:
    gone = remove(render(cluster())["wso2.as.domain.http.conf"], WORKERS[0])
    assert remove(gone, WORKERS[0]) == gone


def test_an_unknown_name_out_of_rotation_is_passed_over() -> None:
    """It may come from a file written before the worker left hosts.yaml."""
    assert render(cluster(), out_of_rotation=["gone"]) == render(cluster())


@given(st.sets(st.sampled_from(["worker1", "worker2"])))
def test_the_rotation_is_read_back(out: set[str]) -> None:
    files = render(cluster(), out_of_rotation=out)
    for name in ("wso2.as.domain.http.conf", "wso2.as.domain.https.conf"):
        assert parse_rotation(files[name]) == {
            worker.name: "out" if worker.name in out else "in" for worker in WORKERS
        }


def test_an_edited_file_is_read_back_too() -> None:
    edited = (
        b"upstream x {\r\n"
        b"\tserver 10.0.0.4:9763 weight=2  max_fails=3 down ;  # worker1\r\n"
        b"server 10.0.0.5:9763; #worker2\n"
        b"  # server 10.0.0.6:9763; # worker3\n"
        b"  server 10.0.0.7:9763;\n"
        b"  server 10.0.0.8:9763 slow_start=down1; # worker5\n"
        b"}\n"
        b"server { # worker4\n"
    )
    assert parse_rotation(edited) == {"worker1": "out", "worker2": "in", "worker5": "in"}


@given(st.binary(max_size=200))
def test_no_content_raises(data: bytes) -> None:
    parse_rotation(data)


# Refusals


@pytest.mark.parametrize(
    ("broken", "seen"),
    [
        (make_cluster(*WORKERS, load_balancer=None), "no load balancer"),
        (make_cluster(make_node(host_name=None)), "no worker has a `HostName`"),
        (
            make_cluster(*WORKERS, manager=make_manager(mgt_host_name="as.wso2.com")),
            "the same host name as.wso2.com",
        ),
        (
            make_cluster(
                make_node(host_name="AS.wso2.com", name="w"),
                manager=make_manager(mgt_host_name="as.WSO2.com"),
            ),
            "the same host name",
        ),
    ],
)
def test_what_a_vhost_needs_is_asked_for(broken: Cluster, seen: str) -> None:
    with pytest.raises(InventoryError, match=seen) as caught:
        render(broken)
    assert caught.value.action
    assert caught.value.file == "hosts.yaml"


@pytest.mark.parametrize(
    "name",
    ["a b", "a;b", "a{b", "a\nb", "~^.*$", "*.x", "$host", '"x"', "a'b", "-x", "é", "x" * 99],
)
def test_a_host_name_that_nginx_would_read_otherwise_is_refused(name: str) -> None:
    with pytest.raises(InventoryError, match="cannot serve the host name"):
        render(make_cluster(make_node(host_name=name)))


@pytest.mark.parametrize("name", ["a b", "a\nserver 10.0.0.9:80;", "", "x;", "#x", "x" * 10_000])
def test_a_worker_name_that_would_leave_its_comment_is_refused(name: str) -> None:
    with pytest.raises(InventoryError, match="cannot hold the worker's name"):
        render(make_cluster(make_node(name)))


@pytest.mark.parametrize(
    "path", ["/a$b", "/a\nb", "/a\0b", "relative", "data:x", "/" + "x" * 10_000]
)
def test_a_path_that_nginx_cannot_hold_is_refused(path: str) -> None:
    with pytest.raises(InventoryError, match="cannot hold the path"):
        render(cluster(ssl_certificate=PurePosixPath(path)))


def test_a_path_with_quotes_arrives_quoted() -> None:
    files = render(cluster(ssl_certificate=PurePosixPath("/a b;{}#\"\\'é.crt")))
    assert 'ssl_certificate "/a b;{}#\\"\\\\\'é.crt";' in text(files, "wso2.as.domain.https.conf")


@given(st.text(max_size=300))
def test_any_domain_makes_harmless_file_names_and_labels(domain: str) -> None:
    for name in render(make_cluster(*WORKERS, domain=domain)):
        assert "/" not in name
        assert not name.startswith((".", "-"))
        assert len(name) < 200
