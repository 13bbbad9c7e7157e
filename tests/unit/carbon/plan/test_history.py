"""What a rollback rolls back."""

from __future__ import annotations

from carbon.home.facts import Generation
from carbon.plan.history import to_undo


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
