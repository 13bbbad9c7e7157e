"""The password that sudo asks for before a script can run."""

from __future__ import annotations

import paramiko

from carbon.errors import PrivilegeError
from remote.host.script import PROMPT
from remote.ssh.limits import left

_LONGEST_TALK_BYTES = 1 << 16
"""What a login script and sudo may say before sudo is ready."""


def give_sudo_its_password(
    channel: paramiko.Channel, *, step: str, password: str, deadline: float
) -> None:
    """Let the command of a channel ask with PROMPT; return when it says that it is ready.

    sudo is answered when, and only when, it asks: a password that is sent unasked would end up
    in what the command reads.
    """
    errors, asked = b"", 0
    while not channel.recv_ready() and not channel.exit_status_ready():
        if channel.recv_stderr_ready():
            errors += channel.recv_stderr(4096)
        if errors.count(PROMPT.encode()) > asked:
            asked += 1
            if asked > 1:
                break
            channel.sendall(password.encode() + b"\n")
        left(deadline)
        if len(errors) > _LONGEST_TALK_BYTES:
            break
        channel.status_event.wait(0.005)
    came = b""  # what a login script printed may come before it
    while (
        channel.recv_ready()
        and not came.endswith(b"ready\n")
        and len(came) < _LONGEST_TALK_BYTES
        and left(deadline)
    ):
        came += channel.recv(1)
    if came.endswith(b"ready\n"):
        return
    channel.close()
    raise PrivilegeError(
        "sudo did not take the password" if asked else "sudo refused before it asked",
        step=step,
        action="see with `sudo -l` on the server what the login may do, and with `fab sudoers`"
        " what it has to be allowed",
    )
