"""The script that starts a server: it waits, swaps files if it is given a swap, starts, records."""

from __future__ import annotations

from collections.abc import Sequence

from carbon.cluster import Node
from carbon.join.grep import OWN_LOG_PATTERN
from carbon.plan.start import given_digest
from remote.host.host import Host
from remote.host.script import Given, Script

JVM_SEEN_SECONDS = 30
"""How long wso2server.sh may take to exec java; it does nothing but print before."""


def start_script(
    host: Host[Node], run: str, *, setup: bool, swap: Script | None, by_console: bool
) -> Script:
    """Return the script that starts a node, behind `await` and a swap, and with `record` after it.

    `setup` adds -Dsetup; `by_console`: its console is followed though its log grows.
    remote/scripts/README.md says what it is sent and what it says.
    """
    node = host.node
    arguments = ["-DworkerNode=true"] if node.role == "worker" else []
    values: dict[str, Given] = {
        **(swap.values if swap else {}),
        "java_dir": str(node.java_home or ""),
        "arguments": [*arguments, *(["-Dsetup"] if setup else [])],
        "environment": [f"{name}={value}" for name, value in node.environment.items()],
        "given": given_digest(node),
        "pattern": OWN_LOG_PATTERN,
        "keystore_password": (node.keystore_password or "") if not node.service else "",
        "unit": node.service.unit if node.service else "",
        "once": "-Dsetup" if setup and node.service else "",
        "by_console": "yes" if by_console else "",
        "seen_seconds": JVM_SEEN_SECONDS,
        "run": run,
    }
    before: Sequence[str] = (*swap.before, swap.name) if swap else ()
    return host.script(
        "start",
        before=("await", *before),
        after=("record",),
        calls_sudo=node.service is not None and node.run_as is None,
        limited=False,
        values=values,
    )
