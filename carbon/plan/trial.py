"""Which datasources are tried before a server is touched; pure."""

from __future__ import annotations

import re

from carbon.cluster import Datasource
from carbon.config.datasources import read_datasources
from carbon.config.files import patch
from carbon.errors import ProvisionError
from carbon.home import layout
from carbon.home.trial import Trial
from carbon.plan.model import Plan
from carbon.value import replace

_EMBEDDED = re.compile(r"jdbc:(?:h2:(?!tcp:|ssl:)|derby:(?!//)|hsqldb:(?!hsql|http)|sqlite:)")
"""A database in files of the server itself: a trial would make or lock them."""


_BEFORE_HOST = r"(?:(?<=//)|(?<=[,@])|(?i:(?<=host=)|(?<=servername=)))"
"""What stands before a host in the URLs of the drivers."""


def trial_before(plan: Plan) -> Trial | None:
    """Return what to try before a turn begins, with the driver as it is staged by then.

    None if the plan starts no server: a step alone, such as `config`, may come before the driver.
    A rollback brings back other values than those of hosts.yaml.
    """
    if not plan.node.check_databases or plan.undo or not plan.start:
        return None
    datasources = tried_datasources(plan)
    if not datasources:
        return None
    uploads = (plan.upload,) if plan.upload else ()
    staged = tuple(layout.STAGED / "files" / upload for upload in uploads)
    return Trial(datasources=datasources, first=staged, without=(*plan.removed, *uploads))


def trial_now(plan: Plan) -> Trial | None:
    """Return what to try on a server as it is."""
    datasources = tried_datasources(plan) if plan.node.check_databases else ()
    if not datasources:
        return None
    to_come = [change.new for change in plan.files if change.path != layout.DATASOURCES]
    names = (each.jndi_name for each in datasources if each.jndi_name)
    unseen = tuple(name for name in names if not any(name.encode() in data for data in to_come))
    return Trial(datasources=datasources, jndi_names=unseen)


def tried_datasources(plan: Plan) -> tuple[Datasource, ...]:
    """Return the datasources of hosts.yaml that the server will have as hosts.yaml says.

    Left out are those whose login Secure Vault keeps, those with placeholders, and databases in
    files of the server itself. If the plan does not write hosts.yaml's values, the server must
    have them already.
    """
    if not plan.node.datasources:
        return ()
    data = _datasources_file(plan)
    if data is None:
        return ()
    live = {each.name: each for each in read_datasources(data)}
    return tuple(
        _resolved(datasource, plan)
        for datasource in plan.node.datasources
        if (settings := live.get(datasource.name)) is not None
        and not settings.password_secured
        and settings.url == datasource.url
        and settings.username == datasource.username
        and "${" not in datasource.url
        and not _EMBEDDED.match(datasource.url)
    )


def _resolved(datasource: Datasource, plan: Plan) -> Datasource:
    """Put addresses in place of names that /etc/hosts of the server will have, and has not yet."""
    url = datasource.url
    for entry in plan.node.hosts_entries if plan.hosts is not None else ():
        for name in entry.names:
            host = rf"{_BEFORE_HOST}(?i:{re.escape(name)})(?![\w.-])"
            address = f"[{entry.address}]" if ":" in entry.address else entry.address
            url = re.sub(host, address, url)
    return replace(datasource, url=url)


def _datasources_file(plan: Plan) -> bytes | None:
    """Return master-datasources.xml as the server will start with it; None: not by hosts.yaml."""
    data = plan.next_data(layout.DATASOURCES)
    if data is None or plan.configures:
        return data
    try:
        same = patch(plan.node, layout.DATASOURCES, data).data == data
    except ProvisionError:
        return None
    return data if same else None
