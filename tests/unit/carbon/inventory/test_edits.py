"""An xpath that can never work is refused before a host is touched."""

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
        f"xpath: '/c:Server/c:HostName', {PREFIX}",
        "xpath: '//Connector[@scheme=\"https\"]'",
        "xpath: '/a[re:test(@b, 1)]', namespaces: {re: http://exslt.org/regular-expressions}",
    ],
)
def test_good_xpath_passes(tmp_path: Path, edit: str) -> None:
    check_edits(loaded(tmp_path, inventory(worker1=f"files: [{{file: a.xml, {edit}, value: x}}]")))


@pytest.mark.parametrize(
    ("edit", "seen"),
    [
        ("xpath: '/a['", "does not compile"),
        ("xpath: '//'", "does not compile"),
        ("xpath: /c:Server", "Undefined namespace prefix"),
        ("xpath: no-such-function()", "does not compile"),
        ("xpath: $variable", "does not compile"),
        ("xpath: count(//a)", "computes a value"),
        ("xpath: \"'text'\"", "computes a value"),
    ],
)
def test_xpath_that_can_never_work_is_refused_by_file_and_line(
    tmp_path: Path, edit: str, seen: str
) -> None:
    text = inventory(worker2=f"files:\n  - {{file: a.xml, {edit}, value: x}} # here")
    cluster = loaded(tmp_path, text)
    with pytest.raises(InventoryError) as caught:
        check_edits(cluster)
    assert seen in caught.value.seen
    assert (caught.value.file, caught.value.line) == (str(cluster.file), line_of("# here", text))
    assert caught.value.action
