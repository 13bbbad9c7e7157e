"""How a script of remote/scripts ends: one meaning for each exit status."""

from __future__ import annotations

from enum import IntEnum


class ExitStatus(IntEnum):
    """The statuses that scripts give to `fail`; remote/scripts/README.md lists them."""

    DONE = 0
    FAILED = 1
    CHANGED = 7
    """The server is not as it was when this run read it."""
    NOT_NOW = 8
    """Not allowed in the state of the server: it runs, or an interrupted run left a journal."""
    SUDO_REFUSED = 9
    NGINX_REFUSED = 10
    """nginx found a fault in the files; the old ones are back, as with the next two."""
    NGINX_NOT_RELOADED = 11
    NGINX_NOT_LOADED = 12
    HELPER_REFUSED = 13
    """root's helper refuses the file; nothing is changed."""
    TIMED_OUT = 124
    """`timeout` ended the script at its limit."""
