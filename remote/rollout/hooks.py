"""The operator's own commands at named points of a rollout."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from carbon.cluster import Cluster, Node
from carbon.errors import ProvisionError
from remote.local.environment import cleaner, node_variables
from remote.local.failure import refuse_forbidden
from remote.local.runner import ROLLOUT, Runner
from remote.run.progress import Progress


class HookRunner:
    """Runs the hooks of hosts.yaml; each does nothing if there is none for its point."""

    def __init__(
        self,
        cluster: Cluster,
        nodes: Sequence[Node],
        *,
        verb: str,
        run: str,
        progress: Progress,
    ) -> None:
        """`nodes` are those that the rollout changes."""
        self._cluster = cluster
        self._nodes = nodes
        self._progress = progress
        self._runner = Runner(cluster, verb=verb, run=run, progress=progress)
        self._has_begun = False
        """The rollout has come to its first hook, whether there is one or not."""

    def demand_allowed(self) -> None:
        """Raise UsageError if hosts.yaml has hooks, and `--no-commands` was given."""
        for hooks in (self._cluster.hooks, *(node.hooks for node in self._nodes)):
            for point, command in hooks.by_point.items():
                refuse_forbidden(f"hooks: {point}", command)

    def before_rollout(self) -> None:
        """Run it before anything is staged. Raises ScriptError, TimeLimitError, Interrupted."""
        self._has_begun = True
        self._demand(
            "before_rollout",
            action="nothing was touched: mend the hook, or what it refuses, and run the same"
            " command again",
        )

    def before_stop(self, node: Node) -> None:
        """Run it before a server that runs is taken out. Raises as `before_rollout` does."""
        self._demand(
            "before_stop",
            node,
            action=f"{node.name} was not touched: mend the hook, or what it refuses, and run the"
            " same command again",
        )

    def after_join(self, node: Node) -> None:
        """Run it when a server has joined. Raises as `before_rollout` does."""
        self._demand(
            "after_join",
            node,
            action=f"{node.name} runs and has joined, and is not put back into rotation: mend what"
            f" the hook refuses; `fab -H {node.name} deploy` runs it again and goes on",
        )

    def conclude(self, failure: ProvisionError | None) -> ProvisionError | None:
        """Run after_rollout, or on_failure after a failure; return the error of the former."""
        if not self._has_begun:
            return None
        error = None
        if failure is None:
            action = "all servers are done: do by hand what the hook should have done"
            try:
                self._demand("after_rollout", action=action)
            except ProvisionError as after:
                error = failure = after
        if failure is not None:
            self._on_failure(failure)
        return error

    def _on_failure(self, error: ProvisionError) -> None:
        """Run it; its own failure is said, and hides nothing."""
        node = next((node for node in self._nodes if node.name == error.host), None)
        variables = {
            "PROVISION_CODE": error.code,
            "PROVISION_STEP": error.step or "",
            "PROVISION_SEEN": cleaner(self._cluster)(error.headline),
        }
        try:
            self._demand("on_failure", node, variables=variables)
        except ProvisionError as failure:
            name = node.name if node else ROLLOUT
            self._progress.say(name, f"on_failure failed, too: {failure.seen}")

    def _demand(
        self,
        point: str,
        node: Node | None = None,
        *,
        variables: Mapping[str, str] = MappingProxyType({}),
        action: str = "",
    ) -> None:
        """Run the hook of a node or of the rollout, if there is one; it has to end well."""
        command = (node.hooks if node else self._cluster.hooks).by_point.get(point)
        if command is None:
            return
        name = node.name if node else ROLLOUT
        names = {"PROVISION_NODES": ",".join(node.name for node in self._nodes)}
        seconds = self._runner.demand(
            point,
            command,
            name=name,
            variables={**names, **(node_variables(node) if node else {}), **variables},
            action=action,
            code="hook",
            # On_failure is what tells of the interruption, too: only a second Ctrl-C ends it.
            heeds_interrupt=point != "on_failure",
        )
        self._progress.say(name, f"hook {point}: done, after {seconds:.1f} s")
