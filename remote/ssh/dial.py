"""TCP connections to an sshd, with a limit for the resolver, too: it has none of its own."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from queue import Empty, SimpleQueue
from typing import Any

from paramiko.ssh_exception import NoValidConnectionsError

from carbon.errors import ConnectError
from remote.ssh.limits import left

Address = tuple[Any, ...]


def dial(host: str, port: int, *, timeout_seconds: float) -> socket.socket:
    """Connect to the first address of a host that answers.

    Raises ConnectError, OSError, and TimeoutError if no address answered in time.
    """
    errors: dict[Address, OSError] = {}
    addresses = _resolve(host, port, timeout_seconds)
    deadline = time.monotonic() + timeout_seconds
    for family, address in addresses:
        sock = socket.socket(family, socket.SOCK_STREAM)
        try:
            sock.settimeout(left(deadline))
            sock.connect(address)
        except OSError as error:
            sock.close()
            errors[address] = error
            continue
        return sock
    if any(isinstance(error, TimeoutError) for error in errors.values()):
        raise TimeoutError
    raise NoValidConnectionsError(errors)


def _resolve(host: str, port: int, timeout_seconds: float) -> list[tuple[int, Address]]:
    """Return the addresses of a host, each with its family."""
    with contextlib.suppress(OSError, UnicodeError):
        return _lookup(host, port, socket.AI_NUMERICHOST)
    answers: SimpleQueue[list[tuple[int, Address]] | Exception] = SimpleQueue()

    def ask() -> None:
        try:
            answers.put(_lookup(host, port))
        except (OSError, UnicodeError) as error:  # UnicodeError: no name can be like that
            answers.put(error)

    threading.Thread(target=ask, daemon=True).start()
    try:
        answer = answers.get(timeout=timeout_seconds)
    except Empty:
        raise ConnectError(
            f"its name {host} was not resolved within {timeout_seconds:g} s",
            action="check the name servers of this machine, or write an address into hosts.yaml",
        ) from None
    if isinstance(answer, UnicodeError):
        raise socket.gaierror(socket.EAI_NONAME, "this cannot be a host name") from answer
    if isinstance(answer, Exception):
        raise answer
    return answer


def _lookup(host: str, port: int, flags: int = 0) -> list[tuple[int, Address]]:
    addresses = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=flags)
    return [(family, address) for family, _, _, _, address in addresses]
