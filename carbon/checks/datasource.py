"""The datasources: each one's driver, URL and login, as a trial from the server shows them."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator

from carbon.checks.case import Case
from carbon.checks.finding import Findings, Kind
from carbon.home.trial import TriedDatasource
from carbon.plan.model import Plan

_SKIP = "; `check_databases: false` in hosts.yaml leaves the trial out"
_REFUSED_LOGIN = frozenset({1017, 1044, 1045, 1698, 18456})
"""Oracle, MySQL and MariaDB (three), SQL Server."""
_NO_DATABASE = frozenset({1049, 4060, 12505, 12514})
"""MySQL and MariaDB, SQL Server, Oracle (two)."""

LOGIN = Kind(
    code="database-login",
    seen="the database refuses the login of {datasources}: {said}",
    remedy="correct `username`, `password` or the name of the database in `url` of {names} in"
    " hosts.yaml, or the grants of the database for {server}" + _SKIP,
    weight=96,
)
NO_DATABASE = Kind(
    code="database-missing",
    seen="the database of {datasources} does not exist: {said}",
    remedy="create it with the product's dbscripts, or correct `url` of {names} in hosts.yaml"
    + _SKIP,
    weight=96,
)
NOT_CONNECTED = Kind(
    code="database-connection",
    seen="{datasources} cannot be connected to: {said}",
    remedy="see that the database runs, that its port is open to {server}, and that `url` of"
    " {names} in hosts.yaml names it" + _SKIP,
    weight=95,
)
SILENT = Kind(
    code="database-connection",
    seen="the database of {datasources} did not answer a login within {seconds} s",
    remedy="see that `url` of {names} in hosts.yaml names the database, that it runs, and"
    " that no firewall drops what {server} sends" + _SKIP,
    weight=95,
)
NOT_TAKEN = Kind(
    code="database-url",
    seen="the driver {driver_class} does not take the url of {datasources}, which begins with"
    " {scheme}",
    remedy="correct `url` or `driverClassName` of {names} in hosts.yaml" + _SKIP,
    weight=97,
)
NO_CLASS = Kind(
    code="driver",
    seen="no JAR in lib, dropins or plugins of repository/components has the JDBC driver"
    " {driver_class} of {datasources}",
    remedy="correct `driverClassName` of {names} or `driver:` in hosts.yaml" + _SKIP,
    weight=97,
)
BROKEN = Kind(
    code="driver-broken",
    seen="the JDBC driver {driver_class} fails for {datasources}: {said}",
    remedy="see that the JAR of `driver:` in hosts.yaml is for the JDK of {server}" + _SKIP,
    weight=94,
)
REFUSED = Kind(
    code="database-refused",
    seen="the database refuses {datasources}: {said}",
    remedy="remove the cause that the database names, or correct {names} in hosts.yaml" + _SKIP,
    weight=94,
)
ENCRYPTION = Kind(
    code="database-tls",
    seen="no encrypted connection to {datasources}: {said}",
    remedy="compare the certificate of the database with repository/resources/security/"
    "client-truststore.jks; the server itself may trust others",
    weight=30,
)
_KINDS = {
    "tls": ENCRYPTION,
    "broken": BROKEN,
    "url": NOT_TAKEN,
    "class": NO_CLASS,
    "slow": SILENT,
}
"""By the result of a trial that neither connected nor was refused."""
TRIAL_SECONDS = 10.0
"""For all datasources of a server, which are tried at once."""


def tried(case: Case, *, staged: bool = False) -> Findings:
    """Each datasource of hosts.yaml takes its login, with the server's own driver and JDK.

    `staged`: what a deploy will bring was tried with it. If not, a driver that is still to come is
    said by `database.driver`, with the remedy for it.
    """
    if case.trial is None:
        return
    by_kind: defaultdict[Kind, list[TriedDatasource]] = defaultdict(list)
    for each in case.trial.tried:
        kind = kind_of(each)
        if kind and not (kind is NO_CLASS and not staged and _comes_by_deploy(case, each)):
            by_kind[kind].append(each)
    datasources = {each.name: each for each in case.node.datasources}
    for kind, same in by_kind.items():
        first = datasources[same[0].name]
        names = " and ".join(each.name for each in same)
        scheme = re.match(r"\w+:[\w.+-]*:?", first.url)
        yield case.finding(
            kind,
            weight=min(50, kind.weight) if case.has_started else None,
            blocks=kind is not ENCRYPTION,
            datasources=f"the datasource{'s' if len(same) > 1 else ''} {names}",
            names=names,
            said=same[0].said,
            driver_class=first.driver_class_name,
            scheme=scheme[0] if scheme else "no jdbc:",
            seconds=f"{TRIAL_SECONDS:g}",
        )


def _comes_by_deploy(case: Case, tried: TriedDatasource) -> bool:
    driver = case.node.driver
    if driver is None or not isinstance(case.plan, Plan) or case.plan.upload is None:
        return False
    datasource = next(each for each in case.node.datasources if each.name == tried.name)
    return datasource.driver_class_name == driver.driver_class


def unused(case: Case) -> Iterator[str]:
    """Say which datasources of hosts.yaml nothing of the server itself uses."""
    names = case.trial.unused if case.trial else ()
    for datasource in case.node.datasources:
        if datasource.jndi_name in names:
            yield (
                f"no file of repository/conf names {datasource.jndi_name} ({datasource.name}) but"
                " master-datasources.xml: only an application may use it"
            )


def kind_of(tried: TriedDatasource) -> Kind | None:
    """Return the kind of problem that a trial shows; None: it connected."""
    return _kind_of_refusal(tried) if tried.result == "refused" else _KINDS.get(tried.result)


def _kind_of_refusal(tried: TriedDatasource) -> Kind:
    """Tell refusals apart by their SQLSTATE (28: login, 3D: database, 08: connection) and code."""
    if tried.sql_state.startswith("28") or tried.vendor_code in _REFUSED_LOGIN:
        return LOGIN
    if tried.sql_state == "3D000" or tried.vendor_code in _NO_DATABASE:
        return NO_DATABASE
    return NOT_CONNECTED if tried.sql_state.startswith("08") else REFUSED
