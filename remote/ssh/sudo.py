"""The password that sudo asks for before a script can run."""

from __future__ import annotations

import paramiko

from carbon.errors import PrivilegeError
from remote.script import Script
from remote.ssh.channels import SHORTEST_SECONDS, execute, left

_SUDO_PROMPT = "provision-sudo-prompt:"


def give_sudo_its_password(
    channel: paramiko.Channel, script: Script, size: int, password: str, deadline: float
) -> None:
    """Answer sudo when, and only when, it asks; return when the shell says it is ready.

    A password that is sent unasked would end up in what the script reads.
    """
    execute(channel, script.asking_command(size, prompt=_SUDO_PROMPT), deadline)
    errors, asked = b"", 0
    while not channel.recv_ready() and not channel.exit_status_ready():
        if channel.recv_stderr_ready():
            errors += channel.recv_stderr(4096)
        if errors.count(_SUDO_PROMPT.encode()) > asked:
            asked += 1
            if asked > 1:
                break
            channel.sendall(password.encode() + b"\n")
        if left(deadline) <= SHORTEST_SECONDS:
            raise TimeoutError
        channel.status_event.wait(0.005)
    if channel.recv_ready() and channel.recv(len(b"ready\n")) == b"ready\n":
        return
    channel.close()
    raise PrivilegeError(
        "sudo did not take the password" if asked else "sudo refused before it asked",
        step=script.name,
        action="see with `sudo -l` on the server what the login may do, and with `fab sudoers`"
        " what it has to be allowed",
    )
