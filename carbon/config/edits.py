"""Put the settings of hosts.yaml into one file, around the values that Secure Vault keeps."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from carbon.secret import Secret
from carbon.xmledit import Element, New, XmlDocument, XmlPatch, is_comment, own_text

SECURE_VAULT = "http://org.wso2.securevault/configuration"


def is_secured(element: Element, attribute: str | None = None) -> bool:
    """Tell whether Secure Vault supplies an element's text, or one of its attributes.

    The server then ignores what the file says, so plaintext there would only be a leak.
    """
    alias = f"{{{SECURE_VAULT}}}{attribute or 'secretAlias'}"
    return any(name == alias for name, _ in element.items())


class Edits:
    """The edits that one file needs to say what hosts.yaml says.

    Secured values are left alone and collected by name in `secured`. What has to make way for a
    secret is collected in `outdated`: it most likely is an older one.
    """

    def __init__(self, document: XmlDocument) -> None:
        self.document = document
        self.patch = XmlPatch(document)
        self.secured: list[str] = []
        self.outdated: list[str] = []

    def set_text(self, element: Element, value: str | Secret, *, called: str) -> None:
        """Make `value` the text of an element, unless that is secured."""
        if is_secured(element):
            self.secured.append(called)
        else:
            if isinstance(value, Secret):
                self.outdated.append(own_text(element).strip())
            self.patch.set_text(element, value)

    def set_attribute(
        self, element: Element, name: str, value: str | Secret, *, after: str | None = None
    ) -> None:
        """Give an attribute a value, unless that is secured."""
        if is_secured(element, name):
            self.secured.append(name)
        else:
            if isinstance(value, Secret):
                local = name.rpartition(":")[2]
                self.outdated += [
                    str(text)
                    for key, text in element.items()
                    if str(key).rpartition("}")[2] == local
                ]
            self.patch.set_attribute(element, name, value, after=after)

    def set_child(
        self,
        parent: Element,
        name: str,
        value: str | Secret,
        *,
        after: Sequence[str] = (),
        called: str | None = None,
    ) -> None:
        """Make `value` the text of a child; one that is not there is inserted."""
        child = self.document.child(parent, name)
        if child is not None:
            self.set_text(child, value, called=called or name)
        else:
            self.insert(parent, New(name, value), after=after)

    def set_children(
        self, parent: Element, values: Mapping[str, str | Secret], *, called: str
    ) -> None:
        """Make values the texts of children, each behind those before it; `called` in messages."""
        names = list(values)
        for name, value in values.items():
            after = names[: names.index(name)]
            self.set_child(parent, name, value, after=after, called=f"{called}/{name}")

    def insert(self, parent: Element, new: New, *, after: Sequence[str] = ()) -> None:
        """Insert an element where its reader would look for it.

        That is behind a comment that shows it, else behind the last of the siblings named in
        `after`, else at the end.
        """
        siblings = (self.document.child(parent, name) for name in reversed(after))
        place = _sample(parent, new.name)
        if place is None:
            place = next((sibling for sibling in siblings if sibling is not None), None)
        if place is None:
            self.patch.append(parent, new)
        else:
            self.patch.insert_after(place, new)


def _sample(parent: Element, name: str) -> Element | None:
    """Find the comment `<!--HostName>www.wso2.org</HostName-->`, or one with whole tags."""
    shown = re.compile(rf"\s*<?{re.escape(name)}[\s>/]")
    comments = (each for each in parent if is_comment(each))
    return next((each for each in comments if shown.match(each.text or "")), None)
