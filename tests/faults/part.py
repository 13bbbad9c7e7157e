"""One process's share of the matrix."""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import lab
from tests.faults.client import Client
from tests.faults.matrix import Matrix, Outcome
from tests.faults.scenarios import ALL, Stage
from tests.faults.site import site


def inject(asked: argparse.Namespace, part: tuple[int, int]) -> list[Outcome]:
    """Inject one part of the faults, on a lab of its own.

    Here, not in __main__, since a process that is started for it has to find it.
    """
    name = f"{asked.lab}{part[0]}"
    hosts = lab.up(name)
    try:
        return _matrix(hosts, asked, part)
    finally:
        if not asked.keep:
            lab.down(name)


def _matrix(hosts: lab.Lab, asked: argparse.Namespace, part: tuple[int, int]) -> list[Outcome]:
    chosen = [one for one in ALL if not asked.command or one.name in asked.command]
    with tempfile.TemporaryDirectory(prefix="provision-faults-") as name:
        folder = Path(name)
        client = Client(folder)
        with site(hosts, folder) as made:
            stage = Stage(made, client)
            stage.prepare()
            matrix = Matrix(made, stage, folder, _tell)
            return [
                matrix.run(scenario, sample=asked.sample, only=asked.only, part=part)
                for scenario in chosen
            ]


def _tell(text: str) -> None:
    print(text, flush=True)
