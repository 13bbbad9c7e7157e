"""An operator's own command on several servers at once."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from contextlib import suppress
from time import monotonic

from carbon.cluster import LoadBalancer, Node
from carbon.errors import ConnectError, ProvisionError, TimeLimitError
from carbon.value import Value
from remote.host.audit import audit_line
from remote.host.fleet import Fleet
from remote.host.script import Script
from remote.host.server import Stream
from remote.observe.lines import Line, Lines
from remote.run.threads import parallel

UNREACHED = 255
"""The exit status for a host that cannot be reached, as ssh has it."""
TIMED_OUT = 124
"""The exit status of a command that `timeout` ended."""
GRACE_SECONDS = 10.0
_AUDIT = "run_audit"
"""What writes the lines before and after; the first comes with the command itself."""


class Ended(Value, kw_only=True):
    """How the command ended on one host."""

    name: str
    status: int
    error: ProvisionError | None = None
    """Why it has no exit status of its own."""


class CommandOrder(Value, kw_only=True):
    """What to run, and how."""

    command: str
    as_owner: bool = False
    """As the account that owns AS_HOME (run_as), where that is not the login."""
    limit_seconds: float


def run(
    fleet: Fleet, hosts: Sequence[Node | LoadBalancer], order: CommandOrder
) -> Generator[Line | Ended, None, None]:
    """Yield what the command prints on all hosts, as it comes, and how it ends on each.

    Close the iterator to end it on the servers, with all that it has started.
    """
    limit_at = monotonic() + order.limit_seconds
    audited = f"run hosts={','.join(host.name for host in hosts)}"
    begin = audit_line(fleet.cluster, audited, outcome="begin")
    with Lines() as incoming:

        def start(host: Node | LoadBalancer) -> Stream:
            script = Script(
                name="run",
                values={"command": order.command, **_audit_values(host, begin)},
                before=(_AUDIT,),
                run_as=_account(host, order),
                limit_seconds=order.limit_seconds,
            )
            return incoming.start(fleet.host(host), script, errors=True)

        streams: dict[str, Stream] = {}
        by_name = {host.name: host for host in hosts}
        for host, started in zip(hosts, parallel(hosts, start), strict=True):
            if isinstance(started, ProvisionError):
                yield Ended(name=host.name, status=UNREACHED, error=started)
            else:
                streams[host.name] = started
        while streams and (left := limit_at + GRACE_SECONDS - monotonic()) > 0:
            came = incoming.next(within_seconds=left)
            if isinstance(came, Line):
                yield came
            elif came is not None:
                stream, is_late = streams.pop(came.name), monotonic() >= limit_at
                ended = _ended(came.name, stream, order, is_late=is_late)
                outcome = audit_line(fleet.cluster, audited, outcome=f"exit={ended.status}")
                _write_audit(fleet, by_name[came.name], order, outcome)
                yield ended
        for name in streams:
            yield _too_late(name, order)


def _account(host: Node | LoadBalancer, order: CommandOrder) -> str | None:
    return host.run_as if isinstance(host, Node) and order.as_owner else None


def _audit_values(host: Node | LoadBalancer, audit: str) -> dict[str, str]:
    return {"home_dir": str(host.home) if isinstance(host, Node) else "", "audit": audit}


def _write_audit(fleet: Fleet, host: Node | LoadBalancer, order: CommandOrder, audit: str) -> None:
    """Write how a command ended; a line that cannot be written changes nothing about that."""
    values, account = _audit_values(host, audit), _account(host, order)
    with suppress(ProvisionError):
        fleet.host(host).run(Script(name=_AUDIT, values=values, run_as=account), step="audit")


def _ended(name: str, stream: Stream, order: CommandOrder, *, is_late: bool) -> Ended:
    status = stream.status(within_seconds=GRACE_SECONDS)
    if status == TIMED_OUT and is_late:
        return _too_late(name, order)
    if status is None:
        error = ConnectError(
            "it ended without an exit status: by a signal, or with its connection",
            host=name,
            step="run",
            action="see on the server what became of it",
        )
        return Ended(name=name, status=UNREACHED, error=error)
    return Ended(name=name, status=status)


def _too_late(name: str, order: CommandOrder) -> Ended:
    error = TimeLimitError(
        f"the command did not end within {order.limit_seconds:g} s",
        host=name,
        step="run",
        action="use --timeout SECONDS, or set `limits: command` in hosts.yaml",
    )
    return Ended(name=name, status=TIMED_OUT, error=error)
