"""What `fab -d` and INVOKE_DEBUG print: all of Invoke's settings, but for passwords."""

from __future__ import annotations

import logging
import re

from carbon.secret import MASK

_PASSWORD = re.compile(
    r"""(['"](?:password|passphrase)['"]: )('(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")"""
)


def mask_passwords() -> None:
    """Let Invoke's and Fabric's debug logs mask passwords from now on."""
    for name in ("invoke", "fabric"):
        logging.getLogger(name).addFilter(_mask)  # one that is there is not added again


def _mask(record: logging.LogRecord) -> bool:
    """Let a record pass, with the passwords of the settings that Invoke writes masked."""
    record.msg = _PASSWORD.sub(rf"\1'{MASK}'", record.getMessage())
    record.args = ()
    return True
