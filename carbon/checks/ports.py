"""The ports of a node: localMemberPort, HTTP and HTTPS."""

from __future__ import annotations

from typing import Literal

from carbon.checks.case import Case
from carbon.checks.finding import Findings, Kind
from carbon.home.ports import label, needed_numbers
from carbon.value import Value

PortState = Literal["open", "closed", "taken"]
"""`taken`: another process listens there."""

TAKEN = Kind(
    code="port-taken",
    seen="its {port} is taken by another process",
    remedy="end that process (`fab -H {node} plan` names the port), or give {node} another `Offset`"
    " or `localMemberPort` in hosts.yaml",
    weight=90,
    log=r"Address already in use|Port already in use|BindException(?!: Cannot assign)",
    logged="a port that {node} needs is taken on {server}",
)
NOT_ITS_ADDRESS = Kind(
    code="address-foreign",
    seen="{node} should listen on an address that is not one of {server}",
    remedy="correct `localMemberHost` of {node} in hosts.yaml, or the address in the file that the"
    " lines around it name",
    weight=90,
    log=r"BindException: Cannot assign requested address",
)
CLOSED = Kind(
    code="port-closed",
    seen="its {names} closed",
    remedy="see what its log says: fab -H {node} logs",
    weight=58,
)
OFFSET = Kind(
    code="port-offset-argument",
    seen="it was started with -DportOffset={offset}, which overrides the Offset in carbon.xml",
    remedy="`fab -H {node} restart` starts it without",
    weight=30,
)
OFFSET_IN_SCRIPT = Kind(
    code="port-offset-argument",
    seen="its start script passes -DportOffset={offset}, which overrides the Offset in carbon.xml",
    remedy="take -DportOffset out of AS_HOME/bin/wso2server.sh and its JAVA_OPTS, then"
    " `fab -H {node} restart`; or set `Offset: {offset}` in hosts.yaml",
    weight=85,
)
COUNTED_UP = Kind(
    code="member-port",
    seen="it came up at localMemberPort {port}, not {wanted}, since {wanted} was taken when it"
    " started",
    remedy="end what holds port {wanted} on {server}, then `fab -H {node} restart`; or choose"
    " another `localMemberPort` in hosts.yaml",
    weight=88,
)
WRONG = Kind(
    code="member-port",
    seen="its localMemberPort is {port}, hosts.yaml says {wanted}",
    remedy="{apply}",
    weight=88,
)


class Port(Value, kw_only=True):
    """One port of a node."""

    name: str
    number: int
    state: PortState

    def __str__(self) -> str:
        return label(self.name, self.number)


def states(case: Case) -> tuple[Port, ...]:
    """Return whether the node's ports are open.

    Whose they are shows only to the account that runs the server: if a running server seems to
    have none, one that somebody listens on counts as its own.
    """
    listening = case.facts.listening
    blind = case.runs and "own" not in listening.values()

    def state(number: int) -> PortState:
        if number not in listening:
            return "closed"
        return "open" if blind or listening[number] == "own" else "taken"

    return tuple(
        Port(name=name, number=number, state=state(number))
        for name, number in needed_numbers(case.node).items()
    )


def taken(case: Case) -> Findings:
    """No other process listens on a port that the node needs."""
    for port in states(case):
        if port.state == "taken":
            yield case.finding(TAKEN, blocks=case.starts, port=port)


def closed(case: Case) -> Findings:
    """A server that runs listens on all its ports."""
    local = case.own.local
    moved = local is not None and local.port != case.node.local_member_port
    shut = [
        str(port)
        for port in states(case)
        if port.state == "closed" and not (moved and port.number == case.node.local_member_port)
    ]
    if case.runs and shut:
        names = f"{', '.join(shut)} {'are' if len(shut) > 1 else 'is'}"
        yield case.finding(CLOSED, names=names)


def offset(case: Case) -> Findings:
    """The Offset of carbon.xml is in effect."""
    given = case.facts.process.command.port_offset if case.facts.process else None
    if given is not None and given != case.node.offset:
        # A start of ours does not pass it.
        yield case.finding(OFFSET_IN_SCRIPT if case.facts.recorded else OFFSET, offset=given)


def member_port(case: Case) -> Findings:
    """Its localMemberPort is that of hosts.yaml: if it is taken, the product counts up."""
    wanted = case.node.local_member_port
    in_file = case.clustering.local_member_port if case.clustering else None
    local = case.own.local
    port = local.port if local else in_file
    if port is None or port == wanted:
        return
    counted_up = local is not None and in_file in (None, wanted)
    yield case.finding(
        COUNTED_UP if counted_up else WRONG,
        blocks=case.leads,
        line=case.own.local_line,
        port=port,
        wanted=wanted,
        apply=case.apply_remedy("localMemberPort" if case.plan is None else ""),
    )
