"""Run a command of the operator on this machine, and end it with all that it started."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from select import select
from typing import IO, Literal

from carbon.cluster import LocalCommand
from carbon.value import Value
from remote.run.interrupt import end_requested

POLL_SECONDS = 0.1
GRACE_SECONDS = 2.0
"""Between SIGTERM and SIGKILL."""
DRAIN_SECONDS = 0.5
"""How long the output of a command that has ended is read on, if another process still writes."""
MOST_LINES = 500
MOST_BYTES = 256 * 1024
"""What a command prints beyond either is read, and not shown."""
LAST_LINES = 8

End = Literal["exited", "time limit", "interrupted", "not started"]


class Finished(Value, kw_only=True):
    """How a command ended."""

    end: End
    status: int = 0
    """Its exit status; negative: the signal that ended it."""
    last: tuple[str, ...] = ()
    """The last lines that it printed, on both outputs."""

    @property
    def succeeded(self) -> bool:
        """Tell whether it ended by itself, with 0."""
        return self.end == "exited" and self.status == 0


def run_local(
    command: LocalCommand,
    *,
    folder: Path,
    environment: Mapping[str, str],
    show: Callable[[str], None] = lambda _: None,
    clean: Callable[[str], str] = lambda line: line,
    heeds_interrupt: bool = True,
) -> Finished:
    """Run a command with `sh -c` to its end, and hand each line to `show` as it comes.

    Its standard input is closed, and it has no terminal that could ask for anything. At its time
    limit, at Ctrl-C (if it heeds that) and at any error its process group is ended: SIGTERM,
    then SIGKILL. A process that it leaves in the background keeps nobody waiting. `clean` takes
    secrets and control characters out of a line before it is kept.
    """
    output = _Output(show=show, clean=clean)
    try:
        started = subprocess.Popen(
            ["/bin/sh", "-c", command.text],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            cwd=folder,
            env={**os.environ, **environment},
            start_new_session=True,
        )
    except (OSError, ValueError) as error:
        return Finished(end="not started", status=127, last=(str(error),))
    with _ended_after(started) as (process, pipe):
        end = _read_to_end(process, pipe, output, command, heeds_interrupt=heeds_interrupt)
    output.close()
    return Finished(end=end, status=process.returncode, last=tuple(output.last))


@contextmanager
def _ended_after(
    process: subprocess.Popen[bytes],
) -> Iterator[tuple[subprocess.Popen[bytes], IO[bytes]]]:
    """Leave no process of the group behind if the block does not see the command end."""
    assert process.stdout is not None, "it is started with a pipe"
    with process.stdout as pipe:
        try:
            yield process, pipe
        finally:
            if process.poll() is None:
                _end_group(process)


def _end_group(process: subprocess.Popen[bytes]) -> None:
    for number, seconds in ((signal.SIGTERM, GRACE_SECONDS), (signal.SIGKILL, None)):
        # The leader is not waited for yet, so that no other group can have its number.
        with suppress(ProcessLookupError):
            os.killpg(process.pid, number)
        if _leader_ended(process, within_seconds=seconds):
            break
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)  # children that heed no SIGTERM
    process.wait()


def _leader_ended(process: subprocess.Popen[bytes], *, within_seconds: float | None) -> bool:
    """Wait for the first process of the group, and leave it to be waited for."""
    deadline = None if within_seconds is None else time.monotonic() + within_seconds
    options = os.WEXITED | os.WNOWAIT | (0 if deadline is None else os.WNOHANG)
    while os.waitid(os.P_PID, process.pid, options) is None:
        if deadline is not None and time.monotonic() >= deadline:
            return False
        time.sleep(0.02)
    return True


def _read_to_end(
    process: subprocess.Popen[bytes],
    pipe: IO[bytes],
    output: _Output,
    command: LocalCommand,
    *,
    heeds_interrupt: bool,
) -> End:
    deadline = time.monotonic() + command.within_seconds
    ended_at = None
    is_open = True
    while True:
        if ended_at is None and process.poll() is not None:
            ended_at = time.monotonic()
        readable = is_open and bool(select([pipe], [], [], 0 if ended_at else POLL_SECONDS)[0])
        if readable:
            data = os.read(pipe.fileno(), 65_536)
            is_open = bool(data)
            output.take(data)
        if ended_at and not (readable and time.monotonic() < ended_at + DRAIN_SECONDS):
            return "exited"
        if not is_open:
            time.sleep(POLL_SECONDS / 4)
        if heeds_interrupt and end_requested():
            return "interrupted"
        if time.monotonic() >= deadline:
            return "time limit"


class _Output:
    """The lines of a command, up to what anybody reads."""

    def __init__(self, *, show: Callable[[str], None], clean: Callable[[str], str]) -> None:
        self.last = deque[str](maxlen=LAST_LINES)
        self._show = show
        self._clean = clean
        self._rest = b""
        self._lines = 0
        self._bytes = 0
        self._is_full = False

    def take(self, data: bytes) -> None:
        """Take what came; a line counts once it ends, or once it is too long to be read."""
        *whole, self._rest = (self._rest + data).split(b"\n")
        for line in whole:
            self._line(line)
        if len(self._rest) > 65_536:
            self.close()

    def close(self) -> None:
        """Take the last line, which may have no end."""
        rest, self._rest = self._rest, b""
        if rest:
            self._line(rest)

    def _line(self, data: bytes) -> None:
        text = self._clean(data.decode(errors="replace").rstrip("\r"))
        self.last.append(text)
        self._lines += 1
        self._bytes += len(data)
        if self._is_full:
            return
        self._is_full = self._lines > MOST_LINES or self._bytes > MOST_BYTES
        self._show("(what it prints from here on is not shown)" if self._is_full else text)
