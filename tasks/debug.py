"""What `fab -d` and INVOKE_DEBUG print: all of Invoke's settings, but for passwords."""

from __future__ import annotations

import logging
import re

from carbon.secret import MASK

_PASSWORD = re.compile(
    r"""(['"](?:password|passphrase)['"]: )('(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")"""
)


class PasswordFilter(logging.Filter):
    """Masks passwords in the settings that Invoke writes to its debug log."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Let every record pass, with its passwords masked."""
        record.msg = _PASSWORD.sub(rf"\1'{MASK}'", record.getMessage())
        record.args = ()
        return True


def mask_passwords() -> None:
    """Let Invoke's and Fabric's debug logs mask passwords from now on."""
    for name in ("invoke", "fabric"):
        log = logging.getLogger(name)
        if not any(isinstance(known, PasswordFilter) for known in log.filters):
            log.addFilter(PasswordFilter())
