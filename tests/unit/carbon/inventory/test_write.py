"""What is written as hosts.yaml is read back as the same values."""

from __future__ import annotations

from pathlib import Path

import pytest

from carbon.errors import UsageError
from carbon.inventory import load
from carbon.inventory.document import parse
from carbon.inventory.nodes import ListNode, MapNode, ScalarNode, Source
from carbon.inventory.start import checked, least
from carbon.inventory.write import Commented, Reference, document
from tests.unit.carbon.inventory.written import save

ANSWERS = {
    "manager": "10.0.0.3",
    "workers": "10.0.0.4,10.0.0.5",
    "user": "deploy",
    "key": "",
    "home": "/opt/wso2/as",
    "java_home": "",
    "domain": "wso2.as.domain",
}
AWKWARD = (
    "",
    "null",
    "~",
    "true",
    "0123",
    "-dash",
    "a: b",
    "a #b",
    "tab\tand\nline",
    'quote " and \\',
    "!env X",
    "*alias",
    "{x}",
    "snow ☃ and 𝄞",
    "\x85\u2028\ufeff",
    "jdbc:mysql://db:3306/X?a=b&c=d",
)


@pytest.mark.parametrize("text", AWKWARD)
def test_any_text_comes_back_as_it_was(text: str) -> None:
    assert scalar(document({"key": text}, head=())).text == text
    assert not scalar(document({"key": text}, head=())).is_null


def test_a_reference_is_written_with_its_tag() -> None:
    node = scalar(document({"key": Reference("command", "pass show x: y")}, head=()))
    assert node.secret is not None
    assert (node.secret.origin, node.text) == ("command", "pass show x: y")


def test_no_comment_becomes_a_second_line() -> None:
    written = document({"key": Commented("value", ("first\nsecond: 1",))}, head=("a\nb: 2",))
    assert list(tree(written).entries) == ["key"]


def test_the_least_inventory_loads(tmp_path: Path) -> None:
    cluster = load(save(tmp_path, least(ANSWERS)))
    assert [node.local_member_host for node in cluster.nodes] == [
        "10.0.0.3",
        "10.0.0.4",
        "10.0.0.5",
    ]
    assert {node.ssh.user for node in cluster.nodes} == {"deploy"}


def test_an_answer_that_hosts_yaml_would_refuse_is_refused_with_its_option() -> None:
    with pytest.raises(UsageError, match="--workers 'localhost'"):
        checked("workers", "localhost", manager="10.0.0.3")
    with pytest.raises(UsageError, match="--workers ''"):
        checked("workers", " , ")


def test_an_answer_loses_its_outer_blanks() -> None:
    assert checked("workers", " 10.0.0.4 , 10.0.0.5", manager="10.0.0.3") == "10.0.0.4,10.0.0.5"
    assert checked("manager", " 10.0.0.3 ") == "10.0.0.3"
    assert checked("workers", "10.0.0.4,") == "10.0.0.4"


def test_what_is_empty_is_written_as_such() -> None:
    root = tree(document({"empty": {}, "none": [], "of": [{"a": 1}, "b", {}]}, head=()))
    assert isinstance(root.entries["empty"], MapNode)
    assert isinstance(root.entries["none"], ListNode)
    assert isinstance(of := root.entries["of"], ListNode)
    assert [type(item) for item in of.items] == [MapNode, ScalarNode, MapNode]


def test_a_key_in_the_home_of_nobody_is_a_mistake_of_the_answer() -> None:
    with pytest.raises(UsageError, match="is not a file"):
        checked("key", "~nobody-of-that-name/key", manager="")


def tree(text: str) -> MapNode:
    return parse(text.encode(), Source(file="hosts.yaml", base=Path()))


def scalar(text: str) -> ScalarNode:
    node = tree(text).entries["key"]
    assert isinstance(node, ScalarNode)
    return node
