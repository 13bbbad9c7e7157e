"""What generations keep, and which of them a rollback undoes; pure."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import takewhile

from carbon.errors import UsageError
from carbon.home import layout
from carbon.home.facts import Generation
from carbon.plan.model import Plan, clustering_in
from carbon.text import some_of

_SHOWN_NAMES = 3


def changed_names(plan: Plan) -> str:
    """Return the names of the files that a deploy changes or takes away, in one short line."""
    paths = [change.path for change in plan.files]
    paths += [change.path for change in plan.artifacts]
    paths += [path for path in (plan.upload, *plan.removed) if path is not None]
    names = list(dict.fromkeys("".join(filter(str.isprintable, path.name)) for path in paths))
    return some_of(names, at_most=_SHOWN_NAMES)


def was_alone(plan: Plan) -> bool:
    """Tell whether a deploy makes a member of a server that was in no cluster before."""
    for change in plan.files:
        if change.path == layout.AXIS2 and (axis2 := clustering_in(change.old)):
            return not axis2.enabled
    return False


def undone(generations: Sequence[Generation]) -> frozenset[str]:
    """Return the ids of generations that a later rollback has taken back."""
    return frozenset(
        identity for each in generations for identity in each.meta.get("undoes", "").split()
    )


def to_undo(
    generations: Sequence[Generation], *, journal: str | None = None, to: str | None = None
) -> tuple[str, ...]:
    """Return what to roll back, newest first: the last deploy, or all since and with `to`.

    Deploys before the last one go with it if their servers failed to start or to join: a rollback
    returns to the last state that joined. Nothing if that is rolled back already, so that a
    rollback over several servers can be run again after it was interrupted. One whose journal is
    open goes on with what it had begun; the journal of a deploy names what is to be rolled back,
    even if nothing else says so yet.
    Raises UsageError if there is nothing to return to, or `to` is not known.
    """
    begun = next((generation for generation in generations if generation.id == journal), None)
    if begun is not None and begun.meta.get("undoes"):
        return _go_on(begun, to)
    gone = undone(generations)
    known = {generation.id for generation in generations if not generation.meta.get("undoes")}
    if journal is not None:
        known.add(journal)
    left = sorted(known - gone, reverse=True)
    if to is None:
        newest = max((*known, *(generation.id for generation in generations)), default=None)
        if newest is None:
            raise UsageError(
                "no generation is kept that a rollback could return to",
                action="see `fab history`; keep_generations in hosts.yaml bounds them",
            )
        failed = {each.id for each in generations if each.meta.get("outcome") == "failed"}
        return (left[0], *takewhile(failed.__contains__, left[1:])) if newest in left else ()
    if to not in known:
        raise UsageError(
            f"no generation {to} can be taken back",
            action=f"known, newest first: {', '.join(left) or 'none'}",
        )
    return tuple(generation for generation in left if generation >= to)


def _go_on(begun: Generation, to: str | None) -> tuple[str, ...]:
    undoes = tuple(begun.meta["undoes"].split())
    if to is not None and to != undoes[-1]:
        raise UsageError(
            f"a rollback to before {undoes[-1]} was interrupted, and has to be completed first",
            action="run `fab rollback` without --to, then this again",
        )
    return undoes
