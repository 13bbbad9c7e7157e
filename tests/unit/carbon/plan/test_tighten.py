"""Passwords and keys that every user of a server may read: which files, and what `tighten` sets."""

from __future__ import annotations

from pathlib import Path, PurePosixPath
from typing import Any

import pytest

import lab
from carbon.cluster import Node
from carbon.config.diff import holds_secret
from carbon.home import layout
from carbon.home.facts import FileRights, RemoteFile, SecretsFacts, ServerFacts
from carbon.plan.tighten import readable_secrets, tightened
from tests.unit.carbon.looks import make_facts
from tests.unit.carbon.nodes import make_node

PACK = Path(lab.__file__).parent / "image/pack"
NODE = make_node(tighten=True)
KEYSTORE = PurePosixPath("repository/resources/security/wso2carbon.jks")
TRUSTSTORE = PurePosixPath("repository/resources/security/client-truststore.jks")
USERS = layout.CONF / "user-mgt.xml"


def file(text: bytes, *, mode: int = 0o644, owner: str = "wso2") -> RemoteFile:
    return RemoteFile(data=text, mode=mode, owner=owner)


def seen(*, enter: bool = True, readable: Any = None, **own: Any) -> ServerFacts:
    files = {
        layout.AXIS2: file(b"<axisconfig/>"),
        layout.CARBON_XML: file((PACK / layout.CARBON_XML).read_bytes()),
    }
    return make_facts(
        secrets=SecretsFacts(others_enter=enter, readable=readable or {}), **{"files": files} | own
    )


def modes(facts: ServerFacts, node: Node = NODE) -> dict[PurePosixPath, int]:
    return tightened(node, facts, {})


def test_a_file_that_holds_a_password_by_its_text_or_its_name_is_readable() -> None:
    secrets = {
        KEYSTORE: FileRights(mode=0o664, owner="wso2"),
        USERS: FileRights(mode=0o604, owner="wso2"),
    }
    assert list(readable_secrets(NODE, seen(readable=secrets), {})) == [
        layout.CARBON_XML,
        USERS,
        KEYSTORE,
    ]


def test_a_truststore_holds_no_secret() -> None:
    facts = seen(files={}, readable={TRUSTSTORE: FileRights(mode=0o644, owner="wso2")})
    assert readable_secrets(NODE, facts, {}) == {}


def test_nothing_is_readable_if_others_may_not_enter_as_home() -> None:
    assert readable_secrets(NODE, seen(enter=False), {}) == {}


def test_the_text_that_comes_decides() -> None:
    new = {layout.AXIS2: b'<a><parameter name="password">x</parameter></a>'}
    assert layout.AXIS2 in readable_secrets(NODE, seen(), new)


@pytest.mark.parametrize(
    ("old", "new"), [(0o644, 0o640), (0o664, 0o640), (0o604, 0o600), (0o444, 0o440), (0o755, 0o750)]
)
def test_rights_are_taken_and_never_given(old: int, new: int) -> None:
    facts = seen(files={}, readable={KEYSTORE: FileRights(mode=old, owner="wso2")})
    assert modes(facts) == {KEYSTORE: new}


def test_a_file_that_others_may_not_read_keeps_its_mode() -> None:
    carbon = (PACK / layout.CARBON_XML).read_bytes()
    for mode in (0o640, 0o600, 0o660):
        assert modes(seen(files={layout.CARBON_XML: file(carbon, mode=mode)})) == {}


def test_a_file_of_another_account_is_left_to_it() -> None:
    facts = seen(files={}, readable={KEYSTORE: FileRights(mode=0o644, owner="root")})
    assert modes(facts) == {}
    assert list(readable_secrets(NODE, facts, {})) == [KEYSTORE]


def test_without_the_key_nothing_is_set() -> None:
    assert modes(seen(), make_node()) == {}


@pytest.mark.parametrize(
    ("text", "holds"),
    [
        (b"<a><Password>wso2carbon</Password></a>", True),
        (b'<a keystorePass="wso2carbon"/>', True),
        (b"<a><url>jdbc:x://h/d?user=u&amp;password=x</url></a>", True),
        (b"<a><!-- <Password>x</Password> --></a>", False),
        (b"<a><!-- <!-- <Password>x</Password> --><Password>y</Password></a>", True),
        (b'<a><Password svns:secretAlias="k">password</Password></a>', False),
        (b'<a keystorePass="password" svns:secretAlias="k"/>', False),
        (b"<a><Password/></a>", False),
        (b"<a>plain</a>", False),
    ],
)
def test_a_password_in_plain_text_is_one_outside_of_comments_and_of_the_vault(
    text: bytes, holds: bool
) -> None:
    assert holds_secret(text) is holds
