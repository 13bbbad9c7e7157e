"""How does it present itself to the others? Checks of its clustering, as it is in effect."""

from __future__ import annotations

import re
from ipaddress import ip_address

from carbon.checks.case import Case, Finding, Findings
from carbon.errors import ConfigFileError
from carbon.home import layout
from carbon.join.address import canonical_host


def axis2(case: Case) -> Findings:
    if isinstance(case.axis2, ConfigFileError):
        seen, remedy = case.axis2.seen, case.axis2.action
        yield Finding(topic="axis2.xml", likelihood=91, seen=seen, remedy=remedy)
    elif case.clustering and not case.clustering.enabled:
        yield Finding(
            topic="axis2.xml",
            likelihood=91,
            seen="clustering is not enabled in its axis2.xml",
            remedy=case.push(),
        )


def overrides(case: Case) -> Findings:
    present = case.facts.present
    loaded = next((line for line in case.own.lines if _LOADED.search(line)), None)
    if str(layout.HAZELCAST_XML) in present or loaded:
        yield Finding(
            topic="hazelcast.xml",
            likelihood=93 if loaded else 50,
            seen="a hazelcast.xml overrides its whole clustering section (kernel 4.4.6 and later)",
            remedy=f"remove {layout.HAZELCAST_XML}, or -Dhazelcast.config, so that axis2.xml"
            " counts, and restart it",
            line=loaded.strip() if loaded else None,
        )
    if {str(layout.DEPLOYMENT_TOML), str(layout.TOML_TEMPLATES)} <= set(present):
        yield Finding(
            topic="deployment.toml",
            likelihood=87,
            seen="it writes its XML files anew from deployment.toml at every start (kernel 4.5"
            " and later)",
            remedy="set the clustering in deployment.toml",
        )


_LOADED = re.compile(r"Loading hazelcast configuration from (?:default path|system property)")


def domain(case: Case) -> Findings:
    mine = case.own.domain or (case.clustering.domain if case.clustering else None)
    if mine is None:
        return
    theirs = _manager_domain(case)
    if theirs is not None and mine != theirs:
        right = case.manager.domain
        own = f"`fab -H {case.manager.name} deploy`, and restart it"
        yield Finding(
            topic="domain",
            likelihood=90,
            seen=f"it is in the domain {mine}, and {case.manager.name} in {theirs}",
            remedy=case.push() if mine != right else own,
            line=case.own.domain_line,
        )
    elif mine != case.node.domain:
        yield Finding(
            topic="domain",
            likelihood=90,
            seen=f"it is in the domain {mine}, hosts.yaml says {case.node.domain}",
            remedy=case.push(),
            line=case.own.domain_line,
        )


def _manager_domain(case: Case) -> str | None:
    if case.manager_own and case.manager_own.domain:
        return case.manager_own.domain
    return case.manager_axis2.domain if case.manager_axis2 else None


def local_host(case: Case) -> Findings:
    local = case.own.local
    host = local.host if local else (case.clustering.local_member_host if case.clustering else None)
    wanted = case.node.local_member_host
    if host is None or canonical_host(host) == canonical_host(wanted):
        yield from _foreign(case, wanted, likelihood=86)
        return
    if _is_loopback(host):
        seen = f"its localMemberHost is {host}: nobody else can connect to it there"
    elif twin := _who_is_at(case, host):
        seen = f"its localMemberHost is {host}, which is {twin}'s: a clone that kept it"
    elif case.facts.addresses and host not in case.facts.addresses:
        seen = f"its localMemberHost is {host}, which is no address of its server"
    else:
        seen = f"its localMemberHost is {host}, hosts.yaml says {wanted}"
    yield Finding(
        topic="localMemberHost",
        likelihood=89,
        seen=seen,
        remedy=case.push(),
        line=case.own.local_line,
    )


def _foreign(case: Case, host: str, *, likelihood: int) -> Findings:
    if case.facts.addresses and host not in case.facts.addresses:
        own = ", ".join(sorted(a for a in case.facts.addresses if not _is_loopback(a)))
        yield Finding(
            topic="localMemberHost",
            likelihood=likelihood,
            seen=f"localMemberHost {host} is no address of its server ({own})",
            remedy="correct localMemberHost in hosts.yaml, then deploy",
        )


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def _who_is_at(case: Case, host: str) -> str | None:
    others = (one for one in case.asked.cluster.nodes if one.server != case.node.server)
    same = (one.name for one in others if canonical_host(one.local_member_host) == host)
    return next(same, None)


def local_port(case: Case) -> Findings:
    wanted = case.node.local_member_port
    local = case.own.local
    if local is not None and local.port != wanted:
        in_file = case.clustering is not None and case.clustering.local_member_port == wanted
        why = f", since {wanted} was taken when it started" if in_file else ""
        yield Finding(
            topic="localMemberPort",
            likelihood=88,
            seen=f"it came up at localMemberPort {local.port}, not {wanted}{why}",
            remedy=f"end what holds port {wanted} on {case.node.server}, then"
            f" `fab -H {case.node.name} restart`; or choose another localMemberPort"
            if why
            else case.push(),
            line=case.own.local_line,
        )


def scheme(case: Case) -> Findings:
    scheme = case.clustering.membership_scheme if case.clustering else None
    if scheme is not None and scheme != "wka":
        yield Finding(
            topic="membershipScheme",
            likelihood=88,
            seen=f"its membershipScheme is {scheme}: so it does not ask the well-known members",
            remedy=case.push(),
        )


def members(case: Case) -> Findings:
    if case.clustering is None or case.is_manager:
        return
    manager = (canonical_host(case.manager.local_member_host), case.manager.local_member_port)
    listed = [(canonical_host(one.host), one.port) for one in case.clustering.members]
    if manager not in listed:
        own = ", ".join(f"{host}:{port}" for host, port in listed) or "nobody"
        yield Finding(
            topic="members",
            likelihood=87,
            seen=f"its <members> do not list {case.manager.name} at"
            f" {manager[0]}:{manager[1]}, but {own}",
            remedy=case.push()
            if any((canonical_host(one.host), one.port) == manager for one in case.node.members)
            else f"add {manager[0]}:{manager[1]} to its `members` in hosts.yaml, then deploy",
        )


def agent(case: Case) -> Findings:
    mine = case.clustering.agent if case.clustering else None
    theirs = case.manager_axis2.agent if case.manager_axis2 else None
    if mine and theirs and mine != theirs:
        yield Finding(
            topic="clustering class",
            likelihood=86,
            seen=f"its clustering class is {_class(mine)}, {case.manager.name}'s is"
            f" {_class(theirs)}: they do not understand each other",
            remedy=f"say `agent: {theirs}` in hosts.yaml if both packs have it, then deploy",
        )


def _class(name: str) -> str:
    return name.rpartition(".")[2]
