"""The greeting: which key a server shows, and whether it is the right one."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import paramiko

from carbon.errors import HostKeyError
from remote.ssh.algorithms import transport_class
from remote.ssh.hostkeys import HostKey, Judged, KnownHosts, Verdict

LATER = 2
"""The limit of the whole greeting has to come first: the banner's own sounds like a hang-up."""


def verifying_transport(
    known: KnownHosts, name: str, *, legacy: bool
) -> Callable[..., paramiko.Transport]:
    """Return what makes a transport that ends unless the server's key is in known_hosts.

    `name` is that of the server in known_hosts. Paramiko and Fabric are given no known_hosts of
    their own: whatever policy they set, this has decided before a login is tried.
    """
    recorded = known.types(name)

    class VerifyingTransport(transport_class(legacy=legacy)):  # type: ignore[misc]
        def start_client(self, *args: Any, **kwargs: Any) -> None:
            super().start_client(*args, **kwargs)
            judged = known.judge(name, _shown_key(self))
            if judged.verdict is not Verdict.KNOWN:
                self.close()
                raise _untrusted(judged)

    def make(sock: Any, **options: Any) -> paramiko.Transport:
        with contextlib.suppress(AttributeError, OSError):  # a gateway's channel has no options
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        transport = VerifyingTransport(sock, **options)
        if recorded:
            security = transport.get_security_options()
            security.key_types = _recorded_first(security.key_types, recorded)
        return transport

    return make


def _shown_key(transport: paramiko.Transport) -> HostKey:
    """Return the key of the greeting. Raises TimeoutError if there is none yet.

    Paramiko just returns at its limit.
    """
    if not transport.initial_kex_done:
        transport.close()
        raise TimeoutError
    key = transport.get_remote_server_key()
    return HostKey(key.get_name(), key.get_base64())


def _untrusted(judged: Judged) -> HostKeyError:
    fingerprint = f"{judged.key.type} {judged.key.fingerprint}"
    match judged.verdict:
        case Verdict.REVOKED:
            return HostKeyError(
                f"it shows a host key that {judged.line} revokes: {fingerprint}",
                action="do not connect; find out who answers at this address",
            )
        case Verdict.CHANGED:
            return HostKeyError(
                f"its host key is not the one in {judged.line}: it shows {fingerprint}",
                action="somebody may be in between: compare with `ssh-keygen -lf` on the server's"
                " own console; if it was reinstalled, remove the old line and use"
                " `fab -H NAME trust`",
            )
        case _:
            return HostKeyError(
                f"its host key is in no known_hosts file: {fingerprint}",
                action="`fab -H NAME trust` shows all its keys and what to compare them with on the"
                " server's own console, and accepts them if you say so",
            )


def _recorded_first(offered: Iterable[str], recorded: Iterable[str]) -> tuple[str, ...]:
    """Ask for the key types that known_hosts holds before all others.

    known_hosts says ssh-rsa for a key that newer servers sign with rsa-sha2.
    """
    wanted = set(recorded)
    if "ssh-rsa" in wanted:
        wanted |= {"rsa-sha2-256", "rsa-sha2-512"}
    return tuple(sorted(offered, key=lambda kind: kind not in wanted))


def ask_for_key(
    sock: Any, kinds: Sequence[str], *, legacy: bool, timeout_seconds: float
) -> HostKey | None:
    """Return the host key of one kind that a server proves to hold; None if it has no such."""
    transport = transport_class(legacy=legacy)(sock)
    try:
        security = transport.get_security_options()
        offered = tuple(kind for kind in security.key_types if kind in kinds)
        if not offered:
            return None
        security.key_types = offered
        transport.banner_timeout = LATER * timeout_seconds
        transport.start_client(timeout=timeout_seconds)
        return _shown_key(transport)
    except paramiko.ssh_exception.IncompatiblePeer as error:
        if "host key" in str(error):
            return None
        raise
    finally:
        transport.close()
