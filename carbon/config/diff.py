"""Show what changes in a file without showing a secret, whatever state the file is in.

This is done with patterns and without a parser: a diff is wanted most when a file is broken,
and the samples in comments hold passwords too.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from difflib import SequenceMatcher
from pathlib import PurePosixPath
from typing import Literal, TypeAlias
from urllib.parse import quote

from carbon.errors import ConfigFileError
from carbon.secret import MASK, SECRET_NAME
from carbon.xmledit.markup import escape_attribute, escape_text
from carbon.xmledit.source import codec_of

_NAME = rf"[\w.\-]*{SECRET_NAME}"
_VALUE = r"\s*=\s*(?P<quote>[\"'])(?P<secret>(?:(?!(?P=quote))[^<])*)"

_ATTRIBUTE_SECRETS = (
    rf"{SECRET_NAME}{_VALUE}",  # keystorePass="..."
)
_URL_SECRETS = (
    r"://[^\s/@:\"'<>]*:(?P<secret>[^\s/@\"'<>]+)@",  # svn://user:...@host
    r"jdbc:oracle:\w+:[^\s/@:\"'<>]*/(?P<secret>[^\s/@\"'<>]+)@",  # jdbc:oracle:thin:user/...@
    rf"[?&;]{_NAME}=(?P<secret>[^\s&;\"'<>]+)",  # jdbc:...?user=u&amp;password=...
)
_PLAIN_SECRETS = (
    rf"(?:\b|[\w.\-]){SECRET_NAME}[\"']?[ \t]*[=:][ \t]*(?P<secret>\S[^\n]*)",  # .properties, shell
)
"""Compiled when a diff is first shown, and not by every command."""

# The beginning of a tag, also of one whose brackets are those of a comment, and its attributes as
# far as their quotes pair. No part of it holds a `<`, so that no two of them overlap, and it gives
# nothing back: a file costs no more than its length.
_TAG = (
    r"<(?:!--\s*+)?+(?P<name>[\w:.\-]++)"
    r"(?P<attributes>(?:\s(?:[^<>\"']++|\"[^\"<]*+\"|'[^'<]*+')*+)?+)"
)
_SECRET_TAG = rf"(?:[\w.\-]+:)?{_NAME}"  # <SvnPassword>, <svns:Password>
_CALLED = rf"\b(?:name|key)\s*+=\s*+[\"']{_NAME}[\"']"  # <property name="password"
_VALUE_ATTRIBUTE = rf"\bvalue{_VALUE}"  # value="..." beside such a name
_CDATA = "<![CDATA["
_ALIASED = r"<[^<>]*?\bsecretAlias\b[^<>]*+>[^<]*+"
"""An element whose value Secure Vault keeps: another text stands in its place."""

Opcode: TypeAlias = tuple[Literal["replace", "delete", "insert", "equal"], int, int, int, int]

_TOKEN = re.compile(r"\0(\d+)\0")
_UNPRINTABLE = re.compile(r"[\x01-\x08\x0b-\x1f\x7f-\x9f]")
_CONTEXT_LINES = 3
_COMPARED_LINES = 4000
"""Of both files together: carbon.xml and axis2.xml have less than a thousand each."""


def mask_secrets(data: bytes, secrets: Iterable[str] = (), *, plain: bool = False) -> str:
    """Return a file's text with every password in it masked, ready to be shown.

    What its name calls a secret is one; `secrets` are further texts that must not show. `plain`:
    it may be a text that is not XML, in which a secret ends with its line.
    """
    return _TOKEN.sub(MASK, _Masker(secrets, plain=plain).mask(_decoded(data)))


def holds_secret(data: bytes, secrets: Iterable[str] = ()) -> bool:
    """Tell whether an XML file has a password in plain text.

    What stands in a comment, or beside an alias of Secure Vault, is not one.
    """
    first, *commented = _decoded(data).split("<!--")
    text = first + "".join(piece.partition("-->")[2] for piece in commented)
    masked = _Masker(secrets).mask(re.sub(_ALIASED, "", text))
    return _TOKEN.search(masked) is not None


def masked_diff(
    path: PurePosixPath | str,
    old: bytes,
    new: bytes,
    secrets: Iterable[str] = (),
    *,
    plain: bool = False,
) -> str:
    """Return a unified diff in which every secret is masked; empty if nothing changes.

    If a secret changes, its line is in the diff, and marked as changed. `plain`: it may be a
    text that is not XML, in which a secret ends with its line.
    """
    masker = _Masker(secrets, plain=plain)
    before, after = (_lines(masker.mask(_decoded(data))) for data in (old, new))
    hunks = "".join(f"{line}\n" for line in _hunks(before, after))
    return f"--- {path}\n+++ {path}\n{hunks}" if hunks else ""


class _Masker:
    """Replace secrets by tokens: the same for the same secret, so that lines compare as before."""

    def __init__(self, secrets: Iterable[str], *, plain: bool = False) -> None:
        self._plain = _PLAIN_SECRETS if plain else ()
        self._numbers: dict[str, int] = {}
        forms = {form for secret in secrets if secret for form in _forms(secret)}
        longest_first = sorted(forms, key=len, reverse=True)
        # Tokens are matched too, so that a secret such as "1" is not looked for in them.
        self._explicit = re.compile("|".join([_TOKEN.pattern, *map(re.escape, longest_first)]))

    def mask(self, text: str) -> str:
        text = self._mask_all(_ATTRIBUTE_SECRETS, text)
        text = "".join(self._mask_tags(text))
        text = self._mask_all((*_URL_SECRETS, *self._plain), text)
        return self._explicit.sub(self._mask_explicit, text)

    def _mask_all(self, patterns: Iterable[str], text: str) -> str:
        for pattern in patterns:
            text = re.sub(pattern, self._mask_named, text, flags=re.IGNORECASE)
        return text

    def _mask_tags(self, text: str) -> Iterator[str]:
        """Yield the pieces of a text in which what a secret element holds is masked."""
        done, last_closed = 0, text.rfind("]]>")
        for tag in re.finditer(_TAG, text):
            if tag.start() < done:  # within what was masked: in a CDATA section
                continue
            end = text.find("<", tag.end())
            end = len(text) if end < 0 else end
            attributes = text[tag.start("attributes") : end].partition(">")[0]
            attributes = max(tag["attributes"], attributes, key=len)
            called = re.search(_CALLED, attributes, re.IGNORECASE)
            if called:
                yield text[done : tag.start("attributes")]
                yield self._mask_all((_VALUE_ATTRIBUTE,), attributes)
                done = tag.start("attributes") + len(attributes)
            if called or re.fullmatch(_SECRET_TAG, tag["name"], re.IGNORECASE):
                opened = text.find(">", tag.start("attributes") + len(attributes), end)
                if opened >= 0 and text[opened - 1] != "/":
                    yield text[done : opened + 1]
                    done = _end_of_text(text, opened + 1, last_closed)
                    yield self._mask_text(text[opened + 1 : done])
        yield text[done:]

    def _mask_text(self, text: str) -> str:
        secret = text.strip()
        if not secret or _TOKEN.fullmatch(secret):
            return text
        return text.replace(secret, self._token(secret), 1)

    def _mask_named(self, match: re.Match[str]) -> str:
        start, end = (offset - match.start() for offset in match.span("secret"))
        return match[0][:start] + self._mask_text(match["secret"]) + match[0][end:]

    def _mask_explicit(self, match: re.Match[str]) -> str:
        return match[0] if match[1] else self._token(match[0])

    def _token(self, secret: str) -> str:
        return f"\0{self._numbers.setdefault(secret, len(self._numbers))}\0"


def _end_of_text(text: str, start: int, last_closed: int) -> int:
    """Return where the text of an element ends: CDATA sections are part of it.

    Behind `last_closed` no section is closed, so that none has to be searched for its end.
    """
    end = text.find("<", start)
    while end >= 0 and text.startswith(_CDATA, end):
        inner = end + len(_CDATA)
        end = text.find("<", text.find("]]>", inner) if inner <= last_closed else inner)
    return end if end >= 0 else len(text)


def _forms(secret: str) -> Iterator[str]:
    """Yield a secret as it may stand in a file: plain, escaped for XML, or in a URL."""
    escaped = (escape_text(secret), escape_attribute(secret), escape_attribute(secret, quote="'"))
    for form in (secret, quote(secret, safe=""), *escaped):
        yield form
        yield form.replace("\n", "\r\n")
        yield form.encode("ascii", "xmlcharrefreplace").decode()
        yield form.encode("latin-1", "xmlcharrefreplace").decode("latin-1")


def _decoded(data: bytes) -> str:
    try:
        codec = codec_of(data, file="")
    except ConfigFileError:
        codec = "latin-1"
    return data.decode(codec, "replace").removeprefix("\ufeff").replace("\0", "\ufffd")


def _lines(text: str) -> list[str]:
    *lines, last = text.split("\n")
    return [*lines, f"{last}\n\\ No newline at end of file"] if last else lines


def _hunks(old: Sequence[str], new: Sequence[str]) -> Iterator[str]:
    for group in _Matcher(old, new).get_grouped_opcodes(_CONTEXT_LINES):
        (_, old_start, _, new_start, _), (_, _, old_end, _, new_end) = group[0], group[-1]
        yield f"@@ -{_range(old_start, old_end)} +{_range(new_start, new_end)} @@"
        for kind, i, i_end, j, j_end in group:
            if kind == "equal":
                yield from (_shown(" ", line) for line in old[i:i_end])
            else:
                gone = {token for line in old[i:i_end] for token in _TOKEN.findall(line)}
                yield from (_shown("-", line) for line in old[i:i_end])
                yield from (_shown("+", line, gone=gone) for line in new[j:j_end])


class _Matcher(SequenceMatcher[str]):
    """Compares lines in a time that stays short.

    Equal lines at both ends are taken off first. If what is left is far larger than a file of
    Carbon, one change stands for it: to compare it would take the square of its length.
    """

    def __init__(self, old: Sequence[str], new: Sequence[str]) -> None:
        super().__init__(None, "", "")
        self._old, self._new = old, new

    def get_opcodes(self) -> list[Opcode]:
        """Return what is equal and what changes, in order."""
        old, new = self._old, self._new
        head = _equal(old, new)
        tail = _equal(old[head:][::-1], new[head:][::-1])
        old_end, new_end = len(old) - tail, len(new) - tail
        if old_end == new_end == head:
            return []
        changes: Sequence[Opcode] = [("replace", 0, old_end - head, 0, new_end - head)]
        if old_end - head + new_end - head <= _COMPARED_LINES:
            changes = SequenceMatcher(None, old[head:old_end], new[head:new_end]).get_opcodes()
        return [
            ("equal", 0, head, 0, head),
            *((kind, i + head, n + head, j + head, m + head) for kind, i, n, j, m in changes),
            ("equal", old_end, len(old), new_end, len(new)),
        ]


def _equal(old: Sequence[str], new: Sequence[str]) -> int:
    """Return how many lines at the beginning are equal."""
    pairs = enumerate(zip(old, new, strict=False))
    return next((at for at, (a, b) in pairs if a != b), min(len(old), len(new)))


def _range(start: int, end: int) -> str:
    length = end - start
    if length == 1:
        return str(start + 1)
    return f"{start + 1 if length else start},{length}"


def _shown(sign: str, line: str, *, gone: Iterable[str] = ()) -> str:
    """Return a line of the diff; a secret that came for another that is gone has changed."""
    others = set(gone)

    def mask(token: re.Match[str]) -> str:
        return f"{MASK} (changed)" if others and token[1] not in others else MASK

    return sign + _UNPRINTABLE.sub("\ufffd", _TOKEN.sub(mask, line).removesuffix("\r"))
