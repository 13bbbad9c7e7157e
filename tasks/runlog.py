"""The operator's own log: a line before and a line after each run that changes something."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import TYPE_CHECKING

from invoke import Exit

from carbon import exits
from carbon.errors import ProvisionError
from carbon.text import local_path
from remote.host.audit import audit_line

if TYPE_CHECKING:
    import fabric

    from tasks.session import Session

LARGEST_BYTES = 1_000_000
KEPT_FILES = 5


def logged(
    session: Session, config: fabric.Config, verb: str, work: Callable[[], int | None]
) -> int:
    """Write a line before and a line after work, and return its exit status.

    A killed run leaves the first. A log that cannot be written hinders no run, and is said once.
    """
    name = f"{verb} hosts={','.join(host.name for host in session.hosts)}"
    log = _open(session, log_file(config))
    began = time.monotonic()
    log.info(audit_line(session.cluster, name, outcome="begin"))
    status = exits.ERROR
    try:
        status = work() or exits.DONE
        return status
    except BaseException as error:
        status = _status_of(error)
        raise
    finally:
        outcome = f"exit={status} after={time.monotonic() - began:.1f}s"
        log.info(audit_line(session.cluster, name, outcome=outcome))
        for handler in log.handlers:
            handler.close()


def _status_of(error: BaseException) -> int:
    """Return the exit status to which the command line turns an error."""
    match error:
        case ProvisionError():
            return error.exit_status
        case KeyboardInterrupt():
            return exits.INTERRUPTED
        case BrokenPipeError():
            return exits.OUTPUT_CLOSED
        case Exit(code=code) | SystemExit(code=int(code)):
            return code
        case _:
            return exits.ERROR


def log_file(config: fabric.Config) -> Path:
    """Return the file of the log: `audit_log` of fabric.yaml, or one in the operator's home."""
    state = os.environ.get("XDG_STATE_HOME") or "~/.local/state"
    return local_path(str(config.get("audit_log") or f"{state}/carbon-provision/audit.log"))


def _open(session: Session, file: Path) -> logging.Logger:
    log = logging.Logger("carbon-provision")
    try:
        file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        handler = RotatingFileHandler(file, maxBytes=LARGEST_BYTES, backupCount=KEPT_FILES)
    except OSError as error:
        text = f"this run is not in the audit log {file}: {error.strerror}"
        session.screen.say("note", text)
        return log
    handler.setFormatter(logging.Formatter("%(message)s"))
    log.addHandler(handler)
    return log
