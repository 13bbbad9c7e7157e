"""Stage: bring new files to a server, beside the live ones; nothing live is touched."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import TypeAlias

from carbon.artifacts.local import Wanted
from carbon.artifacts.plan import ArtifactChange
from carbon.checksum import checksum
from carbon.cluster import Node
from carbon.errors import ProvisionError
from carbon.plan.model import Plan
from remote.host import sudo
from remote.host.archive import Member, stream
from remote.host.host import Host
from remote.rollout.generation import NewGeneration
from remote.run.interrupt import safe_point
from remote.run.progress import Progress

Brought: TypeAlias = tuple[ArtifactChange, Wanted]
"""An artifact that comes, with its content."""
WHOLE_BYTES = 1 << 20
"""An archive of more travels in pieces, on a channel of its own, with a bar and no time limit."""
NEW_FILE_MODE = 0o644


def stage(
    host: Host[Node],
    plan: Plan,
    *,
    generation: NewGeneration,
    early_hosts: bool = False,
    progress: Progress,
) -> None:
    """Send all new files to AS_HOME/.provision/staged, in one stream; nothing live is touched.

    What they replace is copied there, too. What the plan was computed on must still be there, and
    sudo must allow the edit of /etc/hosts that is planned. With `early_hosts` the new /etc/hosts
    is written beside the old one already: only if no other node of the server edits it.
    Raises ScriptError, UnfitError or PrivilegeError.
    """
    node = plan.node
    sends = plan.swaps and not plan.undo
    # The login's own sudo is asked on the way; the account that owns AS_HOME has none.
    checks_sudo = plan.edits_hosts and sends and node.run_as is None
    if plan.edits_hosts and not checks_sudo:
        sudo.check(host, sudo.HOSTS_COMMANDS, step="stage")
    if plan.installs_unit:
        sudo.check(host, sudo.unit_commands(node), step="stage")
    if node.service is not None and (plan.start or plan.stops):
        sudo.check(host, sudo.service_commands(node), step="stage", run_as=node.run_as)
    if plan.undo:
        host.run(host.script("rollback_stage", undo=list(plan.undo)), step="stage")
    elif sends:
        early_hosts = early_hosts and checks_sudo and not plan.facts.hosts.mounted
        hosts = plan.hosts.new if early_hosts and plan.hosts else b""
        _send(host, plan, generation, hosts, progress, checks_sudo=checks_sudo)


def _send(
    host: Host[Node],
    plan: Plan,
    generation: NewGeneration,
    hosts: bytes,
    progress: Progress,
    *,
    checks_sudo: bool,
) -> None:
    files = _new_files(plan)
    brought = [(change, change.new) for change in plan.artifacts if change.new]
    size = sum(map(len, files.values())) + sum(new.size for _, new in brought)
    large = size > WHOLE_BYTES
    checked = {"commands": sudo.as_values(sudo.HOSTS_COMMANDS)} if checks_sudo else {}
    script = host.script(
        "stage",
        checked,
        before=(*((sudo.CHECK,) if checks_sudo else ()), "hosts_new", "keep"),
        expect=list(_expected(plan)),
        paths=list(map(str, files)),
        checksums="\n".join(f"{checksum(data)} {len(data)} {path}" for path, data in files.items()),
        brought=[str(change.path) for change, _ in brought],
        digests="\n".join(f"{new.sha256}  {change.path}" for change, new in brought),
        modes="\n".join(_modes(plan, brought)),
        remove=[str(path) for path in plan.removed],
        narrow=[str(path) for path in plan.narrowed],
        need_kb=2 * size // 1024 + 1024,
        generation=generation.id,
        meta=generation.meta,
        hosts_digest=hashlib.sha256(hosts).hexdigest() if hosts else "",
        hosts_plain="yes" if plan.facts.hosts.plain else "no",
        calls_sudo=checks_sudo,
        limited=not large,  # what is large may need longer on its way than any script
    )
    pieces = _named_errors(stream(_members(files, brought, hosts=hosts)))
    payload = _watched(pieces, host.name, size, progress) if large else b"".join(pieces)
    host.run(script, step="stage", payload=payload)


def unstage(host: Host[Node]) -> None:
    """Remove what was staged and will not be swapped in this run.

    If a swap was interrupted it stays, for the next run to complete. Raises ScriptError.
    """
    host.run(host.script("unstage"), step="stage")


def _new_files(plan: Plan) -> dict[PurePosixPath, bytes]:
    files = {change.path: change.new for change in plan.files}
    if plan.upload:
        assert plan.node.driver is not None, "an upload is planned from a JAR"
        files[plan.upload] = _read_jar(plan.node.driver.jar)
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


def _expected(plan: Plan) -> Iterator[str]:
    """Yield digest and path of all that the plan was computed on; `-` is for what is not there."""
    for path, file in plan.facts.files.items():
        yield from (file.digest, str(path))
    for change in plan.artifacts:
        if change.path not in plan.facts.files:
            yield from (change.old.sha256 if change.old else "-", str(change.path))


def _modes(plan: Plan, brought: Sequence[Brought]) -> Iterator[str]:
    """Yield the modes of new files, and of those that get another one."""
    for path in plan.modes.keys() - set(plan.narrowed):
        yield f"{path}\t{plan.modes[path]:o}"
    for change, _ in brought:
        if change.mode != (change.old.mode if change.old else NEW_FILE_MODE):
            yield f"{change.path}\t{change.mode:o}"


def _members(
    files: Mapping[PurePosixPath, bytes], brought: Sequence[Brought], *, hosts: bytes
) -> Iterator[Member]:
    """Yield what travels, all of mode 600."""
    for path, data in files.items():
        yield Member(name=f"files/{path}", data=data)
    for change, new in brought:
        name, local = f"files/{change.path}", change.target.local
        if new.data is not None:
            yield Member(name=name, data=new.data)
        elif local is not None:
            yield Member(name=name, local=local.path, size=new.size)
    if hosts:
        yield Member(name="hosts", data=hosts)


def _named_errors(pieces: Iterator[bytes]) -> Iterator[bytes]:
    try:
        yield from pieces
    except OSError as error:
        raise ProvisionError(
            f"an artifact cannot be read: {error}",
            step="stage",
            action="run the same command again when the files of `artifacts:` are at rest",
        ) from error


def _watched(
    pieces: Iterator[bytes], name: str, total_bytes: int, progress: Progress
) -> Iterator[bytes]:
    """Pass the archive on; its headers are counted, too, so it ends a little beyond the total."""
    done_bytes = 0
    for piece in pieces:
        safe_point()
        yield piece
        done_bytes += len(piece)
        progress.copied(name, min(done_bytes, total_bytes), total_bytes)
    progress.now(name, "staging")
