"""What else differs from how it should be? Checks against hosts.yaml and its own past."""

from __future__ import annotations

from carbon.checks.case import Case, Finding, Findings
from carbon.errors import ProvisionError


def pending(case: Case) -> Findings:
    newer = case.facts.process.newer if case.facts.process else ()
    if newer:
        more = f" and {len(newer) - 1} more" if len(newer) > 1 else ""
        yield Finding(
            topic="restart",
            likelihood=30 if case.joined else 80,
            seen=f"{newer[0]}{more} changed after its start: it runs with the old files",
            remedy=f"fab -H {case.node.name} restart",
        )


def drift(case: Case) -> Findings:
    drafted = case.asked.drafted
    if isinstance(drafted, ProvisionError):
        yield Finding(topic="hosts.yaml", likelihood=35, seen=drafted.seen, remedy=drafted.action)
    elif drafted is not None and (drafted.files or drafted.driver or drafted.edits_hosts):
        names = [change.path.name for change in drafted.files]
        names += ["its driver"] if drafted.driver else []
        names += ["/etc/hosts"] if drafted.edits_hosts else []
        yield Finding(
            topic="hosts.yaml",
            likelihood=25,
            seen=f"it differs from hosts.yaml: {', '.join(names)}",
            remedy=f"see `fab -H {case.node.name} plan`, then deploy",
        )


def left(case: Case) -> Findings:
    if case.runs and case.membership and case.membership.state == "left":
        yield Finding(
            topic="membership",
            likelihood=50,
            seen=f"{case.manager.name} saw it leave while it runs: the connection between them"
            " broke, or one of them hung",
            remedy=f"`fab -H {case.node.name} restart` makes it join again",
        )
