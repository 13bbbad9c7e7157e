"""Edit /etc/hosts: the marked block of a cluster, and nothing else."""

from __future__ import annotations

import hashlib

from carbon.cluster import Node
from carbon.errors import UnfitError
from carbon.home import hostsfile
from carbon.home.hostsfile import HostsPlan
from carbon.plan.model import Plan
from carbon.plan.plan import hosts_owner
from carbon.value import Value
from remote.host.host import Host
from remote.host.script import Script


class HostsEdited(Value, kw_only=True):
    """What became of /etc/hosts."""

    changed: bool
    in_place: bool = False
    """A rename could not replace it (a bind mount): it was backed up and written over."""


def edit_hosts(host: Host[Node], plan: Plan) -> HostsEdited:
    """Bring the marked block of /etc/hosts up to date, or remove it with its node.

    If it is not as the preflight saw it, it is read again: another node of the same server
    may have edited it in this run. Raises PrivilegeError, ScriptError.
    """
    try:
        return _edit(host, plan, plan.facts.hosts.data)
    except UnfitError:
        return _edit(host, plan, read_hosts(host))


def _edit(host: Host[Node], plan: Plan, current: bytes) -> HostsEdited:
    wanted = _wanted(plan, current)
    if not wanted.changed:
        clear_hosts(host)  # the new file was written when files were staged
        return HostsEdited(changed=False)
    return _write(host, old=current, new=wanted.new, mounted=plan.facts.hosts.mounted)


def _wanted(plan: Plan, current: bytes) -> HostsPlan:
    owner = hosts_owner(plan.node)
    if plan.remove:
        return hostsfile.remove(current, owner=owner)
    return hostsfile.plan(current, plan.node.hosts_entries, owner=owner)


def _write(host: Host[Node], *, old: bytes, new: bytes, mounted: bool) -> HostsEdited:
    """Replace /etc/hosts, if it still is `old`."""
    script = Script(
        name="hosts",
        values={
            "expect": hashlib.sha256(old).hexdigest(),
            "content": new,
            "content_digest": hashlib.sha256(new).hexdigest(),
            "mounted": "yes" if mounted else "no",
        },
        calls_sudo=True,
        before=("hosts_new",),
    )
    outcome = host.run(script, step="hosts")
    return HostsEdited(changed=True, in_place=outcome.out.strip().endswith(b"in-place"))


def clear_hosts(host: Host[Node]) -> None:
    """Remove what was written beside /etc/hosts and is not going to replace it.

    Raises PrivilegeError, ScriptError.
    """
    host.run(Script(name="hosts_clear", calls_sudo=True), step="hosts")


def read_hosts(host: Host[Node]) -> bytes:
    """Return /etc/hosts as it is now."""
    return host.run(Script(name="hosts_read"), step="hosts").out
