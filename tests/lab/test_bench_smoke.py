"""The benchmark still works: its hosts, the stub, the floors, and the judgement of each run."""

from __future__ import annotations

import pytest

from benchmarks import measure, state
from benchmarks.job import prepare
from benchmarks.results import Results
from benchmarks.site import site
from benchmarks.tools import BARE, EQUIVALENT, OURS

pytestmark = pytest.mark.lab


def test_ours_and_both_floors_end_in_the_same_state_cold_and_again() -> None:
    """A run counts only where every host is as it must be, so counted runs are the proof."""
    results = Results.begin([OURS, BARE, EQUIVALENT])

    measure.smoke(results, say=print)

    counted = {(run.tool, run.kind) for run in results.runs}
    assert counted == {
        (name, kind) for name in ("ours", "bare", "equivalent") for kind in ("cold", "no-op")
    }
    assert all(0 < run.cpu_seconds < run.seconds * 4 for run in results.runs)


def test_a_run_that_left_a_host_as_it_was_does_not_count() -> None:
    """Without any tool at work, the judgement names what is missing."""
    with site("smoke-judge", workers=1) as one:
        job = prepare(one)
        state.reset(one)
        with pytest.raises(state.WrongState, match="worker1: wrong files"):
            state.judge(job, state.look(one))
