"""The edits of any other XML file that hosts.yaml lists under `files`."""

from __future__ import annotations

from carbon.cluster import FileEdit
from carbon.config.edits import Edits, is_secured
from carbon.errors import ConfigFileError
from carbon.xmledit import Element, Fragment, XmlDocument, is_element, local_name, own_text

_KEYS = ("name", "id", "path")
"""What tells an element from its siblings: an attribute of it, or else a child."""


def edit(file_edit: FileEdit, edits: Edits) -> None:
    """Set a text or an attribute, or insert a fragment, as one entry of `files` says.

    Raises ConfigFileError, with the line of hosts.yaml, if that cannot be done.
    """
    try:
        target = _target(file_edit, edits.document)
        if file_edit.fragment is not None:
            _insert_once(file_edit.fragment, target, file_edit, edits)
        elif file_edit.value is not None and file_edit.attribute is not None:
            name = _as_declared(file_edit.attribute, target, file_edit, edits.document)
            edits.set_attribute(target, name, file_edit.value)
        elif file_edit.value is not None:
            edits.set_text(target, file_edit.value, called=file_edit.xpath)
    except ConfigFileError as error:
        if file_edit.line is not None:
            error.action += f" ({file_edit.inventory}, line {file_edit.line})"
        raise


def _target(file_edit: FileEdit, document: XmlDocument) -> Element:
    elements = document.findall(file_edit.xpath, namespaces=file_edit.namespaces)
    if len(elements) == 1:
        return elements[0]
    if elements:
        lines = ", ".join(str(element.sourceline) for element in elements)
        raise document.error(
            f"the xpath {file_edit.xpath!r} selects {len(elements)} elements, on lines {lines}",
            action="narrow the xpath down to one, as with [@name='...']",
        )
    default = document.root.nsmap.get(None)
    raise document.error(
        f"the xpath {file_edit.xpath!r} selects no live element",
        action="correct the xpath"
        if default is None
        else f"correct the xpath; plain names are in {default} here, which needs a prefix in it",
    )


def _as_declared(
    attribute: str, element: Element, file_edit: FileEdit, document: XmlDocument
) -> str:
    """Return an attribute's name with the prefix that the file has for its namespace."""
    prefix, _, local = attribute.rpartition(":")
    uri = file_edit.namespaces.get(prefix)
    if uri is None:
        return attribute
    declared = [known for known, its_uri in element.nsmap.items() if known and its_uri == uri]
    if not declared:
        raise document.error(
            f"it declares no prefix for the namespace {uri} of the attribute {attribute}",
            at=element,
            action=f'declare it in the root element, as xmlns:{prefix}="{uri}"',
        )
    return f"{prefix if prefix in declared else declared[0]}:{local}"


def _insert_once(text: str, parent: Element, file_edit: FileEdit, edits: Edits) -> None:
    """Insert the fragment, in the place of the element that it is a new version of."""
    fragment = edits.document.fragment(text, parent=parent, namespaces=file_edit.namespaces)
    present = [child for child in filter(is_element, parent) if _equal(fragment.element, child)]
    if present:
        edits.secured.extend(map(local_name, _secured(present[0])))
        return
    old = _older_version(fragment, parent, edits.document)
    if old is None:
        edits.patch.append(parent, fragment)
    elif _secured(old):
        raise edits.document.error(
            f"<{local_name(old)}> has values that Secure Vault keeps, so it is not replaced",
            at=old,
            action="set what is to change in it with xpath and value, one entry for each",
        )
    else:
        edits.patch.replace(old, fragment)


def _secured(element: Element) -> list[Element]:
    return list(filter(is_secured, element.iter("*")))


def _older_version(fragment: Fragment, parent: Element, document: XmlDocument) -> Element | None:
    key = _key(fragment.element)
    if key is None:
        return None
    same = [child for child in parent if child.tag == fragment.element.tag and _key(child) == key]
    name = local_name(fragment.element)
    return document.only(same, called=f"<{name}> with {key[0]} {key[1]!r}")


def _key(element: Element) -> tuple[str, str] | None:
    for name in _KEYS:
        if value := element.get(name):
            return name, value
    for child in filter(is_element, element):
        if local_name(child) in _KEYS and own_text(child).strip():
            return local_name(child), own_text(child).strip()
    return None


def _equal(wanted: Element, actual: Element) -> bool:
    """Compare two elements, but for comments, blanks around text, and secured values."""
    if wanted.tag != actual.tag or is_secured(actual):
        return wanted.tag == actual.tag
    children, its_children = (list(filter(is_element, each)) for each in (wanted, actual))
    return (
        dict(wanted.items()) == dict(actual.items())
        and own_text(wanted).strip() == own_text(actual).strip()
        and len(children) == len(its_children)
        and all(map(_equal, children, its_children))
    )
