"""What README and docs show as output is what the commands print."""

from __future__ import annotations

from tests.lab.conftest import NAME
from tests.samples import comparable, rerun_all


def test_the_samples_in_readme_and_docs_are_real() -> None:
    """If this fails because the output is better now: `make samples` writes the pages anew."""
    for path, shown, printed in rerun_all(f"{NAME}s"):
        assert comparable(shown) == comparable(printed), path.name
