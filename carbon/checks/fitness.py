"""Whether a server is fit for what a plan would do to it: pure, all reasons at once."""

from __future__ import annotations

from collections.abc import Iterator

from carbon import config
from carbon.cluster import Node
from carbon.errors import ConfigFileError, UnfitError
from carbon.home import layout
from carbon.home.facts import ServerFacts
from carbon.plan.plan import Plan

SPARE_KB = 50 * 1024
"""Free space to insist on beside what is copied: a full disk breaks a server in its logs."""


def unfit(plan: Plan) -> list[UnfitError]:
    """Return every reason why a plan must not begin; empty where there is none."""
    node, facts = plan.node, plan.facts
    return [
        UnfitError(seen, host=node.name, step="look", action=action)
        for seen, action in (*_home(node, facts), *_space(plan), *_reset(plan), *_start(plan))
    ]


def unfit_home(node: Node, facts: ServerFacts) -> list[UnfitError]:
    """Return why AS_HOME cannot be worked on at all; nothing can be planned then."""
    return [
        UnfitError(seen, host=node.name, step="look", action=action)
        for seen, action in _home(node, facts)
    ]


def _home(node: Node, facts: ServerFacts) -> Iterator[tuple[str, str]]:
    if facts.home_blocked:
        yield f"{node.home} is not a directory", "correct `home` in hosts.yaml"
    elif facts.home_closed:
        yield (
            f"{facts.user} may not enter {node.home}",
            "say `run_as: OWNER` for it in hosts.yaml, with sudo to that account (README)",
        )
    elif facts.home_real is None:
        yield (
            f"there is no AS_HOME at {node.home}",
            "unpack the product there, correct `home` in hosts.yaml, or use"
            f" `fab -H {node.name} clone --source ANOTHER`",
        )
    elif not facts.home_writable:
        yield (
            f"{facts.user} may not write in {node.home}",
            "say `run_as: OWNER` for it in hosts.yaml, with sudo to that account (README)",
        )
    elif str(layout.SCRIPT) not in facts.present:
        yield f"{node.home} has no {layout.SCRIPT}", "it is no Carbon pack; correct `home`"


def _space(plan: Plan) -> Iterator[tuple[str, str]]:
    if plan.swaps and plan.facts.disk_free_kb < SPARE_KB:
        yield (
            f"only {plan.facts.disk_free_kb} kB are free at {plan.node.home}",
            f"free at least {SPARE_KB} kB, logs and kept generations first",
        )


def _reset(plan: Plan) -> Iterator[tuple[str, str]]:
    running = plan.facts.process
    if plan.reset and running and not plan.start:
        yield (
            f"it runs (pid {running.pid}); the deployment directory is reset only while it is down",
            f"stop it first (fab -H {plan.node.name} stop), or use deploy --reset",
        )


def _start(plan: Plan) -> Iterator[tuple[str, str]]:
    if not plan.start:
        return
    node, facts = plan.node, plan.facts
    if facts.journal is not None and not plan.swaps:
        yield (
            "an interrupted run left its journal open, and its files may be a mixture",
            f"complete it (fab -H {node.name} deploy), or take it back with `rollback`",
        )
    if facts.java_home is None:
        yield (
            f"no bin/java at JAVA_HOME {facts.java_missing or '(not set)'}",
            "say `java_home: /path/of/the/JDK` in hosts.yaml",
        )
    if node.role == "worker" and str(layout.WORKER_PROFILE) not in facts.present:
        yield (
            f"the pack has no worker profile ({layout.WORKER_PROFILE})",
            "this product cannot start with -DworkerNode=true; use a pack that has the profile",
        )
    if facts.addresses and node.local_member_host not in facts.addresses:
        known = ", ".join(sorted(one for one in facts.addresses if not one.startswith("127.")))
        yield (
            f"localMemberHost {node.local_member_host} is no address of this server ({known})",
            "correct localMemberHost in hosts.yaml",
        )
    yield from _ports(node, facts)


def _ports(node: Node, facts: ServerFacts) -> Iterator[tuple[str, str]]:
    wanted = {
        "localMemberPort": node.local_member_port,
        "HTTP port": node.http_port,
        "HTTPS port": node.https_port,
    }
    for name, port in wanted.items():
        if facts.listening.get(port) == "other":
            yield (
                f"{name} {port} is taken by another process",
                "end that process, or give this node another Offset or localMemberPort",
            )


def unfit_manager(manager: Node, facts: ServerFacts) -> list[UnfitError]:
    """Return why no worker could be seen joining this manager."""
    return [
        UnfitError(seen, host=manager.name, step="look", action=action)
        for seen, action in _manager(manager, facts)
    ]


def _manager(manager: Node, facts: ServerFacts) -> Iterator[tuple[str, str]]:
    if facts.home_closed:
        yield f"{facts.user} may not enter {manager.home}", "say `run_as` for the manager"
        return
    if facts.home_real is None:
        yield f"there is no AS_HOME at {manager.home}", "correct the manager's `home`"
        return
    if facts.process is None:
        yield "the manager is not running", f"start it: fab -H {manager.name} start"
    yield from _log(manager, facts)
    if str(layout.HAZELCAST_XML) in facts.present:
        yield (
            f"{layout.HAZELCAST_XML} overrides its clustering section",
            "remove that file, so that axis2.xml counts",
        )
    yield from _manager_clustering(manager, facts)


def _log(watcher: Node, facts: ServerFacts) -> Iterator[tuple[str, str]]:
    if facts.log != "readable":
        yield (
            f"its log {layout.LOG} is {facts.log}",
            f"say `run_as` for {watcher.name}, or let the login read its logs",
        )


def unfit_elb(elb: Node, facts: ServerFacts) -> list[UnfitError]:
    """Return why no worker could be seen joining the application cluster of this ELB."""
    return [
        UnfitError(seen, host=elb.name, step="look", action=action)
        for seen, action in _elb(elb, facts)
    ]


def _elb(elb: Node, facts: ServerFacts) -> Iterator[tuple[str, str]]:
    retired = "if it is retired, take `elb` out of hosts.yaml"
    if facts.home_real is None:
        yield f"there is no ELB at {elb.home}", f"correct its `home`; {retired}"
    elif facts.process is None:
        yield "the ELB is not running", f"start it; {retired}"
    else:
        yield from _log(elb, facts)


def _manager_clustering(manager: Node, facts: ServerFacts) -> Iterator[tuple[str, str]]:
    deploy = f"deploy the manager (fab -H {manager.name} deploy) or correct hosts.yaml"
    if layout.AXIS2 not in facts.files:
        yield f"its {layout.AXIS2} cannot be read", "correct the manager's `home` or `run_as`"
        return
    try:
        found = config.read_clustering(facts.files[layout.AXIS2].data, file=str(layout.AXIS2))
    except ConfigFileError as error:
        yield error.seen, error.action
        return
    if not found.enabled:
        yield "its clustering is not enabled", deploy
        return
    for word, seen, wanted in (
        ("domain", found.domain, manager.domain),
        ("localMemberHost", found.local_member_host, manager.local_member_host),
        ("localMemberPort", found.local_member_port, manager.local_member_port),
    ):
        if seen != wanted:
            yield f"its {word} is {seen}, hosts.yaml says {wanted}", deploy
