"""XML in hosts.yaml that can never work is refused before a host is touched."""

from __future__ import annotations

from pathlib import Path

import pytest

from carbon.errors import InventoryError
from carbon.inventory.edits import check_edits
from tests.unit.carbon.inventory.written import inventory, line_of, loaded

PREFIX = "namespaces: {c: http://wso2.org/projects/carbon/carbon.xml}"


@pytest.mark.parametrize(
    "edit",
    [
        'xpath: /wso2registry, fragment: <mount path="/_system"><a/></mount>',
        "xpath: /wso2registry, fragment: '<!-- why --> <mount/> '",
        f"xpath: '/c:Server/c:HostName', {PREFIX}, value: as.wso2.com",
        f"xpath: /c:Server, {PREFIX}, fragment: <c:Name>a &amp; b</c:Name>",
        "xpath: '//Connector[@scheme=\"https\"]', attribute: proxyPort, value: 443",
        f"xpath: /a, {PREFIX}, attribute: 'c:alias', value: x",
    ],
)
def test_good_edit_passes(tmp_path: Path, edit: str) -> None:
    check_edits(loaded(tmp_path, inventory(worker1=f"files: [{{file: a.xml, {edit}}}]")))


@pytest.mark.parametrize(
    ("edit", "seen"),
    [
        ("xpath: '/a[', value: x", "does not compile"),
        ("xpath: '//', value: x", "does not compile"),
        ("xpath: /c:Server, value: x", "Undefined namespace prefix"),
        ("xpath: no-such-function(), value: x", "does not compile"),
        ("xpath: count(//a), value: x", "computes a value"),
        ("xpath: \"'text'\", value: x", "computes a value"),
        ("xpath: /a, fragment: <mount>", "not well-formed"),
        ("xpath: /a, fragment: <a/> & <b/>", "not well-formed"),
        ("xpath: /a, fragment: <c:Name/>", "not well-formed"),
        ("xpath: /a, fragment: '</around><around>'", "not well-formed"),
        ("xpath: /a, fragment: '<!DOCTYPE a [<!ENTITY e \"x\">]><a/>'", "not well-formed"),
        ("xpath: /a, fragment: <a>&undefined;</a>", "not well-formed"),
        ("xpath: /a, fragment: <a/><b/>", "not exactly one element"),
        ("xpath: /a, fragment: text", "not exactly one element"),
        ("xpath: /a, fragment: text <a/>", "not exactly one element"),
        ("xpath: /a, fragment: <a/> text", "not exactly one element"),
        ("xpath: /a, fragment: '<!-- only a comment -->'", "not exactly one element"),
        ("xpath: /a, fragment: ''", "not exactly one element"),
        ("xpath: /a, attribute: 'svns:alias', value: x", "the prefix of svns:alias is unbound"),
    ],
)
def test_edit_that_can_never_work_is_refused_by_file_and_line(
    tmp_path: Path, edit: str, seen: str
) -> None:
    text = inventory(worker2=f"files:\n  - {{file: a.xml, {edit}}} # here")
    cluster = loaded(tmp_path, text)
    with pytest.raises(InventoryError) as caught:
        check_edits(cluster)
    assert seen in caught.value.seen
    assert (caught.value.file, caught.value.line) == (str(cluster.file), line_of("# here", text))
    assert caught.value.action


def test_fragment_over_several_lines_arrives_intact(tmp_path: Path) -> None:
    text = inventory(
        worker1="""
            files:
              - file: registry.xml
                xpath: /wso2registry
                fragment: |
                  <mount path="/_system/config">
                    <targetPath>/_system/as</targetPath>
                  </mount>
        """
    )
    cluster = loaded(tmp_path, text)
    check_edits(cluster)
    assert cluster.workers[0].files[0].fragment == (
        '<mount path="/_system/config">\n  <targetPath>/_system/as</targetPath>\n</mount>\n'
    )
