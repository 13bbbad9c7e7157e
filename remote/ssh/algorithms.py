"""Algorithms: what a server is offered, and what it may not choose on its own.

Paramiko 5 knows no SHA-1 any more, but OpenSSH 5.3 signs with nothing else. What a server with
`legacy_ssh: true` needs stands here, and no other server is offered it.
"""

from __future__ import annotations

from hashlib import sha1
from typing import Any

import paramiko
from cryptography.hazmat.primitives import hashes
from paramiko.kex_gex import KexGexSHA256
from paramiko.kex_group14 import KexGroup14SHA256

from carbon.errors import ConnectError, HostKeyError

SHORTEST_GROUP_BITS = 2048
"""1024 bits are broken for whoever has the money (Logjam, 2015); Paramiko accepts them."""
FASTEST_CIPHER = "aes128-gcm@openssh.com"
"""Asked for first: one pass in place of a cipher and a MAC, a fifth less CPU for a copy."""
LEGACY_CIPHERS = ("aes128-cbc", "aes192-cbc", "aes256-cbc", "3des-cbc")
LEGACY_MACS = ("hmac-sha1", "hmac-md5", "hmac-sha1-96", "hmac-md5-96")
_PARAMIKO: Any = paramiko.Transport


class GroupExchange(KexGexSHA256):
    """A key exchange whose group the server chooses: no short one is taken."""

    def _parse_kexdh_gex_group(self, m: paramiko.Message) -> None:
        bits = paramiko.Message(m.asbytes()).get_mpint().bit_length()
        if bits < SHORTEST_GROUP_BITS:
            raise ConnectError(
                f"it chose a group of {bits} bits for the key exchange; {SHORTEST_GROUP_BITS} is"
                " the least",
                action="remove short groups from /etc/ssh/moduli on the server; if it is healthy,"
                " somebody may be in between",
            )
        super()._parse_kexdh_gex_group(m)  # type: ignore[misc]


class StrictTransport(paramiko.Transport):
    """A connection to a server of today: SHA-2 signatures, no CBC, no group below 2048 bits."""

    _preferred_ciphers = (
        FASTEST_CIPHER,
        *(
            cipher
            for cipher in _PARAMIKO._preferred_ciphers
            if cipher not in (FASTEST_CIPHER, *LEGACY_CIPHERS)
        ),
    )
    _preferred_macs = tuple(mac for mac in _PARAMIKO._preferred_macs if mac not in LEGACY_MACS)
    _kex_info: dict[str, Any] = {  # noqa: RUF012
        **_PARAMIKO._kex_info,
        GroupExchange.name: GroupExchange,
    }

    def _verify_key(self, host_key: bytes, sig: bytes) -> None:
        """Demand the agreed algorithm: a server may sign with what it likes (CVE-2026-44405)."""
        agreed = str(self.host_key_type)
        signed = paramiko.Message(sig).get_text()
        if signed != agreed:
            raise HostKeyError(
                f"it signed with {signed!r}, but {agreed} was agreed on",
                action="do not connect: no honest sshd does that; find out who answers at this"
                " address",
            )
        super()._verify_key(host_key, sig)  # type: ignore[misc]


class _Sha1Key(paramiko.RSAKey):
    HASHES = {**paramiko.RSAKey.HASHES, "ssh-rsa": hashes.SHA1}  # type: ignore[misc]  # noqa: RUF012


class _Group14Sha1(KexGroup14SHA256):
    name = "diffie-hellman-group14-sha1"
    hash_algo = sha1


class _GroupExchangeSha1(GroupExchange):
    name = "diffie-hellman-group-exchange-sha1"
    hash_algo = sha1


class LegacyTransport(StrictTransport):
    """A connection to an OpenSSH 5.3: also SHA-1 and CBC, still no group below 2048 bits."""

    _preferred_ciphers = (*StrictTransport._preferred_ciphers, *LEGACY_CIPHERS)
    _preferred_macs = (*StrictTransport._preferred_macs, *LEGACY_MACS)
    _preferred_kex = (*_PARAMIKO._preferred_kex, _GroupExchangeSha1.name, _Group14Sha1.name)
    _preferred_keys = (*_PARAMIKO._preferred_keys, "ssh-rsa")
    _preferred_pubkeys = (
        *(kind for kind in _PARAMIKO._preferred_pubkeys if not kind.startswith("rsa-sha2-")),
        "ssh-rsa",
    )
    """No rsa-sha2: OpenSSH before 7.2 neither knows such signatures nor says so."""
    _key_info: dict[str, Any] = {**_PARAMIKO._key_info, "ssh-rsa": _Sha1Key}  # noqa: RUF012
    _kex_info: dict[str, Any] = {  # noqa: RUF012
        **StrictTransport._kex_info,
        _GroupExchangeSha1.name: _GroupExchangeSha1,
        _Group14Sha1.name: _Group14Sha1,
    }

    def auth_publickey(self, username: str, key: paramiko.PKey, event: Any = None) -> list[str]:
        """Log in with a key; an RSA key signs with SHA-1."""
        if isinstance(key, paramiko.RSAKey):
            legacy = _Sha1Key(key=key.key)
            legacy.public_blob = key.public_blob
            key = legacy
        return super().auth_publickey(username, key, event)


def transport_class(*, legacy: bool) -> type[StrictTransport]:
    """Return how to connect to a server, given its `legacy_ssh`."""
    return LegacyTransport if legacy else StrictTransport
