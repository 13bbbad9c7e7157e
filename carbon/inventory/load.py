"""From the path of an inventory file to the cluster that it describes."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path

from carbon.cluster import Cluster
from carbon.errors import InventoryError
from carbon.inventory.derive import derive
from carbon.inventory.document import MAX_BYTES, parse
from carbon.inventory.nodes import Source
from carbon.inventory.raw import read
from carbon.text import local_path

FILE_NAME = "hosts.yaml"
VARIABLE = "PROVISION_HOSTS"


def locate(explicit: str | None, environ: Mapping[str, str], start: Path) -> Path:
    """Return where the inventory file is to be found, whether or not it is there.

    `explicit` (an option or configuration value) comes first, then the environment variable
    PROVISION_HOSTS, then hosts.yaml in `start`, the folder of fabfile.py.
    """
    chosen = explicit or environ.get(VARIABLE)
    return local_path(chosen) if chosen else start / FILE_NAME


def load(path: Path, *, commands: bool = True) -> Cluster:
    """Read an inventory file and derive what it leaves out; no server is asked for anything.

    Without `commands`, no `!command` is run: a value that needs one is an error.
    Raises InventoryError with file, line and remedy at the first thing that is wrong.
    """
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise InventoryError(
            f"the inventory cannot be read: {reason}",
            action=f"name another one with --inventory or {VARIABLE}; `fab init` writes a first"
            " one, `fab adopt` one for servers that run already",
            file=str(path),
        ) from None
    source = Source(file=str(path), base=path.absolute().parent, commands=commands)
    return derive(read(parse(data, source)), file=path, digest=hashlib.sha256(data).hexdigest())
