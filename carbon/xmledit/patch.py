"""Collect the edits of one document, and apply them at once as splices into its bytes."""

from __future__ import annotations

import re
from functools import cached_property
from itertools import islice, pairwise
from typing import NoReturn

from carbon.errors import ConfigFileError
from carbon.secret import Secret
from carbon.xmledit.document import (
    Tag,
    XmlDocument,
    is_comment,
    is_element,
    local_name,
    own_text,
    parse_within,
)
from carbon.xmledit.markup import (
    INLINE,
    NAME,
    Content,
    Layout,
    checked,
    escape_attribute,
    escape_text,
    render,
)
from carbon.xmledit.proof import ExpectedTree, main_run
from carbon.xmledit.source import Element, fault

_ATTRIBUTE = re.compile(rb"(?P<blanks>\s+)(?P<name>[^\s=/>]+)\s*=\s*(?P<value>\"[^\"]*\"|'[^']*')")
"""To be matched where the one before it ends: searched, it would try each blank of many."""
_QUALIFIED_NAME = re.compile(rf"(?:(?!xmlns:){NAME.pattern}:)?{NAME.pattern}")
_MISC_OR_CDATA = re.compile(rb"(?P<misc><!--.*?-->|<\?.*?\?>)|<!\[CDATA\[.*?\]\]>", re.DOTALL)
_ONE_CDATA = re.compile(rb"\s*<!\[CDATA\[(?:(?!\]\]>).)*\]\]>\s*", re.DOTALL)
_COMMENTS_TO_LINE_END = re.compile(rb"[ \t]*(?:<!--(?:(?!-->)[^\r\n])*-->[ \t]*)*(?=\r?\n)")
_BLANKS_TO_LINE_END = re.compile(rb"[ \t]*(?=\r?\n)")
_BLANKS_AND_LINE_END = re.compile(rb"[ \t]*\r?\n")
_XML_NAMESPACE = "http://www.w3.org/XML/1998/namespace"


class XmlPatch:
    """The edits to make to one document.

    An edit whose outcome is already there is not counted. All methods raise ConfigFileError
    for a value or a name that XML cannot hold.
    """

    def __init__(self, document: XmlDocument) -> None:
        self.document = document
        self._splices: list[tuple[int, int, str]] = []
        self._first_children: dict[Element, list[str]] = {}

    def set_text(self, element: Element, value: str | Secret) -> None:
        """Make `value` the text of an element; comments within it stay.

        Raises ConfigFileError if there are elements in it.
        """
        text = checked(value, of=f"<{local_name(element)}>", file=self.document.file)
        if any(map(is_element, element)):
            raise self.document.error(
                f"<{local_name(element)}> has elements in it, so it can be given no text",
                at=element,
                action="name an element that holds nothing but text",
            )
        if own_text(element) == text:
            return
        tag = self.document.tag(element)
        if tag.slash is None:
            self._splice_text(tag, text, run=main_run(element))
        else:
            self._splice(tag.slash, tag.end, f">{escape_text(text)}</{tag.name}>")
        self._expected.set_text(element, text)

    def set_attribute(
        self, element: Element, name: str, value: str | Secret, *, after: str | None = None
    ) -> None:
        """Give an attribute a value; `name` has the prefix that the file itself uses.

        A new attribute goes behind the one named `after`, or behind the last, in the layout of
        its neighbours.
        """
        text = checked(value, of=f"{name}= of <{local_name(element)}>", file=self.document.file)
        if name == "xmlns" or not _QUALIFIED_NAME.fullmatch(name):
            self._refuse_name(element, name, "is not the name of an attribute")
        key = self._expanded(element, name)
        if element.get(key) == text:
            return
        attributes = self._attributes(element)
        for attribute in attributes:
            if self._expanded(element, attribute["name"].decode()) == key:
                quote = chr(attribute["value"][0])
                quoted = f"{quote}{escape_attribute(text, quote=quote)}{quote}"
                self._splice(*attribute.span("value"), quoted)
                break
        else:
            self._add_attribute(element, f'{name}="{escape_attribute(text)}"', attributes, after)
        self._expected.set_attribute(element, key, text)

    def insert_after(self, sibling: Element, content: Content) -> None:
        """Insert content behind an element or comment: on its own lines, if that has its own.

        A comment on the rest of the sibling's line stays with the sibling.
        """
        parent = self._parent(sibling)
        start, end = self.document.span(sibling)
        layout = self._layout(parent, start)
        beside: list[Element] = []
        if layout.newline and (rest := _COMMENTS_TO_LINE_END.match(self.document.utf8, end)):
            beside = list(islice(sibling.itersiblings(), rest[0].count(b"<!--")))
            end = rest.end()
        text = layout.place(self._rendered(content, parent, layout))
        self._splice(end, end, text)
        self._expected.insert_after([sibling, *beside][-1], self._nodes(text, parent))

    def append(self, parent: Element, content: Content) -> None:
        """Insert content behind the last element in `parent`, or behind its comments."""
        siblings = list(filter(is_element, parent)) or list(filter(is_comment, parent))
        if own_text(parent).strip() or (len(parent) and not siblings):
            close = self.document.tag(parent).close
            text = self._rendered(content, parent, INLINE)
            self._splice(close, close, text)
            self._expected.append(parent, self._nodes(text, parent))
        elif siblings:
            self.insert_after(siblings[-1], content)
        else:
            layout = self._layout(parent, self.document.tag(parent).start).deeper()
            text = layout.place(self._rendered(content, parent, layout))
            self._first_children.setdefault(parent, []).append(text)
            self._expected.append(parent, self._nodes(text, parent))

    def replace(self, element: Element, content: Content) -> None:
        """Put content in the place of an element."""
        parent = self._parent(element)
        start, end = self.document.span(element)
        text = self._rendered(content, parent, self._layout(parent, start))
        self._splice(start, end, text)
        self._expected.insert_after(element, self._nodes(text, parent))
        self._expected.remove(element)

    def remove(self, element: Element) -> None:
        """Take an element out, and its lines if nothing else stands on them."""
        self._parent(element)
        start, end = self.document.span(element)
        indent = self.document.indent(start)
        rest = _BLANKS_AND_LINE_END.match(self.document.utf8, end)
        if indent is not None and rest:
            start, end = start - len(indent), rest.end()
        self._splice(start, end, "")
        self._expected.remove(element)

    def apply(self) -> XmlDocument:
        """Return the edited document: the same object if there is nothing to edit.

        Raises ConfigFileError if the new bytes do not parse to the old tree with these edits.
        """
        if not (self._splices or self._first_children):
            return self.document
        for parent, texts in self._first_children.items():
            self._splice_first_children(parent, "".join(texts))
        data = self.document.encode(self._spliced())
        try:
            result = XmlDocument.parse(data, file=self.document.file)
        except ConfigFileError as error:
            fault(f"an edit would leave it unreadable ({error.seen})", file=self.document.file)
        self._expected.compare(result)
        return result

    @cached_property
    def _expected(self) -> ExpectedTree:
        return ExpectedTree(self.document)

    def _splice(self, start: int, end: int, text: str) -> None:
        self._splices.append((start, end, text))

    def _spliced(self) -> bytes:
        utf8 = self.document.utf8
        root = self.document.tag(self.document.root)
        pieces, done = [utf8[: root.start]], root.start
        for start, end, text in sorted(self._splices, key=lambda splice: splice[:2]):
            if start < done or end > root.end:
                fault("two edits of it overlap", file=self.document.file)
            pieces += utf8[done:start], text.replace("\n", self.document.newline).encode()
            done = end
        return b"".join((*pieces, utf8[done:]))

    def _splice_text(self, tag: Tag, text: str, *, run: int) -> None:
        """Replace all runs of text between comments by one; `run` is the one to hold it."""
        content = self.document.utf8[tag.inner : tag.close]
        miscs = [match.span() for match in _MISC_OR_CDATA.finditer(content) if match["misc"]]
        borders = [0, *(offset for span in miscs for offset in span), len(content)]
        runs = zip(borders[::2], borders[1::2], strict=True)
        for number, (start, end) in enumerate(runs):
            new = self._text_like(content[start:end], text) if number == run else ""
            self._splice(tag.inner + start, tag.inner + end, new)

    def _text_like(self, old: bytes, text: str) -> str:
        """Write a text in the way of the old one: in a CDATA section if that was one."""
        if _ONE_CDATA.fullmatch(old) and "]]>" not in text and "\r" not in text:
            try:
                text.encode(self.document.codec)
            except UnicodeEncodeError:
                return escape_text(text)
            return f"<![CDATA[{text}]]>"
        return escape_text(text)

    def _splice_first_children(self, parent: Element, text: str) -> None:
        tag = self.document.tag(parent)
        text += self._layout(parent, tag.start).place("")
        if tag.slash is None:
            self._splice(tag.inner, tag.close, text)
        else:
            self._splice(tag.slash, tag.end, f">{text}</{tag.name}>")

    def _expanded(self, element: Element, name: str) -> str:
        """Return an attribute's name as lxml knows it."""
        prefix, colon, local = name.rpartition(":")
        namespaces = {**element.nsmap, "xml": _XML_NAMESPACE}
        if colon and prefix not in namespaces:
            self._refuse_name(element, name, "has a prefix that the file does not declare there")
        return f"{{{namespaces[prefix]}}}{local}" if colon else local

    def _refuse_name(self, element: Element, name: str, why: str) -> NoReturn:
        raise self.document.error(
            f"{name!r} {why}",
            at=element,
            action="correct the name of the attribute",
        )

    def _attributes(self, element: Element) -> list[re.Match[bytes]]:
        tag = self.document.tag(element)
        behind_name = tag.start + len(f"<{tag.name}".encode())
        attributes, at = [], behind_name
        while attribute := _ATTRIBUTE.match(self.document.utf8, at, tag.inner):
            attributes.append(attribute)
            at = attribute.end()
        return [each for each in attributes if not each["name"].startswith(b"xmlns")]

    def _add_attribute(
        self, element: Element, text: str, attributes: list[re.Match[bytes]], after: str | None
    ) -> None:
        if not attributes:
            tag = self.document.tag(element)
            behind_name = tag.start + len(f"<{tag.name}".encode())
            self._splice(behind_name, behind_name, f" {text}")
            return
        names = [attribute["name"].decode() for attribute in attributes]
        index = names.index(after) if after in names else len(names) - 1
        neighbours = [*attributes[index + 1 : index + 2], attributes[index]]
        offset = attributes[index].end()
        for blanks in (neighbour["blanks"] for neighbour in neighbours):
            if b"\n" in blanks:
                if rest := _BLANKS_TO_LINE_END.match(self.document.utf8, offset):
                    offset = rest.end()
                indent = blanks.rpartition(b"\n")[2].decode()
                self._splice(offset, offset, f"\n{indent}{text}")
                return
        self._splice(offset, offset, f" {text}")

    def _parent(self, node: Element) -> Element:
        parent = node.getparent()
        if parent is None:
            raise self.document.error(
                f"<{local_name(node)}> is the root: nothing can stand beside it or in its place",
                at=node,
                action="name an element within it",
            )
        return parent

    def _layout(self, parent: Element, offset: int) -> Layout:
        """Return the layout of what stands at this place, in or as `parent`."""
        indent = self.document.indent(offset)
        if indent is None:
            return INLINE
        return Layout("\n", indent, self._unit(indent, parent))

    def _unit(self, indent: str, parent: Element) -> str:
        """Return one step of indentation: the nearest that this place and those above show."""
        starts = [self.document.tag(each).start for each in (parent, *parent.iterancestors())]
        above = [self.document.indent(start) for start in starts]
        above[-1] = ""  # some of the product's files begin with a blank before the root element
        for inner, outer in pairwise((indent, *above)):
            if inner and outer is not None and inner != outer and inner.startswith(outer):
                return inner.removeprefix(outer)
        return "    "

    def _rendered(self, content: Content, parent: Element, layout: Layout) -> str:
        prefix = f"{parent.prefix}:" if parent.prefix else ""
        return render(content, prefix=prefix, layout=layout, file=self.document.file)

    def _nodes(self, text: str, parent: Element) -> list[Element]:
        return list(parse_within(text, parent.nsmap, file=self.document.file).root)
