"""Read values out of the product's files the way the product does."""

from __future__ import annotations

from carbon.xmledit import Element, XmlDocument, local_name, own_text


def text(element: Element | None) -> str | None:
    """Return an element's text without blanks around it, or None if there is none."""
    return None if element is None else own_text(element).strip() or None


def flag(value: str | None) -> bool:
    """Return a boolean as Java's Boolean.parseBoolean reads it."""
    return (value or "").strip().lower() == "true"


def number(element: Element | None, document: XmlDocument) -> int | None:
    """Return an element's text as a number, or None if there is none.

    Raises ConfigFileError for other text.
    """
    value = text(element)
    if element is None or value is None:
        return None
    if not (value.isascii() and value.isdecimal()):
        raise document.error(
            f"<{local_name(element)}> is {value!r}, which is not a number",
            at=element,
            action="correct it by hand, or let `fab config` write what hosts.yaml says",
        )
    return int(value)
