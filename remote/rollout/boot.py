"""Boot: whether servers come back by themselves after a reboot, as far as that can be seen."""

from __future__ import annotations

from collections.abc import Sequence

from carbon.checks.boot import boot_findings
from carbon.checks.case import Case
from carbon.checks.finding import Finding
from carbon.cluster import Node
from carbon.errors import ProvisionError, ScriptError, UnfitError
from carbon.home.boot import Boot, parse_boot
from carbon.home.facts import ServerFacts
from carbon.service.unit import password_file
from carbon.value import Value
from remote.host.fleet import Fleet
from remote.host.host import Host
from remote.observe.facts import gather_facts
from remote.run.progress import Progress
from remote.run.threads import parallel

VERB = "boot"


class BootCheck(Value, kw_only=True):
    """What was seen of one server before any reboot."""

    node: Node
    facts: ServerFacts
    boot: Boot
    findings: tuple[Finding, ...]
    """What would keep it from coming back, the worst first."""


def check_boot(
    fleet: Fleet, nodes: Sequence[Node], *, progress: Progress
) -> list[BootCheck | ProvisionError]:
    """Look at all servers at once; nothing is changed."""

    def check(node: Node) -> BootCheck:
        progress.now(node.name, "looking")
        host = fleet.host(node)
        facts, boot = gather_facts(host), read_boot(host)
        progress.now(node.name, "")
        case = Case(node=node, cluster=fleet.cluster, facts=facts)
        return BootCheck(node=node, facts=facts, boot=boot, findings=boot_findings(case, boot))

    return parallel(nodes, check)


def read_boot(host: Host[Node]) -> Boot:
    """Ask a server which boot this is. Raises ScriptError, and what the connection raises."""
    service = host.node.service
    file = str(password_file(service.unit)) if service else ""
    outcome = host.run(host.script("boot", password_file=file), step=VERB)
    try:
        return parse_boot(outcome.out.decode(errors="replace").splitlines())
    except ValueError:
        raise ScriptError(
            "unexpected output from the script that asks which boot this is",
            host=host.name,
            step=VERB,
            action=f"run `cat /proc/sys/kernel/random/boot_id` by hand: fab -H {host.name} run ...",
        ) from None


def refusals(checks: Sequence[BootCheck], fleet: Fleet) -> list[ProvisionError]:
    """Return every reason why no server must be rebooted; none was touched yet."""
    errors: list[ProvisionError] = []
    for check in checks:
        errors += [finding.as_error(check.node.name) for finding in check.findings]
        others = [
            node.name
            for node in fleet.cluster.nodes
            if node.server == check.node.server and node.name != check.node.name
        ]
        if others:
            error = UnfitError(
                f"{', '.join(others)} would be rebooted with it: they share a server",
                host=check.node.name,
                step=VERB,
                action="reboot such a server by hand, with all its workers stopped; `fab boot`"
                " without --reboot checks them",
                code="boot-shared-server",
            )
            errors.append(error)
    return errors
