"""Read servers that were configured by hand, and write the hosts.yaml that describes them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from carbon.adopt import cluster as written
from carbon.adopt.balancer import Configuration
from carbon.adopt.balancer import describe as describe_balancer
from carbon.adopt.request import Request, shared_ssh, split_host
from carbon.adopt.server import ALSO, VARIABLES, Described, describe, driver_class
from carbon.cluster import Cluster, Driver, LoadBalancer, Node
from carbon.errors import ProvisionError, ScriptError, refuse
from carbon.home.facts import ServerFacts
from carbon.inventory import load
from carbon.inventory.write import Commented, Tree
from carbon.plan.model import Options as PlanOptions
from carbon.plan.plan import plan
from carbon.value import replace
from remote.host.archive import unpack
from remote.host.fleet import Fleet
from remote.host.host import Host
from remote.observe.facts import gather_facts
from remote.run.threads import all_or_errors, parallel


def adopt(fleet: Fleet, request: Request) -> str:
    """Return the text of the hosts.yaml for the servers of a provisional cluster.

    A server whose AS_HOME the login cannot read is read as `request.run_as`. What the text would
    still change is found by planning against it, and listed in its head. Raises the errors of all
    servers that cannot be read, also of those whose AS_HOME is not there.
    """
    read = partial(_read, fleet, run_as=request.run_as)
    reads, errors = all_or_errors(parallel(fleet.cluster.nodes, read))
    refuse(errors)
    facts = {described.name: facts for described, facts in reads}
    manager, *workers = (described for described, _ in reads)
    ssh = shared_ssh(request)

    def text(load_balancer: Commented | None, notes: Sequence[str]) -> str:
        return written.write(manager, workers, ssh=ssh, load_balancer=load_balancer, notes=notes)

    cluster = _loaded(text(None, ()))
    if isinstance(cluster, ProvisionError):
        line = getattr(cluster, "line", None)
        return text(None, [f"to correct by hand, line {line}: {cluster.seen}; {cluster.action}"])
    return text(_read_balancer(fleet, request, cluster), _pending(cluster, facts))


def _read(fleet: Fleet, node: Node, *, run_as: str) -> tuple[Described, ServerFacts]:
    facts = gather_facts(fleet.host(node), also=ALSO)
    if facts.version is None and run_as:
        node = replace(node, run_as=run_as)
        facts = gather_facts(fleet.host(node), also=ALSO)
    if facts.version is None:
        raise ProvisionError(
            f"{node.home} is not a Carbon installation that {facts.user} can read",
            host=node.name,
            step="adopt",
            code="adopt-home",
            action="name AS_HOME with --home, and the account that owns it with --run-as",
        )
    if driver := driver_class(facts):
        # Which JAR has it shows only to who asks for the class.
        node = replace(node, driver=Driver(jar=Path("any.jar"), driver_class=driver))
        facts = replace(facts, jars=gather_facts(fleet.host(node)).jars)
    environment = read_environment(fleet.host(node))
    return describe(node, facts, environment=environment), facts


def read_environment(host: Host[Node]) -> Mapping[str, str] | None:
    """Return the variables of the running server that hosts.yaml can give to a start.

    None if its process belongs to another account, which may not be read; empty if none runs.
    Raises ScriptError, and what the connection raises.
    """
    outcome = host.run(host.script("environment", variables=VARIABLES), step="adopt")
    lines = outcome.out.decode(errors="replace").split("\n")
    if "closed" in lines:
        return None
    settings = (line.removeprefix("variable ") for line in lines if line.startswith("variable "))
    return {name: value for name, _, value in (setting.partition("=") for setting in settings)}


def _read_balancer(fleet: Fleet, request: Request, cluster: Cluster) -> Commented | None:
    """Return the section `load_balancer` with its notes; None if the request names none."""
    if fleet.cluster.load_balancer is None:
        return None
    tree: dict[str, Tree] = {"ssh": split_host(request.load_balancer)}
    try:
        keys, notes = describe_balancer(
            read_nginx(fleet.host(fleet.cluster.load_balancer)), cluster
        )
    except ScriptError as error:
        keys, notes = {}, (f"its nginx cannot be read: {error.seen}",)
    return Commented({**tree, **keys}, notes)


def read_nginx(host: Host[LoadBalancer]) -> Configuration:
    """Read nginx's own configuration, as far as the login may.

    Raises ScriptError, and what the connection raises.
    """
    outcome = host.run(host.script("balancer_config"), step="adopt")
    head, _, archive = outcome.out.partition(b"files\n")
    lines = head.decode(errors="replace").splitlines()
    confs = [line.removeprefix("conf ") for line in lines if line.startswith("conf ")]
    if len(confs) != 1:
        raise ScriptError(
            f"unexpected output from the script that reads nginx: {outcome.complaint}",
            host=host.name,
            step="adopt",
            action="see whether `ssh HOST true` prints anything: it must not",
        )
    members = unpack(archive, host=host.name, step="adopt")
    return Configuration(
        conf=confs[0],
        files={f"/{member.name}": member.data for member in members},
        unreadable=tuple(
            line.removeprefix("unreadable ") for line in lines if line.startswith("unreadable ")
        ),
    )


def _loaded(text: str) -> Cluster | ProvisionError:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "hosts.yaml"
        path.write_text(text, encoding="utf-8")
        try:
            return load(path)
        except ProvisionError as error:
            return error


def _pending(cluster: Cluster, facts: Mapping[str, ServerFacts]) -> list[str]:
    """Return what a plan by this hosts.yaml would change, secrets apart."""
    notes = []
    for node in _without_secrets(cluster):
        try:
            pending = plan(node, facts[node.name], options=PlanOptions())
        except ProvisionError as error:
            notes.append(f"{node.name}: no plan can be made: {error.seen}")
            continue
        changes = [change.path.name for change in pending.files]
        changes += ["/etc/hosts"] if pending.hosts else []
        changes += [f"a start ({pending.reason})"] if pending.start else []
        if changes:
            notes.append(f"{node.name}: the next deploy would change: {', '.join(changes)}")
    return notes


def _without_secrets(cluster: Cluster) -> list[Node]:
    return [
        replace(
            node,
            deployment_synchronizer=None,
            datasources=tuple(
                replace(
                    source,
                    password=None,
                    properties={k: v for k, v in source.properties.items() if isinstance(v, str)},
                )
                for source in node.datasources
            ),
        )
        for node in cluster.nodes
    ]
