"""`python -m lab up|down|status [NAME]`: the lab by hand."""

from __future__ import annotations

import argparse
import sys

from lab import Lab, LabError, down, find, up


def main() -> int:
    """Do what the command line says; return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m lab", description=__doc__)
    parser.add_argument("verb", choices=("up", "down", "status"))
    parser.add_argument("name", nargs="?", default="demo")
    parser.add_argument(
        "--extras", action="store_true", help="add the hosts legacy, plain, systemd and haproxy"
    )
    asked = parser.parse_args()
    try:
        if asked.verb == "up":
            show(up(asked.name, extras=asked.extras))
        elif asked.verb == "down":
            down(asked.name)
        else:
            lab = find(asked.name)
            if lab is None:
                print(f"the lab {asked.name!r} is not up")
                return 1
            show(lab)
    except LabError as error:
        print(f"lab: {error}", file=sys.stderr)
        return 1
    return 0


def show(lab: Lab) -> None:
    """Print each host with its address and the command that opens a shell on it."""
    options = f"-i {lab.identity} -o UserKnownHostsFile={lab.known_hosts}"
    for host in lab.hosts.values():
        login = f"ssh {options} -p {host.ssh_port} deploy@127.0.0.1"
        print(f"{host.name:8} {host.address:15} {login}")


sys.exit(main())
