"""What has to change so that systemd starts a server: its unit, and that it is enabled."""

from __future__ import annotations

from pathlib import PurePosixPath

from carbon.cluster import Node
from carbon.home.facts import ServerFacts
from carbon.service.unit import is_ours, unit_file, unit_text
from carbon.value import Value


class UnitPlan(Value, kw_only=True):
    """What will be done about a node's unit."""

    unit: str
    file: PurePosixPath
    old: bytes | None
    new: bytes | None
    """None: the unit is somebody else's, and its file stays as it is."""
    enable: bool

    @property
    def writes(self) -> bool:
        """The file will be replaced."""
        return self.new is not None and self.new != self.old


def plan_unit(node: Node, facts: ServerFacts) -> UnitPlan | None:
    """Return what has to be done about the unit that hosts.yaml names; None: nothing.

    A unit that somebody else wrote is adopted as it is: `judge` tells what is wrong with it.
    """
    if node.service is None or facts.unit is None or not facts.systemd:
        return None
    unit = facts.unit
    foreign = unit.is_there and not is_ours(unit.text)
    plan = UnitPlan(
        unit=unit.name,
        file=unit_file(unit.name),
        old=unit.text if unit.is_there else None,
        new=None if foreign else unit_text(node, facts),
        enable=not unit.starts_at_boot,
    )
    return plan if plan.writes or plan.enable or unit.stale else None


def why_not_by_unit(node: Node, facts: ServerFacts) -> str:
    """Say why a running server has to be started again for its unit; empty if it need not."""
    if node.service is None or facts.process is None:
        return ""
    if facts.process.unit != node.service.unit:
        return f"it does not run under {node.service.unit}"
    plan = plan_unit(node, facts)
    return "its unit changes" if plan and plan.writes else ""
