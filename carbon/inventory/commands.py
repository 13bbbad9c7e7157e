"""Commands of the operator in hosts.yaml: hooks, and a load balancer that is not nginx."""

from __future__ import annotations

from carbon.cluster import BalancerCommands, Hooks, LocalCommand
from carbon.inventory.nodes import MapNode, Node
from carbon.inventory.reading import Key, Record, Scalar
from carbon.inventory.values import Unfit, seconds


def command(text: str) -> str:
    """Check a command for `sh -c`; it may have several lines."""
    if not text.strip() or not text.replace("\n", "").replace("\t", "").isprintable():
        raise Unfit("is empty or holds a control character", "write a command for the shell")
    return text.strip("\n")


COMMAND = Scalar(command, echo=False)
LOCAL_COMMAND = Record(
    LocalCommand,
    {
        "run": Key(COMMAND, "text", required=True),
        "within": Key(Scalar(seconds), "within_seconds"),
    },
)


def local_command(node: Node) -> LocalCommand:
    """Read a command of the operator: a text, or a mapping with its time limit."""
    if isinstance(node, MapNode):
        return LOCAL_COMMAND(node, allowed=node.source.commands)
    return LocalCommand(text=COMMAND(node), allowed=node.source.commands)


ROLLOUT_HOOKS = ("before_rollout", "after_rollout")
"""Of the rollout as a whole, and of no node."""
HOOKS = Record(
    Hooks,
    {
        name: Key(local_command, name)
        for name in ("before_rollout", "before_stop", "after_join", "after_rollout", "on_failure")
    },
)
COMMAND_KEYS = {name: Key(local_command, name) for name in ("take_out", "put_back", "state")}
BALANCER_COMMANDS = Record(
    BalancerCommands,
    {name: key._replace(required=name != "state") for name, key in COMMAND_KEYS.items()},
)


def refuse_rollout_hooks(own: MapNode) -> None:
    """Refuse, at a node, the hooks of the rollout as a whole."""
    hooks = own.get("hooks")
    for name in ROLLOUT_HOOKS:
        if isinstance(hooks, MapNode) and (hook := hooks.get(name)):
            raise hook.error(
                "is a hook of the rollout as a whole", action="put it under `cluster: hooks:`"
            )
