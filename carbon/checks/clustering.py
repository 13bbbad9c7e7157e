"""How a node presents itself to the others: its clustering, as it is in effect."""

from __future__ import annotations

import re
from ipaddress import ip_address

from carbon.checks.case import Case
from carbon.checks.finding import Finding, Findings, Kind
from carbon.errors import ConfigFileError, ProvisionError
from carbon.home import layout
from carbon.join.address import canonical_host
from carbon.join.lines import LoopbackWarning, parse

DISABLED = Kind(
    code="clustering-disabled",
    seen="its clustering is not enabled in axis2.xml",
    remedy="{apply}",
    weight=91,
)
AXIS2_UNREADABLE = Kind(
    code="axis2-unreadable",
    seen=f"its {layout.AXIS2} cannot be read",
    remedy="correct `home:` or `run_as:` of {node} in hosts.yaml",
    weight=91,
)
HAZELCAST_XML = Kind(
    code="hazelcast-xml",
    seen="its hazelcast.xml overrides the whole clustering section (kernel 4.4.6 and later)",
    remedy=f"remove {layout.HAZELCAST_XML}, or -Dhazelcast.config, so that axis2.xml counts, and"
    " restart it",
    weight=50,
)
DEPLOYMENT_TOML = Kind(
    code="deployment-toml",
    seen="it writes its XML files anew from deployment.toml at every start (kernel 4.5 and later)",
    remedy="set clustering, offset, hostname and proxyPort in deployment.toml instead",
    weight=87,
)
CONF_AT_ROOT = Kind(
    code="conf-at-root",
    seen="this product keeps its configuration in conf/, beside repository/ (Enterprise Integrator"
    " 6): this tool does not know that layout",
    remedy="configure {node} by hand; the kernels that are supported have repository/conf/axis2",
    weight=95,
)
DOMAINS_DIFFER = Kind(
    code="domain",
    seen="it is in the domain {mine}, and {manager} in {theirs}",
    remedy="{apply}",
    weight=90,
)
WRONG_DOMAIN = Kind(
    code="domain",
    seen="it is in the domain {mine}, hosts.yaml says {domain}",
    remedy="{apply}",
    weight=90,
)
WRONG_HOST = Kind(
    code="member-host",
    seen="its localMemberHost is {host}{why}",
    remedy="{apply}",
    weight=89,
)
FOREIGN_HOST = Kind(
    code="member-host",
    seen="localMemberHost {host} is not an address of its server ({addresses})",
    remedy="correct `localMemberHost` of {node} in hosts.yaml",
    weight=86,
)
LOOPBACK_LOGGED = Kind(
    code="member-host",
    seen="it announces a loopback address as localMemberHost",
    remedy="set `localMemberHost` of {node} in hosts.yaml to an address that {manager} can reach,"
    " and deploy again",
    weight=88,
)
SCHEME = Kind(
    code="membership-scheme",
    seen="its membershipScheme is {scheme}: so it does not ask the well-known members",
    remedy="{apply}",
    weight=88,
)
SCHEME_LOGGED = Kind(
    code="membership-scheme",
    seen="axis2.xml of {node} names the membership scheme {scheme}, which does not exist",
    remedy="run `fab -H {node} config`",
    weight=92,
    log=r"Invalid membership scheme '?(?P<scheme>[^'\s]*)",
)
MEMBERS = Kind(
    code="members",
    seen="its <members> do not list {manager} at {manager_address}, but {listed}",
    remedy="{apply}",
    weight=87,
)
CLASS = Kind(
    code="clustering-class",
    seen="its clustering class is {mine}, {manager}'s is {theirs}: they do not understand each"
    " other",
    remedy="set `agent: {agent}` in hosts.yaml if both packs have it, then deploy",
    weight=86,
)
CLASS_LOGGED = Kind(
    code="clustering-class",
    seen="the clustering class {name} is not in this pack",
    remedy="take `agent:` out of hosts.yaml, so that the pack's own class is kept",
    weight=97,
    log=r"ClassNotFoundException: (?P<name>[\w.$]{0,200}Cluster\w{0,50}Agent)",
)
_LOADED = re.compile(r"Loading hazelcast configuration from (?:default path|system property)")


def axis2(case: Case) -> Findings:
    """Its axis2.xml can be read, and has clustering on."""
    if isinstance(case.axis2, ConfigFileError):
        yield Finding.of_error(case.axis2, weight=91, blocks=case.leads)
    elif case.axis2 is None:
        yield case.finding(AXIS2_UNREADABLE, blocks=case.leads)
    elif case.clustering and not case.clustering.enabled:
        yield case.finding(DISABLED, blocks=case.leads, apply=case.apply_remedy())


def conf_is_at_root(case: Case) -> bool:
    """Tell whether all of its configuration is where this tool does not look."""
    return str(layout.CONF_AT_ROOT) in case.facts.present and layout.AXIS2 not in case.facts.files


def overrides(case: Case) -> Findings:
    """No other file overrides its axis2.xml."""
    loaded = next((line for line in case.own.lines if _LOADED.search(line)), None)
    if str(layout.HAZELCAST_XML) in case.facts.present or loaded:
        blocks = case.leads or case.configures
        yield case.finding(HAZELCAST_XML, weight=93 if loaded else None, blocks=blocks, line=loaded)
    if conf_is_at_root(case):
        unplanned = isinstance(case.plan, ProvisionError)
        yield case.finding(CONF_AT_ROOT, blocks=case.configures or unplanned)
    if {str(layout.DEPLOYMENT_TOML), str(layout.TOML_TEMPLATES)} <= set(case.facts.present):
        yield case.finding(DEPLOYMENT_TOML, blocks=case.configures)


def domain(case: Case) -> Findings:
    """It is in the domain of hosts.yaml, and so is the manager."""
    mine, theirs = effective_domain(case), None
    if case.manager_case is not None:
        theirs = effective_domain(case.manager_case)
    if mine is None or mine == case.node.domain == (theirs or mine):
        return
    apply = case.apply_remedy("domain" if case.leads else "")
    differ = theirs is not None and mine != theirs
    if differ and mine == case.manager.domain:
        apply = f"`fab -H {case.manager.name} deploy` writes what hosts.yaml says, and restarts it"
    yield case.finding(
        DOMAINS_DIFFER if differ else WRONG_DOMAIN,
        blocks=case.leads,
        line=case.own.domain_line,
        mine=mine,
        theirs=theirs,
        apply=apply,
    )


def effective_domain(case: Case) -> str | None:
    """Return the domain that it runs in by its own log, else that of its file."""
    return case.own.domain or (case.clustering.domain if case.clustering else None)


def member_host(case: Case) -> Findings:
    """Others can reach its localMemberHost, which is that of hosts.yaml."""
    wanted = case.node.local_member_host
    local = case.own.local
    host = local.host if local else (case.clustering.local_member_host if case.clustering else None)
    if host is not None and canonical_host(host) != canonical_host(wanted):
        key = "localMemberHost" if case.leads and _is_address(host) else ""
        yield case.finding(
            WRONG_HOST,
            blocks=case.leads,
            line=case.own.local_line,
            host=host,
            why=_why_wrong(case, canonical_host(host)),
            apply=case.apply_remedy(key),
        )
    for line in case.own.lines:
        if isinstance(parse(line), LoopbackWarning):
            yield case.finding(LOOPBACK_LOGGED, line=line)
            return


def foreign_host(case: Case) -> Findings:
    """The localMemberHost of hosts.yaml is an address of the server."""
    host, addresses = case.node.local_member_host, case.facts.addresses
    if addresses and host not in addresses:
        own = ", ".join(sorted(each for each in addresses if not _is_loopback(each)))
        yield case.finding(FOREIGN_HOST, blocks=case.starts, host=host, addresses=own)


def _why_wrong(case: Case, host: str) -> str:
    if _is_loopback(host):
        return ": nobody else can connect to it there"
    others = (each for each in case.cluster.nodes if each.server != case.node.server)
    twins = (each.name for each in others if canonical_host(each.local_member_host) == host)
    if twin := next(twins, None):
        return f", which is {twin}'s: a clone that kept it"
    if not case.watches and case.facts.addresses and host not in case.facts.addresses:
        return ", which is not an address of its server"
    return f", hosts.yaml says {case.node.local_member_host}"


def _is_loopback(host: str) -> bool:
    return host.lower() == "localhost" or (_is_address(host) and ip_address(host).is_loopback)


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


def scheme(case: Case) -> Findings:
    """It asks the well-known members."""
    scheme = case.clustering.membership_scheme if case.clustering else None
    if scheme is not None and scheme != "wka":
        yield case.finding(SCHEME, scheme=scheme, apply=case.apply_remedy())


def members(case: Case) -> Findings:
    """The manager is among its well-known members."""
    if case.clustering is None or case.is_manager:
        return
    manager = (canonical_host(case.manager.local_member_host), case.manager.local_member_port)
    listed = [(canonical_host(each.host), each.port) for each in case.clustering.members]
    if manager in listed:
        return
    wanted = [(canonical_host(each.host), each.port) for each in case.node.members]
    add = f"add {manager[0]}:{manager[1]} to its `members:` in hosts.yaml, then deploy"
    yield case.finding(
        MEMBERS,
        listed=", ".join(f"{host}:{port}" for host, port in listed) or "nobody",
        apply=case.apply_remedy() if manager in wanted else add,
    )


def agent(case: Case) -> Findings:
    """It speaks the manager's clustering protocol."""
    other = case.manager_case.clustering if case.manager_case else None
    mine, theirs = case.clustering.agent if case.clustering else None, other and other.agent
    if mine and theirs and mine != theirs:
        short, their_short = mine.rpartition(".")[2], theirs.rpartition(".")[2]
        yield case.finding(CLASS, mine=short, theirs=their_short, agent=theirs)
