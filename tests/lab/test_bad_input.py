"""Damaged files on a server: told with file, line and remedy, and the server is as it was."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from tests.lab.cli import Fab
from tests.lab.hosts import HOME, Host, untouched
from tests.lab.inventory import ClusterFile

CONF = f"{HOME}/repository/conf"
CARBON = "carbon.xml"
AXIS2 = "axis2/axis2.xml"
DATASOURCES = "datasources/master-datasources.xml"

BOMB = '<!DOCTYPE a [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;"><!ENTITY c "&b;&b;&b;&b;">]>'
OUTSIDE = (
    '<!DOCTYPE a [<!ENTITY a SYSTEM "file:///etc/passwd"><!ENTITY % b SYSTEM "http://10.9/">]>'
)


@pytest.fixture
def pack(worker1: Host) -> Iterator[Host]:
    """worker1 as unpacked, for a test that damages its pack."""
    worker1.restore()
    yield worker1
    worker1.restore()


def edited(file: str, expression: str) -> tuple[str, str]:
    return file, f"sed -i '{expression}' {CONF}/{file}"


DAMAGES = {
    "truncated": (CARBON, f"truncate -s 3000 {CONF}/{CARBON}", "not well-formed"),
    "empty": (CARBON, f": > {CONF}/{CARBON}", "not well-formed"),
    "an entity bomb": (*edited(CARBON, f"1a {BOMB}"), "DOCTYPE"),
    "entities from outside": (*edited(CARBON, f"1a {OUTSIDE}"), "DOCTYPE"),
    "not in its encoding": (
        *edited(CARBON, r"1s/ISO-8859-1/UTF-8/; s/<ServerKey>/&\xe9/"),
        "the byte 0xE9 is not utf-8 text",
    ),
    "of an unknown encoding": (*edited(CARBON, "1s/ISO-8859-1/UTF-7/"), "UTF-7"),
    "huge": (AXIS2, f"yes | head -c 20000000 >> {CONF}/{AXIS2}", "20"),
    "without its section": (
        *edited(DATASOURCES, "s/datasources>/others>/"),
        "no <datasources> in <datasources-configuration>",
    ),
    "with two clustering sections": (
        *edited(AXIS2, '$i <clustering class="x" enable="true"><parameter name="x"/></clustering>'),
        "clustering",
    ),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_file_is_refused_with_its_name_and_a_remedy_before_any_change(
    fab: Fab, cluster_file: ClusterFile, pack: Host, worker2: Host, damage: str
) -> None:
    file, spoil, seen = DAMAGES[damage]
    pack.sh(spoil)
    with untouched(pack, worker2):
        ran = fab.fails("deploy", hosts=cluster_file())
    assert re.search(rf"^error: worker1: config: repository/conf/{file}(:\d+)?: ", ran.err)
    assert seen in ran.err
