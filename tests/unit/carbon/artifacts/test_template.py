"""Templates: names of the node are filled in, unknown ones refused, Carbon's own ones stay."""

from __future__ import annotations

from pathlib import Path, PurePosixPath
from typing import Any

import pytest

from carbon import secret
from carbon.artifacts.template import outdated_secrets, render
from carbon.cluster import Artifact
from carbon.errors import InventoryError
from tests.unit.carbon.nodes import make_node

FILE = Path("log4j.properties.in")
NODE = make_node(offset=2)


def rendered(text: str, **values: Any) -> str:
    entry = Artifact(to=PurePosixPath("a"), template=True, values=values)
    return render(text.encode(), NODE, entry, file=FILE).decode()


@pytest.mark.parametrize(
    ("text", "result"),
    [
        ("${localMemberHost}:${localMemberPort}", "10.0.0.4:4000"),
        ("${name} ${Offset} ${httpPort} ${HostName}", "worker1 2 9765 as.wso2.com"),
        ("${carbon.home}/${carbon.protocol} ${sys:x} $HOME ${}", None),
        ("$${localMemberHost} $${x}", "${localMemberHost} ${x}"),
        ("no name at all\r\n", None),
    ],
)
def test_names_of_the_node_are_filled_in_and_all_others_stay(text: str, result: str | None) -> None:
    assert rendered(text) == (text if result is None else result)


def test_values_of_the_entry_come_on_top() -> None:
    assert rendered("${x} ${name}", x="y", name="other") == "y other"
    assert rendered("${pw}", pw=secret.literal("hush")) == "hush"


def test_bytes_that_are_no_utf8_stay() -> None:
    entry = Artifact(to=PurePosixPath("a"), template=True)
    assert render(b"\xe4${name}", NODE, entry, file=FILE) == b"\xe4worker1"


@pytest.mark.parametrize(("name", "seen"), [("nam", "unknown name nam"), ("MgtHostName", "no Mgt")])
def test_an_unknown_name_is_refused_with_the_line_of_the_template(name: str, seen: str) -> None:
    with pytest.raises(InventoryError) as caught:
        rendered(f"first\nsecond ${{{name}}}\n")
    assert seen in caught.value.seen
    assert (caught.value.file, caught.value.line) == (str(FILE), 2)
    assert "localMemberHost" in caught.value.action


PW = {"pw": secret.literal("new")}


def outdated(template: str, old: str) -> list[str] | None:
    entry = Artifact(to=PurePosixPath("a"), template=True, values=PW)
    return outdated_secrets(template.encode(), NODE, entry, old.encode())


def test_the_secret_that_a_file_had_is_known_by_the_text_before_it() -> None:
    assert outdated("a=b\nurl=${name}:${pw}@x", "url=worker9:old@x\na=b") == ["old@x"]
    assert outdated("a=${pw}", "b=1\na=one\na=two") == ["one", "two"]
    assert outdated("a=b", "anything") == []


def test_a_file_in_which_a_secret_cannot_be_found_is_not_shown() -> None:
    assert outdated("password=${pw}", "pass: old") is None
