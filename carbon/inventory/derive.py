"""From what hosts.yaml says to the whole cluster: everything filled in that follows."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from carbon.cluster import Cluster, GroupManagement, HostsEntry, Member, Node
from carbon.inventory.entries import Written
from carbon.inventory.mapped import hosts_entries
from carbon.inventory.schema import Entry
from carbon.inventory.servers import Numbers, number

SUB_DOMAINS = {"manager": "mgt", "worker": "worker", "elb": ""}
MANAGER_MEMBERS = 2
"""How many workers the manager knows: with two, one may be down while the manager restarts."""


def derive(written: Written, *, file: Path, digest: str) -> Cluster:
    """Return the cluster with every value resolved.

    Raises InventoryError if what hosts.yaml says contradicts itself.
    """
    numbers = number(written.nodes)
    lines = hosts_entries(written)

    def node(entry: Entry) -> Node:
        return _node(
            entry,
            domain=written.settings.domain,
            numbers=numbers[entry.name],
            members=_members(entry, written, numbers),
            lines=lines[entry.machine],
        )

    settings = written.settings
    return Cluster(
        file=file,
        digest=digest,
        domain=settings.domain,
        manager=node(written.manager),
        workers=tuple(node(worker) for worker in written.workers),
        elb=node(written.elb) if written.elb else None,
        load_balancer=written.load_balancer,
        balancer_commands=written.balancer_commands,
        hooks=written.hooks,
        database=written.database,
        limits=settings.limits,
        evidence=settings.evidence,
        join_patterns=settings.join_patterns,
        keep_generations=settings.keep_generations,
    )


def _members(entry: Entry, written: Written, numbers: Mapping[str, Numbers]) -> tuple[Member, ...]:
    """Return the well-known members of a node: for a worker the manager, and the ELB if any.

    The manager must not know itself alone, or it stays a cluster of one after its restart
    until the workers' clusters merge. Over Tribes it would wait for ever for workers that
    are not up yet, so there it knows only the ELB.
    """
    if entry.members is not None:
        return entry.members
    if entry.role == "elb":
        return ()
    elb = written.elb
    at_elb = (
        (Member(host=elb.local_member_host, port=elb.group_mgt_port),)
        if elb and elb.group_mgt_port
        else ()
    )
    if entry.role == "worker":
        return (_member(written.manager, numbers), *at_elb)
    if "tribes" in (entry.agent or "").lower():
        return at_elb
    known = written.workers[:MANAGER_MEMBERS]
    return (*at_elb, *(_member(worker, numbers) for worker in known))


def _member(entry: Entry, numbers: Mapping[str, Numbers]) -> Member:
    return Member(host=entry.local_member_host, port=numbers[entry.name].local_member_port)


def _node(
    entry: Entry,
    *,
    domain: str,
    numbers: Numbers,
    members: tuple[Member, ...],
    lines: tuple[HostsEntry, ...],
) -> Node:
    port = entry.group_mgt_port
    return Node(
        name=entry.name,
        role=entry.role,
        ssh=entry.ssh,
        server=entry.machine,
        home=entry.home,
        java_home=entry.java_home,
        run_as=entry.run_as,
        domain=domain,
        sub_domain=entry.sub_domain or SUB_DOMAINS[entry.role],
        local_member_host=entry.local_member_host,
        local_member_port=numbers.local_member_port,
        offset=numbers.offset,
        members=members,
        agent=entry.agent,
        host_name=entry.host_name,
        mgt_host_name=entry.mgt_host_name,
        proxy_ports=entry.proxy_ports,
        group_management=None if port is None else GroupManagement(port=port),
        hosts_entries=lines,
        pack=entry.pack,
        driver=entry.driver,
        datasources=entry.datasources,
        check_databases=entry.check_databases,
        deployment_synchronizer=entry.deployment_synchronizer,
        files=entry.files,
        artifacts=entry.artifacts,
        keystore_password=entry.keystore_password,
        environment=entry.environment,
        service=entry.service,
        health=entry.health,
        hooks=entry.hooks,
    )
