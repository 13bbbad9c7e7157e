"""Write values and new elements as XML text, laid out like what stands around them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TypeAlias

from carbon.errors import ConfigFileError
from carbon.secret import Secret, reveal
from carbon.value import Value, field
from carbon.xmledit.source import Element

NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.\-]*")
"""A name to give to something new; in files there may be others."""

# All but the Char production of XML 1.0, section 2.2; short, since its compilation counts.
_UNFIT = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_TEXT_ESCAPES = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", "\r": "&#13;"})
_ATTRIBUTE_ESCAPES = _TEXT_ESCAPES | str.maketrans({"\t": "&#9;", "\n": "&#10;"})
_MARKUP = re.compile(
    r"<!\[CDATA\[.*?\]\]>|<\?.*?\?>|[^<]*[^\s<][^<]*"
    r"|(?P<blanks><!--.*?-->|</?(?:[^\"'>]|\"[^\"]*\"|'[^']*')*>|\s+(?=<))",
    re.DOTALL,
)
_QUOTED_OR_NEWLINE = re.compile(r"(\"[^\"]*\"|'[^']*')|\n(?!\n)")


class New(Value):
    """An element to insert; it takes the namespace prefix of the element that it goes into."""

    name: str
    content: str | Secret | tuple[New, ...] = ""
    attributes: Mapping[str, str] = field(default_factory=dict)


class Fragment(Value):
    """An element to insert as its author wrote it, together with the comments around it."""

    text: str
    element: Element
    """What the text means, to compare with what a file already has."""


Content: TypeAlias = New | Fragment


class Layout(Value):
    """How inserted elements stand: each on a line of its own, or side by side (`INLINE`)."""

    newline: str
    indent: str
    unit: str
    """One step of indentation."""

    def deeper(self) -> Layout:
        """Return the layout of the children of what has this one."""
        return Layout(self.newline, self.indent + self.unit, self.unit)

    def place(self, text: str) -> str:
        """Begin a new line, if there are lines, for a text."""
        return f"{self.newline}{self.indent}{text}"


INLINE = Layout("", "", "")


def escape_text(value: str) -> str:
    """Write a value as the text of an element."""
    return value.translate(_TEXT_ESCAPES)


def escape_attribute(value: str, *, quote: str = '"') -> str:
    """Write a value as that of an attribute between such quotes."""
    entity = "&quot;" if quote == '"' else "&apos;"
    return value.translate(_ATTRIBUTE_ESCAPES).replace(quote, entity)


def checked(value: str | Secret, *, of: str, file: str) -> str:
    """Return the text of a value.

    Raises ConfigFileError, which shows the character and never the value, if XML cannot hold it.
    """
    text = reveal(value)
    if unfit := _UNFIT.search(text):
        raise ConfigFileError(
            f"the value for {of} has the character U+{ord(unfit[0]):04X}, which XML cannot hold",
            file=file,
            action="take that character out of the value",
        )
    return text


def render(content: Content, *, prefix: str, layout: Layout, file: str) -> str:
    """Return an element's text, ready to stand where the layout has placed it."""
    if isinstance(content, Fragment):
        return _indented(content.text, layout)
    if not NAME.fullmatch(content.name):
        raise ConfigFileError(
            f"{content.name!r} is not the name of an element", file=file, action="correct the name"
        )
    name = prefix + content.name
    head = name
    for key, value in content.attributes.items():
        text = checked(value, of=f"{key}= of <{content.name}>", file=file)
        head += f' {key}="{escape_attribute(text)}"'
    if isinstance(content.content, tuple):
        below = layout.deeper()
        children = "".join(
            below.place(render(child, prefix=prefix, layout=below, file=file))
            for child in content.content
        )
        return f"<{head}>{children}{layout.place('')}</{name}>" if children else f"<{head}/>"
    text = escape_text(checked(content.content, of=f"<{content.name}>", file=file))
    return f"<{head}>{text}</{name}>" if text else f"<{head}/>"


def _indented(text: str, layout: Layout) -> str:
    """Move the lines of a fragment to the right, if that changes no value in it."""
    if not layout.newline:
        return text

    def indent(match: re.Match[str]) -> str:
        return match[1] or f"\n{layout.indent}"

    def move(match: re.Match[str]) -> str:
        return _QUOTED_OR_NEWLINE.sub(indent, match[0]) if match["blanks"] else match[0]

    return _MARKUP.sub(move, text)
