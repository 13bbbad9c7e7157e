"""No input whatever ends in anything but a cluster or an InventoryError with a remedy."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from carbon.cluster import Cluster
from carbon.errors import InventoryError
from carbon.inventory import load
from carbon.inventory.keys import HOSTS_YAML
from tests.unit.carbon.inventory.written import inventory, save, worker

FULL: dict[str, Any] = yaml.safe_load(
    inventory(
        cluster="""
            HostName: as.wso2.com
            proxyPort: {http: 80, https: 443}
            environment: {JVM_MEM_OPTS: -Xmx1g}
            ssh: {user: deploy, known_hosts: [a], gateway: me@bastion:22, legacy_ssh: false}
            driver: {jar: d.jar, class: a.B}
            datasources: {REG: {jndi: jdbc/Reg, url: jdbc:a, username: u, properties: {a: b}}}
            files: [{file: a.xml, xpath: /a, namespaces: {p: u}, attribute: b, value: c}]
            limits: {join: 5}
            join_patterns: ['(?P<host>.)(?P<port>.)']
            hosts: {svn: 10.0.0.9}
        """,
        manager="hostnames: [mgt]\nmembers: [10.0.0.4:4000]",
        worker1="server: box\nOffset: 1\nlocalMemberPort: 4001\nsubDomain: worker",
        more="""
            elb: {localMemberHost: 10.0.0.2, home: /opt/elb, group_mgt_port: 4500}
            database: {address: 10.0.0.6, port: 3306, hostnames: [db]}
            load_balancer: {ssh: {host: lb}, stickiness: cookie, http_port: 80}
        """,
    )
)
KEYS = sorted({*HOSTS_YAML.keys, *(key.name for _, key, _ in HOSTS_YAML.below())})

NASTY = st.sampled_from(
    [
        "",
        "'",
        '"',
        "$(id)",
        "`id`",
        "a\nb",
        "]]>",
        "&",
        "é",
        "-rf",
        "..",
        "/",
        "~",
        "\\",
        "x" * 10_000,
    ]
)
TEXT = st.text(max_size=30) | NASTY
SCALAR = st.none() | st.booleans() | st.integers() | st.floats() | TEXT | st.dates()
KEY = st.sampled_from(KEYS) | TEXT
TREE = st.recursive(
    SCALAR, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEY, inner, max_size=4)
)
WRITABLE = st.text(
    st.characters(exclude_categories=("Cs", "Cc"), exclude_characters="\ufffe\uffff")
)

quickly = settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def outcome(text: str | bytes) -> Cluster | InventoryError:
    """Load a text, in a folder of its own, and see that an error has all its parts."""
    with tempfile.TemporaryDirectory() as folder:
        file = save(Path(folder), text)
        try:
            return load(file)
        except InventoryError as error:
            assert error.file == str(file)
            assert error.action
            assert "\n" not in error.seen
            assert len(str(error)) < 2_000
            return error


def with_value(tree: Any, path: list[Any], value: Any) -> Any:
    """Return a copy of the tree with another value at a path."""
    if not path:
        return value
    key, *rest = path
    copy = list(tree) if isinstance(tree, list) else dict(tree)
    copy[key] = with_value(tree[key], rest, value)
    return copy


def paths(tree: Any, path: tuple[Any, ...] = ()) -> list[list[Any]]:
    """Return the paths of all values of a tree."""
    match tree:
        case dict():
            below = list(tree.items())
        case list():
            below = list(enumerate(tree))
        case _:
            below = []
    return [list(path), *(found for key, value in below for found in paths(value, (*path, key)))]


def test_full_inventory_is_good() -> None:
    """The properties below start from an inventory that loads."""
    assert isinstance(outcome(yaml.safe_dump(FULL)), Cluster)


@quickly
@given(st.binary(max_size=200))
def test_any_bytes(data: bytes) -> None:
    outcome(data)


@quickly
@given(st.text(st.sampled_from("ab:-[]{}&*!|>'\"#%@,? \n\t~<"), max_size=60))
def test_any_yaml_punctuation(text: str) -> None:
    outcome(text)


@quickly
@given(TREE)
def test_any_structure(tree: Any) -> None:
    outcome(yaml.safe_dump(tree, allow_unicode=True))


@quickly
@given(st.sampled_from(paths(FULL)), TREE)
def test_any_value_in_place_of_a_good_one(path: list[Any], value: Any) -> None:
    outcome(yaml.safe_dump(with_value(FULL, path, value), sort_keys=False))


@quickly
@given(st.sampled_from([path for path in paths(FULL) if path]), KEY, TREE)
def test_any_further_key(path: list[Any], key: str, value: Any) -> None:
    parent = FULL
    for step in path:
        parent = parent[step]
    if isinstance(parent, dict):
        outcome(yaml.safe_dump(with_value(FULL, path, parent | {key: value}), sort_keys=False))


@quickly
@given(st.data())
def test_any_damage_to_the_text(data: st.DataObject) -> None:
    text = yaml.safe_dump(FULL, sort_keys=False)
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, min(len(text), start + 40)))
    outcome(text[:start] + data.draw(st.text(max_size=5)) + text[end:])


@quickly
@given(value=WRITABLE)
def test_value_that_may_hold_anything_arrives_intact(value: str) -> None:
    properties = {"connectionProperties": value}
    source = {"url": "jdbc:a", "driverClassName": "a.B", "properties": properties}
    own = FULL["workers"]["worker1"] | {"datasources": {"A": source | {"username": value}}}
    tree = with_value(FULL, ["workers", "worker1"], own)
    cluster = outcome(yaml.safe_dump(tree))
    assert isinstance(cluster, Cluster)
    found = worker(cluster).datasources[-1]
    assert (found.username, found.properties) == (value, properties)


@quickly
@given(TEXT)
def test_what_reaches_shells_and_etc_hosts_is_one_line_without_a_leading_dash(text: str) -> None:
    own = {
        "localMemberHost": "10.0.0.7",
        "run_as": text,
        "HostName": text,
        "ssh": {"host": text, "user": text},
        "hosts": {text: "10.0.0.9"},
    }
    for key, value in own.items():
        tree = with_value(FULL, ["workers", "worker1"], {"localMemberHost": "10.0.0.7", key: value})
        if isinstance(cluster := outcome(yaml.safe_dump(tree)), Cluster):
            node = worker(cluster)
            words = [node.run_as, node.host_name, node.ssh.host, node.ssh.user]
            words += [name for entry in node.hosts_entries for name in entry.names]
            assert all(word.isprintable() and word[0] != "-" for word in words if word)
