"""Connections: the only module that speaks to Fabric and Paramiko.

Fabric resolves the user's ssh_config, agent, keys and gateways; this module adds what it
leaves out (facts/2.16): strict host keys, time limits, TCP_NODELAY, keepalive, gateways that
are opened once, and errors that name the host.
"""

from __future__ import annotations

import contextlib
import logging
import random
import socket
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any

import paramiko
from fabric import Config, Connection

from carbon.cluster import Limits, Ssh
from carbon.errors import (
    ConnectError,
    HostKeyError,
    PrivilegeError,
    ProvisionError,
    TimeLimitError,
)
from remote.hostkeys import HostKey, KnownHosts, Trust
from remote.script import Script
from remote.seam import Outcome, Reach, Sink, Stream

LEGACY_ALGORITHMS: dict[str, list[str]] = {
    "kex": [
        "diffie-hellman-group-exchange-sha1",
        "diffie-hellman-group14-sha1",
        "diffie-hellman-group1-sha1",
    ],
    "keys": ["ssh-rsa"],
    "pubkeys": ["ssh-rsa"],
    "ciphers": ["aes128-cbc", "aes192-cbc", "aes256-cbc", "3des-cbc"],
    "macs": ["hmac-sha1", "hmac-md5", "hmac-sha1-96", "hmac-md5-96"],
}
"""What only servers with `legacy_ssh: true` are offered."""

CONNECT_ATTEMPTS = 6
"""sshd drops connections above MaxStartups (10:30:100 by default) without a word."""
RETRY_SECONDS = 0.2
"""Doubled for each further attempt, with jitter: about 0.2, 0.4, 0.8, 1.6, 3.2 s."""
KEEPALIVE_SECONDS = 30

# Paramiko logs the traceback of every refused connection; the operator gets one sentence.
logging.getLogger("paramiko").setLevel(logging.CRITICAL)


class Connector:
    """Opens the servers of one run, sharing ssh_config, known_hosts files and gateways.

    `config` is Fabric's, with the command line's -i, -t and prompted passwords in it.
    """

    def __init__(self, config: Config, *, limits: Limits | None = None) -> None:
        self._config = config
        self._limits = limits or Limits()
        self._known: dict[tuple[Path, ...], KnownHosts] = {}
        self._gateways: dict[str, Connection] = {}
        self._lock = threading.Lock()

    def open(self, name: str, ssh: Ssh) -> FabricServer:
        """Connect to a server and verify that it is the one it should be.

        Raises ConnectError, or HostKeyError for a key that is not in known_hosts.
        """
        with _translated(name, self._where(ssh)):
            connection = Connection(config=self._config, **self.kwargs(ssh))
            self._open(connection)
        sudo_password = self._config.sudo.password
        return FabricServer(name, connection, sudo_password=sudo_password)

    def close(self) -> None:
        """Close the gateways."""
        for gateway in reversed(self._gateways.values()):
            gateway.close()
        self._gateways.clear()

    def __enter__(self) -> Connector:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _where(self, ssh: Ssh) -> str:
        return f"{ssh.host}:{ssh.port}" if ssh.port else ssh.host

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
        """Merge by hand: what a constructor is given replaces Fabric's own (facts 2.4).

        A fresh dict for each host also keeps identity files from leaking to the next host.
        """
        given = {
            key: value
            for key, value in dict(self._config.connect_kwargs).items()
            if key not in ("timeout", "key_filename")
        }
        seconds = self._connect_seconds(rules)
        known = self._known_hosts((*_user_files(rules), *ssh.known_hosts))
        address = (str(rules.get("hostname", host)), port or int(rules.get("port", 22)))
        return {
            **given,
            "key_filename": [str(path) for path in ssh.identity_files],
            "banner_timeout": seconds,
            "auth_timeout": seconds,
            "channel_timeout": seconds,
            "transport_factory": _verifying_transport(known, *address),
            "disabled_algorithms": {} if ssh.legacy_ssh else LEGACY_ALGORITHMS,
        }

    def _known_hosts(self, paths: tuple[Path, ...]) -> KnownHosts:
        with self._lock:
            if paths not in self._known:
                self._known[paths] = KnownHosts.load(paths)
            return self._known[paths]

    def _gateway(self, ssh: Ssh, rules: Mapping[str, Any]) -> Connection | str | bool:
        jumps = rules.get("proxyjump") or ssh.gateway
        if jumps and jumps.lower() != "none":
            return self._shared_gateway(jumps, ssh)
        return str(rules["proxycommand"]) if "proxycommand" in rules else False

    def _shared_gateway(self, jumps: str, ssh: Ssh) -> Connection:
        """Open each chain of hops once: Fabric would open it again for every host."""
        with self._lock:
            if jumps not in self._gateways:
                gateway: Connection | bool = False
                for hop in jumps.split(","):
                    gateway = self._hop(hop.strip(), gateway, ssh)
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
            config=self._config,
            gateway=through,
            connect_timeout=int(self._connect_seconds(rules)),
            connect_kwargs=self._connect_kwargs(ssh, rules, host, int(port) if port else None),
        )

    def _open(self, connection: Connection) -> None:
        deadline = time.monotonic() + 2 * self._limits.connect_seconds
        for attempt in range(CONNECT_ATTEMPTS):
            try:
                connection.open()
                connection.transport.set_keepalive(KEEPALIVE_SECONDS)
                return
            except (paramiko.SSHException, EOFError, ConnectionResetError) as error:
                connection.close()
                last = attempt == CONNECT_ATTEMPTS - 1 or time.monotonic() > deadline
                if last or not _worth_another_try(error):
                    raise
                time.sleep(RETRY_SECONDS * 2**attempt * random.uniform(0.5, 1.5))


class FabricServer:
    """One server over a Fabric connection: the production side of `remote.seam.Server`."""

    def __init__(
        self, name: str, connection: Connection, *, sudo_password: str | None = None
    ) -> None:
        self._name = name
        self._connection = connection
        self._sudo_password = sudo_password

    @property
    def name(self) -> str:
        return self._name

    def run(
        self, script: Script, *, payload: bytes | Iterable[bytes] = b"", timeout_seconds: float
    ) -> Outcome:
        deadline = time.monotonic() + timeout_seconds
        with _translated(self._name, script.name, limit_seconds=timeout_seconds):
            channel = self._begin(script, deadline)
            try:
                for chunk in _chunks(payload):
                    channel.settimeout(_left(deadline))
                    channel.sendall(chunk)
                channel.shutdown_write()
                out = _read(channel.recv, channel, deadline)
                err = _read(channel.recv_stderr, channel, deadline)
                outcome = Outcome(_exit_status(channel, deadline), out, err)
            finally:
                channel.close()
        _refuse_sudo_failure(self._name, script, outcome)
        return outcome

    def stream(self, script: Script, *, sink: Sink | None = None) -> Stream:
        with _translated(self._name, script.name):
            return ChannelStream(self._begin(script, time.monotonic() + 30.0), sink=sink)

    def reach(self, host: str, port: int, *, timeout_seconds: float) -> Reach:
        transport = self._transport()
        try:
            channel = transport.open_channel(
                "direct-tcpip", (host, port), ("127.0.0.1", 0), timeout=timeout_seconds
            )
        except paramiko.ChannelException as error:
            return "forbidden" if error.code == 1 else "refused"
        except paramiko.SSHException:
            return "silent"
        channel.close()
        return "open"

    def close(self) -> None:
        self._connection.close()

    def _transport(self) -> paramiko.Transport:
        transport: paramiko.Transport | None = self._connection.transport
        if transport is None or not transport.is_active():
            raise ConnectError(
                "the connection is gone",
                host=self._name,
                action="run the same command again: it continues from what it finds",
            )
        return transport

    def _begin(self, script: Script, deadline: float) -> paramiko.Channel:
        text = script.render()
        channel = self._transport().open_session(timeout=_left(deadline))
        if self._sudo_password is not None and script.uses_sudo:
            _give_sudo_its_password(channel, script, len(text), self._sudo_password, deadline)
        else:
            channel.exec_command(script.command(len(text)))
        channel.sendall(text)
        return channel


class ChannelStream:
    """The lines of a running script, pumped by a thread so that a wait can have a limit."""

    def __init__(self, channel: paramiko.Channel, *, sink: Sink | None = None) -> None:
        self._channel = channel
        self._queue: SimpleQueue[str | None] = SimpleQueue()
        self._sink = sink or self._queue.put
        self._pump = threading.Thread(target=self._read_lines, daemon=True)
        self._pump.start()

    def line(self, *, timeout_seconds: float) -> str | None:
        try:
            return self._queue.get(timeout=max(0.0, timeout_seconds))
        except Empty:
            raise TimeoutError from None

    def close(self) -> None:
        with contextlib.suppress(OSError, EOFError, paramiko.SSHException):
            self._channel.shutdown_write()
            self._channel.close()
        self._pump.join(timeout=5.0)

    def _read_lines(self) -> None:
        rest = b""
        try:
            while chunk := self._channel.recv(65536):
                *whole, rest = (rest + chunk).split(b"\n")
                for line in whole:
                    self._sink(line.decode(errors="replace"))
        except (OSError, EOFError, paramiko.SSHException):
            rest = b""
        if rest:
            self._sink(rest.decode(errors="replace"))
        self._sink(None)


_SUDO_PROMPT = "provision-sudo-prompt:"


def _give_sudo_its_password(
    channel: paramiko.Channel, script: Script, size: int, password: str, deadline: float
) -> None:
    """Answer sudo when, and only when, it asks; return when the shell says it is ready.

    A password that is sent unasked would end up in what the script reads.
    """
    channel.exec_command(script.asking_command(size, prompt=_SUDO_PROMPT))
    errors, asked = b"", 0
    while not channel.recv_ready() and not channel.exit_status_ready():
        if channel.recv_stderr_ready():
            errors += channel.recv_stderr(4096)
        if errors.count(_SUDO_PROMPT.encode()) > asked:
            asked += 1
            if asked > 1:
                break
            channel.sendall(password.encode() + b"\n")
        if _left(deadline) <= _SHORTEST_SECONDS:
            raise TimeoutError
        channel.status_event.wait(0.005)
    if channel.recv_ready() and channel.recv(len(b"ready\n")) == b"ready\n":
        return
    channel.close()
    raise PrivilegeError(
        "sudo did not take the password" if asked else "sudo refused before it asked",
        step=script.name,
        action="see with `sudo -l` on the server what the login may do; README, Privilege",
    )


def _refuse_sudo_failure(host: str, script: Script, outcome: Outcome) -> None:
    """Raise PrivilegeError where a script failed because sudo did."""
    complaint = outcome.err.decode(errors="replace")
    if outcome.status == 0 or "sudo: " not in complaint:
        return
    line = next(line for line in complaint.splitlines() if "sudo: " in line)
    if "tty" in line:
        action = "sudo demands a terminal there: add `Defaults:LOGIN !requiretty` to sudoers"
    elif "password" in line:
        action = "run again with --prompt-for-sudo-password, or install README's sudoers fragment"
    else:
        action = "install README's sudoers fragment for this login; `sudo -l` shows what it may do"
    raise PrivilegeError(line.strip(), host=host, step=script.name, action=action)


_SHORTEST_SECONDS = 0.05


def _left(deadline: float) -> float:
    return max(_SHORTEST_SECONDS, deadline - time.monotonic())


def _chunks(payload: bytes | Iterable[bytes]) -> Iterable[bytes]:
    return (payload,) if isinstance(payload, bytes) else payload


def _read(receive: Callable[[int], bytes], channel: paramiko.Channel, deadline: float) -> bytes:
    parts: list[bytes] = []
    while True:
        channel.settimeout(_left(deadline))
        part = receive(1 << 20)
        if not part:
            return b"".join(parts)
        parts.append(part)


def _exit_status(channel: paramiko.Channel, deadline: float) -> int:
    if not channel.status_event.wait(_left(deadline)):
        raise TimeoutError
    if channel.exit_status < 0:
        raise EOFError("the connection ended before the script did")
    return channel.exit_status


def _user_files(rules: Mapping[str, Any]) -> tuple[Path, ...]:
    named = rules.get("userknownhostsfile", "~/.ssh/known_hosts ~/.ssh/known_hosts2")
    return (*(Path(name).expanduser() for name in named.split()), Path("/etc/ssh/ssh_known_hosts"))


def _verifying_transport(
    known: KnownHosts, host: str, port: int
) -> Callable[..., paramiko.Transport]:
    """Return what makes a transport that ends unless the server's key is in known_hosts.

    Paramiko and Fabric are given no known_hosts of their own: whatever policy they set, this
    has decided before a login is tried.
    """
    recorded = known.types(host, port)

    class VerifyingTransport(paramiko.Transport):
        def start_client(self, *args: Any, **kwargs: Any) -> None:
            super().start_client(*args, **kwargs)
            key = self.get_remote_server_key()
            shown = HostKey(key.get_name(), key.get_base64())
            trust, line = known.trust(host, port, shown)
            if trust is not Trust.KNOWN:
                self.close()
                raise _untrusted(trust, line, shown)

    def make(sock: Any, **options: Any) -> paramiko.Transport:
        with contextlib.suppress(AttributeError, OSError):  # a gateway's channel has no options
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        transport = VerifyingTransport(sock, **options)
        if recorded:
            security = transport.get_security_options()
            security.key_types = _recorded_first(security.key_types, recorded)
        return transport

    return make


def _untrusted(trust: Trust, line: str, key: HostKey) -> HostKeyError:
    fingerprint = f"{key.type} {key.fingerprint}"
    match trust:
        case Trust.REVOKED:
            return HostKeyError(
                f"it shows a host key that {line} revokes: {fingerprint}",
                action="do not connect; find out who answers at this address",
            )
        case Trust.CHANGED:
            return HostKeyError(
                f"its host key is not the one in {line}: it shows {fingerprint}",
                action="somebody may be in between: compare with `ssh-keygen -lf` on the server's"
                " own console; if it was reinstalled, remove the old line and use `fab trust`",
            )
        case _:
            return HostKeyError(
                f"its host key is in no known_hosts file: {fingerprint}",
                action="compare with `ssh-keygen -lf /etc/ssh/ssh_host_*_key.pub` on the server's"
                " own console, then accept it with `fab -H NAME trust`",
            )


def _recorded_first(offered: Iterable[str], recorded: Iterable[str]) -> tuple[str, ...]:
    """Ask for the key types that known_hosts holds before all others.

    known_hosts says ssh-rsa for a key that newer servers sign with rsa-sha2.
    """
    wanted = set(recorded)
    if "ssh-rsa" in wanted:
        wanted |= {"rsa-sha2-256", "rsa-sha2-512"}
    return tuple(sorted(offered, key=lambda kind: kind not in wanted))


def _worth_another_try(error: Exception) -> bool:
    """Tell a connection that sshd dropped (MaxStartups) from one that it refused."""
    refused = (paramiko.AuthenticationException, paramiko.BadHostKeyException)
    if isinstance(error, (*refused, HostKeyError, paramiko.ssh_exception.IncompatiblePeer)):
        return False
    return isinstance(error, EOFError | ConnectionResetError) or "banner" in str(error)


@contextlib.contextmanager
def _translated(host: str, step: str, *, limit_seconds: float | None = None) -> Iterator[None]:
    """Turn what Fabric, Paramiko and sockets raise into errors that name the host."""
    try:
        yield
    except ProvisionError as error:
        raise error.at(host=host) from error.__cause__
    except TimeoutError as error:
        limit = f" within {limit_seconds:g} s" if limit_seconds else ""
        raise TimeLimitError(
            f"no answer{limit}",
            host=host,
            step=step,
            action="look whether the server hangs; the limits stand in hosts.yaml under `limits`",
        ) from error
    except paramiko.AuthenticationException as error:
        raise ConnectError(
            f"it lets no login in: {error}",
            host=host,
            step=step,
            action="check user and identity_file in hosts.yaml, your agent, and authorized_keys",
        ) from error
    except paramiko.ssh_exception.IncompatiblePeer as error:
        raise ConnectError(
            f"no algorithm in common: {error}",
            host=host,
            step=step,
            action="if this is an OpenSSH 5.3 server, say `legacy_ssh: true` in its `ssh`",
        ) from error
    except socket.gaierror as error:
        raise ConnectError(
            f"its name does not resolve: {error.strerror}",
            host=host,
            step=step,
            action="check `ssh: {host: ...}` in hosts.yaml, or your ~/.ssh/config",
        ) from error
    except (paramiko.SSHException, OSError, EOFError) as error:
        said = str(error) or type(error).__name__
        raise ConnectError(
            f"the connection failed: {said}",
            host=host,
            step=step,
            action="check that the server is up and that its sshd answers at this address",
        ) from error
