"""The database: its driver, the connection to it, its login and its tables."""

from __future__ import annotations

from carbon.checks.case import Case
from carbon.checks.finding import Findings, Kind

UNREACHED = Kind(
    code="database-connection",
    seen="the database {database} {met} when tried from it",
    remedy="see that the database runs, that its port is open to {server}, and that `database:` and"
    " `url` in hosts.yaml name it",
    weight=95,
    log=r"Communications link failure|Socket fail(?:ed)? to connect|"
    r"Could not connect to (?:address=|HostAddress)|"
    r"Connection to \S+ refused|The Network Adapter could not establish",
    logged="{node} cannot reach its database",
)
NO_DRIVER = Kind(
    code="driver",
    seen="no JAR in repository/components/lib has the JDBC driver {driver_class}",
    remedy="`fab -H {node} deploy` copies {jar} there",
    weight=93,
)
NO_DRIVER_LOGGED = Kind(
    code="driver",
    seen="the JDBC driver {driver_class}{also} is not in repository/components/lib",
    remedy="run `fab -H {node} driver`, and compare `driver: class` in hosts.yaml",
    weight=97,
    log=r"(?:ClassNotFoundException: |Unable to load class: )"
    r"(?P<driver_class>[\w.$]{0,200}[Dd]river[\w$]{0,50})"
    r"|(?<![\w.$])(?=[\w.$]*[Dd]river)(?P<also>[\w.$]+) cannot be found by|No suitable driver",
)
LOGIN = Kind(
    code="database-login",
    seen="the database refuses the user {user}{user2}{user3} of {node}",
    remedy="compare username and password of the datasources in hosts.yaml with the database's"
    " grants for this server",
    weight=96,
    log=r"[Aa]ccess denied for user '?(?P<user>[^'@\s]*)"
    r"|authentication failed for user \"?(?P<user2>[^\"\s]*)"
    r"|Login failed for user '?(?P<user3>[^'\s]*)|ORA-01017",
)
NO_DATABASE = Kind(
    code="database-missing",
    seen="the database {database}{also} does not exist",
    remedy="create it with the product's dbscripts, or correct the url in hosts.yaml",
    weight=96,
    log=r"Unknown database '?(?P<database>[^'\s]*)|database \"(?P<also>[^\"]*)\" does not exist",
)
NO_TABLE = Kind(
    code="database-tables",
    seen="the table {table} is missing in a database of {node}",
    remedy="create the tables once: the product's dbscripts, or one start with -Dsetup",
    weight=94,
    log=r"Table '?(?P<table>[\w.\"]+)'? (?:not found|doesn't exist)",
)
UNSUPPORTED = Kind(
    code="database-unsupported",
    seen="the product does not know the database that the driver names as {database}",
    remedy="add `useMysqlMetadata=true` to the url of a MariaDB driver, or use the driver that the"
    " product's documentation names",
    weight=91,
    log=r"Unsupported database: (?P<database>\w+)",
)
IN_USE = Kind(
    code="database-in-use",
    seen="another process holds the H2 files in repository/database of {node}",
    remedy="stop the other server that runs from this AS_HOME, or give each its own files",
    weight=93,
    log=r"Locked by another process|[Dd]atabase may be already in use",
)


def database(case: Case) -> Findings:
    """The database that hosts.yaml names takes connections from the node."""
    database, reach = case.cluster.database, case.to_database
    if database is None or reach not in ("refused", "silent"):
        return
    yield case.finding(
        UNREACHED,
        weight=50 if case.has_started else None,
        blocks=case.starts,
        database=f"{database.address}:{database.port}",
        met="refuses connections" if reach == "refused" else "does not answer",
    )


def driver(case: Case) -> Findings:
    """The JDBC driver is in the server's lib folder."""
    wanted = case.node.driver if case.plan is not None else None
    if wanted and case.node.datasources and not any(j.has_driver_class for j in case.facts.jars):
        yield case.finding(
            NO_DRIVER,
            weight=45 if case.has_started else None,
            driver_class=wanted.driver_class,
            jar=wanted.jar.name,
        )
