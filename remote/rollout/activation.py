"""Bring what was planned to a server: stage beside the live files, swap, edit /etc/hosts."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path, PurePosixPath

from carbon.checksum import checksum
from carbon.cluster import Cluster, Node
from carbon.errors import ProvisionError, UnfitError
from carbon.home import hostsfile
from carbon.home.facts import Generation, ServerFacts
from carbon.plan.plan import Plan, hosts_owner
from carbon.value import Value
from remote.host import sudo
from remote.host.archive import Member, pack
from remote.host.lock import utc_now, who
from remote.host.script import Script
from remote.host.server import Server
from remote.host.success import demand_success

_TIME = "%Y%m%dT%H%M%SZ"


def generation_id(run: str, generations: Iterable[Generation] = ()) -> str:
    """Return the name of this run's generation.

    Names sort by time, and this one after those that are there: a rollback takes the last, also
    where two swaps fall into one second, or were ordered by operators whose clocks differ.
    """
    at = datetime.now(UTC).replace(microsecond=0)
    for one in generations:
        with suppress(ValueError):
            found = datetime.strptime(one.id.partition("-")[0], _TIME).replace(tzinfo=UTC)
            at = max(at, found + timedelta(seconds=1))
    return f"{at:{_TIME}}-{run}"


class NewGeneration(Value, kw_only=True):
    """The generation that a swap is to make: its name, and what the history tells of it."""

    id: str
    meta: str


def new_generation(plan: Plan, *, cluster: Cluster, verb: str, run: str) -> NewGeneration:
    """Name the generation of one swap; staging and swap are given the same.

    It tells the time of the staging: the same, but for a second, on all servers of a run.
    """
    return NewGeneration(
        id=generation_id(run, plan.facts.generations),
        meta="\n".join(_meta(plan, cluster=cluster, verb=verb)),
    )


def _meta(plan: Plan, *, cluster: Cluster, verb: str) -> Iterator[str]:
    yield f"when={utc_now()}"
    yield f"who={who()}"
    yield f"verb={verb}"
    yield f"inventory={cluster.digest[:12]}"
    if plan.undo:
        yield f"undoes={' '.join(plan.undo)}"


def stage(
    server: Server,
    plan: Plan,
    *,
    generation: NewGeneration,
    jar: Path | None,
    hosts_too: bool = False,
    timeout_seconds: float,
) -> None:
    """Send all new files to AS_HOME/.provision/staged, in one stream; nothing live is touched.

    What they replace is copied there, too. What the plan was computed on must still be there, and
    sudo must allow the edit of /etc/hosts that is planned. With `hosts_too` the new /etc/hosts is
    made beside the old one already: only where no other node of the server is planned to edit it.
    Raises ScriptError, UnfitError or PrivilegeError.
    """
    sends = plan.swaps and not plan.undo
    # The login's own sudo is asked on the way; the account that owns AS_HOME has none.
    checks_too = plan.edits_hosts and sends and plan.node.run_as is None
    if plan.edits_hosts and not checks_too:
        sudo.check(server, sudo.HOSTS_COMMANDS, step="look", timeout_seconds=timeout_seconds)
    if plan.undo:
        _stage_kept(server, plan, timeout_seconds=timeout_seconds)
    elif sends:
        _send(
            server,
            plan,
            _new_files(plan, jar),
            generation=generation,
            checks_too=checks_too,
            hosts=_early_hosts(plan) if checks_too and hosts_too else b"",
            timeout_seconds=timeout_seconds,
        )


def _early_hosts(plan: Plan) -> bytes:
    """Return the new /etc/hosts where it can be made before the server's turn."""
    if plan.hosts is None or plan.facts.hosts_mounted:
        return b""
    return plan.hosts.new


def _send(
    server: Server,
    plan: Plan,
    files: Mapping[PurePosixPath, bytes],
    *,
    generation: NewGeneration,
    checks_too: bool,
    hosts: bytes,
    timeout_seconds: float,
) -> None:
    script = Script(
        name="stage",
        values={
            "home_dir": str(plan.node.home),
            "expect": list(_expected(plan.facts)),
            "paths": list(map(str, files)),
            "checksums": "\n".join(_checksums(files)),
            "remove": [str(path) for path in plan.removed],
            "need_kb": 2 * sum(len(data) for data in files.values()) // 1024 + 1024,
            "generation": generation.id,
            "meta": generation.meta,
            "hosts_digest": hashlib.sha256(hosts).hexdigest() if hosts else "",
            "hosts_plain": "yes" if plan.facts.hosts_plain else "no",
            **({"commands": sudo.as_values(sudo.HOSTS_COMMANDS)} if checks_too else {}),
        },
        run_as=plan.node.run_as,
        calls_sudo=checks_too,
        before=(*((sudo.CHECK,) if checks_too else ()), "hosts_new", "keep"),
        limit_seconds=timeout_seconds,
    )
    outcome = server.run(
        script, payload=_archive(files, hosts=hosts), timeout_seconds=timeout_seconds
    )
    if outcome.status == sudo.REFUSED:
        raise sudo.refused(server, outcome, step="stage")
    demand_success(outcome, host=server.name, step="stage")


def _stage_kept(server: Server, plan: Plan, *, timeout_seconds: float) -> None:
    """Stage what generations kept on the server itself."""
    script = Script(
        name="rollback_stage",
        values={"home_dir": str(plan.node.home), "undo": list(plan.undo)},
        run_as=plan.node.run_as,
        limit_seconds=timeout_seconds,
    )
    outcome = server.run(script, timeout_seconds=timeout_seconds)
    demand_success(outcome, host=server.name, step="stage")


def unstage(server: Server, plan: Plan, *, timeout_seconds: float) -> None:
    """Take away what was staged and will not be swapped in this run.

    Where a swap was interrupted it stays, for the next run to complete. Raises ScriptError.
    """
    script = Script(
        name="unstage",
        values={"home_dir": str(plan.node.home)},
        run_as=plan.node.run_as,
        limit_seconds=timeout_seconds,
    )
    outcome = server.run(script, timeout_seconds=timeout_seconds)
    demand_success(outcome, host=server.name, step="stage")


def swap_script(
    plan: Plan, *, generation: NewGeneration, keep_generations: int, down: bool
) -> Script:
    """Return what puts the staged files in place, keeping what they replace.

    `swap` runs it, or a start right before its own. `down` insists that the server does not run.
    """
    return Script(
        name="swap",
        values={
            "home_dir": str(plan.node.home),
            "generation": generation.id,
            "meta": generation.meta,
            "undo": list(plan.undo),
            "remove": [str(path) for path in plan.removed],
            "reset": "yes" if plan.reset else "no",
            "server_mode": _octal(plan.facts.deployment_mode),
            "down": "yes" if down else "no",
            "keep": keep_generations,
        },
        run_as=plan.node.run_as,
        before=("keep",),
    )


def swap(server: Server, script: Script, *, timeout_seconds: float) -> None:
    """Do a swap that no start follows. Raises ScriptError, UnfitError."""
    outcome = server.run(script, timeout_seconds=timeout_seconds)
    demand_success(outcome, host=server.name, step="swap")


class HostsEdited(Value, kw_only=True):
    """What became of /etc/hosts."""

    changed: bool
    in_place: bool = False
    """It could not be replaced by rename (a bind mount) and was backed up and written over."""


def edit_hosts(
    server: Server, node: Node, facts: ServerFacts, *, timeout_seconds: float
) -> HostsEdited:
    """Bring the marked block of /etc/hosts up to date.

    Where it is no more as the look saw it, it is read again: another node of the same server
    may have edited it in this run. Raises PrivilegeError, ScriptError.
    """
    try:
        return _edit_hosts(server, node, facts, facts.hosts, timeout_seconds=timeout_seconds)
    except UnfitError:
        current = read_hosts(server, timeout_seconds=timeout_seconds)
        return _edit_hosts(server, node, facts, current, timeout_seconds=timeout_seconds)


def _edit_hosts(
    server: Server, node: Node, facts: ServerFacts, current: bytes, *, timeout_seconds: float
) -> HostsEdited:
    made = hostsfile.plan(current, node.hosts_entries, owner=hosts_owner(node))
    if not made.changed:
        clear_hosts(server, timeout_seconds=timeout_seconds)  # it was made when files were staged
        return HostsEdited(changed=False)
    return write_hosts(
        server,
        old=current,
        new=made.new,
        mounted=facts.hosts_mounted,
        timeout_seconds=timeout_seconds,
    )


def clear_hosts(server: Server, *, timeout_seconds: float) -> None:
    """Take away what was made beside /etc/hosts and is not going to replace it.

    Raises PrivilegeError, ScriptError.
    """
    script = Script(name="hosts_clear", calls_sudo=True)
    outcome = server.run(script, timeout_seconds=timeout_seconds)
    demand_success(outcome, host=server.name, step="hosts")


def read_hosts(server: Server, *, timeout_seconds: float) -> bytes:
    """Return /etc/hosts as it is now."""
    outcome = server.run(Script(name="hosts_read"), timeout_seconds=timeout_seconds)
    demand_success(outcome, host=server.name, step="hosts")
    return outcome.out


def write_hosts(
    server: Server, *, old: bytes, new: bytes, mounted: bool, timeout_seconds: float
) -> HostsEdited:
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
    outcome = server.run(script, timeout_seconds=timeout_seconds)
    demand_success(outcome, host=server.name, step="hosts")
    return HostsEdited(changed=True, in_place=outcome.out.strip().endswith(b"in-place"))


def _new_files(plan: Plan, jar: Path | None) -> dict[PurePosixPath, bytes]:
    files = {change.path: change.new for change in plan.files}
    if plan.upload:
        assert jar is not None, "an upload is planned from a JAR"
        files[plan.upload] = _read_jar(jar)
    return files


def _read_jar(jar: Path) -> bytes:
    try:
        return jar.read_bytes()
    except OSError as error:
        raise ProvisionError(
            f"the driver {jar} cannot be read: {error.strerror}",
            step="driver",
            action="correct driver.jar in hosts.yaml",
        ) from error


def _octal(mode: int | None) -> str:
    return "" if mode is None else f"{mode:o}"


def _expected(facts: ServerFacts) -> Iterator[str]:
    for path, found in facts.files.items():
        yield from (found.digest, str(path))


def _checksums(files: Mapping[PurePosixPath, bytes]) -> Iterator[str]:
    """Yield what `cksum` is to print of each file."""
    for path, data in files.items():
        yield f"{checksum(data)} {len(data)} {path}"


def _archive(files: Mapping[PurePosixPath, bytes], *, hosts: bytes) -> bytes:
    """Pack the files, all of mode 600."""
    members = [Member(name=f"files/{path}", data=data) for path, data in files.items()]
    if hosts:
        members.append(Member(name="hosts", data=hosts))
    return pack(members)
