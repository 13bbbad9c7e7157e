"""The name of the program in its own sentences, and how an error ends it.

Remedies name commands as `fab -H worker1 deploy`. Whoever installed `carbon-provision` has no `fab`
on the PATH, so what is printed gets the name by which the program was called.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from invoke import Exit

from carbon.errors import ProvisionError
from carbon.text import visible

if TYPE_CHECKING:
    from rich.text import Text

NAME = "carbon-provision"
FAB = re.compile(r"\bfab(?= (?:-H |--[a-z]|[a-z]))")


def as_called(text: str) -> str:
    """Return a sentence with the name by which the program was called."""
    return FAB.sub(NAME, text) if _is_installed_name() else text


def styled_as_called(text: Text) -> Text:
    """Return the same of a styled text; its styles stay where they are."""
    from rich.text import Text

    if _is_installed_name():
        for match in reversed(list(FAB.finditer(text.plain))):
            text = Text.assemble(text[: match.start()], NAME, text[match.end() :])
    return text


def _is_installed_name() -> bool:
    return Path(sys.argv[0]).name == NAME


def as_exit(error: ProvisionError) -> Exit:
    """Turn one of our errors into Invoke's orderly end: a paragraph on stderr, and a status."""
    return Exit(message=visible(as_called(f"error: {error}")), code=error.exit_status)
