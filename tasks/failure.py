"""How an error ends the program: one paragraph on stderr and an exit status, never a traceback."""

from __future__ import annotations

from invoke import Exit

from carbon.errors import ProvisionError
from carbon.text import visible
from tasks.wording import as_called


def as_exit(error: ProvisionError) -> Exit:
    """Turn one of our errors into Invoke's orderly end."""
    return Exit(message=visible(as_called(f"error: {error}")), code=error.exit_status)
