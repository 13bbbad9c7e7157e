"""Persistent shells: one SSH channel runs many scripts.

A session for each would cost its server some 5 ms of CPU, and both sides a dozen packets.
"""

from __future__ import annotations

import contextlib
import secrets
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from functools import partial

import paramiko

from remote.host.script import OPENING, Script, shell_command
from remote.host.server import Held, Outcome
from remote.ssh.channels import AfterOpening, execute, exit_status, sent
from remote.ssh.errors import LOST
from remote.ssh.limits import Inbox, Pace
from remote.ssh.sessions import Sessions
from remote.ssh.sudo import give_sudo_its_password

_LOOP = (
    'trap exit HUP INT PIPE TERM; [ -d "/proc/$client" ] || client=$$; unset TMOUT;'
    ' read -r mark; while read -r word line && [ "$word" = "$mark" ]; do'
    r' eval "$line"; status=$?; printf "\n%s %s\n" "$mark" $status;'
    r' printf "\n%s %s\n" "$mark" $status >&2; done'
)
"""Ends at a line that does not begin with the mark: what an earlier script left unread is never
taken for a command. Unless it is killed, what a script left for its end is done."""
_ENDING_SECONDS = 2.0
"""How long a shell may take to end if no script is at work in it."""
_STATUS_BYTES = 8
"""What follows the mark at the end of an output is no longer."""


class Shell:
    """A shell on a channel of its own, which runs one script after another.

    Both outputs of a script end in a mark that nobody on the server can know beforehand.
    """

    def __init__(self, channel: paramiko.Channel, *, pace: Callable[[], Pace | None]) -> None:
        self._channel = channel
        self._pace = pace
        self._mark = secrets.token_hex(16).encode()
        self._greeting = OPENING + self._mark + b"\n"
        self._out = Inbox(channel, channel.recv)
        self._err = Inbox(channel, channel.recv_stderr)
        self._receive = AfterOpening(self._out)
        self.holds = 0
        """How often something is held until its end: it is ended by who releases the last."""

    @property
    def alive(self) -> bool:
        """Tell whether it can still be given a script, as far as is known here."""
        return not self._channel.exit_status_ready()  # which tells of a closed one, too

    def run(self, script: Script, payload: bytes, *, timeout_seconds: float) -> Outcome:
        """Run a script to its end; the limit counts from when its payload is sent.

        Raises what the channel raises; no other script may follow then.
        """
        text = script.render()
        line = script.line(len(text), len(payload)).encode()
        data = b"".join((self._greeting, self._mark, b" ", line, b"\n", text, payload))
        self._greeting = b""
        # Not all of it is sent if the login ends at once.
        sent(self._channel, data, timeout_seconds, self._pace())
        deadline = time.monotonic() + timeout_seconds
        self._out.until(deadline)
        out, status = self._output(self._receive)
        err, _ = self._output(self._err.until(deadline))
        if status is None:
            status = self._own_status(deadline)
        return Outcome(status, out if self._receive.begun else self._receive.greeting, err)

    def close(self) -> None:
        """End it; a script that it runs goes on to its end. Safe to call twice."""
        with contextlib.suppress(*LOST):
            self._channel.close()

    def end(self) -> None:
        """End it, and wait until it has done what a script left for then.

        A script that it still runs goes on, and is not waited for.
        """
        with contextlib.suppress(*LOST):
            self._channel.shutdown_write()
            self._channel.status_event.wait(_ENDING_SECONDS)
        self.close()

    def _own_status(self, deadline: float) -> int:
        """Return how the shell itself ended, as if a login is given no shell."""
        status = exit_status(self._channel, deadline)
        self._receive.demand_begun(status)
        if status == 0:
            raise EOFError("the login ended by itself before the script did")
        return status

    def _output(self, receive: Callable[[int], bytes]) -> tuple[bytes, int | None]:
        """Return what a script wrote, and the status that stands behind the mark, if one came."""
        end = b"\n" + self._mark + b" "
        came = bytearray()
        while True:
            part = receive(1 << 20)
            if not part:
                return bytes(came), None
            came += part
            at = came.rfind(end, max(0, len(came) - len(end) - _STATUS_BYTES))
            if at >= 0 and came.endswith(b"\n"):
                return bytes(came[:at]), int(came[at + len(end) :])


class Shells:
    """The shells of one connection: of each account, as many as run scripts at the same time."""

    def __init__(
        self,
        sessions: Sessions,
        *,
        sudo_password: str | None = None,
        pace: Callable[[], Pace | None] = lambda: None,
    ) -> None:
        self._sessions = sessions
        self._pace = pace
        self._sudo_password = sudo_password
        self._free: defaultdict[str | None, list[Shell]] = defaultdict(list)
        """By account; None is the login itself."""
        self._guard = threading.Lock()

    def run(self, script: Script, payload: bytes, *, timeout_seconds: float) -> Outcome:
        """Run a script in a shell of its account that is free, or in a new one."""
        with self._one(script, time.monotonic() + timeout_seconds) as shell:
            return shell.run(script, payload, timeout_seconds=timeout_seconds)

    def hold(self, script: Script, *, timeout_seconds: float) -> Held:
        """Run a script whose `at_end` is for when its shell ends; others run there meanwhile."""
        with self._one(script, time.monotonic() + timeout_seconds) as shell:
            outcome = shell.run(script, b"", timeout_seconds=timeout_seconds)
            shell.holds += 1
        return Held(outcome=outcome, release=partial(self._end, shell, script.run_as))

    @contextlib.contextmanager
    def _one(self, script: Script, deadline: float) -> Iterator[Shell]:
        account = script.run_as
        with self._guard:
            # A lock has to last while a script that its lost client had begun is at work.
            free = sorted(self._free[account], key=lambda shell: shell.holds)
            shell = free.pop() if free else None
            self._free[account] = free
        if shell is None or not shell.alive:
            shell = self._opened(account, script.name, deadline)
        try:
            yield shell
        except BaseException:
            if not shell.holds:
                shell.close()
            raise
        with self._guard:
            self._free[account].append(shell)

    def _opened(self, account: str | None, step: str, deadline: float) -> Shell:
        password = None if account is None else self._sudo_password
        command = shell_command(_LOOP, account=account, asks=password is not None)
        channel = self._sessions.open(deadline)
        try:
            execute(channel, command, deadline)
            if password is not None:
                give_sudo_its_password(channel, step=step, password=password, deadline=deadline)
        except BaseException:
            channel.close()
            raise
        return Shell(channel, pace=self._pace)

    def _end(self, shell: Shell, account: str | None) -> None:
        with self._guard:
            shell.holds -= 1
            if shell.holds:
                return
            if shell in self._free[account]:
                self._free[account].remove(shell)
        shell.end()
