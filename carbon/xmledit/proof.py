"""Prove that spliced bytes mean what was intended: the same edits, made on the tree instead."""

from __future__ import annotations

import copy

from carbon.xmledit.document import XmlDocument
from carbon.xmledit.source import Element, fault


def main_run(element: Element) -> int:
    """Return which run of text between an element's comments holds its value.

    It is the first that is not blank, or else the last.
    """
    runs = [element.text or "", *(child.tail or "" for child in element)]
    return next((number for number, run in enumerate(runs) if run.strip()), len(runs) - 1)


class ExpectedTree:
    """A copy of a document's tree that takes part in all edits through lxml."""

    def __init__(self, document: XmlDocument) -> None:
        self._file = document.file
        self._root = copy.deepcopy(document.root)
        self._twins = dict(zip(document.root.iter(), self._root.iter(), strict=True))
        self._last_inserted: dict[Element, Element] = {}
        self._removed: list[Element] = []

    def set_text(self, element: Element, text: str) -> None:
        """Make `text` the value of a leaf."""
        twin, run = self._twins[element], main_run(element)
        twin.text = text if run == 0 else None
        for number, child in enumerate(twin, start=1):
            child.tail = text if run == number else None

    def set_attribute(self, element: Element, key: str, text: str) -> None:
        """Give an attribute a value."""
        self._twins[element].set(key, text)

    def append(self, parent: Element, nodes: list[Element]) -> None:
        """Add nodes behind all that an element holds."""
        self._twins[parent].extend(nodes)

    def insert_after(self, sibling: Element, nodes: list[Element]) -> None:
        """Add nodes behind a node, and behind what was already added there."""
        twin = self._twins[sibling]
        last = self._last_inserted.get(twin, twin)
        parent = twin.getparent()
        assert parent is not None
        for node in nodes:
            node.tail, last.tail = last.tail, None
            parent.insert(parent.index(last) + 1, node)
            last = node
        self._last_inserted[twin] = last

    def remove(self, element: Element) -> None:
        """Take an element out: in the end, since others may yet be inserted behind it."""
        self._removed.append(self._twins[element])

    def compare(self, result: XmlDocument) -> None:
        """Compare with the tree that the spliced bytes gave, but for blanks between elements.

        Raises ConfigFileError if they differ.
        """
        for twin in self._removed:
            _cut(twin)
        # A node's number of children fixes where the next one hangs, so two equal sequences
        # in document order are two equal trees.
        for expected, actual in zip(self._root.iter(), result.root.iter(), strict=False):
            if not _alike(expected, actual):
                fault(
                    f"an edit would change more than it should, on line {actual.sourceline}",
                    file=self._file,
                )


def _cut(node: Element) -> None:
    """Take a node out of its tree, and leave the text behind it."""
    parent, before, tail = node.getparent(), node.getprevious(), node.tail or ""
    assert parent is not None
    if before is None:
        parent.text = (parent.text or "") + tail
    else:
        before.tail = (before.tail or "") + tail
    parent.remove(node)


def _alike(element: Element, other: Element) -> bool:
    return (
        element.tag == other.tag
        and len(element) == len(other)
        and (element.text == other.text or _blank_or_comment(element, other))
        and (element.tail == other.tail or not ((element.tail or "") + (other.tail or "")).strip())
        and (element.items() == other.items() or dict(element.items()) == dict(other.items()))
    )


def _blank_or_comment(element: Element, other: Element) -> bool:
    """Allow other blanks between elements, and lines of a comment that were indented."""
    words, other_words = (element.text or "").split(), (other.text or "").split()
    return words == other_words if not isinstance(element.tag, str) else not words + other_words
