"""Which hosts.yaml a command means, and what its names mean to a plain Fabric task."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from carbon.inventory import load, locate, select
from carbon.inventory.load import FILE_NAME, VARIABLE
from carbon.text import local_path

if TYPE_CHECKING:
    import fabric


def find_inventory(config: fabric.Config, option: str) -> Path:
    """Return the inventory file, whether or not it exists.

    First --inventory, then PROVISION_HOSTS, then `inventory:` of fabric.yaml, and at last
    hosts.yaml in this folder or the nearest one above that has it.
    """
    configured = config.get("inventory")
    if option or os.environ.get(VARIABLE) or not configured:
        return locate(option, os.environ, nearest_folder(Path.cwd()))
    folder = getattr(config, "_project_prefix", None) or Path.cwd()  # of the project's fabric.yaml
    return Path(folder) / local_path(str(configured))


def may_run_commands(config: fabric.Config, *, no_commands: bool = False) -> bool:
    """Tell whether a `!command` of hosts.yaml may be run.

    Not with --no-commands, PROVISION_NO_COMMANDS or `no_commands: true` in fabric.yaml: the last
    two are for tasks without options of ours, and for a whole CI job.
    """
    said = os.environ.get("PROVISION_NO_COMMANDS", "") not in ("", "0")
    return not (no_commands or said or config.get("no_commands"))


def nearest_folder(start: Path) -> Path:
    """Return the folder of the nearest hosts.yaml at or above `start`, or `start` itself."""
    folders = (start, *start.parents)
    return next((folder for folder in folders if (folder / FILE_NAME).is_file()), start)


def connection_kwargs(config: fabric.Config, names: Sequence[str]) -> list[dict[str, Any]]:
    """Return what a plain Fabric task needs to connect to hosts of the inventory."""
    from remote.ssh.connector import Connector

    cluster = load(find_inventory(config, ""), commands=may_run_commands(config))
    connector = Connector(config, limits=cluster.limits)
    hosts = select(cluster, names, every_worker=False)
    return [connector.kwargs(host.ssh) for host in hosts]
