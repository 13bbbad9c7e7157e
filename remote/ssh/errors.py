"""What Fabric, Paramiko, sockets and sudo say, as errors of this tool."""

from __future__ import annotations

import contextlib
import re
import socket
from collections.abc import Iterator

import paramiko

from carbon.errors import ConnectError, HostKeyError, PrivilegeError, ProvisionError, TimeLimitError
from remote.host.script import Script
from remote.host.server import Outcome

LOST = (OSError, EOFError, paramiko.SSHException)
"""What Paramiko raises once a connection or a channel is gone."""


@contextlib.contextmanager
def translated(
    host: str | None,
    step: str,
    *,
    limit_seconds: float | None = None,
    limit: str = "command",
    login: str = "",
) -> Iterator[None]:
    """Turn what Fabric, Paramiko and sockets raise into errors that name the host.

    A gateway leaves that to who connects through it. `login` says who tries to log in, with what;
    `limit` is the key under `limits:` that `limit_seconds` come from.
    """
    try:
        yield
    except HostKeyError as error:
        if host is None:
            raise error.at(step=step) from error.__cause__
        error.action = error.action.replace("NAME", host)
        raise error.at(host=host) from error.__cause__
    except ProvisionError as error:
        raise error.at(host=host, step=step) from error.__cause__
    except TimeoutError as error:
        raise TimeLimitError.unanswered(limit_seconds, limit=limit, host=host, step=step) from error
    except LOST as error:
        seen, action = _connection_problem(error, login)
        raise ConnectError(seen, host=host, step=step, action=action) from error


def _connection_problem(error: Exception, login: str) -> tuple[str, str]:
    """Return what was seen, and the next action."""
    if isinstance(error, paramiko.PasswordRequiredException):
        return (
            f"the private key is encrypted{login}",
            "load it into your agent with ssh-add, or use --prompt-for-passphrase",
        )
    if isinstance(error, paramiko.AuthenticationException):
        return (
            f"login refused{login}: {error}",
            "check user and identity_file in hosts.yaml, your agent, and authorized_keys",
        )
    if isinstance(error, paramiko.ssh_exception.IncompatiblePeer):
        return (
            f"no algorithm in common: {error}",
            "if this is an OpenSSH 5.3 server, set `legacy_ssh: true` below its `ssh:`",
        )
    if isinstance(error, socket.gaierror):
        return (
            f"its name does not resolve: {error.strerror}",
            "check `ssh: {host: ...}` in hosts.yaml, or your ~/.ssh/config",
        )
    if "No authentication methods" in str(error):
        return (
            f"you have no key to log in with{login}",
            "set `identity_file` below `ssh:` in hosts.yaml, or load a key with ssh-add",
        )
    if isinstance(error, OSError) and error.filename:
        return (
            f"{error.filename} cannot be read: {error.strerror}",
            "correct `identity_file` in hosts.yaml, or IdentityFile in your ssh configuration",
        )
    if hung_up(error):
        return (
            "its sshd closed the connection before its banner",
            "too many may be logging in to it at once (MaxStartups), or it forbids your"
            " address: wait a little, or read what sshd logs there",
        )
    cause = str(error).removeprefix("[Errno None] ") or type(error).__name__
    return (
        f"the connection failed: {cause}",
        "check that the server is up and that its sshd answers at this address",
    )


def hung_up(error: Exception) -> bool:
    """Tell whether a server closed the connection in place of a greeting."""
    return "banner" in str(error)


_SUDO_ITSELF = re.compile(
    r"(?:provision:\w+: (?:line )?(?:\d+: )?|env: \W)?sudo\W?: (?!unable to resolve host|setrlimit)"
    r"|Sorry, user .* (?:is not allowed|may not run)"
    r"|\S+ is not (?:in the sudoers file|allowed to run sudo)"
)
"""What sudo says when it refuses; what it runs (`cp: ...`) speaks for itself."""


def refuse_sudo_failure(host: str, script: Script, outcome: Outcome) -> None:
    """Raise PrivilegeError if a script failed because sudo did."""
    if outcome.status == 0:
        return
    complaints = outcome.err.decode(errors="replace").splitlines()
    line = next(filter(_SUDO_ITSELF.match, complaints), None)
    if line is None:
        return
    if "tty" in line:
        action = "sudo demands a terminal there: add `Defaults:LOGIN !requiretty` to sudoers"
    elif re.search(r"sudo\W?: (not found|No such|command not found)", line):
        action = "install sudo there"
    elif "command not found" in line:
        action = "install that program there; sudo looks for it in its own secure_path"
    elif "password" in line:
        action = "run again with --prompt-for-sudo-password, or install what `fab sudoers` prints"
    else:
        action = "install what `fab sudoers` prints; `sudo -l` there shows what the login may do"
    raise PrivilegeError(line.strip(), host=host, step=script.name, action=action)
