"""The XML in hosts.yaml: xpaths that compile, fragments that are well-formed.

Apart from loading, and not imported by the package: whoever edits no file need not wait
for lxml.
"""

from __future__ import annotations

from lxml import etree

from carbon.cluster import Cluster, FileEdit
from carbon.errors import InventoryError
from carbon.inventory.suggest import shown


def check_edits(cluster: Cluster) -> None:
    """Check every entry of `files:` as far as that goes without the file that it edits.

    Raises InventoryError, with file and line, at the first that can never work.
    """
    for edit in (edit for node in cluster.nodes for edit in node.files):
        for check in (_check_xpath, _check_attribute, _check_fragment):
            if problem := check(edit):
                seen, action = problem
                raise InventoryError(seen, action=action, file=str(cluster.file), line=edit.line)


Problem = tuple[str, str] | None


def _check_xpath(edit: FileEdit) -> Problem:
    """Evaluate it on an empty document, which shows unbound prefixes and functions too."""
    try:
        found = etree.XPath(edit.xpath, namespaces=dict(edit.namespaces))(etree.Element("empty"))
    except (etree.XPathError, ValueError, TypeError) as error:
        return (
            f"the xpath {shown(edit.xpath)} does not compile: {error}",
            "correct it; every prefix in it must stand in `namespaces:`",
        )
    if not isinstance(found, list):
        return (
            f"the xpath {shown(edit.xpath)} computes a value",
            "write the path of the element to edit",
        )
    return None


def _check_attribute(edit: FileEdit) -> Problem:
    prefix, colon, _ = (edit.attribute or "").partition(":")
    if colon and prefix not in edit.namespaces:
        return (
            f"the prefix of the attribute {edit.attribute} is unbound",
            "add it to `namespaces:`",
        )
    return None


def _check_fragment(edit: FileEdit) -> Problem:
    if edit.fragment is None:
        return None
    opening = etree.tostring(etree.Element("around", nsmap=dict(edit.namespaces)))
    text = opening.removesuffix(b"/>") + b">" + edit.fragment.encode() + b"</around>"
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False)
    try:
        around = etree.fromstring(text, parser)
    except etree.XMLSyntaxError as error:
        return (
            f"the fragment is not well-formed XML: {error.msg}",
            "write one element, closed, with & as &amp;; its prefixes go into `namespaces:`",
        )
    beside = [around.text, *(child.tail for child in around)]
    if len(around) != 1 or not isinstance(around[0].tag, str) or any(map(_is_text, beside)):
        return ("the fragment is not exactly one element", "write one `- file:` entry for each")
    return None


def _is_text(text: str | None) -> bool:
    return bool(text and text.strip())
