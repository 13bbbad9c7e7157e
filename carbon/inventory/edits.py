"""The xpaths of hosts.yaml: do they compile?

Apart from loading, and not imported by the package: whoever edits no file need not wait
for lxml.
"""

from __future__ import annotations

from lxml import etree

from carbon.cluster import Cluster
from carbon.errors import InventoryError
from carbon.text import shown


def check_edits(cluster: Cluster) -> None:
    """Check the xpath of every entry of `files:`, before any host is touched.

    Raises InventoryError, with file and line, at the first that can never work.
    """
    for edit in (edit for node in cluster.nodes for edit in node.files):
        empty = etree.Element("empty")  # it shows unbound prefixes and functions, too
        try:
            xpath = etree.XPath(edit.xpath, namespaces=dict(edit.namespaces))
            if isinstance(xpath(empty), list):
                continue
            seen, action = "computes a value", "write the path of the element to edit"
        except (etree.XPathError, ValueError) as error:
            seen = f"does not compile: {error}"
            action = "correct it; every prefix in it must be among its `namespaces:`"
        raise InventoryError(
            f"the xpath {shown(edit.xpath)} {seen}",
            action=action,
            file=edit.inventory,
            line=edit.line,
        )
