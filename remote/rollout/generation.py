"""The generation that a swap is to leave behind: its name, and what the history tells of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta

from carbon.cluster import Cluster
from carbon.home.facts import Generation
from carbon.plan.history import changed_names, was_alone
from carbon.plan.model import Plan
from carbon.value import Value
from remote.host.audit import utc_now, who

_TIME = "%Y%m%dT%H%M%SZ"


def generation_id(run: str, generations: Iterable[Generation] = ()) -> str:
    """Return the name of this run's generation.

    Names sort by time, and this one after those that are there: a rollback takes the last, even
    if two swaps fall into one second, or came from operators whose clocks differ.
    """
    at = datetime.now(UTC).replace(microsecond=0)
    for generation in generations:
        with suppress(ValueError):
            time = datetime.strptime(generation.id.partition("-")[0], _TIME).replace(tzinfo=UTC)
            at = max(at, time + timedelta(seconds=1))
    return f"{at:{_TIME}}-{run}"


class NewGeneration(Value, kw_only=True):
    """The generation that a swap is to make: its name, and what the history tells of it."""

    id: str
    meta: str


def new_generation(plan: Plan, *, cluster: Cluster, verb: str, run: str) -> NewGeneration:
    """Name the generation of one swap; staging and swap are given the same.

    It tells the time of the staging: the same, but for a second, on all servers of a run.
    """
    return NewGeneration(
        id=generation_id(run, plan.facts.generations),
        meta="\n".join(_meta(plan, cluster=cluster, verb=verb)),
    )


def _meta(plan: Plan, *, cluster: Cluster, verb: str) -> Iterator[str]:
    yield f"when={utc_now()}"
    yield f"who={who()}"
    yield f"verb={verb}"
    yield f"inventory={cluster.digest[:12]}"
    if plan.undo:
        yield f"undoes={' '.join(plan.undo)}"
    if names := changed_names(plan):
        yield f"files={names}"
    if was_alone(plan):
        yield "member=no"
