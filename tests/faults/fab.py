"""Run `fab` with faults in its connections, as PROVISION_FAULT and PROVISION_FAULT_LOG ask for.

The product knows nothing of faults: this program is `fab`, but for the object that opens servers.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from fabric.main import program

from tasks import session
from tests.faults.injector import FaultyOpener


def install() -> None:
    """Let every session of this process open its servers through the faults."""
    session.make_opener = lambda connector: FaultyOpener(connector, os.environ)


if __name__ == "__main__":
    install()
    program.run()
