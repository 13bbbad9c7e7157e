"""Files of the operator's machine that others may read or write, and should not."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from pathlib import Path

from carbon.cluster import Cluster


def open_files(cluster: Cluster) -> Iterator[str]:
    """Yield a sentence for each file that others may use, once each, with what to do.

    A private key must be its owner's alone. Who can write hosts.yaml runs commands as who reads it;
    that everybody may read it is usual: it holds no secret.
    """
    keys = dict.fromkeys(key for host in cluster.hosts for key in host.ssh.identity_files)
    for key in keys:
        if mode := _granted(key, stat.S_IRWXG | stat.S_IRWXO):
            yield f"the private key {key} is open to others (mode {mode}): chmod 600 {key}"
    if mode := _granted(cluster.file, stat.S_IWOTH):
        yield (
            f"everybody may write {cluster.file} (mode {mode}), and so run commands as you:"
            f" chmod o-w {cluster.file}"
        )


def _granted(path: Path, bits: int) -> str:
    """Return a file's mode if it grants any of these bits; empty if not, or if it is not there."""
    try:
        mode = stat.S_IMODE(path.stat().st_mode)
    except OSError:
        return ""
    return f"{mode:o}" if mode & bits else ""
