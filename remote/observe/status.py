"""Status: every host looked at once, all at the same time, none of them in the way of another."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeAlias

from carbon.balancer import nginx
from carbon.checks.balancer import BalancerFacts, balancer_status
from carbon.checks.case import Case
from carbon.checks.status import Status, node_status, unreachable
from carbon.cluster import Cluster, LoadBalancer, Node
from carbon.errors import ProvisionError, ScriptError
from carbon.home import driver
from carbon.home.driver import WantedDriver
from carbon.home.facts import Reach, ServerFacts
from carbon.join.membership import MEMBERS, members_pattern
from carbon.join.own_log import OWN, OWN_MILESTONES_PATTERN
from carbon.plan.model import Options, Plan
from carbon.plan.plan import plan
from carbon.value import Value
from remote.host.archive import unpack
from remote.host.fleet import Fleet
from remote.observe.facts import CLOCK_TICKS, gather_facts
from remote.observe.reach import reach_database
from remote.run.progress import Progress
from remote.run.threads import parallel

Host = Node | LoadBalancer
Found: TypeAlias = "Seen | BalancerFacts | ProvisionError"
Drivers: TypeAlias = Mapping[Path, WantedDriver | ProvisionError]


def status(fleet: Fleet, hosts: Sequence[Host], *, progress: Progress) -> list[Status]:
    """Look at hosts, one round trip each, and judge them; an unreachable one is judged as such.

    The manager is asked in any case: its log tells who is a member.
    """
    asked: dict[str, Host] = {host.name: host for host in (*hosts, fleet.cluster.manager)}

    def look_at(host: Host) -> Seen | BalancerFacts:
        progress.now(host.name, "looking")
        if isinstance(host, LoadBalancer):
            return look_at_balancer(fleet, host)
        return look_at_node(fleet, host)

    looked = dict(zip(asked, parallel(asked.values(), look_at), strict=True))
    drivers = read_drivers(hosts)
    return [_judged(fleet.cluster, host, looked, drivers) for host in hosts]


class Seen(Value, kw_only=True):
    """What was read of a Carbon server."""

    facts: ServerFacts
    to_database: Reach | None


def look_at_node(fleet: Fleet, node: Node) -> Seen:
    """Read the facts of a node and its own milestones; of the manager also what it says of all.

    The database is tried from it meanwhile.
    """
    manager = fleet.cluster.manager
    asked = {OWN: OWN_MILESTONES_PATTERN}
    if node.name == manager.name:
        asked[MEMBERS] = members_pattern(fleet.cluster)
    with ThreadPoolExecutor(max_workers=1) as pool:
        to_database = pool.submit(reach_database, fleet, node)
        facts = gather_facts(fleet.host(node), asked=asked)
        return Seen(facts=facts, to_database=to_database.result())


def look_at_balancer(fleet: Fleet, balancer: LoadBalancer) -> BalancerFacts:
    """Read whether nginx runs, and its files.

    Raises ScriptError when the answer makes no sense, and what the connection raises.
    """
    host = fleet.host(balancer)
    script = host.script(
        "balancer_status",
        conf_dir=str(balancer.conf_dir),
        files=list(nginx.file_names(fleet.cluster)),
    )
    outcome = host.outcome_of(script)
    head, mark, archive = outcome.out.partition(b"\nfiles\n")
    if not mark or not head.startswith(b"balancer 1"):
        raise ScriptError(
            f"unexpected output from the inspection script: {outcome.complaint}",
            host=balancer.name,
            step="look",
            action="see whether `ssh HOST true` prints anything: it must not",
        )
    members = unpack(archive, host=balancer.name, step="look")
    files = {member.name: member.data for member in members}
    return _parse_balancer(head.decode(errors="replace"), files)


def _parse_balancer(head: str, files: Mapping[str, bytes]) -> BalancerFacts:
    lines = [line.partition(" ")[::2] for line in head.splitlines()]
    words = dict(lines)
    pid, _, ticks = words.get("nginx", "").partition(" ")
    return BalancerFacts(
        pid=int(pid) if pid else None,
        since=float(words["boot"]) + int(ticks) / CLOCK_TICKS if pid else None,
        configured="configured" in words,
        files=files,
        listening=frozenset(int(port, 16) for word, port in lines if word == "listen"),
    )


def read_drivers(hosts: Sequence[Host]) -> dict[Path, WantedDriver | ProvisionError]:
    """Read each driver JAR once, on the operator's side; one that cannot be read is an error."""
    read: dict[Path, WantedDriver | ProvisionError] = {}
    for host in hosts:
        wanted = host.driver if isinstance(host, Node) else None
        if wanted is not None and wanted.jar not in read:
            try:
                read[wanted.jar] = driver.read_jar(wanted.jar, driver_class=wanted.driver_class)
            except ProvisionError as error:
                read[wanted.jar] = error
    return read


def _judged(cluster: Cluster, host: Host, looked: Mapping[str, Found], drivers: Drivers) -> Status:
    seen, manager = looked[host.name], looked[cluster.manager.name]
    if isinstance(seen, ProvisionError):
        return unreachable(host, seen)
    if isinstance(host, LoadBalancer):
        assert isinstance(seen, BalancerFacts)
        return balancer_status(host, seen, cluster=cluster)
    assert isinstance(seen, Seen)
    return node_status(
        Case(
            node=host,
            cluster=cluster,
            facts=seen.facts,
            plan=drafted(host, seen.facts, drivers),
            manager_facts=manager.facts if isinstance(manager, Seen) else None,
            to_database=seen.to_database,
        )
    )


def drafted(node: Node, facts: ServerFacts, drivers: Drivers) -> Plan | ProvisionError | None:
    """Return what a deploy would do to a server, or why nobody can say.

    None if hosts.yaml does not keep its files: of a worker it always does, of a manager or
    an ELB only once it was deployed by this tool.
    """
    if facts.home_real is None or not (node.role == "worker" or facts.generations):
        return None
    wanted = drivers[node.driver.jar] if node.driver else None
    if isinstance(wanted, ProvisionError):
        return wanted
    try:
        return plan(node, facts, options=Options(renumber=True), wanted=wanted)
    except ProvisionError as error:
        return error
