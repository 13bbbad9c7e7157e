"""Connections: whom to reach, how to get in, and whom to believe."""

from __future__ import annotations

import logging
import random
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any, TypeVar

import paramiko
from fabric import Config, Connection

from carbon.cluster import Limits, Ssh
from carbon.errors import HostKeyError
from remote.ssh.dial import dial
from remote.ssh.errors import hung_up, translated
from remote.ssh.handshake import LATER, ask_for_key, verifying_transport
from remote.ssh.hostkeys import Door, HostKey, KnownHosts, host_name
from remote.ssh.key_files import KeyFiles, key_alias, key_files
from remote.ssh.server import FabricServer

Result = TypeVar("Result")

CONNECT_ATTEMPTS = 6
"""sshd drops connections above MaxStartups (10:30:100 by default) without a word."""
RETRY_SECONDS = 0.2
"""Doubled for each further attempt, with jitter: about 0.2, 0.4, 0.8, 1.6, 3.2 s."""
HOST_KEY_KINDS = (
    ("ssh-ed25519",),
    ("ecdsa-sha2-nistp256",),
    ("ecdsa-sha2-nistp384",),
    ("ecdsa-sha2-nistp521",),
    ("rsa-sha2-512", "rsa-sha2-256", "ssh-rsa"),
)
"""What a server may have one key of each of."""
KEEPALIVE_SECONDS = 30
WAKING_SECONDS = 1.0
"""How often an idle connection's thread looks whether it is to end or to keep the connection alive.
Paramiko wakes ten times a second, which costs 1 ms of CPU a second for each connection."""

# Paramiko logs the traceback of every refused connection; the operator gets one sentence.
logging.getLogger("paramiko").setLevel(logging.CRITICAL)


class Connector:
    """Opens the servers of one run, sharing ssh_config, known_hosts files and gateways.

    `config` is Fabric's, with the command line's -i, -t and prompted passwords in it.
    """

    def __init__(self, config: Config, *, limits: Limits | None = None) -> None:
        self._config = config.clone()  # a clone's clones read no ssh_config file again
        self._limits = limits or Limits()
        self._known: dict[KeyFiles, KnownHosts] = {}
        self._gateways: dict[str, Connection] = {}
        self._lock = threading.RLock()

    def open(self, name: str, ssh: Ssh) -> FabricServer:
        """Connect to a server and verify that it is the one it should be.

        Raises ConnectError, or HostKeyError for a key that is not in known_hosts.
        """
        rules = self._config.base_ssh_config.lookup(ssh.host)
        seconds = self._connect_seconds(rules)
        login = self._login(ssh, rules)
        where = self._where(ssh)
        with translated(name, where, limit_seconds=seconds, limit="connect", login=login):
            connection = Connection(config=self._own_config(), **self.kwargs(ssh))
            self._open(connection)
        return FabricServer(
            name,
            connection,
            sudo_password=self._config.sudo.password,
            begin_seconds=self._limits.command_seconds,
            least_upload=1000.0 * self._limits.upload_kb,
        )

    def close(self) -> None:
        """Close the gateways."""
        for gateway in reversed(self._gateways.values()):
            gateway.close()
        self._gateways.clear()

    def _own_config(self) -> Config:
        """Return a copy for one connection.

        Each Connection writes into its config (`inline_ssh_env`), which empties and merges it
        again, while other threads read it.
        """
        with self._lock:
            return self._config.clone()

    def _where(self, ssh: Ssh) -> str:
        return f"{ssh.host}:{ssh.port}" if ssh.port else ssh.host

    def _login(self, ssh: Ssh, rules: Mapping[str, Any]) -> str:
        user = ssh.user or rules.get("user") or self._config.user
        files = ", ".join(map(str, ssh.identity_files)) or "the keys of your agent and ~/.ssh"
        return f" as {user}, with {files}"

    def kwargs(self, ssh: Ssh) -> dict[str, Any]:
        """Return the arguments of a Fabric Connection to this server, keys verified."""
        rules = self._config.base_ssh_config.lookup(ssh.host)
        return {
            "host": ssh.host,
            "user": ssh.user,
            "port": ssh.port,
            "gateway": self._gateway(ssh, rules),
            "connect_timeout": int(self._connect_seconds(rules)),
            "connect_kwargs": self._connect_kwargs(ssh, rules, ssh.host, ssh.port),
        }

    def _connect_seconds(self, rules: Mapping[str, Any]) -> float:
        given = self._config.connect_kwargs.get("timeout") or rules.get("connecttimeout")
        return float(given or self._limits.connect_seconds)

    def _connect_kwargs(
        self, ssh: Ssh, rules: Mapping[str, Any], host: str, port: int | None
    ) -> dict[str, Any]:
        """Merge by hand: what a constructor is given replaces Fabric's own.

        A fresh dict for each host also keeps identity files from leaking to the next host.
        """
        given = {
            key: value
            for key, value in dict(self._config.connect_kwargs).items()
            if key not in ("timeout", "key_filename")
        }
        seconds = self._connect_seconds(rules)
        known = self._known_hosts(key_files(ssh, rules))
        address = (str(rules.get("hostname", host)), port or int(rules.get("port", 22)))
        name = host_name(*address, alias=key_alias(rules))
        return {
            **given,
            "key_filename": [str(path) for path in ssh.identity_files],
            "banner_timeout": LATER * seconds,
            "auth_timeout": seconds,
            "channel_timeout": seconds,
            "transport_factory": verifying_transport(known, name, legacy=ssh.legacy_ssh),
        }

    def _known_hosts(self, files: KeyFiles) -> KnownHosts:
        with self._lock:
            if files not in self._known:
                self._known[files] = KnownHosts.load(files.known, revoked=files.revoked)
            return self._known[files]

    def _gateway(self, ssh: Ssh, rules: Mapping[str, Any]) -> Connection | str | bool:
        if jumps := self._jumps(ssh, rules):
            return self._shared_gateway(jumps, ssh)
        command = str(rules.get("proxycommand") or "none")
        return False if command.lower() == "none" else command

    def _jumps(self, ssh: Ssh, rules: Mapping[str, Any]) -> str:
        jumps = str(rules.get("proxyjump") or ssh.gateway or "none")
        return "" if jumps.lower() == "none" else jumps

    def _shared_gateway(self, jumps: str, ssh: Ssh) -> Connection:
        """Open each chain of hops once: Fabric would open it again for every host."""
        with self._lock:
            if jumps not in self._gateways:
                gateway: Connection | bool = False
                for hop in map(str.strip, jumps.split(",")):
                    gateway = self._hop(hop, gateway, ssh)
                    with translated(None, f"gateway {hop}", limit="connect"):
                        self._open(gateway)
                assert isinstance(gateway, Connection)
                self._gateways[jumps] = gateway
            return self._gateways[jumps]

    def _hop(self, hop: str, through: Connection | bool, ssh: Ssh) -> Connection:
        name = hop.rpartition("@")[2]
        host, _, port = name.partition(":")
        rules = self._config.base_ssh_config.lookup(host)
        return Connection(
            hop,
            config=self._own_config(),
            gateway=through,
            connect_timeout=int(self._connect_seconds(rules)),
            connect_kwargs=self._connect_kwargs(ssh, rules, host, int(port) if port else None),
        )

    def _open(self, connection: Connection) -> None:
        def attempt() -> None:
            if not connection.gateway:
                connection.connect_kwargs["sock"] = _dial(connection)
            try:
                connection.open()
            except BaseException:
                connection.close()
                raise

        self._retried(attempt)
        transport: Any = connection.transport
        transport.set_keepalive(KEEPALIVE_SECONDS)
        transport.sock.settimeout(WAKING_SECONDS)

    def _retried(self, attempt: Callable[[], Result]) -> Result:
        """Try again if sshd dropped the connection without a word."""
        deadline = time.monotonic() + 2 * self._limits.connect_seconds
        failures = 0
        while True:
            try:
                return attempt()
            except (paramiko.SSHException, EOFError, ConnectionResetError) as error:
                failures += 1
                last = failures == CONNECT_ATTEMPTS or time.monotonic() > deadline
                if last or not _worth_another_try(error):
                    raise
            time.sleep(RETRY_SECONDS * 2 ** (failures - 1) * random.uniform(0.5, 1.5))

    def doors(self, name: str, ssh: Ssh) -> Iterator[Door]:
        """Yield everyone who shows host keys on the way to a server: its gateways, then itself.

        Nothing is believed and nobody is logged in to, but each gateway on the way to the next
        door: so its keys have to be accepted before the next one is asked for.
        Raises ConnectError, or HostKeyError for a gateway that is not trusted by then.
        """
        jumps = self._jumps(ssh, self._config.base_ssh_config.lookup(ssh.host))
        hops = [hop.strip() for hop in jumps.split(",")] if jumps else []
        for at, hop in enumerate(hops):
            with translated(name, f"gateway {hop}", limit="connect"):
                self._known.clear()  # it may have been added to since
                through = self._shared_gateway(",".join(hops[:at]), ssh) if at else False
                door = self._door(f"the gateway {hop}", self._hop(hop, through, ssh), ssh)
            yield door
        with translated(name, self._where(ssh), limit="connect"):
            self._known.clear()
            connection = Connection(config=self._own_config(), **self.kwargs(ssh))
            door = self._door(name, connection, ssh)
        yield door

    def _door(self, label: str, connection: Connection, ssh: Ssh) -> Door:
        rules = self._config.base_ssh_config.lookup(connection.original_host)
        files = key_files(ssh, rules)
        seconds = self._connect_seconds(rules)

        def ask(kinds: Sequence[str]) -> HostKey | None:
            sock = connection.open_gateway() if connection.gateway else _dial(connection)
            return ask_for_key(sock, kinds, legacy=ssh.legacy_ssh, timeout_seconds=seconds)

        answers = [self._retried(partial(ask, kinds)) for kinds in HOST_KEY_KINDS]
        host, port = connection.host, int(connection.port)
        return Door(
            label=label,
            host=host,
            port=port,
            name=host_name(host, port, alias=key_alias(rules)),
            keys=tuple(key for key in answers if key is not None),
            files=files.known,
            revoked=files.revoked,
            target=(ssh.known_hosts or files.known)[0],
        )


def _dial(connection: Connection) -> Any:
    host, port = str(connection.host), int(connection.port)
    return dial(host, port, timeout_seconds=float(connection.connect_timeout or 1))


def _worth_another_try(error: Exception) -> bool:
    """Tell a connection that sshd dropped (MaxStartups) from one that it refused."""
    refused = (paramiko.AuthenticationException, paramiko.BadHostKeyException)
    if isinstance(error, (*refused, HostKeyError, paramiko.ssh_exception.IncompatiblePeer)):
        return False
    return isinstance(error, EOFError | ConnectionResetError) or hung_up(error)
