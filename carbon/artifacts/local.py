"""What hosts.yaml brings to a node, read on the operator's machine."""

from __future__ import annotations

import hashlib
import os
import stat
import tarfile
from collections.abc import Iterator
from contextlib import suppress
from functools import lru_cache
from pathlib import Path, PurePosixPath
from threading import Lock

from carbon.artifacts.targets import refusal
from carbon.artifacts.template import render
from carbon.cluster import Artifact, Node
from carbon.errors import InventoryError
from carbon.home import layout
from carbon.secret import Secret
from carbon.value import Value

TEXT_BYTES = 64 * 1024
"""A text up to this size is shown as a diff; of anything longer, its size and hash."""
MAX_FILES = 2000
"""Of one node: a server is asked for all of them on one command line."""
_GUARD = Lock()


class LocalFile(Value, kw_only=True):
    """A file on the operator's machine, at one time: another content is another value."""

    path: Path
    size: int
    changed_ns: int
    executable: bool

    @property
    def is_text(self) -> bool:
        """It is short, and no byte of it is one that a text has not."""
        return _is_text(self)

    @property
    def sha256(self) -> str:
        """Its hash, in hex; computed once for all nodes. Raises OSError."""
        with _GUARD:
            return _sha256(self)


class Target(Value, kw_only=True):
    """One file below AS_HOME that hosts.yaml brings, or takes away."""

    path: PurePosixPath
    """Relative to AS_HOME."""
    entry: Artifact
    local: LocalFile | None
    """None: it goes away."""

    @property
    def holds_secrets(self) -> bool:
        """It is of mode 640 at most."""
        values = self.entry.values.values()
        return self.entry.secret or any(isinstance(value, Secret) for value in values)

    @property
    def restarts(self) -> bool:
        """A server that runs has to be restarted to heed a change of it."""
        if self.entry.restart is not None:
            return self.entry.restart
        return not self.path.is_relative_to(layout.DEPLOYMENT_SERVER)

    @property
    def shows_text(self) -> bool:
        """The file on the server is read, so that a change can be shown as a diff."""
        return self.local is not None and not self.entry.secret and self.local.is_text

    def mode(self, present: int | None) -> int:
        """Return its mode on the server, where the file has the mode `present`, or is not there."""
        if self.entry.mode is not None:
            return self.entry.mode
        executable = self.local is not None and self.local.executable
        mode = present if present is not None else (0o755 if executable else 0o644)
        return mode & 0o750 if self.holds_secrets else mode


class Wanted(Value, kw_only=True):
    """The content of a target."""

    sha256: str
    size: int
    data: bytes | None = None
    """What was made of a template; None: the local file as it is."""


def targets(node: Node) -> tuple[Target, ...]:
    """Return every file that hosts.yaml brings to a node or takes away, by its path.

    Raises InventoryError for a file that is missing here, and for a place that it may not have.
    """
    by_path: dict[PurePosixPath, Target] = {}
    for entry in node.artifacts:
        for target in _of_entry(entry):
            if other := by_path.get(target.path):
                raise _error(
                    entry,
                    f"{target.path} comes from two artifacts, the other in line {other.entry.line}",
                    "remove one of them",
                )
            if refused := refusal(node, target.path):
                seen, action = refused
                raise _error(entry, f"{target.path} is not a place for it: {seen}", action)
            by_path[target.path] = target
    if len(by_path) > MAX_FILES:
        raise _error(
            node.artifacts[-1],
            f"the artifacts of {node.name} are {len(by_path)} files, and {MAX_FILES} are the most",
            "pack them, as a WAR or CAR",
        )
    _refuse_nesting(by_path)
    return tuple(by_path[path] for path in sorted(by_path))


def known_targets(node: Node) -> tuple[Target, ...]:
    """Return the files that are known without any error, for a look at a server.

    A rollback or a stop must not fail because a file is missing here: a deploy says so.
    """
    by_path: dict[PurePosixPath, Target] = {}
    for entry in node.artifacts:
        with suppress(InventoryError):
            by_path.update((target.path, target) for target in _of_entry(entry))
    return tuple(by_path[path] for path in sorted(by_path)[:MAX_FILES])


def wanted(target: Target, node: Node, *, fetch: bool = True) -> Wanted:
    """Return the content of a target, a template with the names of the node in it.

    Without `fetch` no secret is fetched, and its mask stands in its place.
    Raises InventoryError for a file that cannot be read, and a name that nothing has.
    """
    assert target.local is not None, "what goes away has no content"
    try:
        if not target.entry.template:
            return Wanted(sha256=target.local.sha256, size=target.local.size)
        text = target.local.path.read_bytes()
    except OSError as error:
        raise _unreadable(target.entry, target.local.path, error) from None
    data = render(text, node, target.entry, file=target.local.path, fetch=fetch)
    digest = hashlib.sha256(data).hexdigest()
    return Wanted(sha256=digest, size=len(data), data=data)


def check_artifacts(node: Node) -> None:
    """Check the local files and templates of a node without any server; no secret is fetched.

    Raises InventoryError, with file and line.
    """
    for target in targets(node):
        if target.local is not None and target.entry.template:
            wanted(target, node, fetch=False)


def _of_entry(entry: Artifact) -> Iterator[Target]:
    if entry.source is None:
        yield Target(path=entry.to, entry=entry, local=None)
        return
    try:
        if entry.source.is_dir():
            yield from _of_folder(entry, entry.source)
            return
        path = entry.to / entry.source.name if entry.into else entry.to
        yield _target(entry, path, entry.source)
    except OSError as error:
        raise _unreadable(entry, entry.source, error) from None


def _of_folder(entry: Artifact, folder: Path) -> Iterator[Target]:
    """Yield the files of a folder and those below it; names that begin with a dot stay out."""
    paths = [
        Path(above) / name
        for above, folders, names in os.walk(folder, onerror=_reraise)
        for name in (*names, *(each for each in folders if (Path(above) / each).is_symlink()))
        if not any(part.startswith(".") for part in (Path(above) / name).relative_to(folder).parts)
    ]
    if not paths:
        raise _error(entry, f"the folder {folder} holds no file", "correct `from:`")
    for path in sorted(paths):
        yield _target(entry, entry.to / path.relative_to(folder).as_posix(), path)


def _reraise(error: OSError) -> None:
    raise error


def _target(entry: Artifact, path: PurePosixPath, local: Path) -> Target:
    details = local.stat()
    if not stat.S_ISREG(details.st_mode):
        raise _error(entry, f"{local} is not a file", "name a file, or a folder of files")
    if not str(path).isprintable() or "\\" in str(path) or not _travels(path):
        raise _error(entry, f"the name {str(path)!r} cannot travel to a server", "rename it")
    file = LocalFile(
        path=local,
        size=details.st_size,
        changed_ns=details.st_mtime_ns,
        executable=bool(details.st_mode & stat.S_IXUSR),
    )
    return Target(path=path, entry=entry, local=file)


def _travels(path: PurePosixPath) -> bool:
    """Tell whether an archive has room for the name."""
    if len(str(path)) < tarfile.LENGTH_NAME - len("files/") and str(path).isascii():
        return True
    try:
        tarfile.TarInfo(f"files/{path}").tobuf(tarfile.USTAR_FORMAT)
    except ValueError:
        return False
    return True


def _refuse_nesting(by_path: dict[PurePosixPath, Target]) -> None:
    for path, target in by_path.items():
        for above in path.parents:
            if above in by_path:
                raise _error(
                    target.entry,
                    f"{path} lies below {above}, which is a file by line"
                    f" {by_path[above].entry.line}",
                    "correct `to:` of one of them",
                )


def _unreadable(entry: Artifact, path: Path, error: OSError) -> InventoryError:
    return _error(entry, f"{path} cannot be read: {error.strerror}", "correct `from:`")


def _error(entry: Artifact, seen: str, action: str) -> InventoryError:
    return InventoryError(
        f"an artifact: {seen}", action=action, file=entry.inventory, line=entry.line
    )


@lru_cache(maxsize=MAX_FILES)
def _sha256(local: LocalFile) -> str:
    with local.path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@lru_cache(maxsize=MAX_FILES)
def _is_text(local: LocalFile) -> bool:
    try:
        return local.size <= TEXT_BYTES and is_text(local.path.read_bytes())
    except OSError:
        return False


def is_text(data: bytes) -> bool:
    """Tell whether bytes are a text that can be shown."""
    if len(data) > TEXT_BYTES or b"\0" in data:
        return False
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True
