"""A server chooses among what it was offered, and cannot slip in anything weaker."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import paramiko
import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from paramiko.kex_gex import KexGexSHA256
from paramiko.message import Message

from carbon.errors import ConnectError, HostKeyError
from remote.ssh.algorithms import LegacyTransport, StrictTransport, transport_class

OAKLEY_GROUP_2 = int(
    "FFFFFFFFFFFFFFFFC90FDAA22168C234C4C6628B80DC1CD129024E088A67CC74020BBEA63B139B22514A08798E34"
    "04DDEF9519B3CD3A431B302B0A6DF25F14374FE1356D6D51C245E485B576625E7EC6F44C42E9A637ED6B0BFF5CB6"
    "F406B7EDEE386BFB5A899FA5AE9F24117C4B1FE649286651ECE65381FFFFFFFFFFFFFFFF",
    16,
)
HASHES: dict[str, Any] = {
    "ssh-rsa": hashes.SHA1,
    "rsa-sha2-256": hashes.SHA256,
    "rsa-sha2-512": hashes.SHA512,
}


class Door(paramiko.ServerInterface):
    """Lets in who proves to hold a key, whichever."""

    def check_auth_publickey(self, _username: str, _key: paramiko.PKey) -> int:
        return paramiko.AUTH_SUCCESSFUL

    def get_allowed_auths(self, _username: str) -> str:
        return "publickey"


class Server(paramiko.Transport):
    """A server of today."""


class ShortGroupServer(paramiko.Transport):
    """Its moduli file holds a group of 1024 bits, and it takes that whatever it is asked for."""

    _preferred_kex = (KexGexSHA256.name,)

    class _Pack:
        def get_modulus(self, *_bits: int) -> tuple[int, int]:
            return 2, OAKLEY_GROUP_2

    _modulus_pack = _Pack()


class OldServer(LegacyTransport):
    """Offers what OpenSSH 5.3 did, and nothing newer."""

    _preferred_kex = ("diffie-hellman-group14-sha1",)
    _preferred_keys = ("ssh-rsa",)
    _preferred_pubkeys = ("ssh-rsa",)
    _preferred_ciphers = ("aes128-cbc",)
    _preferred_macs = ("hmac-sha1",)


class SigningKey(paramiko.RSAKey):
    """A host key that signs with one algorithm, whatever was agreed on."""

    algorithm = "ssh-rsa"

    def sign_ssh_data(self, data: bytes, _algorithm: str | None = None) -> Message:
        signature = self.key.sign(data, padding.PKCS1v15(), HASHES[self.algorithm]())
        message = Message()
        message.add_string(self.algorithm)
        message.add_string(signature)
        return message


@pytest.fixture(scope="module")
def rsa() -> paramiko.RSAKey:
    return paramiko.RSAKey.generate(2048)


@contextmanager
def served(
    server: type[paramiko.Transport], key: paramiko.PKey, client: type[paramiko.Transport]
) -> Iterator[paramiko.Transport]:
    ours, its = socket.socketpair()
    behind, before = server(its), client(ours)
    behind.add_server_key(key)
    behind.start_server(event=threading.Event(), server=Door())
    try:
        yield before
    finally:
        for side in (before, behind):
            side.close()
            side.packetizer.complete_handshake()  # ends Paramiko's timer


def signing(rsa: paramiko.RSAKey, algorithm: str) -> SigningKey:
    key = SigningKey(key=rsa.key)
    key.algorithm = algorithm
    return key


@pytest.mark.parametrize("algorithm", ["ssh-rsa", "rsa-sha2-256"])
@pytest.mark.parametrize("legacy", [False, True])
def test_a_host_key_signs_with_what_was_agreed_on_and_with_nothing_else(
    rsa: paramiko.RSAKey, algorithm: str, legacy: bool
) -> None:
    with (
        served(Server, signing(rsa, algorithm), transport_class(legacy=legacy)) as client,
        pytest.raises(HostKeyError, match=f"{algorithm}.*but rsa-sha2-512 was agreed on"),
    ):
        client.start_client(timeout=5)


def test_the_agreed_signature_is_accepted(rsa: paramiko.RSAKey) -> None:
    with served(Server, rsa, StrictTransport) as client:
        client.start_client(timeout=5)
        assert client.get_remote_server_key() == rsa


@pytest.mark.parametrize("legacy", [False, True])
def test_no_server_chooses_a_short_group(rsa: paramiko.RSAKey, legacy: bool) -> None:
    with (
        served(ShortGroupServer, rsa, transport_class(legacy=legacy)) as client,
        pytest.raises(ConnectError, match="group of 1024 bits"),
    ):
        client.start_client(timeout=5)


def test_an_openssh_5_3_is_entered_with_sha_1_if_the_operator_says_so(rsa: paramiko.RSAKey) -> None:
    with served(OldServer, signing(rsa, "ssh-rsa"), LegacyTransport) as client:
        client.start_client(timeout=5)
        client.auth_publickey("deploy", rsa)
        assert client.is_authenticated()


def test_an_openssh_5_3_is_not_entered_otherwise(rsa: paramiko.RSAKey) -> None:
    with (
        served(OldServer, signing(rsa, "ssh-rsa"), StrictTransport) as client,
        pytest.raises(paramiko.ssh_exception.IncompatiblePeer),
    ):
        client.start_client(timeout=5)


def test_nothing_weak_is_offered_without_legacy_ssh() -> None:
    offered = StrictTransport
    names = " ".join(
        (
            *offered._preferred_kex,
            *offered._preferred_keys,
            *offered._preferred_pubkeys,
            *offered._preferred_ciphers,
            *offered._preferred_macs,
        )
    ).split()
    assert [name for name in names if "cbc" in name or "sha1" in name or "md5" in name] == []
    assert "ssh-rsa" not in names
    assert not any("group1-" in name for name in LegacyTransport._preferred_kex)
