"""A sample of `make faults`: each kind of fault, somewhere in each command, breaks nothing."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from lab import Lab
from tests.faults.client import Client
from tests.faults.matrix import Matrix
from tests.faults.points import ANY_FAULTS, DISK_FAULTS
from tests.faults.scenarios import ALL, Scenario, Stage
from tests.faults.site import site

KINDS = {*ANY_FAULTS, "kill", *DISK_FAULTS}
"""The connection is cut, the client killed, the script killed, the disk full or read-only."""


@pytest.fixture(scope="module")
def matrix(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Matrix]:
    """The lab's hosts with an AS_HOME set apart, and the states that the commands begin from."""
    folder = tmp_path_factory.mktemp("faults")
    client = Client(folder)
    with site(lab, folder) as made:
        stage = Stage(made, client)
        stage.prepare()
        yield Matrix(made, stage, folder, print)


WHOLE = [one for one in ALL if not one.focus]


@pytest.mark.parametrize("scenario", WHOLE, ids=lambda one: one.name.replace(" ", "-"))
def test_a_fault_leaves_each_server_as_it_was_or_as_it_should_be(
    matrix: Matrix, scenario: Scenario
) -> None:
    """And the plain run again ends as it should."""
    outcome = matrix.run(scenario, sample=len(KINDS))
    assert {fault.what for fault in outcome.injected} == KINDS
    told = [f"{one.fault}: {one.seen}\n{one.said}" for one in outcome.broken]
    assert not told, "\n".join(told)
