"""Which texts are host names, for the files of root's that they end up in."""

from __future__ import annotations

import re

_LABEL = r"[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?"
_HOST_NAME = re.compile(rf"(?=.{{1,253}}\Z){_LABEL}(?:\.{_LABEL})*")


def is_host_name(text: str) -> bool:
    """Tell whether a text is a host name of RFC 1123; underscores are let through, as by DNS."""
    return _HOST_NAME.fullmatch(text) is not None
