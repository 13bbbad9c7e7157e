"""The pid file that a Carbon server leaves in AS_HOME."""

from __future__ import annotations

LONGEST_PID = 10


def parse(data: bytes) -> int | None:
    """Return the pid in a wso2carbon.pid, or None if there is none to be read.

    The server writes a whole buffer of 100 bytes: digits, a newline, then NULs (`Main.writePID`,
    all kernels). It never deletes the file, so the pid may be a stranger's by now: look at the
    process before acting on it.
    """
    digits = data.split(b"\0", 1)[0].strip()
    if not digits.isdigit() or len(digits) > LONGEST_PID:
        return None
    return int(digits) or None
