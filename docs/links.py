"""A hook of mkdocs: links to files outside docs/ become plain text; the site has no such page."""

from __future__ import annotations

import re
from typing import Any

OUTSIDE = re.compile(r"(!?)\[([^\]]*)\]\(\.\./[^)]*\)")


def on_page_markdown(markdown: str, **_: Any) -> str:
    """Return a page's text without links that lead out of the site."""
    return OUTSIDE.sub(lambda match: "" if match[1] else match[2], markdown)
