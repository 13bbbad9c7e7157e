"""From a file's bytes to UTF-8, to a tree, and to the offsets of its elements.

Both parsers read the UTF-8 form, whatever the file's own encoding is, so that offsets and
splices need to know only one.
"""

from __future__ import annotations

import codecs
import re
from typing import TYPE_CHECKING, NoReturn, TypeAlias

from carbon.errors import ConfigFileError

if TYPE_CHECKING:  # importing lxml takes longer than patching a server's files
    from lxml import etree

Element: TypeAlias = "etree._Element"

MAX_BYTES = 8 * 1024 * 1024

_BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_SUPPORTED = re.compile(r"utf-8|ascii|iso8859-\d+|cp125\d")
_DECLARATION = re.compile(
    rb"(?:\xef\xbb\xbf)?<\?xml\s[^>]*?\bencoding\s*=\s*(?:\"([^\"<>]*)\"|'([^'<>]*)')"
)
_PROLOG = re.compile(rb"(?:\xef\xbb\xbf)?(?>\s|<\?.*?\?>|<!--.*?-->)*+", re.DOTALL)


def codec_of(data: bytes, *, file: str) -> str:
    """Return the codec of a file: its byte order mark's, the one it declares, or UTF-8.

    Raises ConfigFileError for an encoding that is not certain to survive an edit.
    """
    marked = next((codec for bom, codec in _BOMS if data.startswith(bom)), None)
    if marked and marked != "utf-8":
        return marked
    if b"\0" in data[:4]:
        _refuse_encoding("it looks like UTF-16 or UTF-32 without a byte order mark", file=file)
    match = _DECLARATION.match(data)
    if match is None:
        return "utf-8"
    declared = (match[1] or match[2] or b"").decode("ascii", "replace")
    try:
        codec = codecs.lookup(declared).name
    except (LookupError, ValueError):
        codec = "unknown"
    if not _SUPPORTED.fullmatch(codec) or (marked and codec != marked):
        mark = " behind the byte order mark of UTF-8" if marked else ""
        _refuse_encoding(f"it declares the encoding {declared!r}{mark}", file=file)
    return codec


def _refuse_encoding(seen: str, *, file: str) -> NoReturn:
    raise ConfigFileError(
        f"{seen}, which cannot be edited safely",
        file=file,
        line=1,
        action="convert the file to UTF-8 with iconv, and let its first line say UTF-8",
    )


def to_utf8(data: bytes, codec: str, *, file: str) -> bytes:
    """Return a file's text in UTF-8, a byte order mark included.

    Raises ConfigFileError, with the line, for bytes that are not text in that codec.
    """
    try:
        text = data.decode(codec)
    except UnicodeDecodeError as error:
        raise ConfigFileError(
            f"the byte 0x{data[error.start]:02X} is not {codec} text, the encoding of this file",
            file=file,
            line=data.count(b"\n", 0, error.start) + 1,
            action="let the first line of the file declare the encoding that it really has",
        ) from None
    return data if codec == "utf-8" else text.encode()


def parse_tree(utf8: bytes, *, file: str) -> Element:
    """Parse a text that has neither DTD nor entities.

    Raises ConfigFileError for a DOCTYPE and for what is not well-formed.
    """
    from lxml import etree

    prolog = _PROLOG.match(utf8)
    if prolog and utf8.startswith(b"<!DOCTYPE", prolog.end()):
        raise ConfigFileError(
            "it has a DOCTYPE, and DTDs and entities are never read",
            file=file,
            line=utf8.count(b"\n", 0, prolog.end()) + 1,
            action="take the DOCTYPE out; the product's own files have none",
        )
    parser = etree.XMLParser(
        encoding="utf-8",
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        huge_tree=False,
        collect_ids=False,
    )
    try:
        return etree.fromstring(utf8, parser)
    except etree.XMLSyntaxError as error:
        # Expat's messages are a fixed list; lxml's may quote the text, and with it a secret.
        offsets(utf8, file=file)
        message = (error.msg or "it cannot be parsed").partition(", line ")[0]
        _refuse_malformed(message, file=file, line=error.lineno)


def _refuse_malformed(message: str, *, file: str, line: int | None) -> NoReturn:
    raise ConfigFileError(
        f"it is not well-formed XML: {message}",
        file=file,
        line=line,
        action="repair the file on the server, or put the pack's own file back",
    )


def offsets(utf8: bytes, *, file: str) -> tuple[list[tuple[int, int]], list[int]]:
    """Return where elements, and the comments within the root, stand in a text, in its order.

    Of an element it is where `<name` and `</name>` are; the second means nothing if it closes
    itself. Raises ConfigFileError for what is not well-formed.
    """
    from xml.parsers import expat

    parser = expat.ParserCreate("utf-8")
    starts: list[int] = []
    closes: dict[int, int] = {}
    comments: list[int] = []
    unclosed: list[int] = []

    def start(_name: str, _attributes: dict[str, str]) -> None:
        unclosed.append(parser.CurrentByteIndex)
        starts.append(parser.CurrentByteIndex)

    def end(_name: str) -> None:
        closes[unclosed.pop()] = parser.CurrentByteIndex

    def comment(_text: str) -> None:
        if unclosed:
            comments.append(parser.CurrentByteIndex)

    parser.StartElementHandler = start
    parser.EndElementHandler = end
    parser.CommentHandler = comment
    try:
        parser.Parse(utf8, True)
    except expat.ExpatError as error:
        _refuse_malformed(expat.ErrorString(error.code), file=file, line=error.lineno)
    return [(offset, closes[offset]) for offset in starts], comments


def fault(seen: str, *, file: str) -> NoReturn:
    """Refuse to go on if the editor itself would do harm."""
    raise ConfigFileError(
        seen,
        file=file,
        action="nothing was changed; edit the file by hand, and report this with the file",
    )
