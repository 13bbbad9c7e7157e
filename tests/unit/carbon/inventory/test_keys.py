"""A key of hosts.yaml is one entry of one table: all that speaks of keys has it from there."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
import yaml

from carbon.cluster import Cluster, Node
from carbon.inventory import reference
from carbon.inventory.keys import CLUSTER_KEYS, COMMAND_KEYS, ELB, HOSTS_YAML, MANAGER, WORKER
from carbon.inventory.kinds import Key
from tests.unit.carbon.inventory.test_shipped import SHIPPED, keys_in, uncommented

BELOW = {path.removeprefix("."): key for path, key, _ in HOSTS_YAML.below()}


@pytest.mark.parametrize("path", BELOW)
def test_a_key_is_in_the_schema(path: str) -> None:
    properties: Any = json.loads(reference.SCHEMA_FILE.read_text())
    for name in re.findall(r"[A-Za-z_]+|\*|\[\]", path):
        properties = properties.get("anyOf", [properties])[-1]
        if name == "[]":
            properties = properties["items"]
        else:
            properties = properties["additionalProperties" if name == "*" else "properties"]
            properties = properties if name == "*" else properties[name]
    assert properties["description"].startswith(BELOW[path].meaning.removesuffix("."))


@pytest.mark.parametrize("path", BELOW)
def test_a_key_is_on_the_reference_page(path: str) -> None:
    """In its own section, or in that of the settings that all share."""
    page = reference.PAGE_FILE.read_text()
    section, _, below = path.replace("workers.*", "workers").partition(".")
    assert (f"| `{below}` |" if below else f"\n## {section}") in page


def test_a_key_is_shown_in_the_shipped_hosts_yaml() -> None:
    shown = set(keys_in(yaml.compose(uncommented(SHIPPED.read_text()))))
    shown |= {key.name for key in COMMAND_KEYS if f"# #   {key.name}: " in SHIPPED.read_text()}
    assert {key.name for key in BELOW.values()} <= shown


@pytest.mark.parametrize("key", [*MANAGER.keys.values(), *WORKER.keys.values(), *ELB.keys.values()])
def test_a_key_of_a_node_fills_a_field_of_a_node(key: Key) -> None:
    assert key.field in Node.__struct_fields__


@pytest.mark.parametrize("key", CLUSTER_KEYS)
def test_a_key_of_the_cluster_fills_a_field_of_the_cluster(key: Key) -> None:
    assert key.field in Cluster.__struct_fields__


def test_a_default_that_the_page_tells_is_the_one_that_holds() -> None:
    page = reference.PAGE_FILE.read_text()
    assert "| `limits.connect` | seconds | To reach a server over SSH (default 15). |" in page
    assert "| `port` | 1 to 65535 | Its port (default 3306). |" in page
