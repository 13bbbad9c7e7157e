"""The standard output, which may have lost its reader, its disk, or never have been there.

Invoke prints lists and helps by itself: `fab --list | head -1` and `fab --list > /full/disk` would
end in a traceback, or in a complaint of the interpreter. If the reader of a pipe has gone, nothing
is said; any other failure is an error in one sentence.
"""

from __future__ import annotations

import atexit
import errno
import os
import sys
from pathlib import Path
from types import TracebackType

from carbon import exits
from carbon.errors import ProvisionError

_OF_A_DISK = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO}


def guard() -> None:
    """Let this process answer in a sentence, whoever prints."""
    if sys.stdout is None:
        # A socket would get the number of the closed output, and what is printed would go there.
        sys.stdout = Path(os.devnull).open("w")  # noqa: SIM115 - open as long as the process
    sys.excepthook = _report
    atexit.register(_flush)


def problem(error: BaseException) -> ProvisionError | None:
    """Return the error of an output that cannot be written; None for any other exception.

    Errors of files have the name of their file, those of a stream have none.
    """
    if not isinstance(error, OSError) or error.filename or error.errno not in _OF_A_DISK:
        return None
    return ProvisionError(
        f"the output cannot be written: {error.strerror}",
        code="output",
        action="see where it goes to, and whether the disk there is full",
    )


def discard() -> None:
    """Send all further output nowhere, so that the interpreter has no complaint at its end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _report(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    if isinstance(error, BrokenPipeError):
        discard()
        os._exit(exits.OUTPUT_CLOSED)  # the interpreter's own status would be 1
    elif isinstance(error, KeyboardInterrupt):
        print("interrupted", file=sys.stderr)
    elif unwritten := problem(error):
        _say(unwritten)
    else:
        sys.__excepthook__(kind, error, trace)


def _flush() -> None:
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        discard()
        os._exit(exits.OUTPUT_CLOSED)
    except OSError as error:
        if (unwritten := problem(error)) is None:
            raise
        _say(unwritten)
        os._exit(exits.ERROR)  # the exit status is already chosen when this runs


def _say(error: ProvisionError) -> None:
    discard()
    print(f"error: {error}", file=sys.stderr)
