"""Is hosts.yaml right? Asked without any server, as CI does."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING

from tasks.executor import VerbContext
from tasks.meter import Meter
from tasks.verb import COMMON_HELP, local

if TYPE_CHECKING:
    from carbon.pack.archive import Contents


@local(help=COMMON_HELP)
def check(context: VerbContext, inventory: str = "", no_commands: bool = False) -> None:
    """Check hosts.yaml offline, with the files it names: no server is asked, no secret fetched.

    A pack is read to its end, so that its checksums are compared.
    The first mistake is printed with file, line and remedy, and the exit status is 1. Values that
    are not secret and stand behind a tag, as ports may, are fetched.
    """
    from carbon.artifacts.local import check_artifacts
    from carbon.errors import ProvisionError, refuse
    from carbon.inventory import load
    from carbon.inventory.edits import check_edits
    from carbon.inventory.ssh_files import ssh_file_errors
    from carbon.pack.archive import look_into
    from remote.observe.status import read_drivers
    from tasks.inventory import find_inventory, may_run_commands

    may_run = may_run_commands(context.config, no_commands=no_commands)
    cluster = load(find_inventory(context.config, inventory), commands=may_run)
    machines = [host.ssh for host in cluster.hosts]
    refuse(list(ssh_file_errors(machines, asks_passphrase=True)))
    check_edits(cluster)
    for node in cluster.nodes:
        check_artifacts(node)
    drivers = read_drivers(cluster.nodes).values()
    for pack in dict.fromkeys(node.pack for node in cluster.nodes if node.pack):
        _read_pack(look_into(pack))
    refuse([driver for driver in drivers if isinstance(driver, ProvisionError)])
    print(f"{cluster.file} is valid: {', '.join(node.name for node in cluster.nodes)}")


def _read_pack(contents: Contents) -> None:
    """Compare a pack's checksums, and say how far it is if that takes time."""
    from carbon.pack.archive import read_through

    meter, done_bytes = Meter(at=time.monotonic()), 0
    for size in read_through(contents):
        done_bytes, now = done_bytes + size, time.monotonic()
        meter.take(done_bytes, contents.content_bytes, at=now)
        if meter.line_is_due(at=now):
            print(f"reading {contents.pack.file.name}: {meter.text(at=now)}", file=sys.stderr)


@local()
def schema(_: VerbContext) -> None:
    """Print the JSON Schema of hosts.yaml, which lets an editor complete and check it."""
    from carbon.inventory.reference import json_schema

    print(json_schema(), end="")
