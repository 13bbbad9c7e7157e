"""Scripts on channels: begun within a limit, fed, read to their end or line by line."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from queue import Empty, Full, Queue

import paramiko

from carbon.errors import ConnectError
from remote.host.script import (
    BEGIN,
    LOGIN_SCRIPT,
    NOT_BEGUN,
    OPENING,
    QUIET_LOGIN,
    QUIETEN_LOGIN,
    Script,
)
from remote.host.server import Outcome, Sink
from remote.ssh.errors import LOST, refuse_sudo_failure, translated
from remote.ssh.limits import Inbox, Pace, left

STREAM_LINE_BYTES = 1 << 20
"""What is longer is not a line of text, and comes in pieces."""
_ENDED_SECONDS = 1.0
"""For the status of what has ended to come."""
_GREETING_BYTES = 1 << 16
"""What is kept of a greeting, for an error."""
_LONGEST_GREETING_BYTES = 1 << 20
_QUEUED_LINES = 64
"""A server that sends faster than its lines are read has to wait."""
_WAKING_SECONDS = 0.1
_LEAST_BYTES = 4096
"""A server that sends fewer within a stall limit has stalled."""
_PACKET_HEAD = 64
"""What Paramiko takes off a packet's size; a piece cut otherwise ends in a tiny packet."""
_PIECE_BYTES = 1 << 20
"""Taken at once: Paramiko moves all that it holds for each piece that is taken from it."""


class AfterOpening:
    """Receives what a channel sends, but for what a login script printed: all before BEGIN."""

    def __init__(self, receive: Callable[[int], bytes]) -> None:
        self._receive = receive
        self.greeting = b""
        """What came in its place, as far as it goes."""
        self.begun = False
        self._greeted_bytes = 0

    def __call__(self, size: int) -> bytes:
        while not self.begun:
            part = self._receive(size)
            if not part:
                return b""
            self._greeted_bytes += len(part)
            if self._greeted_bytes > _LONGEST_GREETING_BYTES:
                raise _login_script_error()
            self.greeting += part
            _, mark, rest = self.greeting.partition(BEGIN)
            if mark:
                self.begun = True
                if rest:
                    return rest
            elif b"\n" + OPENING in b"\n" + self.greeting:  # who prints what it reads runs nothing
                raise _login_script_error()
            self.greeting = self.greeting[-_GREETING_BYTES:]
        return self._receive(size)

    def not_begun(self, status: int) -> bool:
        """Tell whether somebody else took what was sent, given how the channel ended."""
        return not self.begun and status in (0, NOT_BEGUN)

    def demand_begun(self, status: int) -> None:
        """Raise ConnectError if somebody else took what was sent."""
        if self.not_begun(status):
            raise _login_script_error()


def _login_script_error() -> ConnectError:
    return ConnectError(LOGIN_SCRIPT, action=QUIETEN_LOGIN)


class ChannelStream:
    """The lines of a running script, pumped by threads so that a wait can have a limit."""

    def __init__(
        self, channel: paramiko.Channel, *, sink: Sink | None = None, errors: Sink | None = None
    ) -> None:
        self._channel = channel
        self._queue: Queue[str | None] = Queue(_QUEUED_LINES)
        self._closed = threading.Event()
        thread = partial(threading.Thread, daemon=True)
        self._pumps = [thread(target=self._pump, args=(sink or self._put,))]
        if errors is not None:
            self._pumps.append(thread(target=_send_lines, args=(channel.recv_stderr, errors)))
        for pump in reversed(self._pumps):
            pump.start()

    def line(self, *, within_seconds: float) -> str | None:
        try:
            return self._queue.get(timeout=max(0.0, within_seconds))
        except Empty:
            raise TimeoutError from None

    def tell(self, *lines: str) -> None:
        with contextlib.suppress(*LOST):
            text = "".join(f"{line}\n" for line in lines)
            self._channel.sendall(text.encode(errors="surrogateescape"))

    @property
    def ended(self) -> bool:
        return self._channel.exit_status_ready()  # which tells of a closed one, too

    def status(self, *, within_seconds: float) -> int | None:
        ended = self._channel.status_event.wait(within_seconds)
        return self._channel.exit_status if ended and self._channel.exit_status >= 0 else None

    def close(self) -> None:
        self._closed.set()
        with contextlib.suppress(*LOST):
            self._channel.shutdown_write()
            self._channel.close()
        for pump in self._pumps:
            pump.join(timeout=5.0)

    def _put(self, line: str | None) -> None:
        while not self._closed.is_set():
            with contextlib.suppress(Full):
                self._queue.put(line, timeout=_WAKING_SECONDS)
                return

    def _pump(self, sink: Sink) -> None:
        """Send all lines, and None when those of both outputs have been sent."""
        receive = AfterOpening(self._channel.recv)
        _send_lines(receive, sink)
        ended = receive.begun or self._channel.status_event.wait(_ENDED_SECONDS)
        if ended and receive.not_begun(self._channel.exit_status):
            sink(f"{LOGIN_SCRIPT}: {QUIET_LOGIN}")
        for other in self._pumps[1:]:
            other.join()
        sink(None)


def _send_lines(receive: Callable[[int], bytes], sink: Sink) -> None:
    rest = b""
    try:
        while chunk := receive(65536):
            *whole, rest = (rest + chunk).split(b"\n")
            for line in whole:
                sink(line.decode(errors="replace"))
            if len(rest) > STREAM_LINE_BYTES:
                sink(rest.decode(errors="replace"))
                rest = b""
    except LOST:
        rest = b""
    except ConnectError as error:
        rest = error.seen.encode()
    if rest:
        sink(rest.decode(errors="replace"))


class ChannelReading:
    """The output of a script in pieces; a thread writes its payload meanwhile.

    Written first, a long payload would wait for a script that waits for its output to be read.
    """

    def __init__(
        self, name: str, script: Script, channel: paramiko.Channel, *, payload: bytes
    ) -> None:
        self._name = name
        self._script = script
        self._channel = channel
        self._stall_seconds = channel.gettimeout() or 0.0
        self._receive = AfterOpening(self._take)
        self._waited_seconds, self._came_bytes = 0.0, 0
        self._feeder = threading.Thread(target=self._feed, args=(payload,), daemon=True)
        self._feeder.start()

    def __iter__(self) -> Iterator[bytes]:
        with self._translated():
            while chunk := self._receive(_PIECE_BYTES):
                yield chunk

    def outcome(self) -> Outcome:
        with self._translated():
            deadline = time.monotonic() + self._stall_seconds
            err = read(Inbox(self._channel, self._channel.recv_stderr).until(deadline))
            outcome = Outcome(exit_status(self._channel, deadline), b"", err)
            self._receive.demand_begun(outcome.status)
        refuse_sudo_failure(self._name, self._script, outcome)
        return outcome

    def close(self) -> None:
        with contextlib.suppress(*LOST):
            self._channel.close()
        self._feeder.join(timeout=5.0)

    def _take(self, size: int) -> bytes:
        """Return what comes next. A byte now and then is a stall like none at all."""
        began = time.monotonic()
        part = self._channel.recv(size)
        self._waited_seconds += time.monotonic() - began
        self._came_bytes += len(part)
        if self._came_bytes >= _LEAST_BYTES:
            self._waited_seconds, self._came_bytes = 0.0, 0
        elif self._waited_seconds > self._stall_seconds:
            raise TimeoutError
        return part

    def _translated(self) -> contextlib.AbstractContextManager[None]:
        return translated(self._name, self._script.name, limit_seconds=self._stall_seconds)

    def _feed(self, payload: bytes) -> None:
        with contextlib.suppress(*LOST):
            self._channel.sendall(payload)
            self._channel.shutdown_write()


def execute(channel: paramiko.Channel, command: str, deadline: float) -> None:
    """Ask for a command; Paramiko itself waits without a limit for the server to agree."""

    def give_up() -> None:
        with contextlib.suppress(*LOST):
            channel.close()

    watchdog = threading.Timer(left(deadline), give_up)
    watchdog.daemon = True
    watchdog.start()
    try:
        channel.exec_command(command)
    except paramiko.SSHException as error:
        if time.monotonic() >= deadline:
            raise TimeoutError from error
        raise
    finally:
        watchdog.cancel()


def sent(
    channel: paramiko.Channel, chunk: bytes, stall_seconds: float, pace: Pace | None = None
) -> bool:
    """Send a piece of a payload; False if the script ended without reading it.

    Raises TimeoutError once the server takes too little, and what `Pace` raises.
    """
    packet = channel.out_max_packet_size - _PACKET_HEAD
    try:
        for start in range(0, len(chunk), packet):
            piece = chunk[start : start + packet]
            deadline = time.monotonic() + stall_seconds
            while piece:
                channel.settimeout(left(deadline))
                began = time.monotonic()
                count = channel.send(piece)
                if pace is not None:
                    pace.took(count, within_seconds=time.monotonic() - began)
                piece = piece[count:]
    except TimeoutError:
        raise
    except OSError:
        if channel.exit_status_ready() and channel.exit_status >= 0:
            return False
        raise
    return True


def read(receive: Callable[[int], bytes]) -> bytes:
    """Return all that comes to the end of an output. Raises what an Inbox does."""
    return b"".join(iter(partial(receive, _PIECE_BYTES), b""))


def exit_status(channel: paramiko.Channel, deadline: float) -> int:
    """Return how the command ended. Raises EOFError if its connection ended first."""
    if not channel.status_event.wait(left(deadline)):
        raise TimeoutError
    if channel.exit_status < 0:
        raise EOFError("the connection ended before the script did")
    return channel.exit_status
