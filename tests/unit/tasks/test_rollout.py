"""After a rollout that did not end: what to run for the servers that are left."""

from __future__ import annotations

import pytest

from carbon.errors import Interrupted, ProvisionError
from carbon.plan.model import Options, Plan, Restarts
from remote.rollout.request import Request, Result, Rollout
from tasks.rollout import _rest
from tests.unit.carbon.looks import make_facts
from tests.unit.carbon.nodes import make_node

NODES = tuple(make_node(f"worker{number}") for number in (1, 2, 3))


def rollout(error: ProvisionError) -> Rollout:
    """Return one in which the first is done, the second failed and the third was not reached."""
    plans = [Plan(node=node, facts=make_facts(), start=True) for node in NODES]
    return Rollout(
        results=(
            Result(plan=plans[0], changed=("restarted",)),
            Result(plan=plans[1], error=error),
            Result(plan=plans[2], reached=False),
        )
    )


def rest(verb: str, restart: Restarts, error: ProvisionError) -> str:
    request = Request(nodes=NODES, options=Options(restart=restart), verb=verb)
    return _rest(request, rollout(error))


@pytest.mark.parametrize(
    ("verb", "restart", "command"),
    [
        ("restart", "always", "fab -H worker2,worker3 restart"),
        ("rollback", "needed", "fab -H worker2,worker3 rollback"),
        ("deploy", "always", "fab -H worker2,worker3 deploy --force"),
        ("deploy", "needed", ""),
    ],
)
def test_a_verb_that_would_do_again_what_is_done_names_the_command_for_the_rest(
    verb: str, restart: Restarts, command: str
) -> None:
    assert rest(verb, restart, ProvisionError("it failed")) == command


def test_after_an_interruption_the_error_itself_names_it() -> None:
    """The same command would restart again what it had restarted."""
    error = Interrupted("stopped here", action="run the same command again to go on from here")
    assert rest("restart", "always", error) == ""
    assert error.action == "go on from here with `fab -H worker2,worker3 restart`"
