"""Show what changes in a file without showing a secret, whatever state the file is in.

This is done with patterns and without a parser: a diff is wanted most when a file is broken,
and the samples in comments hold passwords too.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from difflib import SequenceMatcher
from pathlib import PurePosixPath
from urllib.parse import quote

from carbon.errors import ConfigFileError
from carbon.secret import MASK, SECRET_NAME
from carbon.xmledit.markup import escape_attribute, escape_text
from carbon.xmledit.source import codec_of

_NAME = rf"[\w.\-]*{SECRET_NAME}"
_TAG = r"<(?:!--\s*)?"
"""The beginning of a tag, also of one whose brackets are those of a comment."""
_ATTRIBUTES = r"(?:[^<>\"']|\"[^\"<]*\"|'[^'<]*')*"
_CALLED = rf"\b(?:name|key)\s*=\s*[\"']{_NAME}[\"']"
_SOME_TAG = rf"{_TAG}[\w:.\-]+\s{_ATTRIBUTES}?"
_NAMED = rf"{_SOME_TAG}{_CALLED}{_ATTRIBUTES}?"
_TEXT = r"(?<!/)>(?P<secret>[^<]*(?:<!\[CDATA\[.*?\]\]>[^<]*)*)"
_VALUE = r"\s*=\s*(?P<quote>[\"'])(?P<secret>(?:(?!(?P=quote))[^<])*)"

_SECRETS = (
    rf"{SECRET_NAME}{_VALUE}",  # keystorePass="..."
    rf"{_TAG}(?:[\w.\-]+:)?{_NAME}(?:\s{_ATTRIBUTES})?{_TEXT}",  # <SvnPassword>...
    rf"{_NAMED}{_TEXT}",  # <property name="password">...
    rf"{_NAMED}\bvalue{_VALUE}",  # <property name="password" value="..."
    rf"{_SOME_TAG}\bvalue{_VALUE}(?=[\"']{_ATTRIBUTES}?{_CALLED})",  # the other way round
    r"://[^\s/@:\"'<>]*:(?P<secret>[^\s/@\"'<>]+)@",  # svn://user:...@host
    r"jdbc:oracle:\w+:[^\s/@:\"'<>]*/(?P<secret>[^\s/@\"'<>]+)@",  # jdbc:oracle:thin:user/...@
    rf"[?&;]{_NAME}=(?P<secret>[^\s&;\"'<>]+)",  # jdbc:...?user=u&amp;password=...
)
"""Compiled when a diff is first shown, and not by every command."""

_TOKEN = re.compile(r"\0(\d+)\0")
_UNPRINTABLE = re.compile(r"[\x01-\x08\x0b-\x1f\x7f-\x9f]")
_CONTEXT_LINES = 3


def mask_secrets(data: bytes, secrets: Iterable[str] = ()) -> str:
    """Return a file's text with every password in it masked, ready to be shown.

    What its name calls a secret is one; `secrets` are further texts that must not show.
    """
    return _TOKEN.sub(MASK, _Masker(secrets).mask(_decoded(data)))


def masked_diff(
    path: PurePosixPath | str, old: bytes, new: bytes, secrets: Iterable[str] = ()
) -> str:
    """Return a unified diff in which every secret is masked; empty if nothing changes.

    Where a secret changes, its line is in the diff, and marked as changed.
    """
    masker = _Masker(secrets)
    before, after = (_lines(masker.mask(_decoded(data))) for data in (old, new))
    hunks = "".join(f"{line}\n" for line in _hunks(before, after))
    return f"--- {path}\n+++ {path}\n{hunks}" if hunks else ""


class _Masker:
    """Replace secrets by tokens: the same for the same secret, so that lines compare as before."""

    def __init__(self, secrets: Iterable[str]) -> None:
        self._numbers: dict[str, int] = {}
        forms = {form for secret in secrets if secret for form in _forms(secret)}
        longest_first = sorted(forms, key=len, reverse=True)
        # Tokens are matched too, so that a secret such as "1" is not looked for in them.
        self._explicit = re.compile("|".join([_TOKEN.pattern, *map(re.escape, longest_first)]))

    def mask(self, text: str) -> str:
        for pattern in _SECRETS:
            text = re.sub(pattern, self._mask_named, text, flags=re.IGNORECASE | re.DOTALL)
        return self._explicit.sub(self._mask_explicit, text)

    def _mask_named(self, match: re.Match[str]) -> str:
        secret = match["secret"].strip()
        if not secret or _TOKEN.fullmatch(secret):
            return match[0]
        start = match.start("secret") - match.start() + match["secret"].index(secret)
        return match[0][:start] + self._token(secret) + match[0][start + len(secret) :]

    def _mask_explicit(self, match: re.Match[str]) -> str:
        return match[0] if match[1] else self._token(match[0])

    def _token(self, secret: str) -> str:
        return f"\0{self._numbers.setdefault(secret, len(self._numbers))}\0"


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
    matcher = SequenceMatcher(None, old, new)
    for group in matcher.get_grouped_opcodes(_CONTEXT_LINES):
        (_, old_start, _, new_start, _), (_, _, old_end, _, new_end) = group[0], group[-1]
        yield f"@@ -{_range(old_start, old_end)} +{_range(new_start, new_end)} @@"
        for kind, i, i_end, j, j_end in group:
            if kind == "equal":
                yield from (_shown(" ", line) for line in old[i:i_end])
            else:
                gone = {token for line in old[i:i_end] for token in _TOKEN.findall(line)}
                yield from (_shown("-", line) for line in old[i:i_end])
                yield from (_shown("+", line, gone=gone) for line in new[j:j_end])


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
