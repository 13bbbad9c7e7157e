"""A log line as an error may show it: short, and without a secret."""

from __future__ import annotations

import re
from collections.abc import Iterable

from carbon.join.columns import cut
from carbon.secret import MASK, SECRET_NAME

_VALUE = r"(?P<quote>[\"']?)(?P<secret>[^\s\"',;&<>()\[\]{}]+)"
_SECRETS = (
    # password=..., pwd: ..., "password":"..."; MySQL's `using password: YES` says only whether.
    rf"{SECRET_NAME}[\"']?\s?[=:]\s?(?!YES\b|NO\b){_VALUE}",
    rf"<[\w:.\-]{{0,80}}{SECRET_NAME}(?:\s[^<>]{{0,200}})?>(?P<secret>[^<]+)",
    r"://[^\s/@:\"'<>]{0,80}:(?P<secret>[^\s/@\"'<>]{1,200})@",
    r"jdbc:oracle:\w{1,20}:[^\s/@:\"'<>]{0,80}/(?P<secret>[^\s/@\"'<>]{1,200})@",
)
"""Each of bounded length, so that a line costs no more than its length."""
_SHORTEST = 4
"""A shorter text would be masked in the middle of words."""


def quote(line: str, secrets: Iterable[str] = ()) -> str:
    """Return a line cut to what is ever judged, with every password in it masked.

    What its name calls a secret is one; `secrets` are further texts that must not show.
    """
    text = cut(line)
    for pattern in _SECRETS:
        text = re.sub(pattern, _masked, text, flags=re.IGNORECASE)
    for secret in sorted(secrets, key=len, reverse=True):
        if len(secret) >= _SHORTEST:
            text = text.replace(secret, MASK)
    return text


def _masked(match: re.Match[str]) -> str:
    start, end = (at - match.start() for at in match.span("secret"))
    return match[0][:start] + MASK + match[0][end:]
