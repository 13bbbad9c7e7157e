"""Edit /etc/hosts: the marked block of a cluster, and nothing else."""

from __future__ import annotations

import hashlib
from typing import Literal

from carbon.cluster import Node
from carbon.errors import UnfitError
from carbon.home import hostsfile
from carbon.plan.model import Plan
from carbon.plan.plan import hosts_owner
from remote.host.host import Host
from remote.host.script import Script

Edited = Literal["unchanged", "replaced", "in place"]
"""What became of /etc/hosts; in place: a rename could not replace it (a bind mount), so it was
backed up and written over."""


def edit_hosts(host: Host[Node], plan: Plan) -> Edited:
    """Bring the marked block of /etc/hosts up to date, or remove it with its node.

    If it is not as the preflight saw it, it is read again: another node of the same server
    may have edited it in this run. Raises PrivilegeError, ScriptError.
    """
    try:
        return _edit(host, plan, plan.facts.hosts.data)
    except UnfitError:
        return _edit(host, plan, host.run(Script(name="hosts_read"), step="hosts").out)


def _edit(host: Host[Node], plan: Plan, current: bytes) -> Edited:
    """Replace /etc/hosts, if it still is as it was read."""
    owner = hosts_owner(plan.node)
    if plan.remove:
        wanted = hostsfile.remove(current, owner=owner)
    else:
        wanted = hostsfile.plan(current, plan.node.hosts_entries, owner=owner)
    if not wanted.changed:
        clear_hosts(host)  # the new file was written when files were staged
        return "unchanged"
    script = Script(
        name="hosts",
        values={
            "expect": hashlib.sha256(current).hexdigest(),
            "content": wanted.new,
            "content_digest": hashlib.sha256(wanted.new).hexdigest(),
            "mounted": "yes" if plan.facts.hosts.mounted else "no",
        },
        calls_sudo=True,
        before=("hosts_new",),
    )
    outcome = host.run(script, step="hosts")
    return "in place" if outcome.out.strip().endswith(b"in-place") else "replaced"


def clear_hosts(host: Host[Node]) -> None:
    """Remove what was written beside /etc/hosts and is not going to replace it.

    Raises PrivilegeError, ScriptError.
    """
    host.run(Script(name="hosts_clear", calls_sudo=True), step="hosts")
