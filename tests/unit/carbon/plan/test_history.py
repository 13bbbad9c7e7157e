"""What a rollback rolls back."""

from __future__ import annotations

from pathlib import PurePosixPath

import pytest

from carbon.errors import UnfitError
from carbon.home import layout
from carbon.home.facts import Generation
from carbon.plan.history import changed_names, to_undo, was_alone
from carbon.plan.model import FileChange, Plan
from carbon.plan.plan import plan_rollback
from tests.unit.carbon.looks import axis2, make_facts
from tests.unit.carbon.nodes import make_node


def generation(day: int, outcome: str = "", **meta: str) -> Generation:
    return Generation(
        id=f"2026010{day}T000000Z-ab", meta=meta | ({"outcome": outcome} if outcome else {})
    )


def ids(*days: int) -> tuple[str, ...]:
    return tuple(f"2026010{day}T000000Z-ab" for day in days)


def test_a_rollback_returns_to_the_last_state_that_joined() -> None:
    """Two deploys failed one after the other: the state between them never served anybody."""
    kept = [generation(1, "joined"), generation(2, "failed"), generation(3, "failed")]
    assert to_undo(kept) == ids(3, 2)


def test_a_deploy_that_joined_is_rolled_back_alone() -> None:
    assert to_undo([generation(1, "joined"), generation(2, "joined")]) == ids(2)


def test_a_deploy_whose_outcome_is_not_known_is_a_state_to_return_to() -> None:
    """As those are that an earlier version of this tool kept."""
    assert to_undo([generation(1), generation(2), generation(3, "failed")]) == ids(3)


def test_what_was_rolled_back_already_is_no_state_to_return_to() -> None:
    kept = [generation(1, "joined"), generation(2, "failed"), generation(3, undoes=ids(2)[0])]
    assert to_undo(kept) == ()


def plan_of(*paths: PurePosixPath, enable: str = "true") -> Plan:
    old = axis2(enable=enable).encode()
    files = tuple(FileChange(path=path, old=old, new=b"") for path in paths)
    return Plan(node=make_node(), facts=make_facts(), files=files)


def test_a_generation_names_which_files_changed_in_a_few_words() -> None:
    two = plan_of(layout.AXIS2, layout.CARBON_XML)
    assert changed_names(two) == "axis2.xml, carbon.xml"
    more = (layout.CATALINA, layout.DATASOURCES, layout.CONF / "registry.xml")
    assert changed_names(plan_of(layout.AXIS2, layout.CARBON_XML, *more)) == (
        "axis2.xml, carbon.xml, catalina-server.xml and 2 more"
    )
    assert changed_names(plan_of()) == ""


def test_a_deploy_of_a_server_that_was_in_no_cluster_is_marked() -> None:
    assert was_alone(plan_of(layout.AXIS2, enable="false"))
    assert not was_alone(plan_of(layout.AXIS2))
    assert not was_alone(plan_of(layout.CARBON_XML, enable="false"))


def test_a_rollback_to_before_the_first_deploy_is_refused_with_a_way_on() -> None:
    """It would stop a member, start a server of no cluster and wait for a join that cannot come."""
    kept = (generation(1, "joined", member="no"), generation(2, "joined"))
    assert plan_rollback(make_node(), make_facts(generations=kept)).undo == ids(2)
    with pytest.raises(UnfitError, match="it was in no cluster") as caught:
        plan_rollback(make_node(), make_facts(generations=kept), to=ids(1)[0])
    assert caught.value.code == "rollback-leaves-cluster"
    assert "--to" in caught.value.action and "fab -H worker1 remove" in caught.value.action


def test_a_rollback_to_before_the_first_deploy_that_was_interrupted_goes_on() -> None:
    begun = generation(2, undoes=ids(1)[0])
    facts = make_facts(generations=(generation(1, member="no"), begun), journal=begun.id)
    assert plan_rollback(make_node(), facts).undo == ids(1)
