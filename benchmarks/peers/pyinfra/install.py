"""The pack, as a pyinfra user would bring it: the archive is put there, and tar unpacks it."""

import os
from pathlib import Path

from pyinfra import host
from pyinfra.operations import files, server

PACK = Path(os.environ["BENCH_PACK"])
HOME = os.environ["BENCH_HOME"]

if host.name != "manager":
    files.put(name="Archive", src=str(PACK), dest=f"/tmp/{PACK.name}")
    server.shell(
        name="Unpack",
        commands=[
            f"mkdir -p {HOME} && tar -C {HOME} --strip-components=1 -xzf /tmp/{PACK.name}"
            f" && rm /tmp/{PACK.name}"
        ],
    )
