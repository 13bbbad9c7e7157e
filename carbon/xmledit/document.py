"""A parsed file: its bytes, its tree, and where in the bytes each element stands."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from carbon.errors import ConfigFileError
from carbon.value import Value
from carbon.xmledit.markup import NAME, Fragment, checked, escape_attribute
from carbon.xmledit.source import MAX_BYTES, Element, codec_of, fault, offsets, parse_tree, to_utf8

_START_TAG = re.compile(
    rb"<([^\s/>]+)(?:\s+[^\s=/>]+\s*=\s*(?:\"[^\"]*\"|'[^']*'))*+(?P<slash>\s*/)?\s*>"
)


def is_element(node: Element) -> bool:
    """Tell an element from a comment or processing instruction."""
    return isinstance(node.tag, str)


def is_comment(node: Element) -> bool:
    """Tell a comment from an element or processing instruction."""
    from lxml import etree

    return isinstance(node, etree._Comment)


def local_name(element: Element) -> str:
    """Return an element's name without its namespace."""
    return str(element.tag).rpartition("}")[2]


def own_text(element: Element) -> str:
    """Return an element's text, without comments and without that of its children."""
    return (element.text or "") + "".join(child.tail or "" for child in element)


class Tag(Value):
    """Where one element stands in the UTF-8 bytes."""

    name: str
    """With its prefix, as the file writes it."""
    start: int
    inner: int
    """Right behind the start tag."""
    close: int
    """Of the end tag; `end` where the element closes itself."""
    end: int
    slash: int | None
    """Of the end of the start tag's text before `/>`, if the element closes itself."""


@dataclass(frozen=True, eq=False)
class XmlDocument:
    """One XML file, as it is on disk and as it is understood."""

    data: bytes = field(repr=False)
    """The file itself."""
    file: str
    """Its name, for errors."""
    root: Element
    utf8: bytes = field(repr=False)
    """The same text in UTF-8: what offsets count."""
    codec: str

    @classmethod
    def parse(cls, data: bytes, *, file: str) -> XmlDocument:
        """Parse a file.

        Raises ConfigFileError for a file that is too large, in an unsupported encoding, with a
        DOCTYPE, or not well-formed.
        """
        if len(data) > MAX_BYTES:
            raise ConfigFileError(
                f"it has {len(data)} bytes, more than the {MAX_BYTES} that are read at most",
                file=file,
                action="look into it; put the pack's own file back if it is damaged",
            )
        codec = codec_of(data, file=file)
        utf8 = to_utf8(data, codec, file=file)
        return cls(data=data, file=file, root=parse_tree(utf8, file=file), utf8=utf8, codec=codec)

    def error(self, seen: str, *, action: str, at: Element | None = None) -> ConfigFileError:
        """Return an error about this file, with the line of an element if it is about one."""
        line = None if at is None else at.sourceline
        number = line if isinstance(line, int) else None
        return ConfigFileError(seen, file=self.file, line=number, action=action)

    def findall(
        self,
        xpath: str,
        *,
        within: Element | None = None,
        namespaces: Mapping[str, str] | None = None,
    ) -> list[Element]:
        """Return the elements that an XPath expression selects, in document order.

        Raises ConfigFileError for an expression that cannot be evaluated, or that selects
        anything but elements.
        """
        from lxml import etree

        start = self.root if within is None else within
        try:
            selected = start.xpath(xpath, namespaces=dict(namespaces or {}))
        except (etree.LxmlError, ValueError, TypeError) as error:
            raise self.error(
                f"the xpath {xpath!r} cannot be evaluated: {error}",
                action="correct it; every prefix in it must be among the namespaces",
            ) from None
        nodes = selected if isinstance(selected, list) else [selected]
        elements = [node for node in nodes if isinstance(node, etree._Element) and is_element(node)]
        if len(elements) != len(nodes):
            raise self.error(
                f"the xpath {xpath!r} selects something other than elements",
                action="let it end with an element; an attribute is named beside it",
            )
        return elements

    def find(
        self,
        xpath: str,
        *,
        within: Element | None = None,
        namespaces: Mapping[str, str] | None = None,
    ) -> Element | None:
        """Return the only element that an XPath expression selects, or None.

        Raises ConfigFileError if there are several.
        """
        return self.only(self.findall(xpath, within=within, namespaces=namespaces), called=xpath)

    def child(self, parent: Element, name: str) -> Element | None:
        """Return the only child of that name in the parent's own namespace, or None.

        Raises ConfigFileError if there are several.
        """
        tag = str(parent.tag).removesuffix(local_name(parent)) + name
        children = [each for each in parent if each.tag == tag]
        return self.only(children, called=f"<{name}>")

    def only(self, elements: Sequence[Element], *, called: str) -> Element | None:
        """Return the only one of these elements, or None if there is none.

        Raises ConfigFileError if there are several.
        """
        if len(elements) > 1:
            lines = ", ".join(str(element.sourceline) for element in elements)
            raise self.error(
                f"{called} is there {len(elements)} times, on lines {lines}",
                at=elements[1],
                action="leave the one that is meant and put the others into comments",
            )
        return elements[0] if elements else None

    def fragment(self, text: str, *, parent: Element, namespaces: Mapping[str, str]) -> Fragment:
        """Prepare one element, written as XML, to stand in `parent`.

        It may use the prefixes that the file declares there, and those of `namespaces`.

        Raises ConfigFileError if it is not well-formed, or not exactly one element.
        """
        text = checked(text, of="the fragment", file=self.file).replace("\r\n", "\n")
        text = textwrap.dedent(text).strip()
        scope: dict[str | None, str] = {**parent.nsmap}
        scope.update(namespaces)
        try:
            wrapper = parse_within(text, scope, file="the fragment")
        except ConfigFileError as error:
            action = "correct the fragment; & in it is &amp;"
            raise ConfigFileError(error.seen, file=self.file, action=action) from None
        elements = list(filter(is_element, wrapper.root))
        if len(elements) != 1 or own_text(wrapper.root).strip():
            raise self.error(
                "the fragment is not exactly one element",
                action="write one element, without text beside it",
            )
        offset = wrapper.tag(elements[0]).start - wrapper.tag(wrapper.root).inner
        before, tag = text.encode()[:offset].decode(), text.encode()[offset:].decode()
        undeclared = "".join(
            f' xmlns:{prefix}="{escape_attribute(uri)}"'
            for prefix, uri in namespaces.items()
            if f"{prefix}:" in text and parent.nsmap.get(prefix) != uri
        )
        name = re.compile(r"<[^\s/>]+").match(tag)
        assert name is not None
        return Fragment(before + name[0] + undeclared + tag[name.end() :], elements[0])

    def tag(self, element: Element) -> Tag:
        """Return where an element stands."""
        start, close = self._places[0][element]
        match = _START_TAG.match(self.utf8, start)
        if match is None:
            fault(f"the start tag at byte {start} cannot be read", file=self.file)
        name, inner = match[1].decode(), match.end()
        if match["slash"]:
            return Tag(name, start, inner, inner, inner, slash=match.start("slash"))
        return Tag(name, start, inner, close, self.utf8.index(b">", close) + 1, slash=None)

    def span(self, node: Element) -> tuple[int, int]:
        """Return where an element, or a comment within the root element, begins and ends."""
        if is_element(node):
            tag = self.tag(node)
            return tag.start, tag.end
        start = self._places[1][node]
        return start, self.utf8.index(b"-->", start) + len(b"-->")

    def indent(self, offset: int) -> str | None:
        """Return the blanks before this place, or None if it is not the first of its line."""
        before = self.utf8[self.utf8.rfind(b"\n", 0, offset) + 1 : offset]
        return None if before.strip(b" \t") else before.decode()

    @cached_property
    def newline(self) -> str:
        """The line end that most lines of the file have."""
        return "\r\n" if self.utf8.count(b"\r\n") * 2 > self.utf8.count(b"\n") else "\n"

    def encode(self, utf8: bytes) -> bytes:
        """Return a text in the file's own encoding, with references for what that cannot hold."""
        if self.codec == "utf-8":
            return utf8
        return utf8.decode().encode(self.codec, "xmlcharrefreplace")

    @cached_property
    def _places(self) -> tuple[dict[Element, tuple[int, int]], dict[Element, int]]:
        """Where each element, and each comment within the root, stands: see `offsets`."""
        from lxml import etree

        elements, comments = list(self.root.iter("*")), list(self.root.iter(etree.Comment))
        starts_and_closes, starts = offsets(self.utf8, file=self.file)
        if (len(elements), len(comments)) != (len(starts_and_closes), len(starts)):
            fault("two parsers count its elements or comments differently", file=self.file)
        pairs = zip(elements, starts_and_closes, strict=True)
        return dict(pairs), dict(zip(comments, starts, strict=True))


def parse_within(text: str, namespaces: Mapping[str | None, str], *, file: str) -> XmlDocument:
    """Parse XML as the content of an element that declares these namespaces.

    Raises ConfigFileError if it is not well-formed there.
    """
    declarations = ""
    for prefix, uri in namespaces.items():
        name = "xmlns" if prefix is None else f"xmlns:{prefix}"
        if prefix is not None and not NAME.fullmatch(prefix):
            raise ConfigFileError(
                f"{prefix!r} is not a namespace prefix", file=file, action="correct the prefix"
            )
        declarations += f' {name}="{escape_attribute(checked(uri, of=name, file=file))}"'
    return XmlDocument.parse(f"<here{declarations}>{text}</here>".encode(), file=file)
