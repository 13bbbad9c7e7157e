"""How `fab trust` looks, and how it asks."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from carbon.cluster import LoadBalancer, Node
from carbon.errors import ConnectError, HostKeyError, refuse
from remote.ssh.connector import Connector
from remote.ssh.hostkeys import Door, HostKey, Verdict
from remote.ssh.trust import accept, confirmed, judge, refuse_changed

if TYPE_CHECKING:
    from tasks.screen import Screen

NOBODY_TO_ASK = "nothing is accepted without a terminal to ask at"
COMPARE = "for key in /etc/ssh/ssh_host_*_key.pub; do ssh-keygen -lf $key; done"


def trust_hosts(
    screen: Screen,
    connector: Connector,
    hosts: Iterable[Node | LoadBalancer],
    *,
    fingerprints: Sequence[str],
) -> None:
    """Show each host's keys, and those of its gateways, and accept what the operator confirms.

    `fingerprints` are confirmed already.
    A host that cannot be reached does not keep the others from it. Raises ConnectError then, and
    HostKeyError for a key that nobody confirmed or that has changed.
    """
    done: set[tuple[str, int]] = set()
    errors: list[ConnectError] = []
    for host in hosts:
        try:
            for door in connector.doors(host.name, host.ssh):
                if (door.host, door.port) not in done:
                    done.add((door.host, door.port))
                    _trust(screen, door, fingerprints)
        except ConnectError as error:
            errors.append(error)  # without a terminal, one run shows the keys of all
            if isinstance(error, HostKeyError) and sys.stdin.isatty():
                break
    refuse(_unconfirmed_as_one(errors))


def _unconfirmed_as_one(errors: Sequence[ConnectError]) -> Sequence[ConnectError]:
    """Say once of several hosts that nobody confirmed their keys; other errors stay apart."""
    alike = [error for error in errors if error.seen == NOBODY_TO_ASK]
    if len(alike) < 2:
        return errors
    names = ", ".join(str(error.host) for error in alike)
    together = HostKeyError(NOBODY_TO_ASK, host=names, step="trust", action=alike[0].action)
    return [*(error for error in errors if error not in alike), together]


def _trust(screen: Screen, door: Door, fingerprints: Sequence[str]) -> None:
    judged = judge(door)
    screen.line(f"{door.label} ({door.host} port {door.port}) shows:")
    width = max(len(judgement.key.type) for judgement in judged)
    for judgement in judged:
        place = f" ({judgement.line})" if judgement.line else ""
        key, verdict = judgement.key, judgement.verdict.value
        screen.line(f"  {key.type:{width}}  {key.fingerprint}  {verdict}{place}")
    refuse_changed(door, judged)
    new = tuple(judgement.key for judgement in judged if judgement.verdict is Verdict.NEW)
    keys = confirmed(judged, fingerprints) if fingerprints else _ask(screen, new)
    if keys:
        accept(door, keys)
        screen.line(f"accepted {len(keys)} of {len(new)} new keys: added to {door.target}")
    elif len(new) < len(judged):
        screen.line(f"{door.label} is trusted already")
    else:
        raise _unconfirmed(door, fingerprints)


def _unconfirmed(door: Door, fingerprints: Sequence[str]) -> HostKeyError:
    if fingerprints:
        seen = "none of its keys has a fingerprint that --yes names"
        action = "somebody may be in between: compare on the server's own console"
    elif sys.stdin.isatty():
        seen, action = "nothing is accepted", "compare the fingerprints, then run this again"
    else:
        seen = NOBODY_TO_ASK
        action = "run it again with --yes and the fingerprints that you have compared, one of each"
    return HostKeyError(seen, host=door.label, step="trust", action=action)


def _ask(screen: Screen, new: tuple[HostKey, ...]) -> tuple[HostKey, ...]:
    """Return the new keys if the operator says that they are the server's own."""
    if not new:
        return ()
    screen.line("Compare with what the server itself says, on its own console:")
    screen.line(f"  {COMPARE}")
    if not sys.stdin.isatty():
        return ()
    try:
        answer = screen.console.input("Are the fingerprints the same? Type yes: ", markup=False)
    except EOFError:  # Ctrl-D
        answer = ""
    return new if answer.strip().lower() == "yes" else ()
