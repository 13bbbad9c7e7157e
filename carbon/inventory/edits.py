"""The xpaths of hosts.yaml: do they compile?

Apart from loading, and not imported by the package: whoever edits no file need not wait
for lxml.
"""

from __future__ import annotations

from lxml import etree

from carbon.cluster import Cluster, FileEdit
from carbon.errors import InventoryError
from carbon.text import shown


def check_edits(cluster: Cluster) -> None:
    """Check the xpath of every entry of `files:`, before any host is touched.

    Raises InventoryError, with file and line, at the first that can never work.
    """
    for node in cluster.nodes:
        for edit in node.files:
            _check_xpath(edit, file=str(cluster.file))


def _check_xpath(edit: FileEdit, *, file: str) -> None:
    """Evaluate it on an empty document, which shows unbound prefixes and functions too."""
    try:
        result = etree.XPath(edit.xpath, namespaces=dict(edit.namespaces))(etree.Element("empty"))
    except (etree.XPathError, ValueError) as error:
        raise InventoryError(
            f"the xpath {shown(edit.xpath)} does not compile: {error}",
            action="correct it; every prefix in it must be among its `namespaces:`",
            file=file,
            line=edit.line,
        ) from None
    if not isinstance(result, list):
        raise InventoryError(
            f"the xpath {shown(edit.xpath)} computes a value",
            action="write the path of the element to edit",
            file=file,
            line=edit.line,
        )
