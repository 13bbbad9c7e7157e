"""How an error ends the program: one paragraph on stderr and an exit status, never a traceback."""

from __future__ import annotations

from invoke import Exit

from carbon.errors import ProvisionError


def as_exit(error: ProvisionError) -> Exit:
    """Turn one of our errors into Invoke's orderly end."""
    return Exit(message=f"error: {error}", code=error.exit_status)
