"""Which generations a rollback undoes: pure, from the list that a server keeps."""

from __future__ import annotations

from collections.abc import Sequence

from carbon.errors import UsageError
from carbon.facts import Generation


def undone(generations: Sequence[Generation]) -> frozenset[str]:
    """Return the ids of generations that a later rollback has taken back."""
    return frozenset(
        identity for one in generations for identity in one.meta.get("undoes", "").split()
    )


def to_undo(
    generations: Sequence[Generation], *, journal: str | None = None, to: str | None = None
) -> tuple[str, ...]:
    """Return what to take back, newest first: the last deploy, or all since and with `to`.

    A rollback that was interrupted (its journal is open) goes on with what it had begun.
    Raises UsageError where there is nothing to return to, or `to` is not known.
    """
    begun = next((one for one in generations if one.id == journal), None)
    if begun is not None and begun.meta.get("undoes"):
        return tuple(begun.meta["undoes"].split())
    gone = undone(generations)
    left = sorted(
        (one.id for one in generations if one.id not in gone and not one.meta.get("undoes")),
        reverse=True,
    )
    if to is None:
        if not left:
            raise UsageError(
                "no generation is kept that a rollback could return to",
                action="see `fab history`; keep_generations in hosts.yaml bounds them",
            )
        return (left[0],)
    if to not in left:
        known = ", ".join(left) or "none"
        raise UsageError(
            f"no generation {to} can be taken back", action=f"known, newest first: {known}"
        )
    return tuple(left[: left.index(to) + 1])
