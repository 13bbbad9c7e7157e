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
import struct
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any, TypeVar

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
from remote.hostkeys import Door, HostKey, KnownHosts, Trust
from remote.script import Script
from remote.seam import Outcome, Reach, Reading, Sink, Stream

Result = TypeVar("Result")

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
NEWER_SIGNATURES: dict[str, list[str]] = {"pubkeys": ["rsa-sha2-512", "rsa-sha2-256"]}
"""What those servers are not offered: Paramiko would sign logins with them, and OpenSSH before
7.2 neither knows them nor says so."""

FASTEST = ("aes128-gcm@openssh.com",)
"""Asked for first: one pass in place of a cipher and a MAC, a fifth less CPU for a copy."""

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
STREAM_LINE_BYTES = 1 << 20
"""What is longer is no line of text, and comes in pieces."""

# Paramiko logs the traceback of every refused connection; the operator gets one sentence.
logging.getLogger("paramiko").setLevel(logging.CRITICAL)


class Connector:
    """Opens the servers of one run, sharing ssh_config, known_hosts files and gateways.

    `config` is Fabric's, with the command line's -i, -t and prompted passwords in it.
    """

    def __init__(self, config: Config, *, limits: Limits | None = None) -> None:
        self._config = config.clone()  # a clone's clones read no ssh_config file again
        self._limits = limits or Limits()
        self._known: dict[tuple[Path, ...], KnownHosts] = {}
        self._gateways: dict[str, Connection] = {}
        self._lock = threading.RLock()

    def open(self, name: str, ssh: Ssh) -> FabricServer:
        """Connect to a server and verify that it is the one it should be.

        Raises ConnectError, or HostKeyError for a key that is not in known_hosts.
        """
        rules = self._config.base_ssh_config.lookup(ssh.host)
        seconds = self._connect_seconds(rules)
        with _translated(name, self._where(ssh), limit_seconds=seconds):
            connection = Connection(config=self._own_config(), **self.kwargs(ssh))
            self._open(connection)
        return FabricServer(
            name,
            connection,
            sudo_password=self._config.sudo.password,
            begin_seconds=self._limits.command_seconds,
        )

    def close(self) -> None:
        """Close the gateways."""
        for gateway in reversed(self._gateways.values()):
            gateway.close()
        self._gateways.clear()

    def __enter__(self) -> Connector:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _own_config(self) -> Config:
        """Return a copy for one connection.

        Each Connection writes into its config (`inline_ssh_env`), which empties and merges it
        again, while other threads read it.
        """
        with self._lock:
            return self._config.clone()

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
        known = self._known_hosts(_known_hosts_files(ssh, rules))
        address = (str(rules.get("hostname", host)), port or int(rules.get("port", 22)))
        return {
            **given,
            "key_filename": [str(path) for path in ssh.identity_files],
            "banner_timeout": _LATER * seconds,
            "auth_timeout": seconds,
            "channel_timeout": seconds,
            "transport_factory": _verifying_transport(known, *address),
            "disabled_algorithms": NEWER_SIGNATURES if ssh.legacy_ssh else LEGACY_ALGORITHMS,
        }

    def _known_hosts(self, paths: tuple[Path, ...]) -> KnownHosts:
        with self._lock:
            if paths not in self._known:
                self._known[paths] = KnownHosts.load(paths)
            return self._known[paths]

    def _gateway(self, ssh: Ssh, rules: Mapping[str, Any]) -> Connection | str | bool:
        if jumps := self._jumps(ssh, rules):
            return self._shared_gateway(jumps, ssh)
        return str(rules["proxycommand"]) if "proxycommand" in rules else False

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
                    with _translated(None, f"gateway {hop}"):
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
            try:
                connection.open()
            except BaseException:
                connection.close()
                raise

        self._retried(attempt)
        connection.transport.set_keepalive(KEEPALIVE_SECONDS)

    def _retried(self, attempt: Callable[[], Result]) -> Result:
        """Try again where sshd dropped the connection without a word."""
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
            with _translated(name, f"gateway {hop}"):
                self._known.clear()  # it may have been added to since
                through = self._shared_gateway(",".join(hops[:at]), ssh) if at else False
                door = self._door(f"the gateway {hop}", self._hop(hop, through, ssh), ssh)
            yield door
        with _translated(name, self._where(ssh)):
            self._known.clear()
            connection = Connection(config=self._own_config(), **self.kwargs(ssh))
            door = self._door(name, connection, ssh)
        yield door

    def _door(self, label: str, connection: Connection, ssh: Ssh) -> Door:
        rules = self._config.base_ssh_config.lookup(connection.original_host)
        files = _known_hosts_files(ssh, rules)
        disabled = NEWER_SIGNATURES if ssh.legacy_ssh else LEGACY_ALGORITHMS
        seconds = self._connect_seconds(rules)

        def dial() -> Any:
            if connection.gateway:
                return connection.open_gateway()
            return socket.create_connection((connection.host, connection.port), timeout=seconds)

        def ask(kinds: Sequence[str]) -> HostKey | None:
            return _ask_for_key(dial(), kinds, disabled=disabled, timeout_seconds=seconds)

        answers = [self._retried(partial(ask, kinds)) for kinds in HOST_KEY_KINDS]
        return Door(
            label=label,
            host=connection.host,
            port=int(connection.port),
            keys=tuple(key for key in answers if key is not None),
            files=files,
            target=(ssh.known_hosts or files)[0],
        )


def _ask_for_key(
    sock: Any,
    kinds: Sequence[str],
    *,
    disabled: Mapping[str, Sequence[str]],
    timeout_seconds: float,
) -> HostKey | None:
    """Return the host key of one kind that a server proves to hold; None if it has no such."""
    transport = paramiko.Transport(sock, disabled_algorithms=disabled)
    try:
        security = transport.get_security_options()
        offered = tuple(kind for kind in security.key_types if kind in kinds)
        if not offered:
            return None
        security.key_types = offered
        transport.banner_timeout = _LATER * timeout_seconds
        transport.start_client(timeout=timeout_seconds)
        _demand_greeting(transport)
        key = transport.get_remote_server_key()
        return HostKey(key.get_name(), key.get_base64())
    except paramiko.ssh_exception.IncompatiblePeer as error:
        if "host key" in str(error):
            return None
        raise
    finally:
        transport.close()


class FabricServer:
    """One server over a Fabric connection: the production side of `remote.seam.Server`."""

    def __init__(
        self,
        name: str,
        connection: Connection,
        *,
        sudo_password: str | None = None,
        begin_seconds: float,
    ) -> None:
        self._name = name
        self._connection = connection
        self._sudo_password = sudo_password
        self._tunnels = threading.Lock()
        """Paramiko keeps why a channel was refused for whichever thread asks first."""
        self._begin_seconds = begin_seconds
        """How long a script that then goes on running may take to begin."""

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
                    if not _sent(channel, chunk, timeout_seconds):
                        break
                    deadline = time.monotonic() + timeout_seconds
                channel.shutdown_write()
                out = _read(channel.recv, channel, deadline)
                err = _read(channel.recv_stderr, channel, deadline)
                outcome = Outcome(_exit_status(channel, deadline), out, err)
            finally:
                channel.close()
        _refuse_sudo_failure(self._name, script, outcome)
        return outcome

    def stream(
        self, script: Script, *, sink: Sink | None = None, errors: Sink | None = None
    ) -> Stream:
        with _translated(self._name, script.name, limit_seconds=self._begin_seconds):
            channel = self._begin(script, time.monotonic() + self._begin_seconds)
            return ChannelStream(channel, sink=sink, errors=errors)

    def read(self, script: Script, *, payload: bytes = b"", stall_seconds: float) -> Reading:
        with _translated(self._name, script.name, limit_seconds=stall_seconds):
            channel = self._begin(script, time.monotonic() + stall_seconds)
        channel.settimeout(stall_seconds)
        return ChannelReading(self._name, script, channel, payload=payload)

    def reach(self, host: str, port: int, *, timeout_seconds: float) -> Reach:
        try:
            with self._tunnels:
                self._tunnel(host, port, timeout_seconds).close()
        except paramiko.ChannelException as error:
            return "forbidden" if error.code == 1 else "refused"
        except paramiko.SSHException:
            return "silent"
        return "open"

    def ask(self, host: str, port: int, question: bytes, *, timeout_seconds: float) -> bytes:
        answer = b""
        deadline = time.monotonic() + timeout_seconds
        with contextlib.suppress(paramiko.SSHException, OSError, EOFError):
            with self._tunnels:
                channel = self._tunnel(host, port, timeout_seconds)
            with contextlib.closing(channel):
                channel.settimeout(_left(deadline))
                channel.sendall(question)
                while b"\n" not in answer and len(answer) < _LONGEST_LINE:
                    channel.settimeout(_left(deadline))
                    part = channel.recv(4096)
                    if not part:
                        break
                    answer += part
        return answer.partition(b"\n")[0].rstrip(b"\r")

    def close(self) -> None:
        self._connection.close()

    def cut(self) -> None:
        """Lose the connection as a network does: no farewell, no flush (remote/faults.py)."""
        transport: paramiko.Transport | None = self._connection.transport
        if transport is None:
            return
        sock: Any = transport.sock
        with contextlib.suppress(AttributeError, OSError):  # a gateway's channel has no options
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _AT_ONCE)
        sock.close()
        transport.join(timeout=5.0)

    def _transport(self) -> paramiko.Transport:
        transport: paramiko.Transport | None = self._connection.transport
        if transport is None or not transport.is_active():
            raise ConnectError(
                "the connection is gone",
                host=self._name,
                action="run the same command again: it continues from what it finds",
            )
        return transport

    def _tunnel(self, host: str, port: int, timeout_seconds: float) -> paramiko.Channel:
        return self._transport().open_channel(
            "direct-tcpip", (host, port), ("127.0.0.1", 0), timeout=timeout_seconds
        )

    def _begin(self, script: Script, deadline: float) -> paramiko.Channel:
        text = script.render()
        channel = _opened_session(self._transport(), deadline)
        if self._sudo_password is not None and script.uses_sudo:
            _give_sudo_its_password(channel, script, len(text), self._sudo_password, deadline)
        else:
            _execute(channel, script.command(len(text)), deadline)
        channel.sendall(text)
        return channel


class ChannelStream:
    """The lines of a running script, pumped by threads so that a wait can have a limit."""

    def __init__(
        self, channel: paramiko.Channel, *, sink: Sink | None = None, errors: Sink | None = None
    ) -> None:
        self._channel = channel
        self._queue: SimpleQueue[str | None] = SimpleQueue()
        self._pumps = [threading.Thread(target=self._pump, args=(sink or self._queue.put,))]
        if errors is not None:
            self._pumps.append(
                threading.Thread(target=_send_lines, args=(channel.recv_stderr, errors))
            )
        for pump in self._pumps:
            pump.daemon = True
        for pump in reversed(self._pumps):
            pump.start()

    def line(self, *, timeout_seconds: float) -> str | None:
        try:
            return self._queue.get(timeout=max(0.0, timeout_seconds))
        except Empty:
            raise TimeoutError from None

    def status(self, *, timeout_seconds: float) -> int | None:
        ended = self._channel.status_event.wait(timeout_seconds)
        return self._channel.exit_status if ended and self._channel.exit_status >= 0 else None

    def close(self) -> None:
        with contextlib.suppress(OSError, EOFError, paramiko.SSHException):
            self._channel.shutdown_write()
            self._channel.close()
        for pump in self._pumps:
            pump.join(timeout=5.0)

    def _pump(self, sink: Sink) -> None:
        """Send all lines, and None when those of both outputs have been sent."""
        _send_lines(self._channel.recv, sink)
        for other in self._pumps[1:]:
            other.join()
        sink(None)


def _send_lines(receive: Callable[[int], bytes], sink: Sink) -> None:
    rest = b""
    try:
        while chunk := receive(65536):
            *whole, rest = (rest + chunk).split(b"\n")
            for line in whole:
                sink(line.decode(errors="replace"))
            if len(rest) > STREAM_LINE_BYTES:
                sink(rest.decode(errors="replace"))
                rest = b""
    except (OSError, EOFError, paramiko.SSHException):
        rest = b""
    if rest:
        sink(rest.decode(errors="replace"))


class ChannelReading:
    """The output of a script in pieces; a thread writes its payload meanwhile.

    Written first, a long payload would wait for a script that waits for its output to be read.
    """

    def __init__(
        self, name: str, script: Script, channel: paramiko.Channel, *, payload: bytes
    ) -> None:
        self._name = name
        self._script = script
        self._channel = channel
        self._feeder = threading.Thread(target=self._feed, args=(payload,), daemon=True)
        self._feeder.start()

    def __iter__(self) -> Iterator[bytes]:
        with self._translated():
            while chunk := self._channel.recv(_PIECE_BYTES):
                yield chunk

    def outcome(self) -> Outcome:
        with self._translated():
            deadline = time.monotonic() + self._stall_seconds
            err = _read(self._channel.recv_stderr, self._channel, deadline)
            outcome = Outcome(_exit_status(self._channel, deadline), b"", err)
        _refuse_sudo_failure(self._name, self._script, outcome)
        return outcome

    def close(self) -> None:
        with contextlib.suppress(OSError, EOFError, paramiko.SSHException):
            self._channel.close()
        self._feeder.join(timeout=5.0)

    @property
    def _stall_seconds(self) -> float:
        return self._channel.gettimeout() or 0.0

    def _translated(self) -> contextlib.AbstractContextManager[None]:
        return _translated(self._name, self._script.name, limit_seconds=self._stall_seconds)

    def _feed(self, payload: bytes) -> None:
        with contextlib.suppress(OSError, EOFError, paramiko.SSHException):
            self._channel.sendall(payload)
            self._channel.shutdown_write()


_SUDO_PROMPT = "provision-sudo-prompt:"


def _give_sudo_its_password(
    channel: paramiko.Channel, script: Script, size: int, password: str, deadline: float
) -> None:
    """Answer sudo when, and only when, it asks; return when the shell says it is ready.

    A password that is sent unasked would end up in what the script reads.
    """
    _execute(channel, script.asking_command(size, prompt=_SUDO_PROMPT), deadline)
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
        action="see with `sudo -l` on the server what the login may do, and with `fab sudoers`"
        " what it has to be allowed",
    )


def _refuse_sudo_failure(host: str, script: Script, outcome: Outcome) -> None:
    """Raise PrivilegeError where a script failed because sudo did."""
    complaint = outcome.err.decode(errors="replace")
    if outcome.status == 0 or "sudo: " not in complaint:
        return
    line = next(line for line in complaint.splitlines() if "sudo: " in line)
    if "tty" in line:
        action = "sudo demands a terminal there: add `Defaults:LOGIN !requiretty` to sudoers"
    elif "command not found" in line:
        action = "install that program there; sudo looks for it in its own secure_path"
    elif "password" in line:
        action = "run again with --prompt-for-sudo-password, or install what `fab sudoers` prints"
    else:
        action = "install what `fab sudoers` prints; `sudo -l` there shows what the login may do"
    raise PrivilegeError(line.strip(), host=host, step=script.name, action=action)


_LATER = 2
"""The limit of the whole greeting has to come first: the banner's own sounds like a hang-up."""
_AT_ONCE = struct.pack("ii", 1, 0)
"""SO_LINGER on, for no time: the other side gets a reset."""
_SHORTEST_SECONDS = 0.05
_PACKET_HEAD = 64
"""What Paramiko takes off a packet's size; a piece cut otherwise ends in a tiny packet."""
_PIECE_BYTES = 1 << 20
"""Taken at once: Paramiko moves all that it holds for each piece that is taken from it."""
_LONGEST_LINE = 65536


def _left(deadline: float) -> float:
    return max(_SHORTEST_SECONDS, deadline - time.monotonic())


def _opened_session(transport: paramiko.Transport, deadline: float) -> paramiko.Channel:
    try:
        return transport.open_session(timeout=_left(deadline))
    except paramiko.SSHException as error:
        if str(error).startswith("Timeout"):
            raise TimeoutError from error
        raise


def _execute(channel: paramiko.Channel, command: str, deadline: float) -> None:
    """Ask for a command; Paramiko itself waits without a limit for the server to agree."""

    def give_up() -> None:
        with contextlib.suppress(OSError, EOFError, paramiko.SSHException):
            channel.close()

    watchdog = threading.Timer(_left(deadline), give_up)
    watchdog.daemon = True
    watchdog.start()
    try:
        channel.exec_command(command)
    except paramiko.SSHException as error:
        if time.monotonic() >= deadline:
            raise TimeoutError from error
        raise
    finally:
        watchdog.cancel()


def _chunks(payload: bytes | Iterable[bytes]) -> Iterable[bytes]:
    return (payload,) if isinstance(payload, bytes) else payload


def _sent(channel: paramiko.Channel, chunk: bytes, stall_seconds: float) -> bool:
    """Send a piece of a payload; False where the script ended without reading it."""
    channel.settimeout(stall_seconds)
    packet = channel.out_max_packet_size - _PACKET_HEAD
    try:
        for start in range(0, len(chunk), packet):
            channel.sendall(chunk[start : start + packet])
    except TimeoutError:
        raise
    except OSError:
        if channel.exit_status_ready() and channel.exit_status >= 0:
            return False
        raise
    return True


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


def _known_hosts_files(ssh: Ssh, rules: Mapping[str, Any]) -> tuple[Path, ...]:
    return (*_user_files(rules), *ssh.known_hosts)


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
            _demand_greeting(self)
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
        security = transport.get_security_options()
        security.ciphers = tuple(sorted(security.ciphers, key=lambda one: one not in FASTEST))
        if recorded:
            security.key_types = _recorded_first(security.key_types, recorded)
        return transport

    return make


def _demand_greeting(transport: paramiko.Transport) -> None:
    """Raise TimeoutError where a server has not shown a key: Paramiko returns at its limit."""
    if not transport.initial_kex_done:
        transport.close()
        raise TimeoutError


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


def _worth_another_try(error: Exception) -> bool:
    """Tell a connection that sshd dropped (MaxStartups) from one that it refused."""
    refused = (paramiko.AuthenticationException, paramiko.BadHostKeyException)
    if isinstance(error, (*refused, HostKeyError, paramiko.ssh_exception.IncompatiblePeer)):
        return False
    return isinstance(error, EOFError | ConnectionResetError) or _hung_up(error)


def _hung_up(error: Exception) -> bool:
    """Tell whether a server closed the connection in place of a greeting."""
    return "banner" in str(error)


@contextlib.contextmanager
def _translated(
    host: str | None, step: str, *, limit_seconds: float | None = None
) -> Iterator[None]:
    """Turn what Fabric, Paramiko and sockets raise into errors that name the host.

    A gateway leaves that to who connects through it.
    """
    try:
        yield
    except HostKeyError as error:
        if host is None:
            raise error.at(step=step) from error.__cause__
        error.action = error.action.replace("NAME", host)
        raise error.at(host=host) from error.__cause__
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
        if _hung_up(error):
            raise ConnectError(
                "its sshd hangs up before it says a word",
                host=host,
                step=step,
                action="too many may be logging in to it at once (MaxStartups), or it forbids your"
                " address: wait a little, or read what sshd logs there",
            ) from error
        said = str(error).removeprefix("[Errno None] ") or type(error).__name__
        raise ConnectError(
            f"the connection failed: {said}",
            host=host,
            step=step,
            action="check that the server is up and that its sshd answers at this address",
        ) from error
