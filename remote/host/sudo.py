"""What sudo has to allow: every command that a script runs as root, word for word.

The scripts, the check before a change and the sudoers fragment agree because of this list; a
test reads the scripts against it.
"""

from __future__ import annotations

import getpass
import re
import shlex
from collections.abc import Iterable, Iterator, Sequence
from typing import TypeAlias

from carbon.balancer.nginx import file_names
from carbon.cluster import Cluster, LoadBalancer, Node
from carbon.service.unit import password_file, unit_file
from carbon.value import Value
from remote.host.host import Host, Machine
from remote.host.script import Script

Command: TypeAlias = tuple[str, ...]

HOSTS_COMMANDS: tuple[Command, ...] = (
    ("cp", "-p", "/etc/hosts", "/etc/hosts.provision-new"),
    ("tee", "/etc/hosts.provision-new"),
    ("mv", "-f", "/etc/hosts.provision-new", "/etc/hosts"),
    ("rm", "-f", "/etc/hosts.provision-new"),
    ("cp", "-p", "/etc/hosts", "/etc/hosts.provision-kept"),
    ("tee", "/etc/hosts"),
)
"""For /etc/hosts; the last two for a bind mount, which can only be written over."""

CHECK = "sudo_check"
"""The script that asks sudo for all of a list of commands."""

SERVICE_COMMANDS = ("reset-failed", "start", "stop --no-block", "kill --signal=SIGKILL")
"""What starts and stops a unit; the account that runs the server says it."""

REBOOT_COMMANDS: tuple[Command, ...] = (("systemctl", "reboot"),)
"""For `fab boot --reboot` alone."""
HELPER = "/usr/local/sbin/carbon-provision-rotation"
"""What root installs on a load balancer with `rotation_helper`: remote/root/rotation_helper.sh."""

NGINX_COMMANDS: tuple[Command, ...] = (("nginx", "-t"), ("nginx", "-s", "reload"))

# sudo compares files, not paths: these hold also if /bin is a link to /usr/bin.
_PROGRAMS = {
    "cp": "/bin/cp",
    "ln": "/bin/ln",
    "mv": "/bin/mv",
    "rm": "/bin/rm",
    "install": "/usr/bin/install",
    "systemctl": "/usr/bin/systemctl",
    "tee": "/usr/bin/tee",
    "nginx": "/usr/sbin/nginx",
}


def vhost_commands(cluster: Cluster, balancer: LoadBalancer) -> tuple[Command, ...]:
    """Return the commands that replace a cluster's files of nginx, test them and load them."""
    helped = balancer.rotation_helper
    files = [str(balancer.conf_dir / name) for name in file_names(cluster)]
    return (*(each for file in files for each in _file_commands(file, helped)), *NGINX_COMMANDS)


def _file_commands(file: str, helped: bool) -> Iterator[Command]:
    """Yield what replaces a file; with the helper, no line of it is the login's to write."""
    new, kept = f"{file}.provision-new", f"{file}.provision-kept"
    yield (HELPER, new) if helped else ("tee", new)
    yield ("ln", file, kept)
    yield ("mv", "-f", new, file)
    yield ("mv", "-f", kept, file)
    if not helped:
        yield ("rm", "-f", file)
    yield ("rm", "-f", new, kept)


def unit_commands(node: Node) -> tuple[Command, ...]:
    """Return the commands that install a node's unit, and its password if it needs one."""
    if node.service is None:
        return ()
    unit = node.service.unit
    file, password = str(unit_file(unit)), str(password_file(unit))
    secret: tuple[Command, ...] = (
        ("install", "-m", "600", "/dev/null", f"{password}.provision-new"),
        ("tee", f"{password}.provision-new"),
        ("mv", "-f", f"{password}.provision-new", password),
    )
    return (
        ("tee", f"{file}.provision-new"),
        ("mv", "-f", f"{file}.provision-new", file),
        *(secret if node.keystore_password else ()),
        ("systemctl", "daemon-reload"),
        ("systemctl", "enable", unit),
    )


def service_commands(node: Node) -> tuple[Command, ...]:
    """Return the commands that start and stop a node's unit."""
    if node.service is None:
        return ()
    return tuple(("systemctl", *verb.split(), node.service.unit) for verb in SERVICE_COMMANDS)


def check(
    host: Host[Machine], commands: Iterable[Command], *, step: str, run_as: str | None = None
) -> None:
    """Ask sudo whether it allows these commands to the login or to an account; change nothing.

    Raises PrivilegeError.
    """
    values = {"commands": as_values(commands)}
    script = Script(name=CHECK, values=values, run_as=run_as, calls_sudo=run_as is None)
    host.run(script, step=step)


def as_values(commands: Iterable[Command]) -> list[str]:
    """Return the commands as the script of the check wants them."""
    return [shlex.join(command) for command in commands]


class Fragment(Value, kw_only=True):
    """A sudoers file for one login, fit for several servers."""

    login: str
    commands: tuple[Command, ...]
    """As root."""
    account: str | None = None
    """Whose shell the login may use."""
    for_account: tuple[Command, ...] = ()
    """What that account may do as root."""
    reboots: bool = False
    """`fab boot --reboot` is for this server, too."""
    warnings: tuple[str, ...] = ()
    """What these rights amount to, and the way without them."""

    @property
    def text(self) -> str:
        """The file's text."""
        lines = [f"Defaults:{self.login} !requiretty"]
        if self.commands:
            lines.append(_as_rules(self.login, self.commands))
        if self.account:
            lines.append(f"{self.login} ALL=({self.account}) NOPASSWD: /bin/sh")
        if self.for_account:
            lines.insert(1, f"Defaults:{self.account} !requiretty")
            lines.append(_as_rules(self.account, self.for_account))
        if self.reboots:
            lines.append("# For `fab boot --reboot` alone; without it that is refused.")
            listed = ", ".join(map(_as_rule, REBOOT_COMMANDS))
            lines.append(f"{self.login} ALL=(root) NOPASSWD: {listed}")
        return "\n".join(lines) + "\n"


def fragment(cluster: Cluster, host: Node | LoadBalancer, *, login: str | None) -> Fragment | None:
    """Return what sudo has to allow on a server, None if nothing is done as somebody else.

    `login` counts if hosts.yaml names none; without either it is the name of whoever asks.
    """
    user = host.ssh.user or login or getpass.getuser()
    if isinstance(host, LoadBalancer):
        return Fragment(
            login=user,
            commands=vhost_commands(cluster, host),
            warnings=() if host.rotation_helper else (_VHOSTS_ARE_ROOT,),
        )
    hosts = HOSTS_COMMANDS if host.hosts_entries and host.role != "elb" else ()
    service = service_commands(host)
    commands = (*hosts, *unit_commands(host), *(service if host.run_as is None else ()))
    if not commands and host.run_as is None:
        return None
    return Fragment(
        login=user,
        commands=commands,
        account=host.run_as,
        for_account=service if host.run_as is not None else (),
        reboots=host.service is not None,
        warnings=(
            *((_HOSTS_AT_WILL,) if hosts else ()),
            *((_UNIT_IS_ROOT,) if host.service else ()),
        ),
    )


_VHOSTS_ARE_ROOT = (
    "This is root: nginx opens its log files as root, and the login writes nginx's files."
    " The way without: `rotation_helper: true` in hosts.yaml, then `fab -H lb sudoers --helper`."
)
_HOSTS_AT_WILL = (
    "The login may write any line into /etc/hosts. The way without: write the lines of `hosts:`"
    " there yourself and leave this file out; entries that are there are left alone."
)
_UNIT_IS_ROOT = (
    "This is root: a unit may run any command as any account. The way without: leave out"
    " `service:`, or install the unit yourself and keep the systemctl lines alone."
)


def by_fragment(
    cluster: Cluster, hosts: Sequence[Node | LoadBalancer], *, login: str | None
) -> dict[Fragment, list[str]]:
    """Return the fragments that servers need, each with the names of those that need it."""
    needed: dict[Fragment, list[str]] = {}
    for host in hosts:
        if needs := fragment(cluster, host, login=login):
            needed.setdefault(needs, []).append(host.name)
    return needed


def _as_rules(account: str | None, commands: Iterable[Command]) -> str:
    listed = ", \\\n    ".join(map(_as_rule, commands))
    return f"{account} ALL=(root) NOPASSWD: \\\n    {listed}"


def _as_rule(command: Command) -> str:
    """Take their meaning from the characters that have one in sudoers."""
    program, *arguments = command
    escaped = [re.sub(r"([\\,:= \"*?\[\]!#])", r"\\\1", argument) for argument in arguments]
    return " ".join([_PROGRAMS.get(program, program), *escaped])
