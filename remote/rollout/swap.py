"""Swap: put the staged files in place, and keep what they replace."""

from __future__ import annotations

from collections.abc import Iterator

from carbon.artifacts.show import names_of
from carbon.cluster import Node
from carbon.plan.model import Plan
from remote.host.host import Host
from remote.host.script import Script
from remote.rollout.generation import NewGeneration


def swap_script(
    host: Host[Node],
    plan: Plan,
    *,
    generation: NewGeneration,
    keep_generations: int,
    down: bool = False,
) -> Script:
    """Return what puts the staged files in place, keeping what they replace.

    `down` insists that the server does not run. It goes on to its end if the
    client is lost: the server itself sets no limit.
    """
    server_mode = plan.facts.deployment_mode
    return host.script(
        "swap",
        before=("keep",),
        limited=False,
        generation=generation.id,
        meta=generation.meta,
        undo=list(plan.undo),
        remove=[str(path) for path in plan.removed],
        narrow=[str(path) for path in plan.narrowed],
        mark="yes" if not down and any(change.removed for change in plan.restarting) else "no",
        reset="yes" if plan.reset else "no",
        server_mode="" if server_mode is None else f"{server_mode:o}",
        down="yes" if down else "no",
        keep=keep_generations,
    )


def swapped_parts(plan: Plan) -> Iterator[str]:
    """Yield what a swap changed, a few words each."""
    if plan.driver:
        yield "driver"
    if plan.files:
        yield "config: " + ", ".join(change.path.name for change in plan.files)
    if plan.artifacts:
        yield "artifacts: " + names_of(plan.artifacts)
    if plan.modes:
        yield "modes: " + ", ".join(path.name for path in plan.modes)
    if plan.reset:
        yield "deployment directory reset"
    if plan.undo:
        yield f"took back {' '.join(plan.undo)}"
    if plan.finish_swap and not (plan.files or plan.modes or plan.driver or plan.artifacts):
        yield "interrupted run completed"


def swap(host: Host[Node], script: Script) -> None:
    """Run a swap that no start follows. Raises ScriptError, UnfitError."""
    host.run(script, step="swap")
